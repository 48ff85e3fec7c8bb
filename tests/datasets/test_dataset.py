"""A data set holds binary rows of one width, and its digest tells two of them apart."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError, ShapeError, ValuesError
from chainrule.core.records import dump_json
from chainrule.datasets import Dataset, split_rows

ROWS = np.array([[0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 1]])


def dataset(**changed) -> Dataset:
    return Dataset(**{"name": "toy", "train": ROWS, "valid": ROWS[:1], "test": ROWS[1:]} | changed)


def test_the_splits_come_out_as_bytes_of_0_and_1_whatever_they_came_in_as():
    for rows in (ROWS.astype(bool), ROWS.astype(float), ROWS.tolist()):
        d = dataset(train=rows)
        assert d.train.dtype == d.valid.dtype == d.test.dtype == np.uint8
        np.testing.assert_array_equal(d.train, ROWS)
    assert d.n_rows == {"train": 3, "valid": 1, "test": 2}
    assert d.n_columns == 4


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"train": ROWS[:0]}, ShapeError, "toy train has 0 rows; at least 1 needed"),
        ({"valid": ROWS[:, :3]}, ShapeError, "toy: valid has 3 columns, train has 4"),
        ({"test": ROWS + 1}, ValuesError, "toy test must hold only 0 and 1, but row 0, column 1 is 2"),
        ({"train": ROWS / 0.5}, ValuesError, "toy train must hold only 0 and 1"),
        ({"train": ROWS[0]}, ShapeError, "toy train must have 2 dimensions"),
        ({"shape": (2, 3)}, ShapeError, r"images of shape \(2, 3\) do not fill rows of 4 columns"),
        ({"feature_names": ("a", "b")}, ShapeError, "2 names for 4 columns"),
    ],
)
def test_rows_that_do_not_fit_are_refused(changed, error, message):
    with pytest.raises(error, match=message):
        dataset(**changed)


def test_a_set_without_validation_or_test_rows_is_allowed():
    assert dataset(valid=ROWS[:0], test=ROWS[:0]).n_rows == {"train": 3, "valid": 0, "test": 0}


def test_the_digest_is_equal_exactly_when_every_split_is():
    plain = dataset().digest
    assert dataset(name="other", source="elsewhere", train=ROWS.astype(float)).digest == plain
    different = [
        dataset(train=1 - ROWS),
        dataset(train=ROWS[::-1]),
        dataset(train=ROWS[:2], valid=ROWS[2:]),
        dataset(valid=ROWS[1:2], test=ROWS[[0, 2]]),
        # the same bytes in the same order, cut into rows differently
        dataset(train=ROWS.reshape(6, 2), valid=ROWS[:1].reshape(2, 2), test=ROWS[1:].reshape(4, 2)),
    ]
    digests = {plain, *(d.digest for d in different)}
    assert len(digests) == 1 + len(different)


def test_the_description_is_plain_data_and_holds_no_rows():
    plain = dataset(shape=(2, 2), files={"a": "b"}, source="s", reason="r").describe()
    assert json.loads(dump_json(plain)) == plain
    assert plain["rows"] == {"train": 3, "valid": 1, "test": 2}
    assert (plain["shape"], plain["columns"], plain["source"], plain["reason"]) == ([2, 2], 4, "s", "r")
    assert "train" not in plain


@given(
    st.integers(1, 40),
    st.lists(st.integers(0, 5), min_size=1, max_size=4).filter(any),
    st.integers(0, 2**32),
)
def test_a_split_deals_every_row_exactly_once_in_the_stated_proportions(n, weights, seed):
    fractions = np.array(weights) / sum(weights)
    parts = split_rows(np.arange(n).reshape(-1, 1), fractions.tolist(), seed)
    assert sorted(np.concatenate(parts).ravel().tolist()) == list(range(n))
    for part, fraction in zip(parts, fractions, strict=True):
        assert abs(len(part) - fraction * n) <= 1


def test_a_seed_gives_one_split_and_a_generator_goes_on():
    X = np.arange(50).reshape(-1, 1)
    first, again = split_rows(X, [0.5, 0.5], 3), split_rows(X, [0.5, 0.5], 3)
    np.testing.assert_array_equal(first, again)
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(split_rows(X, [0.5, 0.5], rng), first)
    assert not np.array_equal(split_rows(X, [0.5, 0.5], rng), first)


@pytest.mark.parametrize("fractions", [[], [0.5, 0.6], [1.5, -0.5], [np.nan, 1.0], [[1.0]]])
def test_fractions_that_are_no_proportions_are_refused(fractions):
    with pytest.raises(InputError, match="fractions must be non-negative and sum to one"):
        split_rows(ROWS, fractions, 0)
