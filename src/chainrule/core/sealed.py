"""Arrays and plain data in one safetensors file with a checksum of the whole: a flipped bit anywhere is noticed.

The file's header has one text of ours, JSON that begins with the format and ``sha256``: the digest of all bytes of the
file, the digits of the digest itself being read as zeros.  safetensors' own words and shapes are part of it, and so is
every number.  A file says which version of chainrule wrote it, for whom meets a newer format.

Whoever reads gets a ``DataError`` of one line, whatever the file is: missing, no regular file, cut short, changed,
another program's, of an older or a newer format.  No more is read than the file holds, and nothing in it is run.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_size
from chainrule.core.errors import DataError, TooLargeError
from chainrule.core.files import file_to_read, replacing, shown_path
from chainrule.core.reading import parse_json
from chainrule.core.records import to_plain
from chainrule.core.text import one_line
from chainrule.core.version import __version__

__all__ = ["read_sealed", "write_sealed"]

_ENTRY = "chainrule"  # of the header; one, since the order of several is not kept and equal models give equal files
_BLANK = b"0" * 64
_DIGEST = re.compile(rb'\\"sha256\\": \\"([0-9a-f]{64})\\"')
_MOST_HEADER = 100_000_000  # bytes that safetensors reads; more is refused when it is written


def write_sealed(
    path: str | Path, kind: str, number: int, arrays: dict[str, NDArray[Any]], plain: Any
) -> None:
    """Write ``arrays`` and the dict ``plain`` as a ``kind`` ("model") of format ``number``, whole or not at all.

    Raises ``OutputError`` where the place cannot be written to, ``TooLargeError`` where ``plain`` and the names of the
    arrays are more than a header may hold.
    """
    from safetensors.numpy import save

    head = {
        "format": f"chainrule-{kind}-{number}",
        "sha256": _BLANK.decode(),
        "version": __version__,
    }
    entry = json.dumps(to_plain(head | plain), allow_nan=False)
    blank = save({k: np.ascontiguousarray(v) for k, v in arrays.items()}, {_ENTRY: entry})
    if _header_bytes(blank) > _MOST_HEADER:
        raise TooLargeError(
            f"what describes the {kind} is {_header_bytes(blank):,} bytes, a file holds {_MOST_HEADER:,}; "
            "fit fewer columns or states"
        )
    found = _DIGEST.search(blank)
    assert found is not None
    begin, end = found.span(1)
    digest = hashlib.sha256(blank).hexdigest().encode()
    with replacing(path) as temporary, temporary.open("wb") as stream:
        stream.writelines([memoryview(blank)[:begin], digest, memoryview(blank)[end:]])


def read_sealed(path: str | Path, kind: str, number: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The plain data and the arrays that ``write_sealed`` was given; ``DataError`` where ``path`` holds none.

    ``plain`` has "format", "sha256" and "version" too.  Every array is a new one that may be written to.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    name = shown_path(path)
    content = _read(path, kind)
    try:
        plain = _described(content, name, kind, number)
        found = _DIGEST.search(content, 8, 8 + _header_bytes(content))
        if found is None or _digest(content, *found.span(1)) != found[1]:
            raise DataError(_damaged(name, kind, "its checksum does not fit what it holds"))
        return plain, {k: v.copy() for k, v in load(content).items()}
    except (SafetensorError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as e:
        raise DataError(_damaged(name, kind, one_line(str(e)))) from e


def _read(path: str | Path, kind: str) -> bytes:
    """The whole file, if its first bytes are those of safetensors."""
    name, file = shown_path(path), file_to_read(path, f"a saved {kind}")
    try:
        with file.open("rb") as stream:
            start, size = stream.read(9), file.stat().st_size
            if len(start) < 9 or start[8:] != b"{" or _header_bytes(start) > min(_MOST_HEADER, size - 8):
                raise DataError(
                    f"{name} is not a saved {kind}, or is cut short; give a file that was saved as one"
                )
            check_size(3 * size, f"reading {name}", instead="read it where there is more memory")
            return start + stream.read()
    except OSError as e:
        raise DataError(f"cannot read {name} ({e.strerror or e}); give a file that you may read") from e


def _described(content: bytes, name: str, kind: str, number: int) -> dict[str, Any]:
    """Our entry of the header, if it is of this kind and format; read before a checksum that may be of another kind."""
    header = parse_json(content[8 : 8 + _header_bytes(content)])
    more = header.get("__metadata__", {})
    entry = more.get(_ENTRY)
    plain = None if entry is None else parse_json(entry)
    label = plain.get("format") if isinstance(plain, dict) else more.get("format")
    head, _, own = str(label).rpartition("-")
    if head != f"chainrule-{kind}" or not own.isdecimal() or len(own) > 9:
        raise DataError(
            f"{name} is not a chainrule {kind} (format {one_line(repr(label))}); save one with chainrule"
        )
    if int(own) != number:
        age, advice = (
            ("an older", f"make the {kind} again") if int(own) < number else ("a newer", "update chainrule")
        )
        writer = plain.get("version") if isinstance(plain, dict) else None
        raise DataError(
            f"{name} is a {kind} of {age} format, {int(own)}, here it is {number} (it was written by chainrule "
            f"{'of an unknown version' if writer is None else one_line(str(writer))}); {advice}"
        )
    if not isinstance(plain, dict):
        raise DataError(
            f"{name} is damaged: it says what it is, and not what it holds; make the {kind} again"
        )
    return plain


def _digest(content: bytes, begin: int, end: int) -> bytes:
    digest = hashlib.sha256(memoryview(content)[:begin])
    digest.update(_BLANK)
    digest.update(memoryview(content)[end:])
    return digest.hexdigest().encode()


def _header_bytes(content: bytes) -> int:
    return int(struct.unpack("<Q", content[:8])[0])


def _damaged(name: str, kind: str, why: str) -> str:
    return f"{name} is a damaged {kind} ({why}); save it again, or take a copy from before"
