"""Whole numbers and parts of known length in a stream of bytes, read with a clear error where it ends too early."""

from __future__ import annotations

import zlib

from chainrule.core.errors import DataError

__all__ = ["Reader", "varint"]


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

    def inflated(self, size: int, most: int) -> bytes:
        """The next ``size`` bytes, which zlib has packed, unpacked to at most ``most``."""
        try:
            return zlib.decompressobj().decompress(self.take(size), most)
        except zlib.error as e:
            raise _cut() from e

    @property
    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._content)


def _cut() -> DataError:
    return DataError("the compressed bytes are cut off or damaged; compress again")
