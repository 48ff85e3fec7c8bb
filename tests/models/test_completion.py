import itertools
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ShapeError, TooLargeError, ValuesError
from chainrule.models import MADE, NADE
from tests.oracles import joint_table, log_of_marginal

_X = np.random.default_rng(0).integers(0, 2, (80, 5))
_MODELS = [
    NADE(6, ordering=[3, 1, 4, 0, 2], epochs=3, random_state=0),
    MADE([6, 5], ordering="random", epochs=3, random_state=0),
]
_CELLS = st.sampled_from([0.0, 1.0, np.nan])


@cache
def _fitted(k):
    """Model ``k`` after its fit, and the probability of every row."""
    model = _MODELS[k].fit(_X)
    return model, joint_table(model.log_prob, 5)


@settings(max_examples=60)
@given(st.lists(st.lists(_CELLS, min_size=5, max_size=5), min_size=1, max_size=4), st.sampled_from([0, 1]))
def test_missing_values_are_marginalised_exactly_wherever_they_stand(rows, k):
    model, table = _fitted(k)
    expected = [log_of_marginal(table, row) for row in rows]
    np.testing.assert_allclose(model.log_prob(rows), expected, atol=1e-12)


@settings(max_examples=12)
@given(st.lists(_CELLS, min_size=5, max_size=5), st.sampled_from([0, 1]))
def test_draws_with_given_values_follow_the_exact_conditional(given_values, k):
    n = 4000
    model, table = _fitted(k)
    draws = model.sample(n, given=given_values, rng=5)
    fixed = ~np.isnan(given_values)
    assert (draws[:, fixed] == np.array(given_values)[fixed]).all()
    for axis, value in enumerate(given_values):
        if not np.isnan(value):
            table = np.take(table, [int(value)], axis)
    p = (table / table.sum()).ravel()
    states = draws[:, ~fixed] @ (1 << np.arange((~fixed).sum())[::-1])
    seen = np.bincount(states.astype(int), minlength=len(p)) / n
    # four and a half standard errors in each of at most 32 cells: a false alarm in 1 of 4,000 runs, seed fixed
    assert (np.abs(seen - p) <= 4.5 * np.sqrt(p * (1 - p) / n) + 1e-12).all()


def test_many_missing_values_after_the_last_observed_one_cost_nothing():
    model = NADE(4, epochs=1, random_state=0).fit(np.random.default_rng(0).integers(0, 2, (20, 60)))
    row = np.full(60, np.nan)
    assert model.log_prob(row[None])[0] == 0.0
    row[0] = 1
    first = model.conditionals(np.ones((1, 60)))[0, 0]
    assert model.log_prob(row[None])[0] == pytest.approx(first)
    assert model.sample(3, given=row, rng=0)[:, 0].tolist() == [1, 1, 1]


def test_too_many_missing_values_before_an_observed_one_are_refused():
    model = NADE(4, epochs=1, random_state=0).fit(np.random.default_rng(0).integers(0, 2, (20, 60)))
    row = np.full(60, np.nan)
    row[-1] = 1
    with pytest.raises(TooLargeError, match=r"59 missing values .* 10\^17 completions"):
        model.log_prob(row[None])
    with pytest.raises(TooLargeError, match="fill some values"):
        model.sample(1, given=row)


# Under a graph

_SIZES = (2, 3, 2, 2, 3)
_ROWS = np.random.default_rng(1).integers(0, _SIZES, (80, 5))
_DAG = "x4 -> x1 -> x2; x4 -> x3; x5"
_STATES = np.array(list(itertools.product(*map(range, _SIZES))))
_PARTS = st.tuples(*(st.sampled_from([-1, *range(k)]) for k in _SIZES)).map(np.array)


@cache
def _graphed():
    """A model that keeps to the graph, and the probability of every state."""
    model = MADE([6, 5], dag=_DAG, epochs=3, random_state=0).fit(_ROWS)
    return model, np.exp(model.log_prob(_STATES))


def _agrees(row):
    return ((row < 0) | (row == _STATES)).all(axis=1)


@settings(max_examples=60)
@given(st.lists(_PARTS, min_size=1, max_size=4))
def test_under_a_graph_missing_values_are_marginalised_exactly(rows):
    model, joint = _graphed()
    expected = [np.log(joint[_agrees(row)].sum()) for row in rows]
    np.testing.assert_allclose(model.log_prob(np.array(rows)), expected, atol=1e-12)


@settings(max_examples=12)
@given(_PARTS)
def test_under_a_graph_draws_follow_the_exact_posterior_of_what_is_missing(row):
    n = 4000
    model, joint = _graphed()
    draws = model.sample(n, given=row, rng=5)
    agree = _agrees(row)
    p = np.where(agree, joint, 0.0) / joint[agree].sum()
    seen = np.bincount(np.ravel_multi_index(draws.T.astype(np.intp), _SIZES), minlength=len(p)) / n
    # four and a half standard errors (and one draw, where less than one is expected) in each of 72 cells: a false
    # alarm in 1 of 2,000 runs, seed fixed
    assert (np.abs(seen - p) <= 4.5 * np.sqrt(p * (1 - p) / n) + 1 / n * (p > 0)).all()


def test_under_a_graph_only_what_is_above_an_observed_variable_is_summed_over():
    d = 60
    X = np.random.default_rng(0).integers(0, 2, (20, d))
    chain = "; ".join(f"x{i} -> x{i + 1}" for i in range(1, d, 2))  # thirty pairs
    model = MADE(4, dag=chain, epochs=1, random_state=0).fit(X)
    row = np.full(d, -1)
    row[-1] = 1  # of an order, 59 missing values would come before it; here one does
    both = np.full((2, d), -1)
    both[:, -2:] = [[0, 1], [1, 1]]
    assert model.log_prob(row[None])[0] == pytest.approx(np.logaddexp(*model.log_prob(both)), abs=1e-12)
    assert (model.sample(5, given=row, rng=0)[:, -1] == 1).all()


@pytest.mark.parametrize(
    ("given_values", "error"),
    [([[0.0] * 5], ShapeError), ([0.0] * 4, ShapeError), ([2.0] * 5, ValuesError), (0.0, ShapeError)],
)
def test_given_is_one_row_of_zeros_ones_and_nan(given_values, error):
    with pytest.raises(error, match="given"):
        _fitted(0)[0].sample(1, given=given_values)
