"""Columns of Arrow, which is how polars, files and lists of values hand theirs over."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.tables.columns import Column
from chainrule.tables.intervals import interval_label
from chainrule.tables.missing import MISSING
from chainrule.tables.problems import Problem
from chainrule.tables.values import Kind

__all__ = ["arrow_column", "arrow_type", "line"]


def arrow_column(
    cells: pa.Array | pa.ChunkedArray,
    name: str,
    *,
    dtype: str | None = None,
    in_file: bool = False,
) -> Column | Problem:
    """The column in an Arrow array; a null and a NaN are missing.

    ``dtype`` is what to give back, Arrow's own type by default.

    >>> c = arrow_column(pa.array([2.0, None, 10.0]), "a")
    >>> c.labels, c.indices.tolist(), c.kind, c.dtype
    (['2', '10'], [0, -1, 1], 'number', 'arrow:double')
    """
    dtype = dtype or f"arrow:{cells.type}"
    kind = _kind(cells.type)
    if pa.types.is_null(cells.type):
        return Column([], np.full(len(cells), MISSING, np.int8), None, dtype, in_file=in_file)
    if kind is None:
        return _refused(cells.type, name)
    declared = pa.types.is_dictionary(cells.type)
    closed = getattr(_values_type(cells.type), "closed", "right")
    values, indices = _encoded(cells, declared)
    distinct, indices = _distinct(values, indices, kind, closed)
    return Column(
        distinct,
        indices,
        kind,
        dtype,
        declared=declared,
        ordered=declared and cells.type.ordered,
        in_file=in_file and not declared,
        closed=closed,
    )


def arrow_type(text: str) -> pa.DataType:
    """The type that Arrow writes as ``text``.

    >>> arrow_type("dictionary<values=string, indices=int8, ordered=1>").ordered
    True
    """
    if m := re.fullmatch(r"dictionary<values=(\w+), indices=(\w+), ordered=([01])>", text):
        return pa.dictionary(arrow_type(m[2]), arrow_type(m[1]), ordered=m[3] == "1")
    return pa.type_for_alias(text)


def line(error: BaseException) -> str:
    """What an error says, in one line that is not too long."""
    return " ".join(str(error).split())[:200]


def _values_type(type_: pa.DataType) -> pa.DataType:
    return type_.value_type if pa.types.is_dictionary(type_) else type_


def _kind(type_: pa.DataType) -> Kind | None:
    t, type_ = pa.types, _values_type(type_)
    if isinstance(type_, pa.BaseExtensionType):
        type_ = type_.storage_type
    if t.is_boolean(type_):
        return "boolean"
    if t.is_integer(type_):
        return "integer"
    if t.is_floating(type_):
        return "number"
    if t.is_string(type_) or t.is_large_string(type_) or t.is_string_view(type_):
        return "text"
    if t.is_struct(type_) and {f.name for f in type_} == {"left", "right"}:
        numbers = all(t.is_integer(f.type) or t.is_floating(f.type) for f in type_)
        return "interval" if numbers else None
    return None


def _refused(type_: pa.DataType, name: str) -> Problem:
    if pa.types.is_temporal(_values_type(type_)):
        return Problem(
            name, f"holds dates or times ({type_}); make them text, such as the month", ("ignore",)
        )
    return Problem(name, f"holds {type_}, expected texts, numbers or truth values; convert it", ("ignore",))


def _encoded(cells: Any, declared: bool) -> tuple[pa.Array, NDArray[Any]]:
    """Distinct values, and the index of each cell, -1 for a null."""
    if not declared:
        if isinstance(cells.type, pa.BaseExtensionType):
            cells = _storage(cells)
        if pa.types.is_struct(cells.type):  # which Arrow does not encode
            return cells, np.where(
                cells.is_valid().to_numpy(zero_copy_only=False), np.arange(len(cells)), MISSING
            )
        cells = (cells.cast(pa.float32()) if pa.types.is_float16(cells.type) else cells).dictionary_encode()
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.unify_dictionaries().combine_chunks()
        cells = cells.chunk(0) if isinstance(cells, pa.ChunkedArray) else cells
    indices = cells.indices
    if indices.null_count:
        signed = indices if pa.types.is_signed_integer(indices.type) else indices.cast(pa.int64())
        indices = signed.fill_null(MISSING)
    return cells.dictionary, indices.to_numpy()


def _storage(cells: Any) -> pa.Array:
    cells = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    return cells.storage


def _distinct(
    values: Any, indices: NDArray[Any], kind: Kind, closed: str
) -> tuple[Any, NDArray[np.integer[Any]]]:
    """The values without nulls, NaN, and those that are one (0.0 and -0.0), and the indices into them."""
    if kind == "interval":
        cells = values.storage if isinstance(values, pa.ExtensionArray) else values
        found = [
            None if v is None else interval_label(v["left"], v["right"], closed) for v in cells.to_pylist()
        ]
    elif kind in ("integer", "number") and not values.null_count and indices.dtype.kind == "i":
        numbers = values.to_numpy(zero_copy_only=False)
        if not (np.isnan(numbers).any() or np.count_nonzero(numbers == 0) > 1):
            return numbers, indices
        found = values.to_pylist()
    else:
        found = values.to_pylist()
    place: dict[Any, int] = {}
    merged = [MISSING if v is None or v != v else place.setdefault(v, len(place)) for v in found]
    if merged != list(range(len(merged))) or indices.dtype.kind == "u":
        indices = np.array([*merged, MISSING], np.int64)[indices.astype(np.int64, copy=False)]
    return list(place), indices
