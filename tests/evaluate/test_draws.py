"""The chi-square comparison of draws with ``log_prob``: right samplers pass, wrong ones are caught."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from chainrule.core.errors import InputError, TooLargeError, ValuesError
from chainrule.evaluate.draws import chi_square_draws
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork
from tests.oracles import enumerate_rows


class TableModel:
    """A distribution given by its table; ``drawn`` (default the same) is what ``sample`` really draws from."""

    def __init__(self, table: Any, drawn: Any = None) -> None:
        self.p = np.asarray(table, np.float64)
        self.q = self.p if drawn is None else np.asarray(drawn, np.float64)
        self.n_features_in_ = int(np.log2(self.p.size))
        self.rows = enumerate_rows(self.n_features_in_)

    def log_prob(self, X: Any) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.log([self.p[(self.rows == x).all(1)].sum() for x in np.asarray(X)])

    def sample(self, n: int, *, given: Any = None, rng: Any = None) -> np.ndarray:
        fixed = np.full(self.n_features_in_, np.nan) if given is None else np.asarray(given, float)
        q = self.q * (np.isnan(fixed) | (self.rows == fixed)).all(1)
        return self.rows[np.random.default_rng(rng).choice(q.size, n, p=q / q.sum())].astype(np.uint8)


UNEVEN = np.array([1, 2, 3, 4, 5, 6, 7, 8]) / 36


def test_the_statistic_is_pearsons_where_no_state_is_rare() -> None:
    model = TableModel(UNEVEN)
    report = chi_square_draws(model, 5000, rng=1)
    states = model.sample(5000, rng=1) @ np.array([4, 2, 1])
    expected = chisquare(np.bincount(states, minlength=8), 5000 * UNEVEN)
    assert report.statistic == pytest.approx(expected.statistic)
    assert report.p_value == pytest.approx(expected.pvalue)
    assert (report.cells, report.pooled, report.dof) == (8, 0, 7)
    assert report.total_mass == pytest.approx(1.0)


def test_p_values_of_a_right_sampler_are_uniform() -> None:
    # 200 independent tests; under the law their p-values are uniform (false-alarm rate of this test 1e-3)
    p = [chi_square_draws(TableModel(UNEVEN), 2000, rng=[4, i]).p_value for i in range(200)]
    assert kstest(p, "uniform").pvalue > 1e-3


def test_a_sampler_that_is_slightly_off_is_caught() -> None:
    drawn = UNEVEN + 0.02 * np.array([1, -1, 0, 0, 0, 0, 0, 0])
    assert not chi_square_draws(TableModel(UNEVEN, drawn), 20_000, rng=2).passed


def test_one_draw_of_an_impossible_state_fails_at_once() -> None:
    claimed = np.array([0.0, 0.5, 0.25, 0.25])
    drawn = np.array([1e-4, 0.5, 0.25, 0.2499])
    report = chi_square_draws(TableModel(claimed, drawn), 30_000, rng=3)
    assert report.impossible > 0
    assert report.p_value > report.false_alarm_rate  # the statistic alone would have let it pass
    assert not report.passed


def test_probabilities_that_do_not_sum_to_one_fail() -> None:
    report = chi_square_draws(TableModel([0.3, 0.69], [0.303, 0.697]), 500, rng=0)
    assert report.total_mass == pytest.approx(0.99)
    assert not report.passed


def test_rare_states_are_pooled_until_the_pool_is_no_longer_rare() -> None:
    table = np.array([0.5, 0.48, 0.015, 0.001, 0.001, 0.001, 0.001, 0.001])
    report = chi_square_draws(TableModel(table), 1000, rng=0)
    assert (report.cells, report.pooled) == (4, 5)  # 5 states of 1 expected draw each make a cell of 5
    report = chi_square_draws(TableModel(table), 900, rng=0)
    assert (report.cells, report.pooled) == (3, 6)  # 4.5 is too few: the next rarest joins


def test_a_model_with_one_possible_state_passes() -> None:
    report = chi_square_draws(TableModel([0.0, 1.0]), 10, rng=0)
    assert (report.dof, report.p_value, report.passed) == (0, 1.0, True)


def test_given_values_compare_with_the_conditional() -> None:
    report = chi_square_draws(TableModel(UNEVEN), 5000, given=[np.nan, 1, np.nan], rng=5)
    assert report.cells == 4
    assert report.passed


def test_a_sampler_that_ignores_what_is_given_is_caught() -> None:
    class Deaf(TableModel):
        def sample(self, n: int, *, given: Any = None, rng: Any = None) -> np.ndarray:
            return super().sample(n, rng=rng)

    report = chi_square_draws(Deaf(UNEVEN), 100, given=[np.nan, 1, np.nan], rng=5)
    assert report.impossible > 0
    assert not report.passed


def test_conditioning_on_the_impossible_is_refused() -> None:
    with pytest.raises(InputError, match="probability zero"):
        chi_square_draws(TableModel([0.0, 0.0, 0.5, 0.5]), 10, given=[0, np.nan], rng=0)


def test_too_many_states_are_refused_with_their_number() -> None:
    model = TableModel([0.5, 0.5])
    model.n_features_in_ = 17
    with pytest.raises(TooLargeError, match=r"2\^17 states; at most 65,536"):
        chi_square_draws(model)
    with pytest.raises(TooLargeError, match=r"about 10\^5 states"):
        chi_square_draws(model, sizes=[10] * 5)


THREE_BY_TWO = DAG.parse("x1 -> x2")
CODES = np.array([[0, 0], [0, 1], [1, 1], [2, 0], [2, 0], [2, 1]])


def test_the_statistic_over_codes_is_pearsons_on_the_table_of_their_counts() -> None:
    model = BayesianNetwork(THREE_BY_TWO, pseudocount=1.0).fit(CODES)
    report = chi_square_draws(model, 5000, rng=1)
    drawn = model.sample(5000, rng=1)
    counts = np.zeros((3, 2))
    np.add.at(counts, tuple(drawn.T), 1)
    table = np.exp(model.log_prob(list(itertools.product(range(3), range(2)))))
    expected = chisquare(counts.ravel(), 5000 * table)
    assert report.statistic == pytest.approx(expected.statistic)
    assert (report.cells, report.dof, report.passed) == (6, 5, True)


def test_codes_given_compare_with_the_conditional() -> None:
    model = BayesianNetwork(THREE_BY_TWO, pseudocount=1.0).fit(CODES)
    report = chi_square_draws(model, 5000, given=[np.nan, 1], rng=2)
    assert (report.cells, report.passed) == (3, True)


def test_a_sampler_of_codes_that_is_off_is_caught() -> None:
    class Off(BayesianNetwork):
        def sample(self, n: int = 1, *, given: Any = None, rng: Any = None) -> np.ndarray:
            drawn = super().sample(n, given=given, rng=rng)
            drawn[: n // 20, 0] = 0
            return drawn

    model = Off(THREE_BY_TWO, pseudocount=1.0).fit(CODES)
    assert not chi_square_draws(model, 20_000, rng=3).passed


def test_a_draw_that_is_no_state_is_refused() -> None:
    model = BayesianNetwork(THREE_BY_TWO, pseudocount=1.0).fit(CODES)
    model.sample = lambda n, given=None, rng=None: np.array([[0, 0], [3, 0]])
    with pytest.raises(ValuesError, match="codes from 0 to 2 in column 0, but row 1 has 3"):
        chi_square_draws(model, 2)


@pytest.mark.parametrize(("n", "rate"), [(0, 1e-3), (10, 0.0), (10, 1.0)])
def test_settings_out_of_range_are_refused(n: int, rate: float) -> None:
    with pytest.raises(InputError):
        chi_square_draws(TableModel([0.5, 0.5]), n, rng=0, false_alarm_rate=rate)
