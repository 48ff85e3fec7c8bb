"""A file's text: plain or gzip, and what can be wrong with it."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from chainrule.core.errors import DataError, InputError, TooLargeError
from chainrule.graphs.formats.scanner import MOST_CHARACTERS

__all__ = ["check_path", "read_text"]

_GZIP = b"\x1f\x8b"
_PIECE = 1 << 20  # bytes at a time: a file of a few lines should not ask for memory for the largest one


def check_path(path: object) -> None:
    """``InputError`` for what is no path."""
    if not isinstance(path, (str, Path)):
        raise InputError(f"a path is a string or a Path; got {type(path).__name__}")


def read_text(path: str | Path) -> str:
    """The text (UTF-8) of a file that may be compressed with gzip, whatever its suffix.

    Raises ``DataError`` where the file is missing, damaged or not text, and ``TooLargeError`` above a
    hundred million bytes, before more than that is read or unpacked.
    """
    check_path(path)
    try:
        with open(path, "rb") as file:
            packed = file.peek(2)[:2] == _GZIP
            source = gzip.GzipFile(fileobj=file) if packed else file
            content = bytearray()
            while len(content) <= MOST_CHARACTERS and (piece := source.read(_PIECE)):
                content += piece
    except FileNotFoundError as e:
        raise DataError(f"there is no file {path}; give the path of a graph") from e
    except (EOFError, zlib.error, gzip.BadGzipFile) as e:
        raise DataError(f"{path} is a damaged gzip file ({e}); get it again") from e
    except (OSError, ValueError) as e:
        raise DataError(f"cannot read {path} ({getattr(e, 'strerror', None) or e}); check the path") from e
    if len(content) > MOST_CHARACTERS:
        raise TooLargeError(
            f"{path} holds more than {MOST_CHARACTERS:,} bytes; pass the edges as pairs instead"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise DataError(f"{path} is not UTF-8 text (at byte {e.start}); save it as UTF-8") from e
    if "\0" in text:
        raise DataError(f"{path} is a binary file (it has null bytes); give a graph as text")
    return text
