"""Categorical tables: the record, every way in, and files in batches."""

from __future__ import annotations

import gzip
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import (
    ChainruleError,
    DataError,
    InputError,
    ShapeError,
    UnknownNameError,
    ValuesError,
)
from chainrule.tables.categorical import CategoricalTable
from chainrule.tables.categorical_input import as_categorical, iter_categorical

COLUMNS = {"s": ["b", None, "a", "b"], "n": [10, 9, 10, 2], "t": [True, False, None, True]}
STATES = {"s": ("a", "b"), "n": ("2", "9", "10"), "t": ("False", "True")}
CODES = [[1, 2, 1], [-1, 1, 0], [0, 2, -1], [1, 0, 1]]


def _same(table, codes=CODES, states=STATES):
    assert table.schema == states
    assert table.codes.tolist() == codes
    assert table.codes.dtype == np.int32
    assert table.codes.flags.c_contiguous


@pytest.mark.parametrize(
    "make",
    [
        dict,
        pd.DataFrame,
        lambda c: pd.DataFrame(c).convert_dtypes(),
        lambda c: pd.DataFrame(c, index=[7, 3, 5, 1]),
        lambda c: pd.DataFrame(c).astype(object),
        pl.DataFrame,
        lambda c: pl.concat([pl.DataFrame(c)[:2], pl.DataFrame(c)[2:]], rechunk=False),
        pa.table,
        lambda c: pa.table(c).to_batches()[0],
        lambda c: {k: pd.Series(v) for k, v in c.items()},
        lambda c: {k: pl.Series(v) for k, v in c.items()},
        lambda c: as_categorical(c),
    ],
)
def test_every_kind_of_table_gives_the_same_states_and_codes(make):
    _same(as_categorical(make(COLUMNS)))


@pytest.mark.parametrize("suffix", ["csv", "tsv", "csv.gz", "parquet"])
@pytest.mark.parametrize("batch_rows", [1, 3, 100])
def test_files_and_their_batches_give_the_same_states_and_codes(tmp_path, suffix, batch_rows):
    path = tmp_path / f"t.{suffix}"
    frame = pd.DataFrame(COLUMNS)
    if suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
    _same(as_categorical(path))
    _same(as_categorical(str(path), schema=STATES))
    parts = list(iter_categorical(path, batch_rows=batch_rows))
    assert max(t.n_rows for t in parts) <= batch_rows
    assert all(t.schema == STATES for t in parts)
    assert np.concatenate([t.codes for t in parts]).tolist() == CODES


def test_row_numbers_that_pandas_stores_are_no_column(tmp_path):
    pd.DataFrame(COLUMNS, index=[7, 3, 5, 1]).to_parquet(tmp_path / "t.parquet")
    _same(as_categorical(tmp_path / "t.parquet"))


def test_categorical_types_keep_their_order_and_their_unused_states(tmp_path):
    values, order = ["q", "r", None], ["r", "z", "q"]
    frame = pd.DataFrame({"c": pd.Categorical(values, categories=order)})
    frame.to_parquet(tmp_path / "c.parquet")
    enum = pl.DataFrame({"c": pl.Series(values, dtype=pl.Enum(order))})
    arrow = pa.table({"c": pa.DictionaryArray.from_arrays(pa.array([2, 0, None]), pa.array(order))})
    for table in (frame, enum, arrow, {"c": frame["c"]}, tmp_path / "c.parquet"):
        _same(as_categorical(table), [[2], [0], [-1]], {"c": tuple(order)})


def test_arrow_dictionaries_that_differ_by_chunk_are_joined():
    chunks = [pa.array(["u", "v"]).dictionary_encode(), pa.array(["w", None, "u"]).dictionary_encode()]
    _same(
        as_categorical(pa.table({"a": pa.chunked_array(chunks)})),
        [[0], [1], [2], [-1], [0]],
        {"a": ("u", "v", "w")},
    )


@given(
    st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=8, unique=True).flatmap(
        lambda labels: st.tuples(
            st.just(labels),
            st.lists(
                st.lists(st.integers(-1, len(labels) - 1), min_size=2, max_size=2), min_size=1, max_size=9
            ),
        )
    )
)
def test_decoding_and_coding_again_changes_nothing(drawn):
    labels, codes = drawn
    table = CategoricalTable(("a", "b"), (tuple(labels), tuple(labels)), np.array(codes, np.int32))
    again = as_categorical(table.decode(), schema=table.schema)
    np.testing.assert_array_equal(again.codes, table.codes)
    other = {"b": labels[::-1], "a": [*labels, "more" * 9]}
    moved = table.with_schema(other)
    assert {k: v.tolist() for k, v in moved.decode().items()} == {
        k: v.tolist() for k, v in table.decode().items()
    }
    assert moved.names == ("b", "a")


@pytest.mark.parametrize("dtype", ["i1", "u8", "f2", "f4", "f8"])
def test_columns_of_every_type_of_number_are_read(dtype):
    _same(as_categorical({"a": np.array([10, 9, 9], dtype)}), [[1], [0], [0]], {"a": ("9", "10")})
    _same(as_categorical(np.array([[1], [0]], dtype)), [[1], [0]], {"x1": ("0", "1")})


def test_an_array_of_whole_numbers_has_the_states_up_to_the_largest():
    expected = {"x1": ("0", "1", "2"), "x2": ("0", "1")}
    _same(as_categorical(np.array([[2, 0], [0, 1]], np.uint8)), [[2, 0], [0, 1]], expected)
    _same(as_categorical([[2, 0], [0, 1]]), [[2, 0], [0, 1]], expected)
    _same(as_categorical(np.array([[2, np.nan], [0, 1.0]])), [[2, -1], [0, 1]], expected)
    _same(as_categorical(np.array([[7], [3]]), schema={"x1": ["3", "7"]}), [[1], [0]], {"x1": ("3", "7")})
    _same(as_categorical(np.array([["u"], ["t"]])), [[1], [0]], {"x1": ("t", "u")})
    _same(as_categorical(np.array([[True], [True]])), [[1], [1]], {"x1": ("False", "True")})


@pytest.mark.parametrize("bad", [[[-1, 0]], [[0.5]], [[np.inf]], np.array([[2**64 - 1]], np.uint64), [[300]]])
def test_arrays_of_anything_but_states_are_refused(bad):
    with pytest.raises(ValuesError, match="column 'x1'"):
        as_categorical(bad)


def test_columns_that_look_continuous_or_name_rows_are_refused_unless_left_out_or_declared(tmp_path):
    heights = [1.5, 2.25, 3.0]
    path = tmp_path / "h.csv"
    pd.DataFrame({"h": heights, "a": list("uvu")}).to_csv(path, index=False)
    for table in ({"h": heights, "a": list("uvu")}, path):
        with pytest.raises(ValuesError, match=r"column 'h' looks continuous \(it holds 1.5\)"):
            as_categorical(table)
        assert as_categorical(table, columns=["a"]).names == ("a",)
    declared = as_categorical({"h": heights}, schema={"h": ["1.5", "2.25", "3"]})
    assert declared.codes.tolist() == [[0], [1], [2]]
    many = {"id": [f"r{i}" for i in range(300)]}
    with pytest.raises(ValuesError, match="300 categories, more than max_states=256"):
        as_categorical(many)
    assert as_categorical(many, max_states=300).sizes == (300,)
    pd.DataFrame(many).to_csv(path, index=False)
    with pytest.raises(ValuesError, match="max_states=256"):
        iter_categorical(path, batch_rows=270)


def test_cells_of_a_text_file_are_missing_by_a_stated_list_except_where_they_are_states(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text('a,b\n"",u\nNA,v\nNone,u\n01,?\n1,u\n')
    table = as_categorical(path)
    assert table.schema == {"a": ("01", "1", "None"), "b": ("?", "u", "v")}
    assert table.column("a").tolist() == [-1, -1, 2, 0, 1]
    assert as_categorical(path, missing=["", "?"]).schema["a"] == ("01", "1", "NA", "None")
    listed = as_categorical(path, schema={"a": ["NA", "None", "01", "1"]})
    assert listed.column("a").tolist() == [-1, 0, 1, 2, 3]


def test_an_empty_line_is_a_missing_cell_where_there_is_one_column(tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("a\nx\n\ny\n")
    assert as_categorical(path).codes.tolist() == [[0], [-1], [1]]
    path.write_text("a,b\nx,1\n\ny,2\n")
    assert as_categorical(path).codes.tolist() == [[0, 0], [1, 1]]


def test_quotes_semicolons_and_byte_order_marks_are_read(tmp_path):
    path = tmp_path / "q.txt"
    path.write_bytes('\ufeff"a;1";b\r\n"x\ny";u\r\n"say ""z""";u\r\n'.encode())
    assert as_categorical(path).schema == {"a;1": ('say "z"', "x\ny"), "b": ("u",)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,b\n", "has no rows"),
        (b"a,b\n1,2\n1,2,3\n", r"Row #3: Expected 2 columns, got 3"),
        (b"a,b\n1,2\n1\n", r"Row #3: Expected 2 columns, got 1"),
        (b"a,a\n1,2\n", "two columns are called 'a'"),
        (b"a,\n1,2\n", "column 1 has no name"),
        (b"a,b\n1,\xff\xff\n", "(?i)utf-?8"),
        (b"\xff\xfea\x00", "(?i)utf-?8"),
        (gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:-20], "cannot be read"),
        (b"PAR1 and then rubbish PAR1", "cannot be read"),
        (b"a,b\n,1\n", "column 'a' has no states"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(ChainruleError, match=message) as caught:
        as_categorical(path)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=60), st.sampled_from([b"", b"a,b\n", b"PAR1", b"\x1f\x8b\x08"]))
def test_any_bytes_end_in_a_table_or_in_our_error(tmp_path_factory, rubbish, start):
    path = tmp_path_factory.mktemp("fuzz") / "f"
    path.write_bytes(start + rubbish)
    with suppress(ChainruleError):
        assert as_categorical(path).n_rows


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ({}, ShapeError, "no columns"),
        ({"a": []}, ShapeError, "no rows"),
        (np.zeros((0, 2), int), ShapeError, "no rows"),
        (np.zeros((2, 0)), ShapeError, "no columns"),
        ({"a": ["u"], "b": ["u", "v"]}, ShapeError, "column 'b' has 2 values, column 'a' has 1"),
        ({"a": ["u", 1]}, ValuesError, "column 'a' does not hold values of one kind"),
        ({"a": [None]}, InputError, "column 'a' has no states"),
        ({"a": "text"}, InputError, "column 'a' must be a list"),
        ({"a": 3}, InputError, "column 'a' must be a list"),
        ({"a": np.array(3)}, ValuesError, "column 'a' does not hold"),
        ({"a": [[1], [1, 2]]}, ValuesError, "column 'a' holds list"),
        ({"a": np.zeros((2, 2))}, ValuesError, "column 'a' does not hold"),
        ({"a": [1j]}, ValuesError, "column 'a' does not hold"),
        ({"a": [2**70]}, ValuesError, "column 'a' does not hold"),
        ({"a": [0.5, np.inf]}, ValuesError, "column 'a' looks continuous"),
        ({"a": [1.0, np.inf]}, ValuesError, "column 'a' looks continuous"),
        ({"a": [b"x"]}, ValuesError, "column 'a' holds binary"),
        ({"a": pd.to_datetime(["2020-01-01"])}, ValuesError, "column 'a' holds timestamp"),
        ([1, 2], ShapeError, "shape"),
        (None, ShapeError, "NoneType"),
        (pl.Series([1]), InputError, "Series is not a table"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), InputError, "two columns are called 'a'"),
    ],
)
def test_what_is_no_table_is_refused(table, error, message):
    with pytest.raises(error, match=message):
        as_categorical(table)


def test_an_unknown_category_is_named_with_row_column_and_near_matches(tmp_path):
    values = ["yes", "no", "yse"]
    path = tmp_path / "u.csv"
    pd.DataFrame({"wet": values}).to_csv(path, index=False)
    message = "row 2, column 'wet': there is no category 'yse'; did you mean 'yes'"
    for table in ({"wet": values}, path, as_categorical({"wet": values})):
        with pytest.raises(UnknownNameError, match=message):
            as_categorical(table, schema={"wet": ["no", "yes"]})
    with pytest.raises(UnknownNameError, match=message):
        list(iter_categorical(path, schema={"wet": ["no", "yes"]}, batch_rows=1))
    with pytest.raises(UnknownNameError, match="there is no column 'rain'"):
        as_categorical({"wet": values}, columns=["rain"])
    with pytest.raises(UnknownNameError, match="there is no column 'rain'"):
        as_categorical({"wet": values}, schema={"rain": ["no"]})


def test_a_record_that_does_not_fit_together_is_refused():
    good = np.zeros((2, 1), np.int32)
    for parts, error in (
        ((("a", "b"), (("u",), ("u",)), good), ShapeError),
        ((("a",), (), good), ShapeError),
        ((("a", "a"), (("u",), ("u",)), np.zeros((2, 2), np.int32)), InputError),
        ((("a",), (("u", "u"),), good), InputError),
        ((("a",), ("uv",), good), InputError),
        ((("a",), (("u",),), good + 1), ValuesError),
        ((("a",), (("u",),), good - 2), ValuesError),
        (((), (), good), ShapeError),
    ):
        with pytest.raises(error):
            CategoricalTable(*parts)
    for codes in ([[0.5]], [[np.inf]], [[-2]], np.array([[2**64 - 1]], np.uint64), [["a"]], [0]):
        with pytest.raises(InputError):
            CategoricalTable.from_codes(codes)


def test_a_missing_file_says_so():
    with pytest.raises(DataError, match="there is no file"):
        as_categorical("no/such.csv")


def test_importing_the_room_loads_neither_arrow_nor_a_data_frame_library():
    code = "import sys, chainrule.datasets; print([m for m in ('pyarrow', 'pandas', 'polars') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
