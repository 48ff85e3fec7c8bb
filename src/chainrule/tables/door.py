"""The one door for rows: whatever holds a table becomes codes under a schema, and leaves as what it was.

``rows`` lets in, ``give_back`` lets out, ``known`` reads what is given of one row.  No model parses anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import as_matrix
from chainrule.core.errors import ShapeError, ValuesError
from chainrule.tables.categorical import CategoricalTable
from chainrule.tables.categorical_input import MAX_STATES, as_categorical
from chainrule.tables.schema import Schema, Variable
from chainrule.tables.table import MISSING, Table

__all__ = ["give_back", "known", "rows"]


def rows(X: Any, schema: Schema | None = None, *, name: str = "X", min_rows: int = 1) -> Table:
    """The rows of ``X`` under ``schema``, or under one found in them.

    Columns that have names go by name, those that ``schema`` does not list are left out; an array's go by place.
    Raises ``ShapeError``, ``ValuesError``, ``UnknownNameError`` or ``DataError``.

    >>> rows([[0, 2], [1, 0]]).schema.states
    {'x1': ('0', '1'), 'x2': ('0', '1', '2')}
    """
    if isinstance(X, Table):
        return X if schema in (None, X.schema) else _matched(X, schema)
    if _has_names(X):
        return _from_named(X, schema)
    return _from_array(X, schema, name, min_rows)


def known(given: Any, schema: Schema) -> NDArray[np.int32]:
    """What is given of one row as codes (d,), -1 where nothing is: states by name, or a row with NaN or -1.

    >>> known([np.nan, 1], Schema.of({"a": 2, "b": 2})).tolist(), known({"b": 1}, Schema.of({"a": 2, "b": 2})).tolist()
    ([-1, 1], [-1, 1])
    """
    if given is None or isinstance(given, Mapping):
        return schema.known(given)
    values = np.asarray(given)
    if values.ndim != 1:
        raise ShapeError(
            f"given must be one row ({len(schema)},) with NaN where values are to be drawn, or a dict of "
            f"states; its shape is {values.shape}"
        )
    return _from_array(values[None], schema, "given", 1).codes[0].astype(np.int32)


def give_back(codes: NDArray[np.integer[Any]], schema: Schema) -> Any:
    """Rows of codes (n, d), none missing, as the kind of table that ``schema`` was found in."""
    if schema.container == "array":
        return codes.astype(np.uint8 if max(schema.sizes) <= 2**8 else np.int64, copy=False)
    return Table(schema, codes)


def _has_names(X: Any) -> bool:
    return (
        isinstance(X, (str, Mapping, CategoricalTable))
        or hasattr(X, "__fspath__")
        or (hasattr(X, "iloc") and hasattr(X, "columns"))
        or hasattr(X, "__arrow_c_stream__")
    )


def _matched(table: Table, schema: Schema) -> Table:
    found = CategoricalTable(
        table.schema.names, tuple(table.schema.states.values()), table.codes.astype(np.int32)
    )
    return Table(schema, found.to_codes(schema.states), table.weights)


def _from_named(X: Any, schema: Schema | None) -> Table:
    if schema is not None:
        found = as_categorical(X, columns=schema.names, schema=schema.states)
        return Table(schema, found.codes)
    found = as_categorical(X)
    variables = tuple(Variable(n, s) for n, s in found.schema.items())
    return Table(Schema(variables, "table"), found.codes)


def _from_array(X: Any, schema: Schema | None, name: str, min_rows: int) -> Table:
    a = as_matrix(X, name=name, n_columns=None if schema is None else len(schema), min_rows=min_rows)
    if a.dtype == bool:
        a = a.view(np.uint8)
    missing = np.isnan(a) if a.dtype.kind == "f" else None
    if schema is not None:
        top = np.array(schema.sizes)
    else:
        top = np.full(a.shape[1], MAX_STATES)
    good = (a >= MISSING) & (a < top)
    if a.dtype.kind == "f":
        good &= a == np.floor(a)
        good |= missing
    if not good.all():
        i, j = np.argwhere(~good)[0]
        column = f"column {j}" if schema is None else f"column {j} ({schema.names[j]!r})"
        raise ValuesError(
            f"{name} must hold codes of states, but row {i}, {column} is {a[i, j]:g}; its codes are "
            f"{_codes_text(int(top[j])) if schema is not None else f'whole numbers below {MAX_STATES}'}, and NaN or "
            "-1 where a value is missing"
        )
    if missing is not None and missing.any():
        codes = np.where(missing, MISSING, a).astype(np.int32)
    else:
        codes = a if a.dtype.kind in "iu" else a.astype(np.int32)
    if schema is None:
        largest = codes.max(axis=0, initial=1)
        schema = Schema.of_sizes([int(k) + 1 for k in largest])
    return Table(schema, codes)


def _codes_text(k: int) -> str:
    return ("0", "0 and 1")[k - 1] if k < 3 else f"0 to {k - 1}"
