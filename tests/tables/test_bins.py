"""Bins: cuts between distinct values, none empty, as many as asked for where the values allow."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError
from chainrule.tables import Table
from chainrule.tables.bins import bin_labels, bin_middles, bin_of, quantile_cuts, width_cuts
from chainrule.tables.door import give_back, rows
from chainrule.tables.intervals import interval_of
from chainrule.tables.problems import TableError

numbers = st.lists(
    st.one_of(st.integers(-3, 9).map(float), st.floats(allow_nan=False, allow_infinity=False)),
    min_size=1,
    max_size=40,
)


def _codes(values, k, by="quantile"):
    table = Table.read({"x": values}, bins={"x": {"k": k, "by": by}})
    return table.codes[:, 0].tolist(), table.schema["x"]


@pytest.mark.parametrize(
    ("values", "k", "expected"),
    [
        ([0, 0, 0, 0, 0, 1, 1, 1, 2, 3], 3, [0] * 5 + [1] * 3 + [2] * 2),
        ([0] * 8 + [1, 2], 3, [0] * 8 + [1, 2]),
        ([-1, -1, -1, 1, 1, 1], 3, [0, 0, 0, 1, 1, 1]),
        ([0.05, 0.05, 0.95], 10, [0, 0, 1]),
        ([5, 5, 5], 4, [0, 0, 0]),
        (list(range(9)), 3, [0] * 3 + [1] * 3 + [2] * 3),
        ([1, 2, 2, 2, 2, 2, 2, 3], 2, [0] + [0] * 6 + [1]),
    ],
)
def test_known_tables_are_cut_as_a_person_would(values, k, expected):
    assert _codes(values, k)[0] == expected


@given(numbers, st.integers(1, 12))
def test_quantile_bins_are_as_many_as_the_values_allow_and_none_is_empty(values, k):
    codes, variable = _codes(values, k)
    assert variable.size == min(k, len(set(values)))
    assert set(codes) == set(range(variable.size))


@given(numbers, st.integers(2, 12), st.sampled_from(["quantile", "width"]))
def test_bins_respect_order_and_equality_and_are_more_than_one_for_two_values(values, k, by):
    codes, variable = _codes(values, k, by)
    order = np.argsort(values, kind="stable")
    assert np.all(np.diff(np.array(codes)[order]) >= 0)
    by_value = dict(zip(values, codes, strict=True))
    assert [by_value[v] for v in values] == codes
    assert variable.size <= k
    assert set(codes) == set(range(variable.size))
    assert variable.size > 1 or len(set(values)) == 1


@given(numbers, st.integers(2, 9), st.sampled_from(["quantile", "width"]))
def test_cuts_rise_and_lie_between_distinct_values(values, k, by):
    _, variable = _codes(values, k, by)
    assert list(variable.cuts) == sorted(set(variable.cuts))
    distinct = np.unique(values)
    for cut in variable.cuts:
        i = np.searchsorted(distinct, cut, side="right")
        assert 0 < i < len(distinct)
        low, high = distinct[i - 1], distinct[i]
        middle = low / 2 + high / 2
        # exactly the middle but for the digits that are left out, or the lower of two neighbours
        assert cut == pytest.approx(middle, rel=1e-11) or cut == low


def test_equal_widths_are_equal_where_the_values_are_dense():
    cuts = width_cuts(np.linspace(0, 1, 10_001), 4)
    assert cuts == pytest.approx((0.25, 0.5, 0.75), abs=1e-4)  # a gap between values is that wide
    assert quantile_cuts(np.linspace(0, 1, 10_001), np.ones(10_001, int), 4) == pytest.approx(cuts, abs=2e-4)


def test_a_middle_is_written_with_few_digits():
    assert quantile_cuts(np.array([0.1, 0.2]), np.array([1, 1]), 2) == (0.15,)


@pytest.mark.parametrize(
    "values",
    [
        [-np.inf, 0.0],
        [0.0, np.inf],
        [-np.inf, np.inf],
        [1.0, np.nextafter(1, 2)],
        [-1.7e308, 1.7e308],
        [0.0, 5e-324],
    ],
)
@pytest.mark.parametrize("cut", [lambda v: quantile_cuts(v, np.array([1, 1]), 2), lambda v: width_cuts(v, 2)])
def test_extreme_values_are_still_told_apart(values, cut):
    assert bin_of(np.array(values), cut(np.array(values))).tolist() == [0, 1]


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=8, unique=True).map(sorted))
def test_the_middle_of_a_bin_lies_in_it_and_its_label_says_where_it_lies(cuts):
    cuts = tuple(cuts)
    assert bin_of(np.array(bin_middles(cuts)), cuts).tolist() == list(range(len(cuts) + 1))
    ends = [interval_of(label) for label in bin_labels(cuts)]
    assert ends == list(zip([-np.inf, *cuts], [*cuts, np.inf], strict=True))


def test_values_outside_the_seen_range_go_to_the_end_bins_and_texts_are_numbers_too():
    schema = Table.read({"age": [10, 20, 30, None]}, bins={"age": 3}).schema
    assert schema.states == {"age": ("<= 15", "(15, 25]", "> 25")}
    later = {"age": ["-99", "15", "15.1", "1e9", None]}
    assert rows(later, schema).codes[:, 0].tolist() == [0, 0, 1, 2, -1]
    assert schema.known({"age": 17})[0] == schema.known({"age": "(15, 25]"})[0] == 1


def test_stated_cuts_are_kept_and_a_value_on_a_cut_goes_below_it():
    table = Table.read({"age": [10, 18, 19, 70]}, bins={"age": [18, 65]})
    assert table.schema.states == {"age": ("<= 18", "(18, 65]", "> 65")}
    assert table.codes[:, 0].tolist() == [0, 0, 1, 2]


def test_bins_come_back_as_intervals_that_are_read_again():
    frame = pd.DataFrame({"age": [10.0, 20, 30, np.nan]})
    table = Table.read(frame, bins={"age": 2})
    back = give_back(table.codes, table.schema)
    assert all(x in y for x, y in zip(frame["age"][:3], back["age"][:3], strict=True))
    assert back["age"].cat.ordered
    assert back["age"].isna().tolist() == [False, False, False, True]
    assert rows(back, table.schema).codes.tolist() == table.codes.tolist()


def test_columns_of_files_are_cut_by_the_numbers_that_their_texts_spell(tmp_path):
    (tmp_path / "a.csv").write_text("age\n 10\n1e1\n20.0\n?\n\n")
    table = Table.read(tmp_path / "a.csv", bins={"age": 2}, missing=["", "?"])
    assert table.codes[:, 0].tolist() == [0, 0, 1, -1, -1]
    with pytest.raises(TableError, match=r"holds '\?', which is no number: missing=.* or ignore=\['age'\]"):
        Table.read(tmp_path / "a.csv", bins={"age": 2})


@pytest.mark.parametrize(
    ("bins", "message"),
    [
        (5, "by column"),
        ({"age": 0}, "at least 1"),
        ({"age": True}, "at least 1|number of bins"),
        ({"age": "5"}, "number of bins|rising list"),
        ({"age": [3, 2]}, "rising list"),
        ({"age": [np.nan]}, "rising list"),
        ({"age": []}, "rising list"),
        ({"age": {"k": 3, "by": "luck"}}, "'quantile' or 'width'"),
        ({"age": {"by": "width"}}, "must be like"),
        ({"height": 3}, "no column 'height'"),
    ],
)
def test_what_is_no_rule_for_bins_is_refused(bins, message):
    with pytest.raises(InputError, match=message):
        Table.read({"age": [1, 2]}, bins=bins)


def test_what_is_no_number_is_not_cut():
    for values, message in (([True, False], "boolean"), (["a", "1"], "'a', which is no number")):
        with pytest.raises(TableError, match=message):
            Table.read({"x": values}, bins={"x": 2})
    with pytest.raises(TableError, match="has no states"):
        Table.read({"x": [None]}, bins={"x": 2})


def test_rows_of_binned_numbers_are_given_back_with_their_labels():
    rows = {
        "age": np.array([1, 5, 9]),
        "wet": ["no", "yes", "no"],
    }  # the column is of whole numbers, its bins are not
    table = Table.read(rows, bins={"age": [4]})
    assert give_back(table.codes, table.schema)["age"].tolist() == ["<= 4", "> 4", "> 4"]
