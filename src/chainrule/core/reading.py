"""Reading a file whole, unpacked where it is gzip, and never more than is sensible."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from pathlib import Path
from typing import Any

from chainrule.core.errors import DataError, TooLargeError
from chainrule.core.files import file_to_read, shown_path

__all__ = ["MAX_BYTES", "parse_json", "read_bytes", "unzip"]

MAX_BYTES = 2 << 30  # more than this in one file is a mistake or an attack (a "zip bomb")
_GZIP = b"\x1f\x8b"
_PIECE = 1 << 20  # bytes at a time: a file of a few lines should not ask for memory for the largest one
_INSTEAD = "split it, or pass only the part you need"


def read_bytes(
    path: str | Path, *, limit: int = MAX_BYTES, what: str = "a data file", instead: str = _INSTEAD
) -> bytes:
    """What is in the file, unzipped if it is gzip (by its first bytes, whatever its name says).

    Raises ``InputError`` for what is no path, ``DataError`` where the file is missing, unreadable, damaged or not
    regular, and ``TooLargeError`` above ``limit`` bytes, before more than that is read or unpacked.  ``what`` and
    ``instead`` are words of the messages: what the path should be of, and what to do with a larger one.
    """
    path = file_to_read(path, what)
    try:
        with open(path, "rb") as file:
            if file.peek(2)[:2] == _GZIP:
                return _unzipped(file, str(path), limit, instead)
            return _up_to(file, str(path), limit, instead)
    except OSError as e:
        raise DataError(
            f"cannot read {shown_path(path)} ({e.strerror or e}); give a file that you may read"
        ) from e


def unzip(content: bytes, name: str, *, limit: int = MAX_BYTES) -> bytes:
    """``content`` decompressed if it is gzip, else as it is; at most ``limit`` bytes.

    Raises ``DataError`` where it is damaged or cut short, ``TooLargeError`` above the limit.

    >>> unzip(gzip.compress(b"rows"), "a.gz"), unzip(b"rows", "a")
    (b'rows', b'rows')
    """
    read = _unzipped if content[:2] == _GZIP else _up_to
    return read(io.BytesIO(content), name, limit, _INSTEAD)


def _unzipped(file: Any, name: str, limit: int, instead: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            return _up_to(unpacked, name, limit, instead)
    except (EOFError, gzip.BadGzipFile, zlib.error) as e:
        raise DataError(f"{name} is a damaged gzip file ({e}); get it again") from e


def _up_to(file: Any, name: str, limit: int, instead: str) -> bytes:
    content = bytearray()
    while piece := file.read(_PIECE):
        content += piece
        if len(content) > limit:
            raise TooLargeError(f"{name} holds more than {limit:,} bytes; {instead}")
    return bytes(content)


def parse_json(text: str | bytes) -> Any:
    """What a JSON text says; ``ValueError`` where it is none, or nests more deeply than anything of ours.

    >>> parse_json("[" * 100_000)
    Traceback (most recent call last):
    ValueError: it nests too deeply
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it nests too deeply") from None
