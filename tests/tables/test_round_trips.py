"""What comes in goes out: every kind of table, every type of column, through JSON as well."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal as same_polars

from chainrule.core.errors import InputError
from chainrule.tables import Schema, Table
from chainrule.tables.door import give_back, rows

INTS, TRUTHS, TEXTS = [3, 1, 2, 1], [True, False, True, True], ["b", "a", "b", "c"]
HOLES = [False, True, False, False]


def _again(X):
    """``X`` after a way through codes and a schema that went through JSON; read again, it has the same codes."""
    table = rows(X)
    schema = Schema.from_plain(json.loads(json.dumps(table.schema.to_plain())))
    assert schema == table.schema
    back = give_back(table.codes, schema)
    assert rows(back, schema).codes.tolist() == table.codes.tolist()
    return back


def _series(values, dtype, holes=False):
    cells = pd.Series(
        values, dtype="boolean" if values is TRUTHS else "Int64" if values is INTS else "string"
    )
    return (cells.mask(pd.Series(HOLES)) if holes else cells).astype(dtype)


INT_TYPES = [
    "Int64",
    "UInt8",
    "Int8",
    "Float64",
    "Float32",
    "float64",
    "float32",
    "category",
    "int64[pyarrow]",
]
TEXT_TYPES = ["str", "object", "string", "string[pyarrow]", "string[python]", "category"]
PANDAS = (
    [(INTS, t, h) for t in [*INT_TYPES, "object", "double[pyarrow]"] for h in (False, True)]
    + [(INTS, t, False) for t in ("int64", "int32", "int8", "uint8", "uint64", "Sparse[int64]")]
    + [(TRUTHS, t, h) for t in ("boolean", "object", "category", "bool[pyarrow]") for h in (False, True)]
    + [(TRUTHS, "bool", False)]
    + [(TEXTS, t, h) for t in TEXT_TYPES for h in (False, True)]
)


@pytest.mark.parametrize(("values", "dtype", "holes"), PANDAS)
def test_every_type_of_pandas_comes_back(values, dtype, holes):
    frame = pd.DataFrame({"x": _series(values, dtype, holes)})
    pd.testing.assert_frame_equal(_again(frame), frame)


CATEGORIES = [
    pd.Categorical(["lo", "hi", None], ["lo", "mid", "hi"], ordered=True),
    pd.Categorical(["lo", "hi", None], ["hi", "mid", "lo"]),
    pd.Categorical([3, 1, 3], [3, 2, 1]),
    pd.Categorical([1.5, 2.0, None], [2.0, 1.5]),
    pd.Categorical([True, False, True]),
    pd.cut(pd.Series([1.0, 17.9, np.nan]), [0, 17.929, 32.2]).array,
    pd.cut(pd.Series([1.0, 17.9, 40]), [0, 17.929, 32.2, np.inf], right=False).array,
    pd.cut(pd.Series([1, 17, 40]), [0, 20, 50]).array,
    pd.qcut(pd.Series(np.arange(9) / 7), 3).array,
    pd.arrays.IntervalArray.from_tuples([(1, 2), (0, 1), None]),
    pd.arrays.IntervalArray.from_tuples([(1, 2), (0, 1)], closed="both"),
    pd.arrays.IntervalArray.from_tuples([(1.5, 2.25), (-np.inf, 1.5)], closed="neither"),
]


@pytest.mark.parametrize("cells", CATEGORIES)
def test_categories_come_back_with_their_order_and_intervals_as_intervals(cells):
    frame = pd.DataFrame({"x": cells})
    back = _again(frame)
    pd.testing.assert_frame_equal(back, frame)
    if isinstance(cells, pd.Categorical):
        assert back["x"].cat.categories.equals(frame["x"].cat.categories)


def test_cut_columns_read_as_intervals_are_written():
    table = rows(pd.DataFrame({"mm": pd.cut(pd.Series([20.0, 5.0]), [0, 17.929, 32.2])}))
    assert table.schema.states == {"mm": ("(0, 17.929]", "(17.929, 32.2]")}
    assert table.codes.tolist() == [[1], [0]]
    variable = table.schema["mm"]
    for value in ("(17.929, 32.2]", "(17.929,32.20]", pd.Interval(17.929, 32.2), 20, 32.2):
        assert variable.code(value) == 1


def test_column_names_that_are_numbers_come_back_as_numbers():
    frame = pd.DataFrame([[1, 0], [0, 1]])
    pd.testing.assert_frame_equal(_again(frame), frame, check_column_type=False)
    assert _again({1: ["u"], "b": ["v"]}) == {1: ["u"], "b": ["v"]}


def test_a_type_without_a_missing_value_gives_way_to_one_that_has_one():
    frame = pd.DataFrame({"i": [1, 2], "b": [True, False], "u": np.array([1, 2], "u1")})
    back = give_back(np.array([[-1, 0, 1], [0, -1, -1]]), rows(frame).schema)
    assert back.dtypes.astype(str).to_dict() == {"i": "Int64", "b": "boolean", "u": "UInt8"}
    assert back.isna().to_numpy().tolist() == [[True, False, False], [False, True, True]]
    columns = {"i": np.array([1, 2]), "b": np.array([True, False]), "s": np.array(["u", "v"])}
    back = give_back(np.array([[-1, -1, -1]]), rows(columns).schema)
    assert np.isnan(back["i"]).tolist() == [True]
    assert back["b"].tolist() == back["s"].tolist() == [None]


POLARS = {
    "i": pl.Series(INTS, dtype=pl.Int16),
    "u": pl.Series(INTS, dtype=pl.UInt64),
    "f": pl.Series(INTS, dtype=pl.Float32),
    "s": pl.Series(TEXTS),
    "c": pl.Series(TEXTS, dtype=pl.Categorical),
    "e": pl.Series(TEXTS, dtype=pl.Enum(["c", "b", "z", "a"])),
    "b": pl.Series(TRUTHS),
}


@pytest.mark.parametrize("name", POLARS)
@pytest.mark.parametrize("holes", [False, True])
def test_every_type_of_polars_comes_back(name, holes):
    cells = POLARS[name]
    if holes:
        cells = pl.Series([None if i == 1 else v for i, v in enumerate(cells.to_list())], dtype=cells.dtype)
    frame = pl.DataFrame({"x": cells})
    same_polars(_again(frame), frame)


ARROW = [
    pa.array(INTS, pa.int8()),
    pa.array(INTS, pa.uint64()),
    pa.array(INTS, pa.float32()),
    pa.array(np.array(INTS, np.float16)),
    pa.array(TEXTS),
    pa.array(TEXTS, pa.large_string()),
    pa.array(TEXTS, pa.string_view()),
    pa.array(TRUTHS),
    pa.array(TEXTS).dictionary_encode(),
    pa.DictionaryArray.from_arrays(pa.array([0, 1, 0, 1], pa.int8()), ["z", "a"], ordered=True),
    pa.array(INTS).dictionary_encode(),
]


@pytest.mark.parametrize("cells", ARROW, ids=lambda c: str(c.type))
@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("batch", [False, True])
def test_every_type_of_arrow_comes_back(cells, holes, batch):
    if holes:
        # pa.compute's if_else does not take every type
        cells = pa.concat_arrays([cells[:1], pa.nulls(1, cells.type), cells[2:]])
    table = pa.table({"x": cells})
    X = table.to_batches()[0] if batch else table
    back = _again(X)
    assert type(back) is type(X)
    assert back.equals(X)


COLUMNS = [
    ["u", None, "v"],
    [1, 2, None],
    [True, False, True],
    np.array([1, 2, 1], np.int8),
    np.array([1.0, np.nan, 2]),
    np.array([1.0, np.nan, 2], np.float32),
    np.array([2, 1, 2], ">i4"),
    np.array(["u", "vv", "u"]),
    np.array(["u", None, "v"], object),
    np.array([True, False, True]),
    pd.Series([1, 2, 3], dtype="Int8"),
    pl.Series("x", ["u", None, "v"]),
    pa.array([1, None, 2]),
]


@pytest.mark.parametrize("cells", COLUMNS, ids=lambda c: type(c).__name__)
def test_every_kind_of_column_of_a_dict_comes_back(cells):
    back = _again({"x": cells, "y": ["a", "b", "c"]})
    assert list(back) == ["x", "y"]
    assert type(back["x"]) is type(cells)
    if isinstance(cells, np.ndarray):
        assert back["x"].dtype == cells.dtype
        np.testing.assert_array_equal(back["x"], cells)
    else:
        assert back["x"] == cells if isinstance(cells, list) else back["x"].equals(cells)


def test_masked_columns_are_missing_where_they_are_masked():
    cells = np.ma.masked_array([5, 6, 7], [False, True, False])
    assert rows({"x": cells}).codes[:, 0].tolist() == [0, -1, 1]


def test_rows_of_files_come_back_as_a_table(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,u\n,v\n")
    back = _again(tmp_path / "a.csv")
    assert isinstance(back, Table)
    assert back.codes.tolist() == [[0, 0], [-1, 1]]


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5)
columns = st.one_of(
    st.tuples(
        st.just("Int64"),
        st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=4, max_size=4),
    ),
    st.tuples(st.just("string"), st.lists(st.one_of(st.none(), texts), min_size=4, max_size=4)),
    st.tuples(st.just("boolean"), st.lists(st.one_of(st.none(), st.booleans()), min_size=4, max_size=4)),
).filter(lambda c: any(v is not None for v in c[1]))


@given(st.lists(columns, min_size=1, max_size=3))
def test_any_frame_comes_back(drawn):
    frame = pd.DataFrame({f"c{j}": pd.array(values, dtype=dtype) for j, (dtype, values) in enumerate(drawn)})
    pd.testing.assert_frame_equal(_again(frame), frame)
    frame = pl.DataFrame({f"c{j}": values for j, (_, values) in enumerate(drawn)})
    same_polars(_again(frame), frame)
    table = frame.to_arrow()
    assert _again(table).equals(table)
    columns = {f"c{j}": values for j, (_, values) in enumerate(drawn)}
    assert _again(columns) == columns


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_library_that_is_not_installed_is_named(library, monkeypatch):
    X = {"pandas": pd, "polars": pl}[library].DataFrame({"a": [1]})
    table = rows(X)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=f"pip install {library}.*Table.codes"):
        give_back(table.codes, table.schema)


def test_importing_the_room_loads_neither_arrow_nor_a_data_frame_library():
    code = (
        "import sys, numpy as np\nfrom chainrule.tables.door import rows\nrows(np.eye(2))\n"
        "print([m for m in ('pyarrow', 'pandas', 'polars') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
