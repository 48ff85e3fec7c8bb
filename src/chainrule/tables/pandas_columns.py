"""Columns of pandas: every nullable type, categories, intervals.  What is left goes by way of Arrow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from chainrule.tables.arrow_columns import arrow_column, line
from chainrule.tables.columns import Column
from chainrule.tables.problems import Problem
from chainrule.tables.values import Kind, label_of

__all__ = ["pandas_column"]


def pandas_column(series: Any, name: str) -> Column | Problem:
    """The column in a pandas ``Series`` (or ``Index``), or what keeps it from being one.

    >>> import pandas as pd
    >>> c = pandas_column(pd.cut(pd.Series([1.0, 9.0, None]), [0, 2.5, 10]), "mm")
    >>> c.labels, c.indices.tolist(), c.dtype
    (['(0, 2.5]', '(2.5, 10]'], [0, 1, -1], 'pandas:category[interval[float64, right]]')
    """
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _categories(series, name)
    if isinstance(dtype, pd.IntervalDtype):
        codes, found = pd.factorize(series.array, sort=True)
        return _intervals(found, codes, name, _name(dtype))
    if dtype.kind in "mM" or isinstance(dtype, pd.PeriodDtype):
        return _dates(dtype, name)
    name_of_type = _name(dtype)
    if isinstance(dtype, pd.SparseDtype):
        series, dtype = series.sparse.to_dense(), dtype.subtype
    if dtype.kind == "c":
        return Problem(
            name, f"holds {dtype}, expected texts, numbers or truth values; convert it", ("ignore",)
        )
    try:
        cells = pa.array(series, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as e:
        return Problem(name, f"does not hold values of one kind ({line(e)}); make them all text", ("ignore",))
    return arrow_column(cells, name, dtype=name_of_type + _mark(series, cells))


def _categories(series: Any, name: str) -> Column | Problem:
    import pandas as pd

    categories, codes = series.dtype.categories, np.asarray(series.array.codes)
    inner = categories.dtype
    dtype = f"pandas:category[{_name(inner).removeprefix('pandas:')}]"
    ordered = bool(series.dtype.ordered)
    if isinstance(inner, pd.IntervalDtype):
        return _intervals(categories, codes, name, dtype, declared=True, ordered=ordered)
    if inner.kind in "mM" or isinstance(inner, pd.PeriodDtype):
        return _dates(inner, name)
    values = [v.item() if isinstance(v, np.generic) else v for v in categories]
    kinds: set[Kind | None] = {_KINDS.get(type(v)) for v in values}
    if len(kinds) > 1 or None in kinds:
        return Problem(name, "has categories that are not of one kind; rename them to texts", ("ignore",))
    if len({label_of(v) for v in values}) < len(values):
        return Problem(name, "has two categories that read alike; rename one", ("ignore",))
    kind = kinds.pop() if kinds else None
    return Column(values, codes, kind, dtype, declared=True, ordered=ordered)


_KINDS: dict[type, Kind] = {str: "text", int: "integer", float: "number", bool: "boolean"}


def _intervals(
    found: Any, codes: Any, name: str, dtype: str, *, declared: bool = False, ordered: bool = False
) -> Column | Problem:
    """Intervals (an ``IntervalIndex`` or its array) as their labels."""
    if found.dtype.subtype.kind not in "iuf":
        return _dates(found.dtype, name)
    labels = [label_of(interval) or "" for interval in found]
    kind: Kind | None = "interval" if labels else None
    return Column(
        labels, np.asarray(codes), kind, dtype, declared=declared, ordered=ordered, closed=found.dtype.closed
    )


def _dates(dtype: Any, name: str) -> Problem:
    return Problem(name, f"holds dates or times ({dtype}); make them text, such as the month", ("ignore",))


def _mark(series: Any, cells: Any) -> str:
    """Which object stands for a missing value in a column of objects, where one does."""
    if series.dtype != object or not cells.null_count:
        return ""
    first = series.array[int(np.argmax(series.isna().to_numpy()))]
    return "" if first is None else "[nan]" if isinstance(first, float) else "[NA]"


def _name(dtype: Any) -> str:
    """The type as text that pandas makes it from again."""
    import pandas as pd

    if isinstance(dtype, pd.StringDtype):
        text = "str" if dtype.na_value is not pd.NA else f"string[{dtype.storage}]"
        return f"pandas:{text}"
    return f"pandas:{dtype}"
