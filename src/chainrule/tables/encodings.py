"""Which characters the bytes of a text file stand for: told by a byte order mark, else UTF-8, else named by the user.

Latin-1 and cp1252 read any bytes, so they are never guessed: a wrong guess turns names into others in silence.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from itertools import chain

from chainrule.core.errors import DataError, InputError
from chainrule.core.text import as_written

__all__ = ["UndecodableError", "checked_encoding", "found_encoding", "undecodable_line"]

_MARKS = (  # the longer first
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class UndecodableError(DataError):
    """Bytes that are no text; ``place`` says which and where."""

    def __init__(self, place: str) -> None:
        self.place = place
        super().__init__(
            f"{place}; name the encoding (in Python encoding='cp1252' or encoding='latin-1', in a shell --encoding "
            "cp1252), or save the file as UTF-8"
        )

    def __reduce__(self) -> tuple[type[UndecodableError], tuple[str]]:
        return type(self), (self.place,)


def checked_encoding(encoding: str | None) -> str | None:
    """The setting ``encoding``: a name that Python knows, or ``None`` to detect it.

    >>> checked_encoding("latin-1"), checked_encoding("UTF8")
    ('iso8859-1', 'utf-8')
    """
    if encoding is None:
        return None
    try:
        return codecs.lookup(encoding).name
    except (LookupError, TypeError, ValueError) as e:
        raise InputError(
            f"encoding must be the name of one, such as 'utf-8', 'utf-16' or 'cp1252'; got {as_written(encoding)}"
        ) from e


def found_encoding(start: bytes, stated: str | None) -> str:
    """The encoding of a file that begins with ``start``: by its mark, else as ``stated``, else UTF-8.

    >>> found_encoding(b"a,b", None), found_encoding("a".encode("utf-16"), None), found_encoding(b"a", "cp1252")
    ('utf-8', 'utf-16', 'cp1252')
    """
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    return marked or stated or "utf-8"


def undecodable_line(pieces: Iterable[bytes], encoding: str, path: object) -> DataError | None:
    """The error for bytes that are no text, with their line; ``None`` where all are."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 1
    for piece in chain(pieces, [b""]):
        try:
            lines += decoder.decode(piece, final=not piece).count("\n")
        except UnicodeDecodeError as e:
            lines += e.object[: e.start].count(b"\n")
            byte = e.object[e.start]
            return UndecodableError(
                f"{path}, line {lines}: the byte {byte:#04x} is not {encoding.upper()} text"
            )
    return None
