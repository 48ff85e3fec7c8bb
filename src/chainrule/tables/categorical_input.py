"""Whatever holds a table, as a ``CategoricalTable``: data frames, Arrow tables, arrays, columns, files.

No data frame library is imported: a frame hands its columns over in Arrow's format.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_integer
from chainrule.core.errors import InputError, ShapeError, UnknownNameError, ValuesError
from chainrule.tables.categorical import CategoricalTable, checked_names, checked_states
from chainrule.tables.table import Table

if TYPE_CHECKING:
    import pyarrow as pa

    from chainrule.tables.categories import Encoded, Kind

__all__ = ["MAX_STATES", "MISSING_LABELS", "as_categorical", "iter_categorical"]

MAX_STATES = 256  # a table for more values than this is a measurement or an identifier
# Cells of a text file that mean "not known".  "None" is not among them: networks have states of that name.
MISSING_LABELS = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "<NA>")

Schema = Mapping[str, tuple[str, ...]]


def as_categorical(
    table: Any,
    *,
    columns: Sequence[str] | None = None,
    schema: Mapping[str, Sequence[str]] | None = None,
    max_states: int = MAX_STATES,
    missing: Sequence[str] = MISSING_LABELS,
) -> CategoricalTable:
    """The rows of ``table`` as codes, with the states of each column.

    ``table`` is a pandas, polars or Arrow table, a dict of columns, an array (n, d) (whole numbers count as
    states 0 to the largest; the columns are x1 … xd), a ``CategoricalTable``, or the path of a CSV, TSV (also
    gzipped; the first line names the columns) or Parquet file.  ``columns`` picks and orders columns.

    States come from ``schema`` (a column that it names has exactly these), else: categorical types keep
    their order, whole numbers are ordered by value, truth values are False and True, texts are sorted (by
    value where all are numbers).  None, NaN and null are missing; in a text file so are the cells of
    ``missing``, except those that the schema lists as states.

    Raises ``ValuesError`` for a column that looks continuous or has more than ``max_states`` categories,
    ``UnknownNameError`` for a column that is not there or (with row, column, value) a category that the schema
    does not list, ``ShapeError`` for no rows or columns of unequal length, ``DataError`` for a bad file.

    >>> as_categorical({"wet": [True, False], "rain": ["yes", None], "n": [10, 9]})
    CategoricalTable(2 rows; wet: False, True; rain: yes; n: 9, 10)
    """
    check_integer(max_states, "max_states")
    schema = _checked_schema(schema)
    if isinstance(table, (str, os.PathLike)):
        parts = list(
            iter_categorical(
                Path(table), columns=columns, schema=schema, max_states=max_states, missing=missing
            )
        )
        _check_rows(len(parts))
        return CategoricalTable(parts[0].names, parts[0].states, np.concatenate([t.codes for t in parts]))
    if isinstance(table, Table):
        table = CategoricalTable(
            table.schema.names, tuple(table.schema.states.values()), table.codes.astype(np.int32)
        )
    if isinstance(table, CategoricalTable):
        names = _chosen(columns, table.names, schema)
        _check_rows(table.n_rows)
        return table.with_schema({name: schema.get(name, table.schema[name]) for name in names})
    return _from_encoded(_encoded_columns(table, columns, schema, max_states), schema, max_states)


def iter_categorical(
    path: str | Path,
    *,
    columns: Sequence[str] | None = None,
    schema: Mapping[str, Sequence[str]] | None = None,
    batch_rows: int = 65_536,
    max_states: int = MAX_STATES,
    missing: Sequence[str] = MISSING_LABELS,
) -> Iterator[CategoricalTable]:
    """The rows of a CSV or Parquet file in tables of at most ``batch_rows`` rows, all with the same states.

    Where ``schema`` does not name all columns, the file is read once before to find their states.  Memory does
    not grow with the file.  Settings and errors are those of ``as_categorical``.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "rows.csv"
    >>> _ = path.write_text("a,b\\n0,x\\n1,y\\n1,\\n")
    >>> [t.codes.tolist() for t in iter_categorical(path, batch_rows=2)]
    [[[0, 0], [1, 1]], [[1, -1]]]
    """
    from chainrule.tables.categories import encode, to_state_codes
    from chainrule.tables.table_files import TableFile

    check_integer(batch_rows, "batch_rows")
    check_integer(max_states, "max_states")
    file, empty, schema = TableFile.open(path), frozenset(missing), _checked_schema(schema)
    names = _chosen(columns, file.names, schema)

    def batches(chosen: Sequence[str]) -> Iterator[dict[str, Encoded]]:
        for batch in file.batches(chosen, batch_rows):
            yield {
                n: encode(c, n, from_file=file.is_text) for n, c in zip(chosen, batch.columns, strict=True)
            }

    def tables(states: Schema) -> Iterator[CategoricalTable]:
        first_row = 0
        for batch in batches(names):
            codes = [to_state_codes(e, states[name], name, empty, first_row) for name, e in batch.items()]
            yield CategoricalTable(names, tuple(states.values()), np.column_stack(codes))
            first_row += len(codes[0])

    found = _file_states(batches, [name for name in names if name not in schema], max_states, empty)
    return tables({name: schema.get(name) or found[name] for name in names})


def _file_states(
    batches: Callable[[Sequence[str]], Iterator[dict[str, Encoded]]],
    names: Sequence[str],
    max_states: int,
    missing: frozenset[str],
) -> dict[str, tuple[str, ...]]:
    """The states of these columns from one pass over the file."""
    from chainrule.tables.categories import choose_states

    if not names:
        return {}
    labels: dict[str, dict[str, None]] = {name: {} for name in names}
    kinds: dict[str, Kind] = dict.fromkeys(names, "nothing")
    for batch in batches(names):
        for name, part in batch.items():
            labels[name].update(dict.fromkeys(part.labels))
            kinds[name] = part.kind
            if len(labels[name]) > max_states + len(missing):  # an identifier would fill the memory
                choose_states(labels[name], part.kind, name, max_states, missing)
    return {name: choose_states(labels[name], kinds[name], name, max_states, missing) for name in names}


def _encoded_columns(
    table: Any, columns: Sequence[str] | None, schema: Schema, max_states: int
) -> dict[str, Encoded]:
    """The chosen columns of a table in memory."""
    from chainrule.tables.categories import encode, encode_states

    found, numbers = _named_columns(table), False
    if found is None:
        array = _array(table)
        found, numbers = [(f"x{j + 1}", cells) for j, cells in enumerate(array.T)], array.dtype.kind in "iuf"
    names = checked_names(name for name, _ in found)
    cells = dict(zip(names, (c for _, c in found), strict=True))
    chosen = _chosen(columns, names, schema)
    if numbers:
        return {n: encode_states(cells[n], n, None if n in schema else max_states) for n in chosen}
    return {n: encode(_arrow_array(cells[n], n), n) for n in chosen}


def _named_columns(table: Any) -> list[tuple[Any, Any]] | None:
    """Names and columns of what has them; ``None`` for anything else."""
    if isinstance(table, Mapping):
        return list(table.items())
    if hasattr(table, "iloc") and hasattr(table, "columns"):  # pandas; by position, as names may be repeated
        return [(name, table.iloc[:, j]) for j, name in enumerate(table.columns)]
    if hasattr(table, "__arrow_c_stream__") or hasattr(table, "__arrow_c_array__"):
        import pyarrow as pa

        try:
            arrow = pa.table(table)
        except (pa.ArrowException, TypeError, ValueError) as e:
            raise InputError(
                f"a {type(table).__name__} is not a table ({_line(e)}); pass a data frame"
            ) from e
        return list(zip(arrow.column_names, arrow.columns, strict=True))
    return None


def _array(table: Any) -> NDArray[Any]:
    """``table`` as an array (n, d); ``ShapeError`` where it is not one."""
    try:
        a = np.asarray(table)
    except ValueError as e:
        raise ShapeError("the table is ragged: its rows differ in length; pass rows of equal length") from e
    if a.ndim != 2:
        raise ShapeError(
            f"a table is a data frame, a dict of columns, a path or an array (rows, variables); got a "
            f"{type(table).__name__} of shape {a.shape}"
        )
    return a


def _arrow_array(cells: Any, name: str) -> pa.Array | pa.ChunkedArray:
    """The cells of one column as Arrow has them; ``ValuesError`` where they are not of one kind."""
    import pyarrow as pa

    if isinstance(cells, (pa.Array, pa.ChunkedArray)):
        return cells
    if isinstance(cells, (str, bytes)) or not hasattr(cells, "__len__"):
        raise InputError(f"column {name!r} must be a list of values, one for each row; got {cells!r}")
    try:
        if hasattr(cells, "__arrow_c_stream__") and not hasattr(cells, "iloc"):
            return pa.chunked_array(cells)
        return pa.array(cells, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as e:
        raise ValuesError(
            f"column {name!r} does not hold values of one kind ({_line(e)}); make them all text"
        ) from e


def _from_encoded(encoded: dict[str, Encoded], schema: Schema, max_states: int) -> CategoricalTable:
    from chainrule.tables.categories import choose_states, to_state_codes

    lengths = {name: len(e.indices) for name, e in encoded.items()}
    first = next(iter(lengths))
    for name, n in lengths.items():
        if n != lengths[first]:
            raise ShapeError(
                f"column {name!r} has {n} values, column {first!r} has {lengths[first]}; "
                "columns must be equally long"
            )
    _check_rows(lengths[first])
    none = frozenset()
    states = {
        name: schema.get(name) or choose_states(e.labels, e.kind, name, max_states, none)
        for name, e in encoded.items()
    }
    codes = [to_state_codes(e, states[name], name, none) for name, e in encoded.items()]
    return CategoricalTable(tuple(states), tuple(states.values()), np.column_stack(codes))


def _chosen(columns: Sequence[str] | None, names: Sequence[str], schema: Schema) -> tuple[str, ...]:
    """``columns``, or all ``names``; ``UnknownNameError`` for one that is not there, also in ``schema``."""
    chosen = tuple(names) if columns is None else checked_names(columns)
    for name in (*chosen, *schema):
        if name not in names:
            raise UnknownNameError.of("column", name, list(names))
    return chosen


def _checked_schema(schema: Mapping[str, Sequence[str]] | None) -> Schema:
    if schema is not None and not isinstance(schema, Mapping):
        raise InputError(f"schema must map column names to lists of states; got a {type(schema).__name__}")
    return {name: checked_states(name, states) for name, states in (schema or {}).items()}


def _check_rows(n: int) -> None:
    if n == 0:
        raise ShapeError("the table has no rows; pass at least one")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
