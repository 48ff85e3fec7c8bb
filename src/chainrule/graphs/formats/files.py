"""A file's text: plain or gzip, and what can be wrong with it."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from chainrule.core.errors import DataError, InputError
from chainrule.core.files import as_path, write_bytes
from chainrule.core.reading import read_bytes
from chainrule.graphs.formats.scanner import MOST_CHARACTERS

__all__ = ["read_text", "write_packed"]

# what XML may say of itself besides UTF-8; GeNIe does, and others for Western European names
_ENCODING = re.compile(
    rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["'](us-ascii|iso-8859-1|windows-1252)["']""", re.IGNORECASE
)


def read_text(path: str | Path) -> str:
    """The text of a file that may be compressed with gzip, whatever its suffix: UTF-8, or what its XML says.

    Raises ``DataError`` where the file is missing, damaged or not text, and ``TooLargeError`` above a
    hundred million bytes, before more than that is read or unpacked.
    """
    content = read_bytes(
        path, limit=MOST_CHARACTERS, what="a graph", instead="pass the edges as pairs instead"
    )
    declared = _ENCODING.match(content)
    encoding = declared[1].decode().lower() if declared else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as e:
        name = "UTF-8" if declared is None else encoding
        raise DataError(f"{path} is not {name} text (at byte {e.start}); save it as UTF-8") from e
    if "\0" in text:
        raise DataError(f"{path} is a binary file (it has null bytes); give a graph as text")
    return text


def write_packed(path: str | Path, text: str) -> None:
    """Write ``text`` to a file in UTF-8, whole or not at all, with a line end; ``.gz`` compresses.

    Raises ``InputError`` for a character that a text file cannot hold.
    """
    path = as_path(path)
    if "\0" in text:
        raise InputError("a node name has a null character, which a text file cannot hold; rename the node")
    try:
        content = (text if text.endswith("\n") else text + "\n").encode()
    except UnicodeEncodeError as e:
        raise InputError(f"{text[e.start]!r} in a node name is not Unicode text; rename the node") from e
    write_bytes(path, gzip.compress(content, mtime=0) if str(path).lower().endswith(".gz") else content)
