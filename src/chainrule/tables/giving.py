"""Codes as the table that came in: its kind, its column names, its types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.errors import InputError
from chainrule.core.shapes import Integer, Shaped
from chainrule.tables.bins import bin_middles
from chainrule.tables.schema import Schema, Variable
from chainrule.tables.values import value_of

__all__ = ["give_array", "give_arrow", "give_columns", "give_dict", "give_pandas", "give_polars"]

Codes = Integer[np.ndarray, "n d"]
Cells = Integer[np.ndarray, " n"]  # the codes of one column


def give_array(codes: Codes, schema: Schema) -> Shaped[np.ndarray, "n d"]:
    """An array (n, d): of codes in the smallest type (float64 with NaN where some are missing), else of values.

    Arrays of truth values stay such, texts stay texts (``None`` where missing); a column of measurements that was
    cut into bins has the middle of its bin.
    """
    variables = schema.variables
    whole = codes.dtype.kind == "u" or not codes.size or int(codes.min()) >= 0
    if whole and all(v.dtype == "numpy:bool" for v in variables):
        return codes.astype(bool)
    if schema.states_are_codes:
        if not whole:
            return np.where(codes < 0, np.nan, codes.astype(np.float64))
        return codes.astype(np.uint8 if schema.most_states <= 2**8 else np.int64, copy=False)
    columns = [_plain_values(v, codes[:, j]) for j, v in enumerate(variables)]
    if any(column.dtype == object for column in columns):
        columns = [column.astype(object) for column in columns]
    return np.stack(columns, axis=1)


def give_pandas(codes: Codes, schema: Schema) -> Any:
    """A ``DataFrame`` with the types that its columns had, or that fit the states."""
    pd = _library("pandas")
    from chainrule.tables.giving_pandas import pandas_series

    return pd.DataFrame(
        {
            v.name if v.label is None else v.label: pandas_series(v, codes[:, j])
            for j, v in enumerate(schema.variables)
        }
    )


def give_polars(codes: Codes, schema: Schema) -> Any:
    """A polars ``DataFrame`` with the types that its columns had, or that fit the states."""
    pl = _library("polars")
    return pl.DataFrame([_polars_series(v, codes[:, j]) for j, v in enumerate(schema.variables)])


def give_arrow(codes: Codes, schema: Schema) -> Any:
    """An Arrow table with the types that its columns had, or that fit the states."""
    import pyarrow as pa

    arrays = [_arrow_array(v, codes[:, j]) for j, v in enumerate(schema.variables)]
    return pa.table(dict(zip(schema.names, arrays, strict=True)))


def give_dict(codes: Codes, schema: Schema) -> dict[Any, Any]:
    """A dict of columns, each of the kind that it was."""
    return {
        v.name if v.label is None else v.label: _single(v)(v, codes[:, j])
        for j, v in enumerate(schema.variables)
    }


def give_columns(codes: Codes, schema: Schema) -> Any:
    """What ``schema.container`` says, except for rows of files, which are a ``Table``."""
    if schema.container == "arrow batch":
        return give_arrow(codes, schema).combine_chunks().to_batches(max_chunksize=None)[0]
    return _GIVERS[schema.container](codes, schema)


_GIVERS: dict[str, Callable[[Codes, Schema], Any]] = {
    "array": give_array,
    "pandas": give_pandas,
    "polars": give_polars,
    "arrow": give_arrow,
    "dict": give_dict,
}


def _single(variable: Variable) -> Callable[[Variable, Cells], Any]:
    """How a column that stands alone is given back."""
    library, _, _ = (variable.dtype or "list").partition(":")
    if library == "pandas":
        _library("pandas")
        from chainrule.tables.giving_pandas import pandas_series

        return pandas_series
    if library == "polars":
        _library("polars")
    return {"polars": _polars_series, "arrow": _arrow_array, "numpy": _numpy_column}.get(library, _list)


def _values(variable: Variable) -> list[Any]:
    """The value of each state; intervals as their labels."""
    if variable.kind == "interval":
        return list(variable.states)
    return [value_of(label, variable.kind) for label in variable.states]


def _list(variable: Variable, codes: Cells) -> list[Any]:
    return np.array([*_values(variable), None], object)[codes.astype(np.intp)].tolist()


def _numpy_column(variable: Variable, codes: Cells) -> Shaped[np.ndarray, " n"]:
    """A column of the NumPy type that it had; a type that has no missing value gives way to one that has."""
    _, _, name = (variable.dtype or "").partition(":")
    found = _list(variable, codes)
    if None not in found and variable.kind != "interval":  # bins of a column of numbers are labels
        return np.array([*found, None], object)[:-1].astype(name or None)
    if variable.kind in ("integer", "number") and name != "object":
        numbers = np.array([np.nan if v is None else v for v in found], np.float64)
        return numbers.astype(name) if name.startswith("float") else numbers
    return np.array([*found, None], object)[:-1]


def _plain_values(variable: Variable, codes: Cells) -> Shaped[np.ndarray, " n"]:
    """A column of an array as values."""
    if variable.cuts is not None:
        return np.array([*bin_middles(variable.cuts), np.nan])[codes.astype(np.intp)]
    if variable.dtype in ("numpy:bool", "numpy:object", "numpy:U") or variable.kind in ("integer", "number"):
        return _numpy_column(variable, codes)
    return np.array([*_list(variable, codes), None], object)[:-1]


def _arrow_array(variable: Variable, codes: Cells) -> Any:
    import pyarrow as pa

    from chainrule.tables.arrow_columns import arrow_type

    library, _, name = (variable.dtype or "").partition(":")
    indices = pa.array(codes.astype(np.int64), mask=np.asarray(codes < 0))
    if library == "arrow" and name.startswith("dictionary"):
        type_ = arrow_type(name)
        values = pa.array(_values(variable), type_.value_type)
        return pa.DictionaryArray.from_arrays(indices.cast(type_.index_type), values, ordered=type_.ordered)
    if library == "arrow" and name == "string_view":  # which not every version of Arrow takes by places
        return pa.array(_list(variable, codes), pa.string_view())
    if library == "arrow" and variable.kind != "interval" and name != "null":
        return pa.array(_values(variable)).take(indices).cast(arrow_type(name))
    return pa.array(_values(variable)).take(indices)


def _polars_series(variable: Variable, codes: Cells) -> Any:
    import polars as pl

    library, _, name = (variable.dtype or "").partition(":")
    type_ = None
    if library == "polars" and variable.kind != "interval" and name != "Null":
        type_ = pl.Enum(list(variable.states)) if name == "Enum" else getattr(pl, name)
    elif variable.kind in ("text", "interval") and library != "polars":
        type_ = pl.Enum(list(variable.states))
    places = pl.Series([None if k < 0 else k for k in codes.tolist()], dtype=pl.UInt32)
    cells = pl.Series(variable.name, _values(variable)).gather(places)
    return cells if type_ is None else cells.cast(type_)


def _library(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as e:
        raise InputError(
            f"the rows came as a {name} table and {name} is not installed here; install it (pip install {name}), or "
            "use codes: Table.codes, Table.decode()"
        ) from e
