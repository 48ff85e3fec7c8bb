"""Tables: parts, labels, counts, frames, and what is printed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError, ShapeError, UnknownNameError, ValuesError
from chainrule.tables import Schema, Table

SCHEMA = Schema.of({"rain": ["no", "yes"], "mm": 3})
TABLE = Table(SCHEMA, [[0, 2], [1, -1], [1, 0]], [1, 2, 0.5])
labels = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=8, unique=True)


@given(labels, st.data())
def test_decoding_and_coding_again_changes_nothing(states, data):
    codes = data.draw(st.lists(st.tuples(*[st.integers(-1, len(states) - 1)] * 2), min_size=1, max_size=9))
    table = Table(Schema.of({"a": states, "b": states}), np.array(codes))
    again = Table.read(table.decode(), schema=table.schema)
    np.testing.assert_array_equal(again.codes, table.codes)
    other = Schema.of({"b": states[::-1], "a": [*states, "more" * 9]})
    moved = Table.read(table, schema=other)
    assert {k: v.tolist() for k, v in moved.decode().items()} == {
        k: v.tolist() for k, v in table.decode().items()
    }
    assert moved.schema.names == ("b", "a")


def test_a_table_has_a_shape_and_parts():
    assert TABLE.shape == (3, 2)
    assert len(TABLE) == TABLE.n_rows == 3
    assert TABLE.head(1).codes.tolist() == [[0, 2]]
    assert TABLE[1:].weights.tolist() == [2, 0.5]
    assert TABLE[np.array([True, False, True])].codes.tolist() == [[0, 2], [1, 0]]
    assert TABLE[[2, 0]].codes.tolist() == [[1, 0], [0, 2]]
    assert TABLE.select(["mm"]).codes[:, 0].tolist() == TABLE.column("mm").tolist() == [2, -1, 0]
    with pytest.raises(InputError, match="indexed by rows"):
        TABLE["rain"]
    with pytest.raises(UnknownNameError, match="no variable 'snow'"):
        TABLE.select(["snow"])


def test_values_are_counted_by_weight_and_without_the_missing():
    assert TABLE.value_counts("rain") == {"no": 1, "yes": 2.5}
    assert Table(SCHEMA, TABLE.codes).value_counts("mm") == {"0": 1, "1": 0, "2": 1}


def test_codes_have_the_smallest_type_and_unsigned_says_that_nothing_is_missing():
    for k, least, expected in (
        (2, 0, "u1"),
        (256, 0, "u1"),
        (257, 0, "u4"),
        (2, -1, "i2"),
        (40_000, -1, "i4"),
    ):
        table = Table(Schema.of({"a": k}), np.array([[least], [k - 1]]))
        assert table.codes.dtype == np.dtype(expected)
        assert table.is_complete == (least == 0)


def test_tables_become_frames_of_every_library():
    frame = TABLE.to_pandas()
    assert frame.dtypes.astype(str).to_dict() == {"rain": "category", "mm": "Int64"}
    assert frame["rain"].cat.categories.tolist() == ["no", "yes"]
    assert TABLE.to_polars().schema == {"rain": pl.Enum(["no", "yes"]), "mm": pl.Int64}
    assert TABLE.to_arrow().to_pydict() == {"rain": ["no", "yes", "yes"], "mm": [2, None, 0]}
    for made in (frame, TABLE.to_polars(), TABLE.to_arrow()):
        assert Table.read(made, schema=SCHEMA).codes.tolist() == TABLE.codes.tolist()
    mixed = Table.read(pd.DataFrame({"c": pd.Categorical(["u", "v"]), "i": pd.array([1, None], "Int64")}))
    assert mixed.to_polars()["c"].to_list() == ["u", "v"]
    assert mixed.to_arrow().to_pydict() == {"c": ["u", "v"], "i": [1, None]}


def test_a_table_prints_itself():
    assert repr(TABLE).splitlines() == [
        "Table of 3 rows, 2 variables, weighing 3.5",
        "rain  mm",
        "no    2",
        "yes   –",
        "yes   0",
    ]
    wide = Table(Schema.of_sizes([2] * 100), np.zeros((50, 100), np.uint8))
    assert "… 88 more" in repr(wide)
    assert repr(wide).endswith("… 44 more")
    html = Table(Schema.of({"<a>": ["<b>"]}), [[0]])._repr_html_()
    assert "&lt;a&gt;" in html
    assert "<b>" not in html


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ((SCHEMA, [0, 1]), ShapeError, "for 2 columns"),
        ((SCHEMA, [[0]]), ShapeError, "for 2 columns"),
        ((SCHEMA, [[0.5, 0]]), ValuesError, "whole numbers"),
        ((SCHEMA, [[0, 3]]), ValuesError, "row 0, column 'mm': the code 3 is no state; codes are 0 to 2"),
        ((SCHEMA, [[0, 0], [-2, 0]]), ValuesError, "row 1, column 'rain': the code -2"),
        ((SCHEMA, np.array([[2**64 - 1, 0]], np.uint64)), ValuesError, "the code 18446744073709551615"),
        ((SCHEMA, [[0, 0]], [1, 1]), ShapeError, "weights"),
        ((SCHEMA, [[0, 0]], [-1]), ValuesError, "at least 0"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(parts, error, message):
    with pytest.raises(error, match=message):
        Table(*parts)
