"""The settings of a reading, and that the schema keeps them: missing, stated, ordered, unseen, weights."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from chainrule.core.errors import InputError, ShapeError, UnknownNameError, ValuesError
from chainrule.tables import Schema, Table
from chainrule.tables.door import rows
from chainrule.tables.problems import UnseenError


def _csv(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text)
    return path


def _through_json(schema):
    return Schema.from_plain(json.loads(json.dumps(schema.to_plain())))


def test_texts_of_files_are_missing_by_a_stated_list_except_where_they_are_states(tmp_path):
    path = _csv(tmp_path, 'a,b\n"",u\nNA,v\nNone,u\n01,?\n1,u\n')
    table = Table.read(path)
    assert table.schema.states == {"a": ("01", "1", "None"), "b": ("?", "u", "v")}
    assert table.column("a").tolist() == [-1, -1, 2, 0, 1]
    assert Table.read(path, missing=["", "?"]).schema["a"].states == ("01", "1", "NA", "None")
    listed = Table.read(path, schema={"a": ["NA", "None", "01", "1"]})
    assert listed.column("a").tolist() == [-1, 0, 1, 2, 3]


def test_a_country_called_na_is_reached_by_stating_it_or_by_column(tmp_path):
    path = _csv(tmp_path, "country,x\nNA,1\nDE,NA\n,1\n")
    for settings in ({"schema": {"country": ["DE", "NA"]}}, {"missing": {"country": [""]}}):
        table = Table.read(path, **settings)
        assert table.schema["country"].states == ("DE", "NA")
        assert table.codes.tolist() == [[1, 0], [0, -1], [-1, 0]]
        assert rows(path, _through_json(table.schema)).codes.tolist() == table.codes.tolist()


def test_in_memory_no_text_is_missing_unless_it_is_said():
    assert rows({"a": ["", "NA", None]}).schema.states == {"a": ("", "NA")}
    table = Table.read({"a": ["?", "u", None]}, missing=["?"])
    assert table.codes[:, 0].tolist() == [-1, 0, -1]
    later = {"a": ["u", "?"]}
    assert rows(later, _through_json(table.schema)).codes[:, 0].tolist() == [0, -1]


def test_a_schema_of_a_frame_reads_empty_cells_of_files_as_missing_and_the_reverse(tmp_path):
    path = _csv(tmp_path, "a,b\n,1\nu,NA\n")
    in_memory = rows({"a": ["u"], "b": [1]}).schema
    assert rows(path, in_memory).codes.tolist() == [[-1, 0], [0, -1]]
    of_file = rows(path).schema
    assert rows({"a": ["", "u"], "b": [1, None]}, of_file).codes.tolist() == [[-1, 0], [0, -1]]


def test_the_space_around_the_texts_of_files_is_left_out_unless_it_is_stated(tmp_path):
    path = _csv(tmp_path, "a\n u\nu \n NA \n")
    assert rows(path).codes[:, 0].tolist() == [0, 0, -1]
    assert Table.read(path, strip=False).schema["a"].states == (" NA ", " u", "u ")
    assert Table.read(path, schema={"a": [" u", "u"]}).codes[:, 0].tolist() == [0, 1, -1]
    assert rows({"a": [" u", "u"]}).schema.sizes == (2,)
    table = Table.read({"a": [" u", "u"]}, strip=True)
    assert table.codes[:, 0].tolist() == [0, 0]
    assert rows({"a": ["u  "]}, _through_json(table.schema)).codes.tolist() == [[0]]


@pytest.mark.parametrize("where", ["memory", "file"])
def test_unseen_categories_are_an_error_or_what_the_policy_says(tmp_path, where):
    fit, later = {"a": ["u", "v", "v"]}, {"a": ["u", "w", "v"]}
    if where == "file":
        later = _csv(tmp_path, "a\nu\nw\nv\n")
    schema = Table.read(fit).schema
    with pytest.raises(UnseenError, match=r"there is no category 'w'.*unseen='missing'"):
        Table.read(later, schema=schema)
    assert Table.read(later, schema=schema, unseen="missing").codes[:, 0].tolist() == [0, -1, 1]
    for policy, expected in (("missing", -1), ("most_frequent", 1)):
        for setting in (policy, {"a": policy}):
            kept = _through_json(Table.read(fit, unseen=setting).schema)
            assert rows(later, kept).codes[:, 0].tolist() == [0, expected, 1]
            assert policy.replace("_", " ") in str(kept)


def test_the_most_frequent_state_is_counted_where_the_schema_is_found(tmp_path):
    path = _csv(tmp_path, "a,b\nx,1\ny,1\ny,2\n")
    schema = Table.read(path, unseen="most_frequent", schema={"a": ["x", "y", "z"]}).schema
    assert rows({"a": ["?"], "b": ["9"]}, schema).codes.tolist() == [[1, 0]]


def test_stated_states_are_kept_in_their_order_and_the_others_are_found():
    table = Table.read({"a": ["u", "v"], "b": ["y", "x"], "c": [0, 1]}, schema={"b": ["y", "x", "z"], "c": 3})
    assert table.schema.states == {"a": ("u", "v"), "b": ("y", "x", "z"), "c": ("0", "1", "2")}
    assert table.codes.tolist() == [[0, 0, 0], [1, 1, 1]]
    numbers = Table.read({"h": [1.5, 2.25, 3.0]}, schema={"h": ["1.5", "2.25", "3"]})
    assert numbers.codes[:, 0].tolist() == [0, 1, 2]
    assert numbers.to_pandas()["h"].tolist() == [1.5, 2.25, 3.0]
    assert Table.read(np.array([[7], [3]]), schema={"x1": ["3", "7"]}).codes.tolist() == [[1], [0]]


def test_ordinal_columns_have_their_order_and_give_it_back():
    frame = pd.DataFrame({"size": ["S", "L", "M"], "grade": [3, 1, 2], "free": ["u", "v", "u"]})
    table = Table.read(frame, ordinal={"size": ["S", "M", "L", "XL"], "grade": True})
    assert table.schema.states["size"] == ("S", "M", "L", "XL")
    assert [v.ordered for v in table.schema.variables] == [True, True, False]
    assert "S < M < L < XL" in str(table.schema)
    assert Table.read(frame, ordinal=["grade"]).schema["grade"].ordered
    assert Table.read(frame, ordinal="grade").schema["grade"].states == ("1", "2", "3")
    in_polars = Table.read({"size": ["S", "M"]}, ordinal={"size": ["S", "M"]}).to_pandas()
    assert in_polars["size"].cat.ordered
    with pytest.raises(UnseenError, match="no category 'L'"):
        Table.read(frame, ordinal={"size": ["S", "M"]})


def test_columns_are_chosen_and_left_out_by_name():
    X = {"a": [1], "b": [2], "c": [3]}
    assert Table.read(X, columns=["c", "a"]).schema.names == ("c", "a")
    assert Table.read(X, ignore="b").schema.names == ("a", "c")
    assert Table.read(np.array([[0, 1, 0]]), ignore=["x2"]).schema.names == ("x1", "x3")
    assert Table.read(Table.read(X), columns=["b"]).schema.names == ("b",)
    with pytest.raises(ShapeError, match="no column of X is left"):
        Table.read(X, ignore=["a", "b", "c"])


@pytest.mark.parametrize("setting", ["columns", "ignore", "bins", "ordinal", "missing", "unseen", "schema"])
def test_a_column_that_is_not_there_is_named_with_near_matches(setting):
    value = {"bins": 2, "ordinal": True, "missing": ["?"], "unseen": "missing", "schema": 2}.get(setting)
    named = ["colour"] if value is None else {"colour": value}
    with pytest.raises(UnknownNameError, match="there is no column 'colour'; did you mean 'color'"):
        Table.read({"color": ["red"], "b": [1]}, **{setting: named})


@pytest.mark.parametrize("weights", ["w", np.array([1, 2, 0.5])])
def test_weights_are_a_column_or_an_array_and_stay_with_the_rows(weights, tmp_path):
    X = {"a": ["u", "v", "u"]} | ({"w": [1, 2, 0.5]} if isinstance(weights, str) else {})
    path = tmp_path / "w.csv"
    pd.DataFrame(X).to_csv(path, index=False)
    for source in (X, pd.DataFrame(X), path):
        table = Table.read(source, weights=weights)
        assert table.schema.names == ("a",)
        assert table.weights.tolist() == [1, 2, 0.5]
        assert table.value_counts("a") == {"u": 1.5, "v": 2}
        assert table.select(["a"]).weights is table.weights
        assert table.head(2).weights.tolist() == [1, 2]
        assert rows(table).weights is table.weights
        assert Table.read(table, schema=Schema.of({"a": ["v", "u"]})).weights.tolist() == [1, 2, 0.5]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1, -1], "row 1: the weight in column 'w' is '-1'"),
        ([1, None], "is missing"),
        (["x", "y"], "is 'x'"),
        ([1, np.inf], "is 'inf'"),
        ([True, False], "no numbers"),
    ],
)
def test_weights_that_are_none_are_refused_with_their_row(column, message):
    with pytest.raises(ValuesError, match=message):
        Table.read({"a": ["u", "v"], "w": column}, weights="w")


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1], ShapeError, "2 rows"),
        ([1, np.nan], ValuesError, "that of row 1 is nan"),
        (["x", "y"], ValuesError, "numbers"),
        ("w", InputError, "names a column|no column 'w'"),
    ],
)
def test_an_array_of_weights_must_fit(weights, error, message):
    for X in (np.array([[0], [1]]), {"a": [0, 1]}):
        with pytest.raises(error, match=message):
            Table.read(X, weights=weights)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"missing": "?"}, "list of texts"),
        ({"missing": [1]}, "missing must list texts"),
        ({"strip": 1}, "strip must be True"),
        ({"header": "yes"}, "header must be True"),
        ({"unseen": "drop"}, "unseen must be one of error, missing, most_frequent"),
        ({"unseen": {"a": "drop"}}, "unseen must be one of"),
        ({"max_states": 0}, "max_states must be"),
        ({"schema": ["a"]}, "schema must map"),
        ({"schema": {"a": "uv"}}, "list of texts"),
        ({"schema": {"a": ["u", "u"]}}, "'u' twice"),
        ({"ordinal": {"a": "uv"}}, "must list the states"),
        ({"ordinal": 3}, "ordinal must be a list"),
        ({"columns": 3}, "columns must be a list"),
        ({"schema": Schema.of({"a": 2}), "bins": {"a": 2}}, "bins and a whole schema"),
        ({"schema": Schema.of({"a": 2}), "ignore": ["a"]}, "ignore and a whole schema"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Table.read({"a": ["u", "v"]}, **settings)


def test_the_texts_of_files_are_numbers_and_truth_values_where_they_are_written_as_such(tmp_path):
    path = _csv(tmp_path, "i,f,t,u,zip,v\n1,1.0,TRUE,true,007,1\n10,2.0,TRUE,false,7,1.0\n")
    table = rows(path)
    assert {v.name: v.kind for v in table.schema.variables} == {
        "i": "integer",
        "f": "number",
        "t": "boolean",
        "u": "boolean",
        "zip": "text",
        "v": "text",
    }
    assert table.schema["t"].states == ("FALSE", "TRUE")
    frame = pd.DataFrame({"i": [10.0], "f": [2], "t": [False], "u": [1], "zip": ["7"], "v": ["1"]})
    assert rows(frame, table.schema).codes.tolist() == [[1, 1, 0, 1, 1, 0]]
    assert table.to_pandas().dtypes.astype(str).tolist()[:4] == ["int64", "float64", "bool", "bool"]
    read_by_pandas = pd.read_csv(path, dtype={"zip": str, "v": str})
    assert rows(read_by_pandas, table.schema).codes.tolist() == table.codes.tolist()


def test_choosing_columns_of_a_read_table_keeps_how_they_are_read():
    table = Table.read({"age": [1.5, 2.5], "n": [1, 2]}, bins={"age": 2}, unseen="missing")
    part = Table.read(table, ignore=["n"])
    assert part.schema["age"] == table.schema["age"]
    assert rows({"age": [9.0]}, part.schema).codes.tolist() == [[1]]
    again = Table.read(table, ordinal=["n"])
    assert (again.schema["n"].kind, again.schema["n"].ordered) == ("integer", True)


def test_a_read_table_goes_in_with_all_that_was_decided():
    table = Table.read({"age": [1.5, 2.5]}, bins={"age": 2})
    assert rows(table) is table
    assert rows(table, table.schema) is table
    assert rows({"age": [9.0]}, table.schema).codes.tolist() == [[1]]
