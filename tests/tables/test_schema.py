"""Schemas: states by name and back, plain data, and what is printed."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import DataError, InputError, ShapeError, UnknownNameError
from chainrule.tables import Schema, Table, Variable

labels = st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=5, unique=True)
schemas = st.dictionaries(st.text(min_size=1, max_size=4), labels, min_size=1, max_size=4).map(Schema.of)


@given(schemas, st.data())
def test_codes_of_a_row_and_its_labels_are_inverse(schema, data):
    row = [data.draw(st.integers(-1, k - 1)) for k in schema.sizes]
    assert schema.known(schema.labels(row)).tolist() == row


@given(schemas)
def test_a_schema_survives_plain_data_and_selection(schema):
    assert Schema.from_plain(json.loads(json.dumps(schema.to_plain()))) == schema
    assert schema.select(schema.names) == schema
    assert [schema.index(name) for name in schema.names] == list(range(len(schema)))
    assert all(name in schema for name in schema.names)


@given(
    st.builds(
        Variable,
        st.just("a"),
        labels.map(tuple),
        ordered=st.booleans(),
        missing=st.none() | st.lists(st.text(max_size=3)).map(tuple),
        strip=st.none() | st.booleans(),
        unseen=st.sampled_from(["error", "missing", "most_frequent"]),
        usual=st.none() | st.just(0),
        dtype=st.none() | st.just("pandas:Int64"),
        label=st.none() | st.integers(),
    )
)
def test_every_setting_of_a_variable_survives_plain_data(variable):
    schema = Schema((variable,), "pandas", "cp1252", ("a note",))
    again = Schema.from_plain(json.loads(json.dumps(schema.to_plain())))
    assert vars(again.variables[0]) == vars(variable)
    assert (again.container, again.encoding, again.notes) == ("pandas", "cp1252", ("a note",))


def test_equal_schemas_mean_equal_codes_however_they_are_read():
    a, b = (
        Variable("a", ("0", "1"), "integer"),
        Variable("a", ("0", "1"), "integer", missing=("?",), dtype="x"),
    )
    assert Schema((a,)) == Schema((b,), "pandas")
    assert Schema((a,)) != Schema((Variable("a", ("1", "0"), "integer"),))


def test_a_schema_prints_itself_as_a_table():
    frame = pd.DataFrame({"age": [1.5, 2.5], "size": ["S", "M"], "n": [1, 2]})
    schema = Table.read(
        frame, bins={"age": 2}, ordinal={"size": ["S", "M"]}, missing={"n": ["?"]}, unseen="missing"
    ).schema
    assert str(schema).splitlines() == [
        "3 variables, given back as pandas",
        "name  kind            states        missing  read",
        "age   interval        2: <= 2, > 2           cut at 2; unseen is missing",
        "size  text (ordered)  2: S < M               unseen is missing",
        "n     integer         2: 1, 2       '?'      unseen is missing",
    ]
    html = schema._repr_html_()
    assert html.startswith("<p>3 variables")
    assert "&lt;= 2" in html
    assert repr(schema) == "Schema(age: <= 2, > 2; size: S, M; n: 1, 2)"


def test_long_schemas_are_cut_short():
    schema = Schema.of_sizes([300] * 1000)
    assert len(str(schema).splitlines()) == 63
    assert str(schema).endswith("… 940 more")
    assert len(repr(schema)) < 500


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Schema(()), ShapeError, "no columns"),
        (lambda: Schema.of({"": 2}), InputError, "no name"),
        (lambda: Schema.of_sizes([2, 2], ["a", "a"]), InputError, "two columns"),
        (lambda: Schema.of_sizes([2], ["a", "b"]), ShapeError, "2 names for 1 sizes"),
        (lambda: Schema.of({"a": 0}), InputError, "number of states of 'a'"),
        (lambda: Schema.of({"a": []}), InputError, "no states"),
        (lambda: Schema.of({"a": "uv"}), InputError, "list of texts"),
        (lambda: Schema.of({"a": [1, 2]}), InputError, "list of texts"),
        (lambda: Schema.of({"a": ["u", "u"]}), InputError, "'u' twice"),
        (lambda: Variable("a", ("u",), "colour"), InputError, "kind must be"),
        (lambda: Variable("a", ("u",), unseen="drop"), InputError, "unseen must be"),
        (lambda: Variable("a", ("u",), "interval", cuts=(1.0,)), InputError, "1 cuts of 'a' make 2 states"),
        (lambda: Schema.of({"a": 2})["b"], UnknownNameError, "no variable 'b'"),
        (lambda: Schema.of({"a": 2}).index(["a"]), UnknownNameError, "no variable"),
        (lambda: Schema.of({"a": 2}).known(["a"]), InputError, "given by name"),
        (lambda: Schema.of({"a": 2}).known({"a": 2}), UnknownNameError, "no state of 'a' '2'"),
        (lambda: Schema.of({"a": 2}).known({"a": None}), UnknownNameError, "no state of 'a'"),
        (lambda: Schema.from_plain({}), DataError, "not a schema"),
        (
            lambda: Schema.from_plain({"variables": [{"name": "a"}], "container": "array"}),
            DataError,
            "not a schema",
        ),
        (lambda: Schema.from_plain(None), DataError, "not a schema"),
    ],
)
def test_what_is_no_schema_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("value", "code"), [("yes", 1), (True, 1), (False, 0), (1, 1), (1.0, 1), ("True", 1), ("true", 1)]
)
def test_truth_values_are_named_in_any_way_that_reads_like_them(value, code):
    variable = Variable("a", ("False", "True"), "boolean")
    assert variable.code("True" if value == "yes" else value) == code
    assert Variable("a", ("0", "1"), "integer").code(code) == code
