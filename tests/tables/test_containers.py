"""Every container of the same rows gives the same states and codes; columns go by name."""

from __future__ import annotations

import dataclasses
import gzip

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError, ShapeError, UnknownNameError
from chainrule.tables import Schema, Table
from chainrule.tables.door import give_back, rows
from chainrule.tables.problems import TableError

COLUMNS = {"s": ["b", None, "a", "b"], "n": [10, 9, 10, 2], "t": [True, False, None, True]}
STATES = {"s": ("a", "b"), "n": ("2", "9", "10"), "t": ("False", "True")}
CODES = [[1, 2, 1], [-1, 1, 0], [0, 2, -1], [1, 0, 1]]


def _zstd(path, content):
    with pa.CompressedOutputStream(str(path), "zstd") as f:
        f.write(content)


def _file(kind, path):
    frame = pd.DataFrame(COLUMNS)
    if kind == "parquet":
        frame.to_parquet(path)
    elif kind == "feather":
        frame.to_feather(path)
    else:
        text = frame.to_csv(
            index=False, sep="\t" if "tsv" in kind else ";" if kind == "txt" else ","
        ).encode()
        text = gzip.compress(text, mtime=0) if kind.endswith("gz") else text
        _zstd(path, text) if kind.endswith("zst") else path.write_bytes(text)
    return path


MEMORY = {
    "dict": dict,
    "pandas": pd.DataFrame,
    "pandas nullable": lambda c: pd.DataFrame(c).convert_dtypes(),
    "pandas arrow": lambda c: pd.DataFrame(c).convert_dtypes(dtype_backend="pyarrow"),
    "pandas objects": lambda c: pd.DataFrame(c).astype(object),
    "pandas index": lambda c: pd.DataFrame(c, index=[7, 3, 5, 1]),
    "polars": pl.DataFrame,
    "polars chunks": lambda c: pl.concat([pl.DataFrame(c)[:2], pl.DataFrame(c)[2:]], rechunk=False),
    "arrow": pa.table,
    "arrow chunks": lambda c: pa.concat_tables([pa.table(c)[:1], pa.table(c)[1:]]),
    "arrow batch": lambda c: pa.table(c).to_batches()[0],
    "dict of pandas": lambda c: {k: pd.Series(v) for k, v in c.items()},
    "dict of polars": lambda c: {k: pl.Series(v) for k, v in c.items()},
    "dict of objects": lambda c: {k: np.array(v, object) for k, v in c.items()},
    "Table": Table.read,
}
FILES = ["csv", "tsv", "txt", "csv.gz", "tsv.zst", "parquet", "feather"]


@pytest.mark.parametrize("make", MEMORY.values(), ids=MEMORY)
def test_every_container_gives_the_same_states_and_codes(make):
    table = rows(make(COLUMNS))
    assert table.schema.states == STATES
    assert table.codes.tolist() == CODES
    assert table.codes.dtype == np.int16


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_file_gives_the_same_states_and_codes(tmp_path, kind):
    path = _file(kind, tmp_path / f"t.{kind}")
    for X in (path, str(path), [path]):
        table = rows(X)
        assert table.schema.states == STATES
        assert table.codes.tolist() == CODES
    assert table.schema.container == "table"


@pytest.mark.parametrize("make", MEMORY.values(), ids=MEMORY)
def test_the_order_of_columns_and_further_columns_do_not_matter(make):
    schema = rows(COLUMNS).schema
    other = {"t": COLUMNS["t"], "more": [5, 5, 5, 6], "n": COLUMNS["n"], "s": COLUMNS["s"]}
    assert rows(make(other), schema).codes.tolist() == CODES


@pytest.mark.parametrize("make", MEMORY.values(), ids=MEMORY)
def test_a_column_that_is_missing_is_named(make):
    schema = rows(COLUMNS).schema
    with pytest.raises(UnknownNameError, match=r"lacks 1 of 3 columns|no column 'n'"):
        rows(make({"t": COLUMNS["t"], "s": COLUMNS["s"]}), schema)


def test_all_missing_columns_are_counted():
    with pytest.raises(
        UnknownNameError, match=r"X lacks 2 of 3 columns: there is no column 's' \(known: t\)"
    ):
        rows({"t": [True]}, rows(COLUMNS).schema)


def test_rows_under_a_schema_of_another_container_are_read_all_the_same(tmp_path):
    made = [make(COLUMNS) for make in MEMORY.values()]
    made += [_file(kind, tmp_path / f"t.{kind}") for kind in FILES]
    for fitted_on in (made[0], made[1], made[6], made[-1], made[-3]):
        schema = rows(fitted_on).schema
        for X in made:
            assert rows(X, schema).codes.tolist() == CODES


def test_several_files_are_one_table_whatever_the_order_of_their_columns(tmp_path):
    frame = pd.DataFrame(COLUMNS)
    frame[:3].to_csv(tmp_path / "a.csv", index=False)
    frame[3:][["t", "n", "s"]].to_parquet(tmp_path / "b.parquet")
    table = rows([tmp_path / "a.csv", str(tmp_path / "b.parquet")])
    assert table.schema.names == ("s", "n", "t")
    assert "read from 2 files" in str(table.schema)


def test_numbers_are_the_same_in_every_type():
    schema = rows({"n": [1, 2]}).schema
    for cells in (
        [2.0],
        np.array([2], np.uint64),
        pd.Series([2], dtype="Int64"),
        ["2"],
        ["2.0"],
        pd.Categorical([2.0]),
    ):
        assert rows({"n": cells}, schema).codes.tolist() == [[1]]
    truth = rows({"t": [False, True]}).schema
    for cells in ([True], [1], [1.0], ["True"], ["TRUE"], ["1"], pd.Series([True], dtype="boolean")):
        assert rows({"t": cells}, truth).codes.tolist() == [[1]]
    assert rows({"t": [True]}, Schema.of({"t": 2})).codes.tolist() == [[1]]


def test_minus_one_is_a_value_in_a_named_column_and_missing_under_the_schema_of_an_array():
    votes = rows({"vote": [-1, 0, 1]})
    assert votes.schema.states == {"vote": ("-1", "0", "1")}
    assert rows({"x1": [-1, 1]}, rows(np.array([[0], [1]])).schema).codes.tolist() == [[-1], [1]]
    with pytest.raises(UnknownNameError, match="'-1'"):
        rows({"a": [-1]}, rows({"a": [0, 1]}).schema)


def test_arrow_dictionaries_that_differ_by_chunk_are_joined():
    chunks = [pa.array(["u", "v"]).dictionary_encode(), pa.array(["w", None, "u"]).dictionary_encode()]
    table = rows(pa.table({"a": pa.chunked_array(chunks)}))
    assert table.schema.states == {"a": ("u", "v", "w")}
    assert table.codes[:, 0].tolist() == [0, 1, 2, -1, 0]


def test_categorical_types_keep_their_order_and_their_unused_states(tmp_path):
    values, order = ["q", "r", None], ["r", "z", "q"]
    frame = pd.DataFrame({"c": pd.Categorical(values, categories=order)})
    frame.to_parquet(tmp_path / "c.parquet")
    frame.to_feather(tmp_path / "c.feather")
    enum = pl.DataFrame({"c": pl.Series(values, dtype=pl.Enum(order))})
    arrow = pa.table({"c": pa.DictionaryArray.from_arrays(pa.array([2, 0, None]), pa.array(order))})
    files = [tmp_path / "c.parquet", tmp_path / "c.feather"]
    for X in (frame, enum, arrow, {"c": frame["c"]}, {"c": frame["c"].array}, *files):
        table = rows(X)
        assert table.schema.states == {"c": tuple(order)}
        assert table.codes[:, 0].tolist() == [2, 0, -1]


def test_intervals_in_parquet_files_read_as_intervals(tmp_path):
    frame = pd.DataFrame({"x": pd.arrays.IntervalArray.from_tuples([(1, 2), (0, 1), (1, 2)], closed="left")})
    frame.to_parquet(tmp_path / "i.parquet")
    table = rows(tmp_path / "i.parquet")
    assert table.schema.states == {"x": ("[0, 1)", "[1, 2)")}
    pd.testing.assert_series_equal(table.to_pandas()["x"].astype(frame["x"].dtype), frame["x"])


@given(st.permutations(list(COLUMNS)), st.permutations(range(4)))
def test_any_order_of_rows_and_columns_gives_the_same_cells(names, order):
    table = rows({name: [COLUMNS[name][i] for i in order] for name in names})
    assert table.schema.states == {name: STATES[name] for name in names}
    expected = [[CODES[i][list(COLUMNS).index(name)] for name in names] for i in order]
    assert table.codes.tolist() == expected


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ({}, ShapeError, "no columns"),
        ({"a": []}, ShapeError, "no rows"),
        (pd.DataFrame({"a": []}), ShapeError, "no rows"),
        ({"a": ["u"], "b": ["u", "v"]}, ShapeError, "column 'b' has 2 values, column 'a' has 1"),
        ({"a": ["u", 1]}, TableError, "column 'a' does not hold values of one kind"),
        ({"a": [None]}, TableError, "column 'a' has no states"),
        ({"a": "text"}, InputError, "column 'a' must be a list"),
        ({"a": 3}, InputError, "column 'a' must be a list"),
        ({"a": np.array(3)}, InputError, "column 'a' must be a list"),
        ({"a": [[1], [1, 2]]}, TableError, "column 'a' holds list"),
        ({"a": [1j]}, TableError, "column 'a' does not hold"),
        ({"a": np.array([1j])}, TableError, "column 'a' does not hold|complex"),
        (pd.DataFrame({"a": [1j]}), TableError, "column 'a' holds complex128"),
        ({"a": [2**70]}, TableError, "column 'a' does not hold"),
        ({"a": [0.5, np.inf]}, TableError, r"column 'a' looks continuous \(it holds 0.5\)"),
        ({"a": [1.0, np.inf]}, TableError, "column 'a' looks continuous"),
        ({"a": [b"x"]}, TableError, "column 'a' holds binary"),
        ({"a": pd.to_datetime(["2020-01-01"])}, TableError, "column 'a' holds dates or times"),
        ({"a": pd.period_range("2020-01", periods=1, freq="M")}, TableError, "holds dates or times"),
        (pl.DataFrame({"a": pl.Series(["2020-01-01"]).str.to_date()}), TableError, "holds dates or times"),
        (pl.DataFrame({"a": [[1]]}), TableError, "column 'a' holds"),
        (pl.DataFrame({"a": [1]}).lazy(), InputError, "collect it first"),
        (pd.DataFrame({"a": pd.Categorical([1, "1"])}), TableError, "not of one kind"),
        (pd.DataFrame({"a": pd.Categorical(pd.to_datetime(["2020-01-01"]))}), TableError, "holds dates"),
        ([1, 2], ShapeError, "dimension"),
        (None, ShapeError, "dimension"),
        (pl.Series([1]), InputError, "Series is not a table"),
        (pa.array([1]), InputError, "Array is not a table"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), InputError, "two columns are called 'a'"),
        (pd.DataFrame([[1, 2]], columns=["1", 1]), InputError, "two columns are called '1'"),
        (pd.DataFrame([[1]], columns=[""]), InputError, "column 0 has no name"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(table, error, message):
    with pytest.raises(error, match=message) as caught:
        rows(table)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "place"),
    [
        (lambda c: pd.DataFrame(c, index=["i", "j", "k"]), "index 'k'"),
        (lambda c: pd.DataFrame(c), "index 2"),
        (pl.DataFrame, "row 2"),
        (pa.table, "row 2"),
        (dict, "row 2"),
        (Table.read, "row 2"),
    ],
)
def test_an_unknown_category_is_named_with_its_place_and_near_matches(make, place):
    with pytest.raises(UnknownNameError) as caught:
        rows(make({"wet": ["yes", "no", "yse"]}), Schema.of({"wet": ["no", "yes"]}))
    assert f"{place}, column 'wet': there is no category 'yse'; did you mean 'yes'?" in str(caught.value)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([-128, 127, -128, 0], "int8"),
        ([255, 200, 0, 200], "uint8"),
        ([2**64 - 1, 2**64 - 2, 2**64 - 1, 5], "uint64"),
        ([2**60 + 1, 2**60, 2**60, 2**60 + 3], "int64"),
        ([-(2**63), 2**63 - 1, 0, 0], "int64"),
        ([1000, 1254, 1003, 1000], "int16"),
        ([1000, 1256, 1003, 1000], "int32"),
    ],
)
def test_a_frame_of_one_type_of_integers_is_read_as_its_columns_are(values, dtype):
    frame = pd.DataFrame({"a": np.array(values, dtype), "b": np.array(values[::-1], dtype)})
    found = rows(frame)
    assert found.schema.states["a"] == tuple(map(str, sorted(set(values))))
    assert [found.schema["a"].states[k] for k in found.codes[:, 0]] == list(map(str, values))
    assert found.schema["b"] == dataclasses.replace(found.schema["a"], name="b")
    mixed = rows(frame.assign(text="x"))  # which is read column by column
    assert (mixed.codes[:, :2] == found.codes).all()
    assert mixed.schema.variables[:2] == found.schema.variables
    pd.testing.assert_frame_equal(give_back(found.codes, found.schema), frame)
