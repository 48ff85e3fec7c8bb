"""Arrays of numbers: each cell is the code of a state, so that a table of 0 and 1 is taken as it is, uncopied.

Unsigned and signed numbers never meet in one expression: NumPy would widen them, or wrap -1 around.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import as_array, as_matrix, check_size
from chainrule.core.errors import ValuesError
from chainrule.tables.missing import MISSING
from chainrule.tables.problems import Options, Problem, TableError
from chainrule.tables.schema import Schema

__all__ = ["array_codes", "plain_array"]

_BLOCK_ROWS = 1 << 14
_MOST_ADVISED = 1 << 16  # states; a column of more is no column of codes


def plain_array(X: Any, name: str, n_columns: int | None, min_rows: int) -> NDArray[Any]:
    """``X`` as an array (n, d) of numbers (NaN where missing), or of texts and other objects.

    Masked cells become NaN or ``None``, sparse matrices dense.  Raises ``ShapeError`` or ``ValuesError``.
    """
    if hasattr(X, "toarray") and hasattr(X, "nnz"):  # scipy.sparse
        X = X.toarray()
    if isinstance(X, np.ma.MaskedArray) or (
        isinstance(X, (list, tuple)) and any(_is_masked(row) for row in X)
    ):
        X = _unmasked(np.ma.asarray(X) if isinstance(X, np.ma.MaskedArray) else np.ma.stack(X))
    a = as_array(X, name)
    if a.dtype.kind in "OUST" and a.ndim == 2 and a.size:
        numbers = _numbers(a)
        if numbers is None:
            if n_columns is not None and a.shape[1] != n_columns:
                as_matrix(np.zeros(a.shape), name=name, n_columns=n_columns)
            return a
        a = numbers
    return as_matrix(a, name=name, n_columns=n_columns, min_rows=min_rows)


def array_codes(
    a: NDArray[Any], schema: Schema | None, name: str, max_states: int, options: Options
) -> tuple[NDArray[np.integer[Any]], Schema]:
    """The codes in an array of numbers, and their schema: states 0 … max(1, largest) of each column by default.

    NaN and -1 are missing.  Raises ``ValuesError`` for anything else that is no code.

    >>> codes, schema = array_codes(np.array([[0, 2.0], [np.nan, 0]]), None, "X", 256, {})
    >>> codes.tolist(), schema.sizes
    ([[0, 2], [-1, 0]], (2, 3))
    """
    truth = a.dtype == bool
    if truth:
        a = a.view(np.uint8)
    top = np.full(a.shape[1], max_states) if schema is None else np.array(schema.sizes)
    if a.dtype != np.uint8:
        check_size(a.size, name, instead="pass fewer rows, or a file")
    codes = _whole(a, int(top.max()))
    largest = None if codes is None else codes.max(axis=0, initial=0)
    if codes is None or largest is None or (largest >= top).any():
        codes = _with_policies(a, schema) if schema is not None else None
        if codes is None:
            raise _refused(a, schema, top, name, options)
    if schema is None:
        most = top if largest is None else np.maximum(largest, 1) + 1
        schema = Schema.of_sizes(most.tolist())
        if truth:
            schema = Schema(tuple(replace(v, dtype="numpy:bool") for v in schema.variables))
    return codes, schema


def _whole(a: NDArray[Any], top: int) -> NDArray[np.integer[Any]] | None:
    """``a`` as integers from -1 to ``top`` (or a byte's 255), in two passes; ``None`` where it holds others."""
    if not a.size:
        return a.astype(np.int32)
    if a.dtype == np.uint8:
        return a
    with np.errstate(invalid="ignore"):  # NaN has no code
        small = a.astype(np.uint8)
    blocks = range(0, len(a), _BLOCK_ROWS)  # so that no third array as large as this is held
    if all((small[i : i + _BLOCK_ROWS] == a[i : i + _BLOCK_ROWS]).all() for i in blocks):
        return small  # by far the most arrays
    if a.dtype.kind == "u":
        return a if int(a.max()) <= top else None
    if a.dtype.kind == "f":
        missing = np.isnan(a)
        if missing.any():
            a = np.where(missing, a.dtype.type(MISSING), a)
    least, most = a.min(), a.max()
    if least < MISSING or most > top:
        return None
    if a.dtype.kind == "i":
        return a
    kind = (np.uint8 if top <= 255 else np.uint32) if least >= 0 else np.int32
    codes = a.astype(kind)
    return codes if (codes == a).all() else None


def _with_policies(a: NDArray[Any], schema: Schema) -> NDArray[np.int32] | None:
    """The codes where cells that are no state become what the schema says; ``None`` where one is an error."""
    if all(v.unseen == "error" for v in schema.variables):
        return None
    bad = _bad(a, np.array(schema.sizes))
    codes = np.where(bad | _missing(a), 0, a).astype(np.int32)
    codes[_missing(a)] = MISSING
    for j, v in enumerate(schema.variables):
        if bad[:, j].any():
            instead = {"missing": MISSING, "most_frequent": v.usual}.get(v.unseen)
            if instead is None:
                return None
            codes[bad[:, j], j] = instead
    return codes


def _missing(a: NDArray[Any]) -> NDArray[np.bool_]:
    if a.dtype.kind == "u":
        return np.zeros(a.shape, bool)
    return (a == MISSING) | np.isnan(a) if a.dtype.kind == "f" else a == MISSING


def _bad(a: NDArray[Any], top: NDArray[Any]) -> NDArray[np.bool_]:
    """Which cells are neither a code nor missing; slow, where it is known that there are some."""
    good = a < top  # NumPy compares unsigned with signed numbers by value
    if a.dtype.kind != "u":
        good &= a >= MISSING
    if a.dtype.kind == "f":
        good &= a == np.floor(a)
    return ~(good | _missing(a))


def _refused(
    a: NDArray[Any], schema: Schema | None, top: NDArray[Any], name: str, options: Options
) -> ValuesError:
    """The error for an array that holds more than codes: with all its columns where there is no schema."""
    cells = np.argwhere(_bad(a, top))
    if schema is not None:
        i, j = cells[0]
        most = int(top[j])
        return ValuesError(
            f"{name} must hold codes of states, but row {i}, column {j} ({schema.names[j]!r}) is {a[i, j]:g}; its "
            f"codes are {_codes_text(most)}, and NaN or -1 where a value is missing"
        )
    problems = []
    for j in np.unique(cells[:, 1]).tolist():
        i = int(cells[cells[:, 1] == j][0, 0])
        whole = a[i, j] >= 0 and float(a[i, j]).is_integer()
        size = int(a[:, j].max()) + 1 if whole and a.dtype.kind != "f" else 0
        more = ("max_states",) if 0 < size <= _MOST_ADVISED else ()
        reason = (
            f"of {name} holds {a[i, j]:g} in row {i}, but codes of states are whole numbers from 0 to "
            f"{int(top[j]) - 1}, NaN or -1 where missing"
        )
        problems.append(Problem(f"x{j + 1}", reason, ("bins", *more, "ignore"), size))
    return TableError(problems, options)


def _codes_text(k: int) -> str:
    return ("0", "0 and 1")[k - 1] if k < 3 else f"0 to {k - 1}"


def _is_masked(row: Any) -> bool:
    return isinstance(row, np.ma.MaskedArray)


def _unmasked(a: Any) -> NDArray[Any]:
    """A masked array as a plain one in which missing cells are NaN or ``None``."""
    mask = np.ma.getmaskarray(a)
    values = np.ma.getdata(a)
    if not mask.any():
        return values
    if values.dtype.kind in "biuf":
        return np.where(mask, np.nan, values.astype(np.float64))
    out = values.astype(object)
    out[mask] = None
    return out


def _numbers(a: NDArray[Any]) -> NDArray[np.float64] | None:
    """An array of objects as numbers, where all that is not missing is a number."""
    if a.dtype.kind != "O":
        return None
    flat = [
        np.nan if v is None or type(v).__name__ in ("NAType", "NaTType") else v for v in a.ravel().tolist()
    ]
    if not all(isinstance(v, (int, float, np.number, np.bool_)) for v in flat):
        return None
    return np.array(flat, np.float64).reshape(a.shape)
