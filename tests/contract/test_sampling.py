"""``sample`` draws from exactly the distribution of ``log_prob``, for every model."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chainrule.core.errors import InputError
from chainrule.evaluate.draws import chi_square_draws
from tests.contract.cases import Case, cases_named, every_case, fitted, table_of
from tests.oracles import log_of_marginal

FALSE_ALARMS = 1e-4  # per test: a right sampler with an unlucky seed fails one test in ten thousand


@every_case
def test_draws_match_log_prob(case: Case) -> None:
    report = chi_square_draws(fitted(case), 20_000, rng=1, false_alarm_rate=FALSE_ALARMS)
    assert report.passed, report


@every_case
@pytest.mark.parametrize("which", range(4))
def test_draws_with_given_values_match_the_conditional(case: Case, which: int) -> None:
    rng = np.random.default_rng([3, which])
    possible = fitted(case).sample(1, rng=rng)[0].astype(float)
    given = np.where(rng.random(case.d) < 0.5, possible, np.nan)
    report = chi_square_draws(fitted(case), 5000, given=given, rng=rng, false_alarm_rate=FALSE_ALARMS)
    assert report.passed, (given, report)


@every_case
def test_a_single_given_value_at_any_place_is_kept_and_conditioned_on(case: Case) -> None:
    for i in range(case.d):
        for value in (0.0, 1.0):
            given = np.full(case.d, np.nan)
            given[i] = value
            if log_of_marginal(table_of(case), given) == -math.inf:
                continue  # a condition of probability zero: see the test below
            assert (fitted(case).sample(20, given=given, rng=i)[:, i] == value).all()
            report = chi_square_draws(fitted(case), 2000, given=given, rng=i, false_alarm_rate=FALSE_ALARMS)
            assert report.passed, (given, report)


@cases_named("bernoulli", "bayes", "count")
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
def test_draws_are_rows_of_zeros_and_ones(case: Case) -> None:
    model = fitted(case)
    draws = model.sample(7, rng=0)
    assert draws.shape == (7, case.d)
    assert set(np.unique(draws)) <= {0, 1}
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
    given = np.full(case.d, np.nan)
    before = model.log_prob(case.data())
    model.sample(10, given=given, rng=0)
    assert np.isnan(given).all()
    assert (model.log_prob(case.data()) == before).all()


@every_case
def test_requests_for_draws_that_make_no_sense_are_refused(case: Case) -> None:
    model = fitted(case)
    for n in (-1, 2.5, True, "3"):
        with pytest.raises(InputError):
            model.sample(n, rng=0)
    for given in ([0.0] * (case.d + 1), [[0.0] * case.d], [2.0] * case.d, 1.0):
        with pytest.raises(InputError):
            model.sample(1, given=given, rng=0)
    for rng in (-1, 1.5, "seed"):
        with pytest.raises(InputError):
            model.sample(1, rng=rng)
