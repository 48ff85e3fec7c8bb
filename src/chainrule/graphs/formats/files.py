"""A file's text: plain or gzip, and what can be wrong with it."""

from __future__ import annotations

from pathlib import Path

from chainrule.core.errors import DataError, InputError
from chainrule.core.reading import read_bytes
from chainrule.graphs.formats.scanner import MOST_CHARACTERS

__all__ = ["check_path", "read_text"]


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
    content = read_bytes(
        path, limit=MOST_CHARACTERS, what="a graph", instead="pass the edges as pairs instead"
    )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise DataError(f"{path} is not UTF-8 text (at byte {e.start}); save it as UTF-8") from e
    if "\0" in text:
        raise DataError(f"{path} is a binary file (it has null bytes); give a graph as text")
    return text
