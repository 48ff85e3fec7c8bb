import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ShapeError, TooLargeError, ValuesError
from chainrule.models import MADE, NADE
from tests.oracles import joint_table, log_of_marginal

_X = np.random.default_rng(0).integers(0, 2, (80, 5))
_MODELS = [
    NADE(6, ordering=[3, 1, 4, 0, 2], epochs=3, random_state=0).fit(_X),
    MADE([6, 5], ordering="random", epochs=3, random_state=0).fit(_X),
]
_TABLES = [joint_table(m.log_prob, 5) for m in _MODELS]
_CELLS = st.sampled_from([0.0, 1.0, np.nan])


@settings(max_examples=60)
@given(st.lists(st.lists(_CELLS, min_size=5, max_size=5), min_size=1, max_size=4), st.sampled_from([0, 1]))
def test_missing_values_are_marginalised_exactly_wherever_they_stand(rows, k):
    expected = [log_of_marginal(_TABLES[k], row) for row in rows]
    np.testing.assert_allclose(_MODELS[k].log_prob(rows), expected, atol=1e-12)


@settings(max_examples=12)
@given(st.lists(_CELLS, min_size=5, max_size=5), st.sampled_from([0, 1]))
def test_draws_with_given_values_follow_the_exact_conditional(given_values, k):
    n = 4000
    draws = _MODELS[k].sample(n, given=given_values, rng=5)
    fixed = ~np.isnan(given_values)
    assert (draws[:, fixed] == np.array(given_values)[fixed]).all()
    table = _TABLES[k].copy()
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


@pytest.mark.parametrize(
    ("given_values", "error"),
    [([[0.0] * 5], ShapeError), ([0.0] * 4, ShapeError), ([2.0] * 5, ValuesError), (0.0, ShapeError)],
)
def test_given_is_one_row_of_zeros_ones_and_nan(given_values, error):
    with pytest.raises(error, match="given"):
        _MODELS[0].sample(1, given=given_values)
