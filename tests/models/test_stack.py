"""Stacks: factor by factor a distribution, powers at the maximum of a concave likelihood."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import chisquare

from chainrule.core.errors import InputError
from chainrule.models import MADE, NADE, BayesianNetwork, Ensemble, Independent, Stack, TreeNetwork
from chainrule.models.stack.powers import Fit, learn_each, learn_shared, product
from chainrule.tables.schema import Schema

SIZES = (2, 3, 2)
SCHEMA = Schema.of_sizes(SIZES)
STATES = np.array(list(itertools.product(*map(range, SIZES))))
FAST: dict[str, Any] = {"hidden": 6, "epochs": 3, "batch_size": 20, "random_state": 1}


def _rows(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    a = rng.random(n) < 0.4
    b = np.where(rng.random(n) < 0.7, a * 2, rng.integers(0, 3, n))
    return np.stack([a, b, (b > 0) ^ (rng.random(n) < 0.2)], axis=1).astype(int)


def _members() -> list[Any]:
    X = _rows(200, 0)
    return [
        NADE(schema=SCHEMA, **FAST).fit(X),
        BayesianNetwork("x1 -> x2; x3", pseudocount=1, schema=SCHEMA).fit(X),
        BayesianNetwork("x2 -> x3; x1", pseudocount=1, schema=SCHEMA).fit(X),
    ]


def _fit(seed: int, n: int = 60) -> Fit:
    rng = np.random.default_rng(seed)
    factors = [np.concatenate([np.log(rng.dirichlet([1.0] * k, n)) for k in SIZES], axis=1) for _ in range(2)]
    codes = np.stack([rng.integers(0, k, n) for k in SIZES], axis=1)
    return Fit(factors, codes, SIZES, rng.integers(0, 3, n).astype(float))


def _log_likelihood(fit: Fit, powers: np.ndarray) -> float:
    """From the definition, one cell at a time."""
    total, begins = 0.0, np.cumsum((0, *fit.sizes))
    for r, row in enumerate(fit.codes):
        for i, k in enumerate(row):
            scores = sum(
                a * f[r, begins[i] : begins[i + 1]] for a, f in zip(powers[i], fit.factors, strict=True)
            )
            total += fit.weights[r] * (scores[k] - np.log(np.exp(scores).sum()))
    return total


def test_derivatives_are_those_of_the_likelihood() -> None:
    fit, powers = _fit(0), np.random.default_rng(1).normal(size=(3, 2))
    value, gradient, curvature = fit.derivatives(powers)
    assert value.sum() == pytest.approx(_log_likelihood(fit, powers), rel=1e-12)
    for i, m in itertools.product(range(3), range(2)):
        step = np.zeros((3, 2))
        step[i, m] = 1e-5
        up, down = fit.derivatives(powers + step), fit.derivatives(powers - step)
        assert gradient[i, m] == pytest.approx((up[0].sum() - down[0].sum()) / 2e-5, rel=1e-6, abs=1e-6)
        np.testing.assert_allclose(-curvature[i, m], (up[1][i] - down[1][i]) / 2e-5, rtol=1e-5, atol=1e-5)


def test_shared_powers_are_the_maximum_that_a_general_optimiser_finds() -> None:
    fit = _fit(2)

    def loss(a: np.ndarray) -> float:
        return -_log_likelihood(fit, np.repeat(a[None], 3, axis=0)) + 0.5 * ((a - 0.5) ** 2).sum()

    found = learn_shared(fit)
    assert (found == found[0]).all()
    np.testing.assert_allclose(found[0], minimize(loss, [0.5, 0.5], tol=1e-9).x, atol=1e-4)


def test_powers_for_each_variable_are_the_maximum_and_shrink_to_the_shared_ones() -> None:
    fit, shared = _fit(3), learn_shared(_fit(3))

    def loss(flat: np.ndarray) -> float:
        a = flat.reshape(3, 2)
        return -_log_likelihood(fit, a) + 5.0 * ((a - shared) ** 2).sum()

    np.testing.assert_allclose(
        learn_each(fit, shared, 5.0).ravel(), minimize(loss, shared.ravel(), tol=1e-9).x, atol=1e-4
    )
    np.testing.assert_allclose(learn_each(fit, shared, 1e9), shared, atol=1e-5)


@pytest.mark.parametrize("powers", ["shared", "each"])
def test_a_stack_is_the_normalised_product_of_its_members_factors(powers: Any) -> None:
    members = _members()
    model = Stack(members, powers=powers, shrinkage=1.0).fit(_rows(150, 1))
    found, begins = model.state_log_probs(STATES), np.cumsum((0, *SIZES))
    for i in range(3):
        block = slice(begins[i], begins[i + 1])
        p = np.prod(
            [
                np.exp(a * m.state_log_probs(STATES)[:, block])
                for a, m in zip(model.powers_[i], members, strict=True)
            ],
            axis=0,
        )
        np.testing.assert_allclose(np.exp(found[:, block]), p / p.sum(1, keepdims=True), rtol=1e-6)
    assert np.exp(model.log_prob(STATES)).sum() == pytest.approx(1, abs=1e-12)
    assert model.fit_info_["mean_nll_nats"] <= model.fit_info_["equal_mean_nll_nats"]


def test_a_stack_gains_over_its_best_member_and_over_their_average() -> None:
    """Two networks with an edge each, of a chain that has both: their product is nearer to it than any average."""
    V, T = _rows(2000, 1), _rows(2000, 2)
    one, two = _members()[1:]
    stacked, averaged = Stack([one, two]).fit(V), Ensemble([one, two]).fit(V)
    assert stacked.score(T) > averaged.score(T) > max(one.score(T), two.score(T)) - 1e-3
    assert sorted(stacked.factorization_.edges) == [("x1", "x2"), ("x2", "x3")]


def test_members_that_are_not_fitted_are_fitted_and_without_validation_rows_all_are_alike() -> None:
    X = _rows(100, 0)
    models = [Independent(pseudocount=1), NADE(**FAST)]
    assert (Stack(models, schema=SCHEMA).fit(X).powers_ == 0.5).all()
    learned = Stack(models, schema=SCHEMA).fit(X, valid=_rows(50, 1))
    assert (learned.powers_ != 0.5).any()
    assert learned.fit_info_["weights_from"] == "valid"


def test_weights_count_like_repeated_rows() -> None:
    V, weights, members = _rows(90, 1), np.arange(90) % 3, _members()
    weighted = Stack(members).fit(V, sample_weight=weights)
    repeated = Stack(members).fit(np.repeat(V, weights, axis=0))
    np.testing.assert_allclose(weighted.powers_, repeated.powers_, rtol=1e-6)


def test_to_draw_row_by_row_asks_no_member_for_more_than_the_column_in_turn(monkeypatch: Any) -> None:
    X = np.random.default_rng(0).integers(0, 2, (300, 6))
    X[:, 1:] ^= X[:, :1]
    members = [
        NADE(ordering=[5, 0, 1, 2, 3, 4], **FAST).fit(X),
        BayesianNetwork("x6 -> x1 -> {x2 x3 x4}; x1 -> x5", pseudocount=1).fit(X),
        TreeNetwork(ordering=[5, 0, 1, 2, 3, 4]).fit(X),
        Independent(pseudocount=1).fit(X),
    ]
    model = Stack(members).fit(X)
    expected = {kind: kind._state_log_probs for kind in (NADE, BayesianNetwork, TreeNetwork)}
    for kind in expected:
        monkeypatch.setattr(kind, "_state_log_probs", None)
    rows = model.sample(4000, rng=0)
    for kind, plain in expected.items():
        monkeypatch.setattr(kind, "_state_log_probs", plain)
    states = np.array(list(itertools.product(range(2), repeat=6)))
    p = np.exp(model.log_prob(states))
    counts = np.bincount(rows @ (1 << np.arange(6)[::-1]), minlength=64)
    assert chisquare(counts, 4000 * p / p.sum()).pvalue > 1e-3


def test_members_that_no_order_fits_are_refused() -> None:
    X = _rows(60, 0)
    forward, back = (NADE(ordering=o, schema=SCHEMA, **FAST) for o in ([0, 1, 2], [2, 1, 0]))
    for pair in (
        [forward, back],
        [forward, BayesianNetwork("x3 -> x1; x2", pseudocount=1)],
        [BayesianNetwork("x1 -> x2; x3", pseudocount=1), BayesianNetwork("x2 -> x1; x3", pseudocount=1)],
    ):
        with pytest.raises(InputError, match="different orders"):
            Stack(pair).fit(X)
    mixed = Ensemble([forward, back])
    with pytest.raises(InputError, match="no product of factors"):
        Stack([forward, mixed]).fit(X)
    same = Stack([back, MADE(ordering=[2, 1, 0], **FAST), Independent(pseudocount=1)], schema=SCHEMA).fit(X)
    assert same.ordering_ is not None
    assert same.ordering_.tolist() == [2, 1, 0]


def test_what_one_member_calls_impossible_is_not_so_for_the_stack() -> None:
    strict = Independent(schema=SCHEMA).fit([[0, 0, 0], [1, 1, 0]])
    model = Stack([strict, _members()[0]]).fit(_rows(80, 1))
    assert np.isfinite(model.log_prob(STATES)).all()
    assert np.exp(model.log_prob(STATES)).sum() == pytest.approx(1, abs=1e-12)
    assert model.smoothing == 1e-9


def test_a_product_of_one_factor_is_that_factor() -> None:
    factor = _fit(5).factors[0]
    np.testing.assert_allclose(product([factor], np.ones((3, 1)), SIZES), factor, rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"powers": "own"}, "powers"),
        ({"shrinkage": -1}, "shrinkage"),
        ({"smoothing": 0}, "smoothing"),
        ({"models": []}, "models"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: Any, word: str) -> None:
    with pytest.raises(InputError, match=word):
        Stack(**{"models": [Independent()]} | settings).fit([[0, 1], [1, 0]])
