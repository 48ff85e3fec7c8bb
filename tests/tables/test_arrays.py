"""Arrays of codes: taken as they are where possible, read by one rule whatever their type."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chainrule.core.errors import InputError, ShapeError, UnknownNameError, ValuesError
from chainrule.tables import Schema, Table
from chainrule.tables.door import give_back, known, rows
from chainrule.tables.problems import TableError

BINARY = np.array([[0, 1, 0], [1, 1, 0]], np.uint8)
NUMBERS = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", ">i4", ">f8"]
binary = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.integers(0, 1)
)


def test_rows_of_zeros_and_ones_are_not_copied():
    for found in (
        rows(BINARY),
        rows(BINARY, Schema.of_sizes([2, 2, 2])),
        Table(Schema.of_sizes([2] * 3), BINARY),
    ):
        assert np.shares_memory(found.codes, BINARY)
    assert np.shares_memory(rows(BINARY.astype(bool)).codes, (same := BINARY.astype(bool))) is False
    assert np.shares_memory(rows(same).codes, same)
    assert np.shares_memory(give_back(BINARY, rows(BINARY).schema), BINARY)


@given(binary, st.sampled_from(NUMBERS))
def test_every_type_of_number_gives_the_same_codes_and_comes_back_equal(a, dtype):
    table = rows(a.astype(dtype))
    assert table.codes.dtype == np.uint8
    assert table.codes.flags.c_contiguous
    np.testing.assert_array_equal(table.codes, a)
    np.testing.assert_array_equal(give_back(table.codes, table.schema), a)
    assert table.schema.sizes == (2,) * a.shape[1]


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "i1", "i8", "f4", "f8"])
def test_a_type_of_number_never_changes_the_codes_of_three_states(dtype):
    table = rows(np.array([[2, 0], [0, 1]], dtype))
    assert table.schema.states == {"x1": ("0", "1", "2"), "x2": ("0", "1")}
    assert table.codes.tolist() == [[2, 0], [0, 1]]
    assert rows(np.array([[1, 1]], dtype), table.schema).codes.tolist() == [[1, 1]]
    with pytest.raises(ValuesError, match=r"row 0, column 1 \('x2'\) is 2; its codes are 0 and 1"):
        rows(np.array([[2, 2]], dtype), table.schema)


@pytest.mark.parametrize(
    "missing",
    [
        np.array([[0, np.nan], [1, 1]]),
        np.array([[0, -1], [1, 1]], np.int8),
        np.array([[0.0, -1], [1, 1]]),
        np.array([[0, None], [1, 1]], object),
        [[0, None], [1, 1]],
        [[0, float("nan")], [1, 1]],
        np.ma.masked_array([[0, 7], [1, 1]], [[False, True], [False, False]]),
        np.ma.masked_array([[False, True], [True, True]], [[False, True], [False, False]]),
        [np.ma.masked_array([0, 7], [False, True]), np.ma.masked_array([1, 1])],
    ],
)
def test_nan_none_masked_and_minus_one_are_missing_and_never_an_index(missing):
    for table in (rows(missing), rows(missing, Schema.of_sizes([2, 2]))):
        assert table.codes.tolist() == [[0, -1], [1, 1]]
        assert table.codes.dtype == np.int16
        assert not table.is_complete
        assert table.missing.tolist() == [[False, True], [False, False]]
        back = give_back(table.codes, table.schema)
        np.testing.assert_array_equal(back, [[0, np.nan], [1, 1]])
        assert rows(back, table.schema).codes.tolist() == table.codes.tolist()


def test_a_masked_array_without_a_masked_cell_is_a_plain_array():
    assert rows(np.ma.masked_array([[0, 1]])).codes.tolist() == [[0, 1]]


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.csc_array, sp.coo_array, sp.lil_array])
@pytest.mark.parametrize("dtype", ["u1", "i8", "f8", "?"])
def test_sparse_matrices_of_zeros_and_ones_are_read(make, dtype):
    assert rows(make(BINARY.astype(dtype))).codes.tolist() == BINARY.tolist()


@given(hnp.arrays(np.int16, (3, 2), elements=st.integers(-1, 9)))
def test_any_array_of_codes_comes_back_as_it_was(a):
    table = rows(a)
    assert table.codes.tolist() == a.tolist()
    back = give_back(table.codes, table.schema)
    np.testing.assert_array_equal(np.where(np.isnan(back), -1, back) if back.dtype.kind == "f" else back, a)


def test_truth_values_come_back_as_truth_values():
    back = give_back(np.array([[1, 0]]), rows(np.array([[True, False]])).schema)
    assert back.dtype == bool
    assert back.tolist() == [[True, False]]


def test_arrays_of_texts_have_texts_as_states_and_give_them_back():
    for a in (np.array([["u", "no"], ["t", "no"]]), np.array([["u", None], ["t", "no"]], object)):
        table = rows(a)
        assert table.schema.states == {"x1": ("t", "u"), "x2": ("no",)}
        np.testing.assert_array_equal(give_back(table.codes, table.schema), a)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([[-2, 0]], "column 'x1' of X holds -2 in row 0"),
        ([[0, 0.5]], "column 'x2' of X holds 0.5 in row 0"),
        ([[0, 0], [np.inf, 0]], "column 'x1' of X holds inf in row 1"),
        (np.array([[2**64 - 1]], np.uint64), "column 'x1' of X holds 1.84467e\\+19"),
        ([[300]], r"max_states=301\)"),
        ([[1j]], "complex"),
        ([[0, 1], [0]], "ragged"),
        (np.zeros((0, 2)), "rows"),
        (np.zeros((2, 0)), "columns"),
        (np.zeros(3), "dimension"),
        (np.array([["2020-01-01"]], "M8[D]"), "datetime64"),
    ],
)
def test_what_is_no_array_of_codes_is_refused(bad, message):
    with pytest.raises(InputError, match=message) as caught:
        rows(bad)
    assert "\n" not in str(caught.value)


def test_all_columns_that_hold_no_codes_are_named_at_once():
    with pytest.raises(TableError) as caught:
        rows(np.array([[0.5, 1, 0.5]] * 3))
    assert [p.column for p in caught.value.problems] == ["x1", "x3"]
    assert "Table.read(X, bins={'x1': 5})" in str(caught.value)


def test_a_wrong_number_of_columns_is_refused():
    with pytest.raises(ShapeError, match="X has 2 columns, the model was fitted on 3"):
        rows([[0, 1]], Schema.of_sizes([2, 2, 2]))


def test_measurements_in_an_array_are_cut_and_come_back_within_their_bins():
    a = np.array([[0.5, 1], [2.5, 0], [9.5, 1], [np.nan, 1]])
    table = Table.read(a, bins={"x1": 3})
    assert table.codes.tolist() == [[0, 1], [1, 0], [2, 1], [-1, 1]]
    back = give_back(table.codes, table.schema)
    np.testing.assert_array_equal(np.isnan(back), np.isnan(a))
    assert rows(back, table.schema).codes.tolist() == table.codes.tolist()


def test_policies_for_unseen_codes_hold_for_arrays():
    table = Table.read(np.array([[0, 1], [1, 1], [0, 1]]), unseen={"x1": "most_frequent", "x2": "missing"})
    assert rows(np.array([[7, 1], [1, 9]]), table.schema).codes.tolist() == [[0, 1], [1, -1]]


def test_what_is_known_of_a_row_is_read_by_name_or_by_place():
    schema = Schema.of({"a": 2, "b": ["no", "yes"], "c": 3})
    for given_row in (
        {"b": "yes", "c": 2},
        {"b": "yes", "c": np.int64(2)},
        {"c": 2.0, "b": "yes"},
        [np.nan, 1, 2],
        [None, 1, 2],
        np.array([-1, 1, 2]),
        np.ma.masked_array([0, 1, 2], [True, False, False]),
    ):
        assert known(given_row, schema).tolist() == [-1, 1, 2]
    assert known(None, schema).tolist() == [-1, -1, -1]
    with pytest.raises(UnknownNameError, match="did you mean 'yes'"):
        known({"b": "yse"}, schema)
    with pytest.raises(ShapeError, match="given must be one row"):
        known([[0, 1, 2]], schema)


def test_forty_thousand_columns_are_found_by_name():
    """Lookups in lists would take minutes here."""
    a = np.zeros((2, 40_000), np.uint8)
    schema = rows(a).schema
    assert schema.known({schema.names[-1]: 1}).tolist() == [-1] * 39_999 + [1]
    assert (schema.known(dict.fromkeys(schema.names, 1)) == 1).all()
    assert Schema.from_plain(schema.to_plain()) == schema
    assert schema.select(schema.names[::-1]).names == schema.names[::-1]
