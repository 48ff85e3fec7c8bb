"""Parsed tables kept as packed bits, so that 50,000 rows of text load in a fraction of a second.

A file here is named by the SHA-256 of the raw text that it was parsed from.  It starts with the SHA-256 of
all that follows (32 bytes); then come n and d (8 bytes each, little-endian) and the n rows of d bits, each
row padded to whole bytes.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from chainrule.core.files import make_directory, write_bytes
from chainrule.core.progress import note
from chainrule.core.shapes import UInt8

__all__ = ["decoded_path", "keep_decoded", "read_decoded"]

_DIGEST, _HEADER = 32, 32 + 16


def decoded_path(sha256: str, cache: Path) -> Path:
    """Where the rows parsed from the raw file of this SHA-256 are kept."""
    return cache / "decoded" / f"{sha256}.bits"


def read_decoded(sha256: str, cache: Path) -> UInt8[np.ndarray, "n d"] | None:
    """The rows (n, d) parsed earlier from the raw file of this SHA-256; ``None`` if absent or damaged."""
    path = decoded_path(sha256, cache)
    if not os.path.isfile(path):
        return None
    try:
        content = path.read_bytes()
    except OSError as e:
        note(f"{path} cannot be read ({e.strerror or e}); reading the original again")
        return None
    if len(content) < _HEADER or hashlib.sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
        note(f"{path} is damaged: its SHA-256 is wrong; reading the original again")
        return None
    n, d = np.frombuffer(content, "<i8", 2, _DIGEST).tolist()
    packed = np.frombuffer(content, np.uint8, offset=_HEADER).reshape(n, -1)
    return np.unpackbits(packed, axis=1, count=d)


def keep_decoded(sha256: str, rows: UInt8[np.ndarray, "n d"], cache: Path) -> None:
    """Keep binary ``rows`` (n, d) for ``read_decoded``; where that is impossible, say so and go on."""
    body = np.array(rows.shape, "<i8").tobytes() + np.packbits(rows, axis=1).tobytes()
    path = decoded_path(sha256, cache)
    try:
        make_directory(path.parent)
        write_bytes(path, hashlib.sha256(body).digest() + body)
    except OSError as e:
        note(f"the parsed rows could not be kept for the next time: {e}")
