"""Reading a file that may be packed with gzip, with an end to how much it may hold.

A small file can unpack to any size (a "zip bomb"), so nothing is unpacked beyond the limit.
"""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO

from chainrule.core.errors import ChainruleError, DataError, TooLargeError

__all__ = ["read_packed", "unpack"]

_GZIP = b"\x1f\x8b"
_INSTEAD = "split it, or pass only the part you need"
_PIECE = 1 << 20  # bytes at a time: a file of a few lines should not ask for memory for the largest one


def read_packed(path: str | Path, *, limit: int, what: str = "data file", instead: str = _INSTEAD) -> bytes:
    """What is in a file, unpacked if it is gzip (by its first bytes, whatever its name says).

    ``what`` it should be, and what to do ``instead`` where it is too large, is said in messages.  Raises ``DataError`` where the file is missing, cannot be read or is
    damaged, and ``TooLargeError`` above ``limit`` bytes, before more than that is read or unpacked.
    """
    try:
        with open(path, "rb") as file:
            return _unpacked(file, str(path), limit, instead)
    except FileNotFoundError as e:
        raise DataError(f"there is no file {path}; give the path of a {what}") from e
    except ChainruleError:
        raise
    except (OSError, ValueError) as e:
        raise DataError(
            f"cannot read {path} ({getattr(e, 'strerror', None) or e}); give a file that you may read"
        ) from e


def unpack(content: bytes, name: str, *, limit: int) -> bytes:
    """``content`` unpacked if it is gzip, else as it is; at most ``limit`` bytes.

    Raises ``DataError`` where it is damaged or cut short, ``TooLargeError`` above the limit.

    >>> unpack(gzip.compress(b"rows"), "a.gz", limit=4), unpack(b"rows", "a", limit=4)
    (b'rows', b'rows')
    """
    return _unpacked(io.BytesIO(content), name, limit, _INSTEAD)


def _unpacked(file: BinaryIO, name: str, limit: int, instead: str) -> bytes:
    packed = file.read(2) == _GZIP
    file.seek(0)
    source = gzip.GzipFile(fileobj=file) if packed else file
    content = bytearray()
    try:
        while len(content) <= limit and (piece := source.read(min(_PIECE, limit + 1 - len(content)))):
            content += piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise DataError(f"{name} is a damaged or truncated gzip file ({e}); get it again") from e
    if len(content) > limit:
        raise TooLargeError(f"{name} holds more than {limit:,} bytes; {instead}")
    return bytes(content)
