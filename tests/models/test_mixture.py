"""Mixtures: the likelihood never falls, starts are off the symmetric point, components that empty are left out."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from chainrule.core.errors import InputError
from chainrule.models import NADE, BayesianNetwork, ChowLiu, Independent, Mixture
from chainrule.models.mixture.starts import first_responsibilities, seed_rows
from chainrule.tables.schema import Schema

SIZES = (2, 3, 2, 2)
STATES = np.array(list(itertools.product(*map(range, SIZES))))
SCHEMA = Schema.of_sizes(SIZES)


def _rows(n: int, seed: int) -> np.ndarray:
    """Two classes that make all columns depend on each other."""
    rng = np.random.default_rng(seed)
    z = rng.random(n) < 0.35
    columns = [np.where(rng.random(n) < 0.85, z * (k - 1), rng.integers(0, k, n)) for k in SIZES]
    return np.stack(columns, axis=1)


def _entropy_of_truth() -> float:
    p = np.zeros(len(STATES))
    for z, w in ((0, 0.65), (1, 0.35)):
        factors = [0.85 * (STATES[:, i] == z * (k - 1)) + 0.15 / k for i, k in enumerate(SIZES)]
        p += w * np.prod(factors, axis=0)
    return -float(p @ np.log(p))


@pytest.mark.parametrize(
    "member",
    [
        Independent(),
        BayesianNetwork("x1 -> x2; x3 -> x4", schema=SCHEMA),
        ChowLiu(penalty="none", pseudocount=0.0),
    ],
    ids=["independent", "network", "tree"],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_likelihood_of_the_rows_never_falls(member: Any, weighted: bool) -> None:
    X = _rows(150, 0)
    weights = np.arange(150) % 4 if weighted else None
    model = Mixture(member, 3, tolerance=0.0, max_steps=40, random_state=0, schema=SCHEMA)
    model.fit(X, sample_weight=weights)
    steps = np.array(model.fit_info_["mean_nll_nats"])
    assert len(steps) > 5
    assert (np.diff(steps) <= 1e-12).all()
    assert np.exp(model.log_prob(STATES)).sum() == pytest.approx(1, abs=1e-12)
    scored = -float(np.average(model.log_prob(X), weights=weights))
    assert scored == pytest.approx(model.fit_info_["mean_nll_nats"][model.fit_info_["best_step"]])


def test_a_mixture_finds_the_classes_that_the_rows_have() -> None:
    model = Mixture(Independent(), 2, random_state=0).fit(_rows(20_000, 1))
    assert -model.score(_rows(20_000, 2)) == pytest.approx(_entropy_of_truth(), abs=0.02)
    assert model.weights_[0] == pytest.approx(0.65, abs=0.03)
    one = Mixture(Independent(), 1, random_state=0).fit(_rows(20_000, 1))
    assert one.score(_rows(20_000, 2)) < model.score(_rows(20_000, 2)) - 0.2


def test_one_component_is_the_model_itself() -> None:
    X = _rows(100, 0)
    one, plain = Mixture(ChowLiu(), 1, random_state=0).fit(X), ChowLiu().fit(X)
    np.testing.assert_allclose(one.log_prob(X), plain.log_prob(X), rtol=1e-12)


def test_weights_count_like_repeated_rows() -> None:
    X, weights = _rows(80, 0), np.arange(80) % 3
    settings: dict[str, Any] = {
        "k": 2,
        "n_starts": 1,
        "tolerance": 1e-12,
        "max_steps": 2000,
        "random_state": 0,
    }
    weighted = Mixture(Independent(0.5), **settings).fit(X, sample_weight=weights)
    repeated = Mixture(Independent(0.5), **settings).fit(np.repeat(X, weights, axis=0))
    # the starts differ, as rows are drawn by weight or by place; here both climb to the same top
    np.testing.assert_allclose(weighted.score(X), repeated.score(X), rtol=1e-4)


def test_the_number_of_components_and_the_step_are_chosen_on_validation_rows() -> None:
    X, V = _rows(200, 0), _rows(200, 1)
    model = Mixture(Independent(0.5), [1, 2, 6], random_state=0).fit(X, valid=V)
    best = min(model.fit_info_["starts"], key=lambda start: start["best_mean_nll_nats"])
    assert model.fit_info_["k"] == best["k"] != 1
    assert -model.score(V) == pytest.approx(min(model.fit_info_["valid_mean_nll_nats"]))
    with pytest.raises(InputError, match="valid"):
        Mixture(Independent(), [1, 2]).fit(X)


def test_components_without_rows_are_left_out() -> None:
    model = Mixture(Independent(), 5, random_state=0).fit([[0, 0], [1, 1]] * 10)
    assert len(model.weights_) <= 5
    assert model.weights_.sum() == pytest.approx(1)
    assert (model.weights_ > 0).all()
    same = Mixture(Independent(), 4, random_state=0).fit([[0, 1]] * 10)
    assert same.log_prob([[0, 1]])[0] == pytest.approx(0, abs=1e-12)


def test_what_cannot_be_is_refused_as_a_condition_and_has_probability_zero() -> None:
    model = Mixture(Independent(), 2, random_state=0).fit([[0, 0], [1, 1]] * 10)
    np.testing.assert_allclose(np.exp(model.log_prob([[0, 0], [1, 1], [0, 1]])), [0.5, 0.5, 0], atol=1e-3)
    with pytest.raises(InputError, match="probability zero"):
        Mixture(Independent(), 2, random_state=0).fit([[0, 0], [1, 0]]).sample(given={"x2": 1})


def test_missing_values_are_taken_where_the_members_take_them() -> None:
    X = _rows(300, 0).astype(float)
    X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    free = BayesianNetwork("x1; x2; x3; x4", missing="complete_families", schema=SCHEMA)
    model = Mixture(free, 2, tolerance=0.0, max_steps=30, random_state=0, schema=SCHEMA).fit(X)
    # without edges, counting what is known is the exact step of maximisation
    assert (np.diff(model.fit_info_["mean_nll_nats"]) <= 1e-12).all()
    with pytest.raises(InputError, match="missing value"):
        Mixture(Independent(), 2, schema=SCHEMA).fit(X)


def test_the_same_seed_gives_the_same_mixture_and_another_one_another() -> None:
    X = _rows(60, 0)
    one, two, other = (Mixture(Independent(), 3, n_starts=1, random_state=s).fit(X) for s in (0, 0, 1))
    assert (one.log_prob(X) == two.log_prob(X)).all()
    assert (one.log_prob(X) != other.log_prob(X)).any()


def test_a_network_can_be_mixed_too() -> None:
    settings: dict[str, Any] = {"hidden": 4, "epochs": 2, "batch_size": 50, "random_state": 0}
    model = Mixture(NADE(**settings), 2, n_starts=1, max_steps=2, random_state=0, schema=SCHEMA).fit(
        _rows(60, 0)
    )
    assert np.exp(model.log_prob(STATES)).sum() == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(model.conditionals(STATES).sum(1), model.log_prob(STATES), rtol=1e-9)


def test_seeds_are_far_from_each_other() -> None:
    rows = np.repeat(np.array([[0] * 6, [1] * 6, [2] * 6]), 50, axis=0)
    for seed in range(5):
        found = seed_rows(rows, 3, np.random.default_rng(seed))
        assert {int(rows[s, 0]) for s in found} == {0, 1, 2}
    parts = first_responsibilities(rows, 3, np.random.default_rng(0))
    np.testing.assert_allclose(parts.sum(axis=1), 1)
    assert (parts > 0).all()
    assert len(set(parts.argmax(axis=1))) == 3


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"k": 0}, "k must"),
        ({"k": 2.5}, "k must"),
        ({"k": []}, "k is an empty"),
        ({"k": "two"}, "k must"),
        ({"n_starts": 0}, "n_starts"),
        ({"max_steps": 0}, "max_steps"),
        ({"tolerance": -1}, "tolerance"),
        ({"model": "independent"}, "models"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: Any, word: str) -> None:
    with pytest.raises(InputError, match=word):
        Mixture(**{"model": Independent(), "random_state": 0} | settings).fit([[0, 1], [1, 0]])
