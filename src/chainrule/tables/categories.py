"""From the cells of one column to states and codes: which categories occur, in which order, which cell has which.

Columns come as Arrow arrays, whatever library they were made with.  A column is first encoded: its distinct
labels as text, and an index for each cell.  States are then chosen (or given), and indices become codes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.core.errors import ValuesError
from chainrule.tables.categorical import MISSING_CODE, unknown_category

__all__ = ["Encoded", "Kind", "choose_states", "encode", "encode_states", "to_state_codes"]

Kind = Literal["declared", "boolean", "number", "text", "file text", "nothing"]


@dataclass(frozen=True)
class Encoded:
    """The cells of a column as ``indices`` (n,) into ``labels``, -1 where missing.

    ``kind`` says what the labels were: "declared" categories in their order, truth values, numbers, texts,
    the text of a file (where anything is text), or nothing at all.
    """

    labels: tuple[str, ...]
    indices: NDArray[np.int64]
    kind: Kind


def encode(column: pa.Array | pa.ChunkedArray, name: str, *, from_file: bool = False) -> Encoded:
    """The cells of an Arrow column; a null and a NaN are missing.

    Raises ``ValuesError`` for a column that holds neither texts, numbers nor truth values.

    >>> e = encode(pa.array([2.0, None, 10.0]), "a")
    >>> e.labels, e.indices.tolist(), e.kind
    (('2', '10'), [0, -1, 1], 'number')
    """
    kind = _kind(column.type, name, from_file)
    if kind == "nothing":
        return Encoded((), np.full(len(column), MISSING_CODE, np.int64), kind)
    if pa.types.is_float16(column.type):  # which Arrow cannot encode
        column = column.cast(pa.float32())
    coded = column if kind == "declared" else column.dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.unify_dictionaries().combine_chunks()
        coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    place: dict[str, int] = {}
    # two values may have one label (0.0 and -0.0), and the label of a null or a NaN is none
    texts = map(_label, coded.dictionary.to_pylist())
    merged = [MISSING_CODE if t is None else place.setdefault(t, len(place)) for t in texts]
    cells = coded.indices.cast(pa.int64()).fill_null(MISSING_CODE).to_numpy()
    indices = np.array([*merged, MISSING_CODE], np.int64)[cells]
    return Encoded(tuple(place), indices, kind)


def encode_states(values: NDArray[Any], name: str, max_states: int | None) -> Encoded:
    """The numbers (n,) of an array's column, where k means state k, as "declared" states 0 to the largest.

    NaN is missing; -1 is refused, as it would pass for missing unnoticed.  With ``max_states=None`` only the
    values that occur are listed, however large.  Raises ``ValuesError``.

    >>> encode_states(np.array([2.0, np.nan, 0.0]), "a", 100).labels
    ('0', '1', '2')
    """
    values = values.astype(np.float64) if values.dtype.kind == "f" else values
    present = ~np.isnan(values)
    held = values[present]
    bad = np.flatnonzero(present & ~((values >= 0) & (values == np.floor(values)) & (values < 2.0**53)))
    if bad.size:
        raise ValuesError(
            f"row {bad[0]}, column {name!r}: {values[bad[0]]} is no state; states of an array are whole numbers "
            "from 0 on and NaN means missing: discretise measurements first, pass categories by name in a dict"
        )
    top = int(held.max(initial=0))
    if max_states is not None and top >= max_states:
        raise ValuesError(
            f"column {name!r} holds {top}, so it has more than max_states={max_states:,} states; discretise it, "
            "leave it out with columns, or raise max_states"
        )
    shown = np.unique(held.astype(np.int64)) if max_states is None else np.arange(top + 1)
    indices = np.full(len(values), MISSING_CODE, np.int64)
    indices[present] = np.searchsorted(shown, held.astype(np.int64))
    return Encoded(tuple(map(str, shown.tolist())) if held.size else (), indices, "declared")


def choose_states(
    labels: Iterable[str], kind: Kind, name: str, max_states: int, missing: frozenset[str]
) -> tuple[str, ...]:
    """The states of a column, in order, from the labels that occur.

    Declared categories keep their order, truth values are False, True; whole numbers (also as text) are
    ordered by value, other texts by character.  Raises ``ValuesError`` for what looks continuous: numbers
    with a fraction, or more than ``max_states`` labels that nobody declared.

    >>> choose_states(["10", "9", "1"], "text", "a", 100, frozenset())
    ('1', '9', '10')
    """
    if kind == "boolean":
        return ("False", "True")
    if kind == "declared":
        return tuple(labels)
    labels = [label for label in labels if kind != "file text" or label not in missing]
    numbers = {label: _number(label) for label in labels}
    numeric = all(value is not None for value in numbers.values())
    if kind == "number" or (kind == "file text" and numeric):
        fraction = next((t for t, v in numbers.items() if v is None or not v.is_integer()), None)
        if fraction is not None:
            raise ValuesError(
                f"column {name!r} looks continuous (it holds {fraction}); put its values into a few "
                "categories first, or name its states in schema"
            )
    if len(labels) > max_states:
        raise ValuesError(
            f"column {name!r} has {len(labels):,} categories, more than max_states={max_states:,}; is it an "
            "identifier or a measurement? leave it out with columns, discretise it, or raise max_states"
        )
    return tuple(sorted(labels, key=(lambda label: (numbers[label], label)) if numeric else None))


def to_state_codes(
    encoded: Encoded, states: Sequence[str], name: str, missing: frozenset[str], first_row: int = 0
) -> NDArray[np.int32]:
    """The codes (n,) of the cells by ``states``; a label of ``missing`` that is no state of a file is missing.

    Raises ``UnknownNameError`` with row, column and label for a cell whose category is none of the states.
    """
    place = {label: k for k, label in enumerate(states)}
    unknown = len(place)
    empty = missing if encoded.kind == "file text" else frozenset()
    recode = [place.get(label, MISSING_CODE if label in empty else unknown) for label in encoded.labels]
    codes = np.array([*recode, MISSING_CODE], np.int32)[encoded.indices]
    bad = np.flatnonzero(codes == unknown)
    if bad.size:
        row = int(bad[0])
        raise unknown_category(name, encoded.labels[encoded.indices[row]], states, first_row + row)
    return codes


def _kind(type_: pa.DataType, name: str, from_file: bool) -> Kind:
    t = pa.types
    if t.is_dictionary(type_):
        return "declared"
    if t.is_boolean(type_):
        return "boolean"
    if t.is_integer(type_) or t.is_floating(type_):
        return "number"
    if t.is_string(type_) or t.is_large_string(type_) or t.is_string_view(type_):
        return "file text" if from_file else "text"
    if t.is_null(type_):
        return "nothing"
    raise ValuesError(
        f"column {name!r} holds {type_}; expected texts, whole numbers or truth values: convert it to text"
    )


def _label(value: Any) -> str | None:
    """A category as text; whole floats lose their ``.0``, ``None`` and NaN are no category."""
    if value is None or value != value:
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _number(label: str) -> float | None:
    try:
        value = None if "_" in label else float(label)
    except ValueError:
        return None
    return value if value is not None and math.isfinite(value) else None
