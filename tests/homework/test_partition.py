"""Partition functions: exact sums while timed, Monte Carlo estimates, and what their error bars cannot see."""

from __future__ import annotations

import math

import numpy as np
import pytest

from chainrule.core.errors import InputError, TooLargeError
from chainrule.evaluate.enumeration import all_states
from chainrule.homework.images.partition import PartitionCost, estimate_partition, measure_partition_cost


def log_f(X: np.ndarray) -> np.ndarray:
    """An f of known sum: a product over variables, Z = (1 + e^{0.3})^d."""
    return 0.3 * X.sum(1)


def test_a_full_walk_gives_the_exact_sum_and_counts_every_state() -> None:
    seen: list[int] = []

    def scored(X: np.ndarray) -> np.ndarray:
        seen.append(len(X))
        return log_f(X)

    cost = measure_partition_cost(scored, 15)
    assert cost.complete
    assert cost.n_scored == cost.n_states == 2**15
    assert sum(seen[1:]) == 2**15  # the first call is the untimed start-up
    assert cost.log_sum == pytest.approx(15 * math.log(1 + math.exp(0.3)), rel=1e-12)
    assert cost.seconds > 0


def test_a_part_of_the_walk_is_the_sum_of_the_first_states() -> None:
    cost = measure_partition_cost(log_f, 12, n_states=1000)
    assert not cost.complete
    assert cost.n_scored == 1000
    assert cost.log_sum == pytest.approx(math.log(np.exp(log_f(all_states(12)[:1000])).sum()), rel=1e-12)


def test_more_states_than_there_are_means_all() -> None:
    assert measure_partition_cost(log_f, 3, n_states=1000).complete


def test_each_variable_doubles_the_time_and_a_huge_one_does_not_overflow() -> None:
    cost = PartitionCost(n_variables=10, n_scored=1024, seconds=1.024, log_sum=0.0)
    assert cost.states_per_second == pytest.approx(1000)
    assert cost.log10_seconds_for(10) == pytest.approx(math.log10(1.024))
    assert cost.log10_seconds_for(11) - cost.log10_seconds_for(10) == pytest.approx(math.log10(2))
    assert cost.log10_years_for(100_000) == pytest.approx(
        100_000 * math.log10(2) - 3 - math.log10(365.25 * 86400), rel=1e-12
    )


def test_the_estimate_is_right_within_its_error_where_f_is_even() -> None:
    estimate = estimate_partition(log_f, 20, 40_000, rng=0)
    exact = 20 * math.log(1 + math.exp(0.3))
    off = math.expm1(estimate.log_partition - exact)
    assert abs(off) < 5 * estimate.relative_error  # five standard errors
    # the true relative deviation of one draw is sqrt((1 + e^{0.6}) 2 / (1 + e^{0.3})^2)^20 - 1
    second = (2 * (1 + math.exp(0.6)) / (1 + math.exp(0.3)) ** 2) ** 20 - 1
    assert estimate.relative_error == pytest.approx(math.sqrt(second / 40_000), rel=0.05)


def test_the_error_bar_has_the_coverage_it_claims_on_an_even_f() -> None:
    exact = 10 * math.log(1 + math.exp(0.3))
    rng = np.random.default_rng(1)
    within = 0
    for _ in range(400):
        e = estimate_partition(log_f, 10, 500, rng)
        within += abs(math.expm1(exact - e.log_partition)) < 1.96 * e.relative_error
    assert 0.91 < within / 400 < 0.99  # 95 % ± four standard errors of 400 trials


def test_estimates_beyond_any_float_are_given_on_a_log_scale() -> None:
    estimate = estimate_partition(lambda X: np.full(len(X), -2000.0), 784, 100, rng=0)
    assert estimate.log_partition == pytest.approx(784 * math.log(2) - 2000)
    assert estimate.log2_partition == pytest.approx(784 - 2000 / math.log(2))
    assert estimate.log10_partition == pytest.approx(784 * math.log10(2) - 2000 / math.log(10))
    wide = estimate_partition(lambda X: np.zeros(len(X)), 5000, 10, rng=0)
    assert wide.log2_partition == pytest.approx(5000)


def test_the_error_bar_is_blind_to_a_peak_that_no_draw_hits() -> None:
    def peaked(X: np.ndarray) -> np.ndarray:  # nearly all of Z sits on one state of 2^40
        return np.where(X.all(1), 60.0 * math.log(2), 0.0)

    estimate = estimate_partition(peaked, 40, 10_000, rng=0)
    assert estimate.log2_partition == pytest.approx(40.0)  # the truth is just above 60
    assert estimate.relative_error == 0.0
    assert estimate.largest_share == pytest.approx(1e-4)


def test_one_draw_that_decides_the_sum_shows_in_its_share() -> None:
    def rare(X: np.ndarray) -> np.ndarray:
        return np.where(X[:, :10].all(1), 30.0, 0.0)

    estimate = estimate_partition(rare, 10, 2000, rng=3)
    assert estimate.largest_share > 0.2
    assert estimate.relative_error > 0.3


def test_the_same_seed_gives_the_same_estimate_and_a_generator_goes_on() -> None:
    assert estimate_partition(log_f, 30, 50, rng=4) == estimate_partition(log_f, 30, 50, rng=4)
    rng = np.random.default_rng(4)
    assert estimate_partition(log_f, 30, 50, rng) != estimate_partition(log_f, 30, 50, rng)


def test_an_f_that_is_zero_on_every_draw_is_no_estimate() -> None:
    with pytest.raises(InputError, match=r"zero .* on all 10 uniform draws"):
        estimate_partition(lambda X: np.full(len(X), -np.inf), 5, 10, rng=0)


def test_what_does_not_end_or_says_nothing_is_refused() -> None:
    with pytest.raises(TooLargeError, match=r"2\^784 states"):
        measure_partition_cost(log_f, 784)
    with pytest.raises(InputError, match="n must be an integer of at least 2"):
        estimate_partition(log_f, 5, 1, rng=0)
    with pytest.raises(InputError, match="d must be"):
        measure_partition_cost(log_f, 0)
