"""Files to arrays: text tables, idx, NumPy's formats, each plain or gzipped.  Nothing is ever unpickled.

Every reader works on bytes that were read whole, so a file is parsed completely or refused:

  =====================================  ==========================================================
  ``.csv .data .amat .txt .tsv``         one row a line; comma, semicolon, tab or blanks between
                                         values; the first line may name the columns
  ``.idx``, ``…-ubyte``                  the format of the MNIST files
  ``.npy``, ``.npz``                     NumPy's own; of several arrays in one ``.npz`` name one
  =====================================  ==========================================================

A file with another suffix is told by its first bytes, and read as a table if they say nothing.
"""

from __future__ import annotations

import io
import math
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from chainrule.core.checks import check_instance
from chainrule.core.errors import DataError, InputError, TooLargeError, UnknownNameError
from chainrule.core.files import as_path
from chainrule.core.reading import MAX_BYTES, read_bytes
from chainrule.core.shapes import Num
from chainrule.datasets.text_tables import Table, parse_table

__all__ = ["parse_idx", "read_array", "read_idx", "read_table"]

_MAX_NPY_HEADER = 10_000  # bytes; NumPy's own limit
# What a damaged header makes of numpy's reader, which hands it to Python's own parser, also where warnings are errors.
_NPY_ERRORS = (
    *(ValueError, TypeError, KeyError, SyntaxError, MemoryError, RecursionError),
    *(tokenize.TokenError, Warning),
)
# What a damaged zip file makes of the standard library; RuntimeError stands for an encrypted one.
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError)
_TABLE_SUFFIXES = {".csv", ".data", ".amat", ".txt", ".tsv"}
_IDX_SUFFIXES = {".idx", ".idx1", ".idx2", ".idx3"}
_IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_array(path: str | Path, *, key: str | None = None) -> Num[np.ndarray, ...]:
    """The numbers in a file: (n, d) from a text table, the array as stored from idx, npy and npz.

    A table of 0 and 1 comes as uint8, of whole numbers as int64, of others as float64 (``nan`` is a
    missing value).  ``key`` names the array of an ``.npz`` that holds several.

    Raises ``DataError`` (one line; names the line of a table) where the file is missing, damaged or not
    of its format, ``InputError`` where ``key`` is missing, needless or unknown.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "rows.csv"
    >>> _ = path.write_text("height,width\\n1.5,2\\n3,4\\n")
    >>> read_array(path).tolist()
    [[1.5, 2.0], [3.0, 4.0]]
    """
    path, key = as_path(path), None if key is None else check_instance(key, str, "key", like="a text")
    content = read_bytes(path)
    kind = _kind(path, content)
    if key is not None and kind != "npz":
        raise InputError(f"key={key!r} picks an array of an .npz file, and {path} is not one; leave key out")
    if kind == "npz":
        return _parse_npz(content, str(path), key)
    if kind == "npy":
        return _parse_npy(content, str(path))
    if kind == "idx":
        return parse_idx(content, str(path))
    return parse_table(content, str(path)).values


def read_table(path: str | Path) -> Table:
    """The values (n, d) and the column names (``None`` without a header line) of a text table.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "rows.data"
    >>> _ = path.write_text("0,1\\n1,1\\n")
    >>> read_table(path)
    Table(values=array([[0, 1],
           [1, 1]], dtype=uint8), names=None)
    """
    return parse_table(read_bytes(path), str(path))


def read_idx(path: str | Path) -> Num[np.ndarray, ...]:
    """The array in an idx file, of the type and shape that its header states.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "labels.idx"
    >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]))
    >>> read_idx(path)
    array([7, 9], dtype=uint8)
    """
    return parse_idx(read_bytes(path), str(path))


def parse_idx(content: bytes, name: str) -> Num[np.ndarray, ...]:
    """The array in the bytes of an idx file: two zero bytes, type, rank, sizes (big-endian), values."""
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES or content[3] == 0:
        raise DataError(
            f"{name} is not an idx file: its first bytes are {content[:4].hex() or 'missing'}, "
            "expected 0000, a type (08 to 0e) and a rank; get it again"
        )
    dtype, rank = np.dtype(_IDX_TYPES[content[2]]), content[3]
    start = 4 + 4 * rank
    if len(content) < start:
        raise DataError(
            f"{name} is truncated: its idx header needs {start} bytes, it has {len(content)}; get it again"
        )
    if rank > 32:
        raise DataError(f"{name} is damaged: it claims {rank} dimensions, expected at most 32; get it again")
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", rank, 4))
    return _values(content, start, dtype, shape, name)


def _parse_npy(content: bytes, name: str) -> Num[np.ndarray, ...]:
    """The array in the bytes of an ``.npy`` file; numpy's own reader, which unpickles nothing."""
    stream = io.BytesIO(content)
    try:
        version = npy.read_magic(stream)
        if version not in ((1, 0), (2, 0), (3, 0)):
            raise ValueError(f"version {version}")
        # the third version differs in the names of fields only, which hold no plain numbers
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = header(stream, max_header_size=_MAX_NPY_HEADER)
    except _NPY_ERRORS as e:
        reason = " ".join(str(e).split())[:200]
        raise DataError(f"{name} is not a NumPy array file, or is damaged ({reason}); save it again") from e
    if dtype.kind not in "biuf":
        raise DataError(f"{name} must hold numbers, it holds {dtype}; save a numeric array (no objects)")
    return _values(content, stream.tell(), dtype, shape, name, "F" if fortran else "C")


def _parse_npz(content: bytes, name: str, key: str | None) -> Num[np.ndarray, ...]:
    """One array of an ``.npz``: the only one, or the one called ``key``."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _ZIP_ERRORS as e:
        raise DataError(f"{name} is a damaged .npz file ({e}); save it again") from e
    entries = {i.filename.removesuffix(".npy"): i for i in archive.infolist()}
    if not entries:
        raise DataError(f"{name} holds no arrays; save at least one")
    if not all(map(str.isprintable, entries)):
        raise DataError(f"{name} is a damaged .npz file (a name in it is not text); save it again")
    if key is None and len(entries) > 1:
        listed = ", ".join(sorted(entries))
        raise InputError(f"{name} holds {len(entries)} arrays ({listed}); say which with key=")
    if key is not None and key not in entries:
        raise UnknownNameError.of("array", key, sorted(entries))
    entry = next(iter(entries.values())) if key is None else entries[key]
    if entry.file_size > MAX_BYTES:
        raise TooLargeError(f"{name}[{entry.filename}] holds more than {MAX_BYTES:,} bytes; split it")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{name} is compressed in a way that NumPy never uses; save it with NumPy")
    try:
        inner = archive.read(entry)
    except _ZIP_ERRORS as e:
        raise DataError(f"{name} is a damaged .npz file ({e}); save it again") from e
    return _parse_npy(inner, f"{name}[{entry.filename}]")


def _values(
    content: bytes, start: int, dtype: np.dtype[Any], shape: tuple[int, ...], name: str, order: Any = "C"
) -> Num[np.ndarray, ...]:
    """The array of ``shape`` whose values fill ``content`` from ``start`` on, in native byte order."""
    if any(n <= 0 for n in shape):
        raise DataError(f"{name} holds no values: its header states the shape {shape}; save at least one row")
    expected, came = math.prod(shape) * dtype.itemsize, len(content) - start
    if came != expected:
        what = "is truncated" if came < expected else "has bytes left over"
        raise DataError(
            f"{name} {what}: shape {shape} needs {expected} bytes of values, it has {came}; get it again"
        )
    flat = np.frombuffer(content, dtype, offset=start)
    return flat.reshape(shape, order=order).astype(dtype.newbyteorder("="), order="C")


def _kind(path: Path, content: bytes) -> str:
    name = path.name.lower().removesuffix(".gz")
    suffix = Path(name).suffix
    if suffix in (".npy", ".npz"):
        return suffix[1:]
    if suffix in _TABLE_SUFFIXES:
        return "table"
    if suffix in _IDX_SUFFIXES or name.endswith("-ubyte"):
        return "idx"
    for magic, kind in ((b"\x93NUMPY", "npy"), (b"PK\x03\x04", "npz"), (b"\0\0", "idx")):
        if content.startswith(magic):
            return kind
    return "table"
