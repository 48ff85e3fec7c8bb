"""Whole numbers and parts of known length in a stream of bytes, read with a clear error where it ends too early."""

from __future__ import annotations

import zlib

from chainrule.core.errors import DataError

__all__ = ["Reader", "checked", "sealed", "varint"]

_CRC = 4  # bytes


def varint(n: int) -> bytes:
    """``n`` in seven bits a byte, lowest first; the highest bit of a byte says that more follow.

    >>> varint(5), varint(300)
    (b'\\x05', b'\\xac\\x02')
    """
    out = bytearray()
    while n >= 128:
        out.append(n % 128 + 128)
        n //= 128
    out.append(n)
    return bytes(out)


def sealed(mark: bytes, content: bytes) -> bytes:
    """``content`` behind the ``mark`` of a format and a checksum (CRC-32)."""
    return mark + zlib.crc32(content).to_bytes(_CRC, "little") + content


def checked(mark: bytes, whole: bytes, otherwise: str) -> Reader:
    """What ``sealed`` has put behind ``mark``; ``DataError`` where there is another mark or the checksum differs.

    >>> checked(b"X1", sealed(b"X1", b"ab"), "these bytes are no X").take(2)
    b'ab'
    """
    if whole[: len(mark)] != mark:
        raise DataError(f"{otherwise} (or by another version of it)")
    content = whole[len(mark) + _CRC :]
    if zlib.crc32(content).to_bytes(_CRC, "little") != whole[len(mark) : len(mark) + _CRC]:
        raise _cut()
    return Reader(content)


class Reader:
    """Bytes, read from the beginning; ``DataError`` where there are fewer than asked for.

    >>> reader = Reader(varint(300) + b"ab")
    >>> reader.varint(), reader.take(2)
    (300, b'ab')
    """

    def __init__(self, content: bytes) -> None:
        self._content, self._at = memoryview(content), 0

    def take(self, n: int) -> bytes:
        """The next n bytes."""
        if n > len(self._content) - self._at:
            raise _cut()
        self._at += n
        return bytes(self._content[self._at - n : self._at])

    def varint(self) -> int:
        """The next number that ``varint`` wrote, below 2^63."""
        out, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            out |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return out
            if shift > 56:
                raise _cut()

    def part(self) -> bytes:
        """The next bytes, whose number comes before them."""
        return self.take(self.varint())

    def words(self) -> bytes:
        """All that is left, in words of four bytes."""
        left = len(self._content) - self._at
        if left % 4:
            raise _cut()
        return self.take(left)


def _cut() -> DataError:
    return DataError("the compressed bytes are cut off or damaged; compress again")
