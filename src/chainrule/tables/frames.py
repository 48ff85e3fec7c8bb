"""Tables in memory that name their columns, as one kind of ``Frame``: pandas, polars, Arrow, dicts, arrays.

No data frame library is imported before a frame of it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError, ShapeError
from chainrule.core.text import as_written
from chainrule.tables.columns import Column, Frame, checked_names
from chainrule.tables.problems import Problem

__all__ = ["array_frame", "has_names", "to_frame"]

_SPAN = 256  # between the least and the largest of integers that are told apart by a table


def has_names(X: Any) -> bool:
    """Whether ``X`` is a table in memory that names its columns."""
    return (
        isinstance(X, Mapping)
        or (hasattr(X, "iloc") and hasattr(X, "columns"))
        or hasattr(X, "__arrow_c_stream__")
        or hasattr(X, "__arrow_c_array__")
        or _library(X) == "polars"
    )


def to_frame(X: Any) -> Frame:
    """A table in memory; ``InputError`` or ``ShapeError`` where it is none.

    >>> frame = to_frame({"a": [1, None], "b": ["u", "v"]})
    >>> frame.names, frame.n_rows, frame.read("a").indices.tolist()
    (('a', 'b'), 2, [0, -1])
    """
    if isinstance(X, Mapping):
        return _dict(X)
    if hasattr(X, "iloc") and hasattr(X, "columns"):
        return _pandas(X)
    return _polars(X) if _library(X) == "polars" else _arrow(X)


def array_frame(a: NDArray[Any], names: Sequence[str] | None = None) -> Frame:
    """The columns x1 … xd (or ``names``) of an array (n, d), as values, not as codes."""
    d = a.shape[1]
    found = [f"x{j + 1}" for j in range(d)] if names is None else names
    columns = {name: a[:, j] for j, name in enumerate(found)}
    return _frame("array", list(columns), a.shape[0], lambda name: _cells(columns[name], name))


def _frame(
    container: str,
    names: Sequence[Any],
    n_rows: int,
    read: Callable[[str], Column | Problem],
    place: Callable[[int], str] = "row {}".format,
) -> Frame:
    texts = checked_names(names)
    numbers = {
        text: int(name)
        for text, name in zip(texts, names, strict=True)
        if isinstance(name, (int, np.integer)) and not isinstance(name, bool)
    }
    return Frame(container, texts, n_rows, read, place, numbers)


def _pandas(X: Any) -> Frame:
    from chainrule.tables.pandas_columns import pandas_column

    places = {str(name): j for j, name in enumerate(X.columns)}

    def place(i: int) -> str:
        label = X.index[i]
        return f"index {label.item() if isinstance(label, np.generic) else label!r}"

    types = list(set(X.dtypes))
    if len(types) == 1 and isinstance(types[0], np.dtype) and types[0].kind in "biuf":
        # one matrix of numbers: pandas takes longer to hand out a column than we to read it
        by_column, dtype = np.ascontiguousarray(X.to_numpy().T), f"pandas:{types[0]}"
        is_narrow = _are_narrow(by_column)

        def read(name: str) -> Column | Problem:
            j = places[name]
            return _few_integers(by_column[j], dtype) if is_narrow[j] else _numbers(by_column[j], name, dtype)
    else:

        def read(name: str) -> Column | Problem:
            return pandas_column(X.iloc[:, places[name]], name)

    return _frame("pandas", list(X.columns), len(X), read, place)


def _are_narrow(columns: NDArray[Any]) -> NDArray[np.bool_]:
    """Which rows of integers (d, n) lie in a span of 256, so that a table by value tells which there are."""
    if columns.dtype.kind not in "iu" or not columns.shape[1]:
        return np.zeros(len(columns), bool)
    low, high = columns.min(axis=1).astype(np.float64), columns.max(axis=1).astype(np.float64)
    return (high - low < _SPAN) & (np.abs(low) < 2.0**52)  # what a float64 holds exactly


def _few_integers(cells: NDArray[Any], dtype: str) -> Column:
    """What ``_numbers`` gives, values in order; several times as quick where there are many short columns."""
    offsets = cells.astype(np.int64)
    low = offsets.min()
    offsets -= low
    there = np.flatnonzero(np.bincount(offsets))
    place = np.empty(int(there[-1]) + 1, np.int32)
    place[there] = np.arange(len(there), dtype=np.int32)
    return Column(there + low, place[offsets], "integer", dtype)


def _numbers(cells: NDArray[Any], name: str, dtype: str) -> Column | Problem:
    import pyarrow as pa

    from chainrule.tables.arrow_columns import arrow_column

    return arrow_column(pa.array(cells, from_pandas=True), name, dtype=dtype)


def _polars(X: Any) -> Frame:
    if not hasattr(X, "get_column"):
        what = "collect it first" if hasattr(X, "collect") else "pass a data frame"
        raise InputError(f"a {type(X).__name__} is not a table of rows; {what}")
    return _frame("polars", X.columns, X.height, lambda name: _polars_column(X.get_column(name), name))


def _polars_column(series: Any, name: str) -> Column | Problem:
    import polars as pl
    import pyarrow as pa

    from chainrule.tables.arrow_columns import arrow_column, line

    dtype = str(series.dtype).split("(")[0].split("[")[0]
    if series.dtype.is_temporal():
        return Problem(
            name, f"holds dates or times ({series.dtype}); make them text, such as the month", ("ignore",)
        )
    if dtype == "Enum":  # not by way of Arrow, which takes these from newer versions of polars only
        indices = series.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
        return Column(series.dtype.categories.to_list(), indices, "text", "polars:Enum", declared=True)
    if dtype == "Categorical":  # its categories are shared with other columns and have no order of their own
        series = series.cast(pl.String)
    try:
        cells = pa.chunked_array(series)
    except (
        pl.exceptions.PolarsError,
        pa.ArrowException,
        OSError,
        TypeError,
        ValueError,
        NotImplementedError,
    ) as e:
        return Problem(
            name, f"holds {series.dtype}, which Arrow cannot read ({line(e)}); convert it", ("ignore",)
        )
    return arrow_column(cells, name, dtype=f"polars:{dtype}")


def _arrow(X: Any) -> Frame:
    import pyarrow as pa

    from chainrule.tables.arrow_columns import arrow_column, line

    try:
        table = X if isinstance(X, pa.Table) else pa.table(X)
    except (pa.ArrowException, TypeError, ValueError) as e:
        raise InputError(f"a {type(X).__name__} is not a table ({line(e)}); pass a data frame") from e
    names = checked_names(table.column_names)
    return _frame(
        "arrow batch" if isinstance(X, pa.RecordBatch) else "arrow",
        names,
        table.num_rows,
        lambda name: arrow_column(table.column(name), name),
    )


def _dict(X: Mapping[Any, Any]) -> Frame:
    cells = dict(zip(checked_names(list(X)), X.values(), strict=True))
    lengths = {name: _length(column, name) for name, column in cells.items()}
    first = next(iter(lengths))
    for name, n in lengths.items():
        if n != lengths[first]:
            raise ShapeError(
                f"column {name!r} has {n} values, column {first!r} has {lengths[first]}; "
                "columns must be equally long"
            )
    return _frame("dict", list(X), lengths[first], lambda name: _cells(cells[name], name))


def _length(cells: Any, name: str) -> int:
    if isinstance(cells, (str, bytes)) or not hasattr(cells, "__len__") or getattr(cells, "ndim", 1) == 0:
        raise InputError(
            f"column {name!r} must be a list of values, one for each row; got {as_written(cells)}"
        )
    return len(cells)


def _cells(cells: Any, name: str) -> Column | Problem:
    """A column that comes alone: of pandas, polars, Arrow, NumPy, or a sequence of values."""
    import pyarrow as pa

    from chainrule.tables.arrow_columns import arrow_column, line
    from chainrule.tables.pandas_columns import pandas_column

    if isinstance(cells, (pa.Array, pa.ChunkedArray)):
        return arrow_column(cells, name)
    if _library(cells) == "pandas":
        import pandas as pd

        return pandas_column(pd.Series(cells), name)
    if _library(cells) == "polars":
        return _polars_column(cells, name)
    try:
        if isinstance(cells, np.ndarray):
            dtype = f"numpy:{'U' if cells.dtype.kind == 'U' else cells.dtype}"
            values = pa.array(_plain(cells), mask=_mask(cells), from_pandas=True)
        else:
            dtype, values = "list", pa.array(list(cells), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as e:
        return Problem(name, f"does not hold values of one kind ({line(e)}); make them all text", ("ignore",))
    return arrow_column(values, name, dtype=dtype)


def _plain(cells: NDArray[Any]) -> NDArray[Any]:
    """An array of a type that Arrow knows: native byte order, texts as objects."""
    a = np.ma.getdata(cells)
    if a.dtype.kind in "UT":
        return a.astype(object)
    return a.astype(a.dtype.newbyteorder("=")) if not a.dtype.isnative else a


def _mask(cells: NDArray[Any]) -> NDArray[np.bool_] | None:
    """The masked cells; ``None`` where no cell can be."""
    return np.ma.getmaskarray(cells) if isinstance(cells, np.ma.MaskedArray) else None


def _library(X: Any) -> str:
    return type(X).__module__.split(".")[0]
