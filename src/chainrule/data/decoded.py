"""Parsed tables kept as packed bits, so that 50,000 rows of text load in a fraction of a second.

A file here is named by the SHA-256 of the raw text it was parsed from, and carries a SHA-256 of its own
content: it is used only where both are right.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chainrule.core.files import make_directory, write_bytes
from chainrule.core.progress import note

__all__ = ["decoded_path", "keep_decoded", "read_decoded"]


def decoded_path(sha256: str, cache: Path) -> Path:
    """Where the rows parsed from the raw file of this SHA-256 are kept."""
    return cache / "decoded" / f"{sha256}.npz"


def read_decoded(sha256: str, cache: Path) -> NDArray[np.uint8] | None:
    """The rows (n, d) parsed earlier from the raw file of this SHA-256; ``None`` if absent or damaged."""
    path = decoded_path(sha256, cache)
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            packed, n_columns, own = stored["packed"], int(stored["n_columns"]), bytes(stored["sha256"])
    except (OSError, EOFError, KeyError, ValueError, TypeError, zipfile.BadZipFile, zlib.error) as e:
        note(f"{path} is damaged ({' '.join(str(e).split())}); reading the original again")
        return None
    if _sha256(packed, n_columns) != own:
        note(f"{path} is damaged (its SHA-256 is wrong); reading the original again")
        return None
    return np.unpackbits(packed, axis=1, count=n_columns)


def keep_decoded(sha256: str, rows: NDArray[np.uint8], cache: Path) -> None:
    """Keep binary ``rows`` (n, d) for ``read_decoded``; where that is impossible, say so and go on."""
    packed, out = np.packbits(rows, axis=1), io.BytesIO()
    own = np.frombuffer(_sha256(packed, rows.shape[1]), np.uint8)
    np.savez(out, packed=packed, n_columns=np.int64(rows.shape[1]), sha256=own)
    path = decoded_path(sha256, cache)
    try:
        make_directory(path.parent)
        write_bytes(path, out.getvalue())
    except OSError as e:
        note(f"the parsed rows could not be kept for the next time: {e}")


def _sha256(packed: NDArray[np.uint8], n_columns: int) -> bytes:
    return hashlib.sha256(f"{packed.dtype} {packed.shape} {n_columns};".encode() + packed.tobytes()).digest()
