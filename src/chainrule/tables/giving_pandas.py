"""Columns of pandas from codes, in the type that they had."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from chainrule.tables.schema import Variable
from chainrule.tables.values import value_of

__all__ = ["pandas_series"]


def pandas_series(variable: Variable, codes: NDArray[np.integer[Any]]) -> Any:
    """The column that these codes (n,) of a variable are.

    A type that has no missing value gives way to the nullable one where a code is -1.

    >>> pandas_series(Variable("a", ("2", "7"), "integer", dtype="pandas:int64"), np.array([1, 0, -1])).tolist()
    [7, 2, <NA>]
    """
    library, _, name = (variable.dtype or "").partition(":")
    indices = codes.astype(np.intp)
    if library != "pandas" or name == "null":
        name = _fitting(variable)
    if m := re.fullmatch(r"category\[(.*)\]", name):
        return pd.Series(
            pd.Categorical.from_codes(indices, _categories(variable, m[1]), ordered=variable.ordered),
            name=variable.name,
        )
    if m := re.fullmatch(r"Sparse\[(\w+),.*\]", name):
        return pandas_series(replace(variable, dtype=f"pandas:{m[1]}"), codes).astype(name)
    if variable.cuts is not None and not name.startswith("interval"):
        return pandas_series_of_bins(variable, indices)
    name, _, mark = name.partition("[") if name.startswith("object") else (name, "", "")
    values = _categories(variable, name)
    if (indices < 0).any():
        values = _nullable(values)
    taken = values.array.take(indices, allow_fill=True)
    if name == "object":
        taken[indices < 0] = {"nan]": np.nan, "NA]": pd.NA}.get(mark)
    return pd.Series(taken, name=variable.name, dtype=values.dtype)


def pandas_series_of_bins(variable: Variable, indices: NDArray[np.intp]) -> Any:
    """Bins as ordered categories, each an interval."""
    categories = _categories(variable, "interval[float64, right]")
    return pd.Series(pd.Categorical.from_codes(indices, categories, ordered=True), name=variable.name)


def _fitting(variable: Variable) -> str:
    """A type for a column that did not come from pandas."""
    if variable.kind == "interval":
        return f"category[interval[float64, {variable.closed}]]"
    return {"integer": "int64", "number": "float64", "boolean": "bool"}.get(variable.kind, "category[object]")


def _categories(variable: Variable, dtype: str) -> Any:
    """The value of each state as an ``Index`` of this type."""
    if variable.kind == "interval":
        m = re.search(r"interval\[(\w+)", dtype)
        ends = np.array([value_of(label, "interval") for label in variable.states], np.float64)
        if m is not None and np.isfinite(ends).all():
            ends = ends.astype(m[1])
        return pd.IntervalIndex.from_arrays(ends[:, 0], ends[:, 1], closed=variable.closed)  # type: ignore[arg-type]
    values = [value_of(label, variable.kind) for label in variable.states]
    return pd.Index(values, dtype=dtype)


def _nullable(values: Any) -> Any:
    """Values of a type that has no missing value in the nullable type that is like it."""
    kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else "O"
    if kind not in "iub":
        return values
    name = str(values.dtype)
    return values.astype("boolean" if kind == "b" else name.replace("uint", "UInt").replace("int", "Int"))
