"""The one door for rows: whatever holds a table becomes codes under a schema, and leaves as what it was.

``rows`` lets in, ``give_back`` lets out, ``known`` reads what is given of one row.  No model parses anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import as_array
from chainrule.core.errors import ShapeError
from chainrule.tables.frames import has_names, to_frame
from chainrule.tables.giving import give_columns
from chainrule.tables.problems import THROUGH_READ
from chainrule.tables.reading import is_files
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["column_names", "give_back", "known", "rows"]


def rows(
    X: Any,
    schema: Schema | None = None,
    *,
    columns: Iterable[str] | None = None,
    name: str = "X",
    min_rows: int = 1,
) -> Table:
    """The rows of ``X`` under ``schema``, or under one found in them, as ``Table.read`` reads by default.

    Columns that have names go by name, those that ``schema`` (or ``columns``) does not list are left out; an
    array's go by place.
    Raises ``ShapeError``, ``ValuesError``, ``UnknownNameError`` or ``DataError``.

    >>> rows([[0, 2], [1, 0]]).schema.states
    {'x1': ('0', '1'), 'x2': ('0', '1', '2')}
    """
    return Table.read(X, schema=schema, columns=columns, name=name, min_rows=min_rows, options=THROUGH_READ)


def column_names(X: Any) -> tuple[str, ...] | None:
    """The names of the columns of a table, a data frame, a dict or files, in their order; ``None`` for an array.

    >>> column_names({"b": [0], "a": [1]}), column_names([[0]])
    (('b', 'a'), None)
    """
    if isinstance(X, Table):
        return X.schema.names
    if is_files(X):
        from chainrule.tables.files import TableFiles

        return TableFiles.open(X).names
    return to_frame(X).names if has_names(X) else None


def known(given: Any, schema: Schema) -> NDArray[np.int32]:
    """What is given of one row as codes (d,), -1 where nothing is: states by name, or a row with NaN or -1.

    >>> known([np.nan, 1], Schema.of({"a": 2, "b": 2})).tolist(), known({"b": 1}, Schema.of({"a": 2, "b": 2})).tolist()
    ([-1, 1], [-1, 1])
    """
    if given is None or isinstance(given, Mapping):
        return schema.known(given)
    values = given if isinstance(given, np.ndarray) else as_array(given, "given")
    if values.ndim != 1:
        raise ShapeError(
            f"given must be one row ({len(schema)},) with NaN where values are to be drawn, or a dict of "
            f"states; its shape is {values.shape}"
        )
    return (
        Table.read(values[None], schema=schema, name="given", options=THROUGH_READ).codes[0].astype(np.int32)
    )


def give_back(codes: NDArray[np.integer[Any]], schema: Schema) -> Any:
    """Rows of codes (n, d) as the kind of table that ``schema`` was found in; rows of files as a ``Table``.

    CSV, Parquet and Feather are alike in this: a file is not a thing to give back, and which library is to hold its
    rows is for the user to say.  A ``Table`` that was read from a data frame leaves as that data frame would.
    Columns have their types again (those of a Parquet or Feather file in ``Table.to_arrow``); a missing code (-1) is
    missing.  ``InputError`` where the library of a data
    frame is not installed.

    >>> give_back(np.array([[1, 0]]), rows({"a": ["no", "yes"], "b": [5, 9]}).schema)
    {'a': ['yes'], 'b': [5]}
    """
    return Table(schema, codes) if schema.container == "table" else give_columns(codes, schema)
