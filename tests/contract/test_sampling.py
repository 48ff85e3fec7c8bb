"""``sample`` and ``impute`` draw from exactly the distribution of ``log_prob``, for every model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare

from chainrule.core.errors import InputError
from chainrule.homework import CountProportional
from chainrule.models import BayesianNetwork, Independent
from tests.contract.cases import Case, cases_of, every_case, fitted, table_of
from tests.oracles import log_of_marginal

FALSE_ALARMS = 1e-4  # per test: a right sampler with an unlucky seed fails one test in ten thousand
_LEAST = 5.0  # expected draws in a cell, the usual condition for the chi-square approximation


def _agree(draws: NDArray[Any], probabilities: NDArray[np.float64]) -> bool:
    """Whether rows of codes look like draws from a table of probabilities (one axis for each variable)."""
    shape = probabilities.shape
    counts = np.bincount(np.ravel_multi_index(tuple(draws.T), shape), minlength=probabilities.size)
    p = probabilities.ravel() / probabilities.sum()
    if counts[p == 0].any():
        return False
    expected = len(draws) * p
    rare = expected < _LEAST
    cells, observed = expected[~rare], counts[~rare]
    if expected[rare].sum() >= _LEAST:
        cells, observed = np.append(cells, expected[rare].sum()), np.append(observed, counts[rare].sum())
    if len(cells) < 2:
        return True
    return bool(chisquare(observed, cells * observed.sum() / cells.sum()).pvalue >= FALSE_ALARMS)


def _conditional(table: NDArray[np.float64], row: NDArray[Any]) -> NDArray[np.float64]:
    """The joint table with zero where it does not agree with what is known of ``row`` (-1 is unknown)."""
    out = np.zeros_like(table)
    index = tuple(slice(None) if k < 0 else slice(int(k), int(k) + 1) for k in row)
    out[index] = table[index]
    return out


def _with_holes(case: Case, rng: np.random.Generator) -> NDArray[Any]:
    """A possible row of which some values are missing (-1)."""
    row = fitted(case).sample(1, rng=rng)[0].astype(int)
    return np.where(rng.random(case.d) < 0.5, row, -1)


@every_case
def test_draws_match_log_prob(case: Case) -> None:
    assert _agree(fitted(case).sample(20_000, rng=1), table_of(case))


@every_case
@pytest.mark.parametrize("which", range(3))
def test_draws_with_given_values_match_the_conditional(case: Case, which: int) -> None:
    rng = np.random.default_rng([3, which])
    row = _with_holes(case, rng)
    names = fitted(case).schema_.names
    expected = _conditional(table_of(case), row)
    assert _agree(fitted(case).sample(5000, given=np.where(row < 0, np.nan, row), rng=rng), expected)
    by_name = {name: int(k) for name, k in zip(names, row, strict=True) if k >= 0}
    assert _agree(fitted(case).sample(5000, given=by_name, rng=rng), expected)


@every_case
def test_a_single_given_value_at_any_place_is_kept_and_conditioned_on(case: Case) -> None:
    for i in range(case.d):
        for value in range(case.sizes[i]):
            row = np.full(case.d, -1)
            row[i] = value
            if log_of_marginal(table_of(case), row) == -math.inf:
                continue  # a condition of probability zero: see the test below
            draws = fitted(case).sample(2000, given=row, rng=i)
            assert (draws[:, i] == value).all()
            assert _agree(draws, _conditional(table_of(case), row))


@every_case
def test_missing_cells_are_drawn_from_their_posterior_row_by_row(case: Case) -> None:
    """Rows of several patterns in one call: each gets its own conditional, and known cells stay."""
    rng = np.random.default_rng(8)
    patterns = [_with_holes(case, rng) for _ in range(3)]
    rows = np.concatenate([np.repeat(p[None], 2000, axis=0) for p in patterns])
    filled = fitted(case).impute(rows, rng=rng)
    assert (filled[rows >= 0] == rows[rows >= 0]).all()
    for k, pattern in enumerate(patterns):
        assert _agree(filled[2000 * k : 2000 * (k + 1)], _conditional(table_of(case), pattern))


@every_case
def test_the_mode_is_a_most_probable_completion(case: Case) -> None:
    rng = np.random.default_rng(9)
    rows = np.array([_with_holes(case, rng) for _ in range(8)])
    filled = fitted(case).impute(rows, how="mode")
    assert (filled[rows >= 0] == rows[rows >= 0]).all()
    best = [_conditional(table_of(case), row).max() for row in rows]
    np.testing.assert_allclose([table_of(case)[tuple(row)] for row in filled], best, rtol=1e-9)


@every_case
def test_a_complete_row_is_imputed_as_it_is(case: Case) -> None:
    rows = case.data()
    assert (fitted(case).impute(rows, rng=0) == rows).all()
    assert (fitted(case).impute(rows, how="mode") == rows).all()


@cases_of(Independent, BayesianNetwork, CountProportional)
def test_conditioning_on_values_of_probability_zero_is_refused(case: Case) -> None:
    impossible = np.argwhere(table_of(case) == 0)
    for given in impossible[:3].astype(float):
        with pytest.raises(InputError, match="probability zero"):
            fitted(case).sample(1, given=given, rng=0)


@every_case
def test_a_row_given_whole_comes_back(case: Case) -> None:
    row = fitted(case).sample(1, rng=3)[0]
    assert (fitted(case).sample(5, given=row, rng=0) == row).all()


@every_case
def test_draws_are_rows_of_states(case: Case) -> None:
    model = fitted(case)
    draws = model.sample(7, rng=0)
    assert draws.shape == (7, case.d)
    assert draws.dtype.kind in "iu"
    assert ((draws >= 0) & (draws < np.array(case.sizes))).all()
    assert model.sample(rng=0).shape == (1, case.d)
    assert model.sample(0, rng=0).shape == (0, case.d)
    assert np.isfinite(model.log_prob(draws)).all()


@every_case
def test_the_same_seed_gives_the_same_draws(case: Case) -> None:
    model = fitted(case)
    assert (model.sample(100, rng=3) == model.sample(100, rng=3)).all()
    assert (model.sample(100, rng=3) == model.sample(100, rng=np.random.default_rng(3))).all()


@every_case
def test_a_generator_goes_on_from_where_it_is(case: Case) -> None:
    model, rng = fitted(case), np.random.default_rng(3)
    first, second = model.sample(200, rng=rng), model.sample(200, rng=rng)
    if (table_of(case) > 0).sum() > 1:
        assert (first != second).any()
    else:
        assert (first == second).all()


@every_case
def test_sampling_leaves_the_model_and_what_was_given_alone(case: Case) -> None:
    model = fitted(case)
    given, rows = np.full(case.d, np.nan), np.full((3, case.d), -1)
    before = model.log_prob(case.data())
    model.sample(10, given=given, rng=0)
    model.impute(rows, rng=0)
    assert np.isnan(given).all()
    assert (rows == -1).all()
    assert (model.log_prob(case.data()) == before).all()


@every_case
def test_requests_for_draws_that_make_no_sense_are_refused(case: Case) -> None:
    model = fitted(case)
    for n in (-1, 2.5, True, "3", None, 10**15):
        with pytest.raises(InputError):
            model.sample(n, rng=0)
    for given in ([0.0] * (case.d + 1), [[0.0] * case.d], [9.0] * case.d, 1.0, {"no such name": 0}):
        with pytest.raises(InputError):
            model.sample(1, given=given, rng=0)
    for rng in (-1, 1.5, "seed"):
        with pytest.raises(InputError):
            model.sample(1, rng=rng)
    with pytest.raises(InputError, match="how"):
        model.impute(case.data(), how="mean")
