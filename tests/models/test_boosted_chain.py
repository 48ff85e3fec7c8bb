"""Boosted chains: against frequencies, one step by hand, the plain twin, and repeated rows."""

from __future__ import annotations

import itertools
import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from chainrule.compiled import threads
from chainrule.core.errors import InputError, TooLargeError, ValuesError
from chainrule.core.progress import listening
from chainrule.core.settings import settings
from chainrule.datasets import load
from chainrule.models import BoostedChain
from chainrule.models.boosted_chain.boosting import different_rows
from chainrule.models.boosted_chain.rounds import rounds_to_keep
from chainrule.tables.schema import Schema
from tests.models.test_decision_tables import random_rows

SIZES = [(2, 2, 2, 2, 2), (3, 2, 4, 1, 5), (6, 3, 5), (2,)]
seeds = st.integers(0, 2**32 - 1)


def chain(sizes: tuple[int, ...], **changes: Any) -> BoostedChain:
    return BoostedChain(
        **{"rounds": 5, "leaves": 4, "random_state": 1, "schema": Schema.of_sizes(sizes)} | changes
    )


@examples(max_examples=15)
@given(
    seeds,
    st.sampled_from(SIZES),
    st.sampled_from(["valid", "share", "weights"]),
    st.sampled_from([{}, {"ordering": "random"}, {"least_hessian": 3.0}, {"patience": 1, "borrow": 0.0}]),
)
def test_loops_and_the_plain_twin_grow_the_same_trees_and_draw_the_same_rows(seed, sizes, how, changes):
    rows, other = random_rows(seed, sizes), random_rows(seed + 1, sizes, 40)
    more = {
        "valid": {"valid": other},
        "share": {},
        "weights": {"sample_weight": np.random.default_rng(seed).random(len(rows))},
    }[how]
    model = chain(sizes, **changes).fit(rows, **more)
    known = np.where(np.random.default_rng(seed).random(other.shape) < 0.3, other.astype(int), -1)
    with settings(plain=True):
        plain = chain(sizes, **changes).fit(rows, **more)
        by_plain = plain.log_prob(other), plain.sample(60, rng=2), plain.impute(known, rng=3)
    assert plain.fit_info_["rounds"] == model.fit_info_["rounds"]
    np.testing.assert_allclose(model.log_prob(other), by_plain[0], rtol=1e-9, atol=1e-9)
    assert (model.sample(60, rng=2) == by_plain[1]).all()
    assert (model.impute(known, rng=3) == by_plain[2]).all()


def test_one_tree_is_one_newton_step():
    rows = np.array([[0, 0]] * 30 + [[0, 1]] * 10 + [[1, 0]] * 5 + [[1, 1]] * 35, np.uint8)
    model = BoostedChain(rounds=1, leaves=2, learning_rate=0.3, ridge=2.0, validation_share=0.0).fit(rows)
    p = (45 + 0.5) / 81  # of a one in the second column; half a row is added to the count of each state
    for x, ones, n in ((0, 10, 40), (1, 35, 40)):
        z = np.log(p / (1 - p)) + 0.3 * (ones - n * p) / (n * p * (1 - p) + 2.0)
        assert model.conditionals(np.array([[x, 1]]))[0, 1] == pytest.approx(-np.log1p(np.exp(-z)))


@pytest.mark.parametrize("sizes", [(2, 2, 2), (3, 2, 3), (2, 5, 4)])
def test_many_rounds_of_large_trees_reach_the_frequencies_of_each_configuration(sizes):
    rng = np.random.default_rng(0)
    rows = np.stack([rng.integers(0, k, 4000) for k in sizes], axis=1).astype(np.uint8)
    rows[:, 2] = np.where(rng.random(4000) < 0.5, (rows[:, 0] + rows[:, 1]) % sizes[2], rows[:, 2])
    model = BoostedChain(
        rounds=400, leaves=32, ridge=1e-6, column_share=1.0, least_hessian=0.0, validation_share=0.0
    ).fit(rows)
    for a, b in itertools.product(range(sizes[0]), range(sizes[1])):
        part = rows[(rows[:, 0] == a) & (rows[:, 1] == b), 2]
        found = model.state_log_probs(np.array([[a, b, 0]]))[0, sizes[0] + sizes[1] :]
        expected = np.bincount(part, minlength=sizes[2]) / len(part)
        np.testing.assert_allclose(
            np.exp(found), expected, atol=2e-5
        )  # splits of less than 1e-9 nats are not made


def test_whole_weights_are_rows_that_often_bit_for_bit():
    sizes = (3, 2, 4, 2)
    rows, other = random_rows(3, sizes), random_rows(4, sizes, 50)
    times = np.random.default_rng(3).integers(0, 4, len(rows))
    weighted = chain(sizes).fit(rows, valid=other, sample_weight=times)
    repeated = chain(sizes).fit(np.repeat(rows, times, axis=0), valid=other)
    assert (weighted.log_prob(other) == repeated.log_prob(other)).all()


def test_rounds_are_where_a_variable_s_own_curve_and_the_mean_curve_are_least():
    curves = [np.array([9.0, 5, 4, 6]), np.array([9.0, 8, 7, 3, 2]), np.array([1.0])]
    assert rounds_to_keep(curves, 0.0).tolist() == [2, 4, 0]
    mean = np.mean([[9, 5, 4, 6, 6], [9, 8, 7, 3, 2], [1, 1, 1, 1, 1]], axis=0)
    expected = [int(np.argmin(c + 3 * mean[: len(c)])) for c in curves]
    assert rounds_to_keep(curves, 3.0).tolist() == expected
    assert rounds_to_keep(curves, 1e9).tolist() == [3, 4, 0]


def test_what_was_kept_is_what_validation_rows_want_and_what_is_reported():
    sizes = (2,) * 8
    rows, other = random_rows(5, sizes, 300), random_rows(6, sizes, 200)
    model = chain(sizes, rounds=60, patience=60, borrow=0.0).fit(rows, valid=other)
    assert model.fit_info_["validation"] == "valid"
    assert model.fit_info_["valid_nll_nats"] == pytest.approx(-model.score(other), rel=1e-9)
    own = -model.conditionals(other).mean(axis=0)
    for rounds in (0, 3, 60):  # with its own curve alone each variable is at its best
        fixed = chain(sizes, rounds=rounds, validation_share=0.0).fit(rows)
        assert (own <= -fixed.conditionals(other).mean(axis=0) + 1e-12).all()


def test_without_validation_rows_a_share_is_held_out_and_all_rows_are_learned_from():
    sizes = (2,) * 6
    rows = random_rows(5, sizes, 200)
    model = chain(sizes, rounds=30).fit(rows)
    assert model.fit_info_["validation"] == "20 of 200 rows held out"
    assert chain(sizes, validation_share=0.0).fit(rows).fit_info_["valid_nll_nats"] is None
    one = chain(sizes).fit(rows[:1])
    assert one.fit_info_["validation"] == "none: one row"
    assert one.fit_info_["n_trees"] == 0


def test_no_row_of_known_states_is_impossible():
    schema = Schema.of_sizes((2, 3, 4))
    rows = np.zeros((50, 3), int)
    states = np.array(list(itertools.product(range(2), range(3), range(4))))
    for rows in (np.zeros((50, 3), int), np.repeat([[0, 0, 0], [1, 1, 1]], 200, axis=0)):
        model = BoostedChain(rounds=200, learning_rate=1.0, validation_share=0.0, schema=schema).fit(rows)
        log_p = model.log_prob(states)
        assert np.isfinite(log_p).all()
        assert np.exp(log_p).sum() == pytest.approx(1.0)


def test_too_many_values_missing_before_an_observed_one_are_refused_and_a_suffix_never_is():
    rows = np.random.default_rng(0).integers(0, 2, (50, 40))
    model = BoostedChain(rounds=2, random_state=0).fit(rows)
    row = np.full((1, 40), -1)
    row[0, :3] = 1
    assert model.log_prob(row)[0] == pytest.approx(model.conditionals(np.ones((1, 40), int))[0, :3].sum())
    row[0, -1] = 1
    with pytest.raises(TooLargeError, match="ordering"):
        model.log_prob(row)


def test_different_rows_are_the_rows_with_their_weights():
    rows = np.array([[1, 0], [0, 2], [1, 0], [0, 1]], np.int32)
    found, weights = different_rows(rows, np.array([1.0, 2.0, 0.5, 0.0]))
    assert {tuple(r): w for r, w in zip(found.tolist(), weights, strict=True)} == {(1, 0): 1.5, (0, 2): 2.0}


def test_boosting_says_how_far_it_is():
    class Listener:
        heard: list[str] = []  # noqa: RUF012

        def start(self, label: str, total: int) -> int:
            self.heard.append(f"{label} {total}")
            return 0

        def advance(self, task: int, detail: str) -> None: ...

        def stop(self, task: int) -> None: ...

        def note(self, text: str) -> None: ...

    with listening(Listener()), settings(threads=1):
        chain((2, 2, 2)).fit(random_rows(0, (2, 2, 2)))
    assert Listener.heard == ["boosting 3", "boosting all rows 3"]


def test_settings_that_make_no_sense_are_refused():
    rows = random_rows(0, (2, 2, 2))
    for setting in (
        {"rounds": -1},
        {"leaves": 1},
        {"learning_rate": 0},
        {"ridge": 0.0},
        {"column_share": 0},
        {"least_hessian": -1},
        {"patience": 0},
        {"borrow": -1},
        {"validation_share": 1.0},
        {"ordering": ["x1"]},
    ):
        with pytest.raises(InputError, match=next(iter(setting))):
            BoostedChain(**setting).fit(rows)
    with pytest.raises(ValuesError, match="validation needs complete rows"):
        BoostedChain().fit(rows, valid=np.where(rows == 0, -1, rows.astype(int)))


@pytest.mark.parametrize("sizes", SIZES)
def test_turns_are_the_probabilities_of_states_along_the_order(sizes):
    model, rows = chain(sizes, ordering="random").fit(random_rows(0, sizes)), random_rows(4, sizes, 40)
    begins = np.concatenate([[0], np.cumsum(sizes)])
    expected, turns = model.state_log_probs(rows), model.states_in_turn(len(rows))
    seen: list[int] = []
    columns, log_p = next(turns)
    while True:
        for i, found in zip(columns, log_p, strict=True):
            np.testing.assert_allclose(found, expected[:, begins[i] : begins[i + 1]], rtol=1e-9, atol=1e-12)
            seen.append(int(i))
        try:
            columns, log_p = turns.send(rows[:, columns])
        except StopIteration:
            break
    assert sorted(seen) == list(range(len(sizes)))


@pytest.mark.realdata
@pytest.mark.skipif("CHAINRULE_DATA" not in os.environ, reason="CHAINRULE_DATA names no folder of data files")
def test_a_chain_is_about_as_good_as_the_best_published_value():
    data = load("nltcs")
    model = BoostedChain(random_state=0).fit(data.train, valid=data.valid)
    assert -model.score(data.test) < 6.01


def test_trees_do_not_depend_on_what_is_boosted_beside_them(monkeypatch):
    monkeypatch.setattr(threads, "WORTH_TWO", 0)
    rng = np.random.default_rng(6)
    X = (rng.random((400, 9)) < rng.random((4, 9))[rng.integers(0, 4, 400)]).astype(np.uint8)
    found = []
    for n in (1, 2):
        with settings(threads=n):
            model = BoostedChain(random_state=0, rounds=60).fit(X)
            assert (
                len(set(model.fit_info_["rounds"])) > 2
            )  # else a block would have no one that stops earlier
            found.append(model.log_prob(X))
    np.testing.assert_array_equal(*found)
