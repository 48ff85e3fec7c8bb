"""Enumeration: the order of states, sums, and distances against scipy and against their definitions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from chainrule.core.errors import InputError, ShapeError, TooLargeError
from chainrule.evaluate.enumeration import (
    all_states,
    exact_table,
    kl_divergence,
    total_probability,
    total_variation,
)
from chainrule.homework.images.count_proportional import CountProportional
from chainrule.models import BayesianNetwork, Independent
from chainrule.models.shared.states import (
    completion_numbers,
    n_states,
    state_blocks,
    state_numbers,
    states_between,
)

weights = st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4)


def table(values: list[float]) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(np.array(values) / np.sum(values))


@pytest.mark.parametrize("d", [1, 2, 3, 7])
def test_states_come_in_binary_counting_order(d: int) -> None:
    assert all_states(d).tolist() == [list(x) for x in itertools.product([0, 1], repeat=d)]
    assert all_states(d).dtype == np.uint8


@given(d=st.integers(1, 10), size=st.integers(1, 200))
def test_blocks_of_any_size_make_up_all_states(d: int, size: int) -> None:
    blocks = list(state_blocks(d, size=size))
    assert max(map(len, blocks)) <= size
    assert (np.concatenate(blocks) == all_states(d)).all()


@given(start=st.integers(0, 2**62 - 20))
def test_a_state_and_its_number_determine_each_other(start: int) -> None:
    rows = states_between(start, start + 10, 62)
    assert state_numbers(rows).tolist() == list(range(start, start + 10))


def test_with_more_than_62_variables_the_first_ones_are_zero() -> None:
    rows = states_between(2**40, 2**40 + 3, 784)
    assert rows.shape == (3, 784)
    assert (rows[:, :722] == 0).all()
    assert (rows[:, 722:] == states_between(2**40, 2**40 + 3, 62)).all()


@given(row=st.lists(st.sampled_from([0.0, 1.0, math.nan]), min_size=1, max_size=8))
def test_completions_are_all_states_that_agree_with_a_row(row: list[float]) -> None:
    states = all_states(len(row))
    known = ~np.isnan(row)
    want = np.flatnonzero((states[:, known] == np.array(row)[known]).all(1))
    assert completion_numbers(np.array(row)).tolist() == want.tolist()


sizes_strategy = st.lists(st.integers(1, 5), min_size=1, max_size=5)


@given(sizes=sizes_strategy, size=st.integers(1, 200))
def test_states_of_any_sizes_come_in_the_order_of_a_product(sizes: list[int], size: int) -> None:
    states = all_states(sizes)
    assert states.tolist() == [list(x) for x in itertools.product(*(range(s) for s in sizes))]
    assert (np.concatenate(list(state_blocks(sizes, size=size))) == states).all()
    assert state_numbers(states, sizes).tolist() == list(range(math.prod(sizes)))
    assert n_states(sizes) == math.prod(sizes)


def test_a_states_number_is_its_place_in_a_table_of_that_shape() -> None:
    states = all_states([3, 2, 4])
    assert (state_numbers(states, [3, 2, 4]) == np.ravel_multi_index(tuple(states.T), (3, 2, 4))).all()


@given(data=st.data(), sizes=sizes_strategy, missing=st.sampled_from([math.nan, -1.0]))
def test_completions_of_codes_are_all_states_that_agree(data, sizes: list[int], missing: float) -> None:
    row = np.array([data.draw(st.sampled_from([missing, *map(float, range(s))])) for s in sizes])
    known = ~(np.isnan(row) | (row == -1))
    want = np.flatnonzero((all_states(sizes)[:, known] == row[known]).all(1))
    assert completion_numbers(row, sizes).tolist() == want.tolist()


def test_with_more_states_than_an_int64_the_first_variables_are_zero() -> None:
    rows = states_between(3**30, 3**30 + 3, [3] * 100)
    assert (rows[:, :69] == 0).all()
    assert rows[:, 69].tolist() == [1, 1, 1]
    assert state_numbers(rows, [3] * 100).tolist() == [3**30, 3**30 + 1, 3**30 + 2]


def test_the_table_of_a_model_over_codes_sums_to_one_and_has_its_margins() -> None:
    rows = np.array([[0, 0], [0, 1], [1, 1], [2, 0], [2, 0], [2, 1]])
    model = BayesianNetwork("x1 -> x2").fit(rows)
    assert total_probability(model) == pytest.approx(1.0, abs=1e-12)
    joint = np.exp(exact_table(model)).reshape(3, 2)
    np.testing.assert_allclose(joint, np.array([[1, 1], [0, 1], [2, 1]]) / 6, atol=1e-15)


def test_sizes_without_states_are_refused() -> None:
    for sizes in ([2, 0], [], [2.0]):
        with pytest.raises(InputError, match="size"):
            all_states(sizes)  # type: ignore[arg-type]
    with pytest.raises(TooLargeError, match="30 variables have 205,891,132,094,649 states"):
        all_states([3] * 30)


def test_a_table_holds_the_log_probability_of_each_state() -> None:
    model = Independent().fit([[0, 1], [1, 1], [1, 0], [1, 1]])
    np.testing.assert_allclose(np.exp(exact_table(model)), [1 / 16, 3 / 16, 3 / 16, 9 / 16], rtol=1e-14)


def test_the_total_shows_what_is_no_distribution() -> None:
    class TwiceTooMuch:
        def log_prob(self, X):
            return CountProportional(1, 3).log_prob(X) + math.log(2.0)

    assert total_probability(TwiceTooMuch(), 3) == pytest.approx(2.0, rel=1e-12)


def test_a_total_over_several_blocks_is_exact() -> None:
    assert total_probability(CountProportional(3, 6), 18) == pytest.approx(1.0, abs=1e-12)


@given(p=weights, q=weights)
def test_the_divergence_is_scipys_relative_entropy(p: list[float], q: list[float]) -> None:
    assert kl_divergence(table(p), table(q)) == pytest.approx(float(entropy(p, q)), abs=1e-12)
    assert kl_divergence(table(p), table(p)) == 0.0


@given(p=weights, q=weights)
def test_total_variation_is_the_largest_difference_over_all_events(p: list[float], q: list[float]) -> None:
    a, b = np.array(p) / np.sum(p), np.array(q) / np.sum(q)
    events = itertools.chain.from_iterable(itertools.combinations(range(4), n) for n in range(5))
    largest = max(abs(a[list(e)].sum() - b[list(e)].sum()) for e in events)
    assert total_variation(table(p), table(q)) == pytest.approx(largest, abs=1e-12)


def test_states_of_probability_zero_cost_nothing_in_p_and_everything_in_q() -> None:
    p, q = table([1, 1, 0, 0]), table([1, 1, 1, 1])
    assert kl_divergence(p, q) == pytest.approx(math.log(2))
    assert kl_divergence(q, p) == math.inf
    assert total_variation(p, table([0, 0, 1, 1])) == 1.0


def test_too_many_variables_are_refused_with_the_number_of_states() -> None:
    model = CountProportional(1, 25)
    for use in (lambda: all_states(25), lambda: total_probability(model, 25)):
        with pytest.raises(TooLargeError, match=r"2\^25 states"):
            use()
    with pytest.raises(TooLargeError, match=r"2\^784 states \(about 10\^236\)"):
        exact_table(model, 784)


@pytest.mark.parametrize("d", [0, -1, 2.0, "3"])
def test_a_number_of_variables_that_is_none_is_refused(d) -> None:
    with pytest.raises(InputError, match="d must be an integer"):
        all_states(d)


def test_an_unfitted_model_needs_the_number_of_variables() -> None:
    with pytest.raises(InputError, match="pass sizes"):
        total_probability(CountProportional(2, 2))


@pytest.mark.parametrize("measure", [kl_divergence, total_variation])
def test_tables_that_cannot_be_compared_are_refused(measure) -> None:
    good = table([1, 1, 1, 1])
    with pytest.raises(ShapeError, match="shapes are"):
        measure(good, table([1, 1]))
    with pytest.raises(InputError, match=r"log_q must hold log-probabilities.*its sum is"):
        measure(good, np.exp(good))
    with pytest.raises(InputError, match="its sum is nan"):
        measure(np.full(4, np.nan), good)
