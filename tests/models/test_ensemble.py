"""Ensembles average probabilities: weights at the maximum, posteriors by weight, columns by name."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import chisquare
from sklearn.base import clone

from chainrule.core.errors import InputError
from chainrule.models import MADE, NADE, BayesianNetwork, ChowLiu, Ensemble, Independent, load_model
from chainrule.models.shared.mixing import averaged_states, choices, em_weights
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
    return [
        BayesianNetwork("x1 -> x2 -> x3", pseudocount=1, schema=SCHEMA).fit(_rows(300, 0)),
        BayesianNetwork("x1 -> x3; x2", pseudocount=1, schema=SCHEMA).fit(_rows(300, 0)),
        Independent(pseudocount=1, schema=SCHEMA).fit(_rows(300, 0)),
    ]


def test_em_finds_the_maximum_that_a_general_optimiser_finds() -> None:
    rng = np.random.default_rng(4)
    log_p, rows = np.log(rng.dirichlet([0.5] * 4, 200)), rng.integers(0, 3, 200).astype(float)

    def loss(z: np.ndarray) -> float:
        w = np.exp(z) / np.exp(z).sum()
        return -float(rows @ np.log(np.exp(log_p) @ w))

    best = minimize(loss, np.zeros(4))
    found = em_weights(log_p, rows)
    assert loss(np.log(found.weights + 1e-300)) == pytest.approx(best.fun, rel=1e-6)
    repeated = em_weights(np.repeat(log_p, rows.astype(int), axis=0))
    np.testing.assert_allclose(repeated.weights, found.weights, rtol=1e-6, atol=1e-9)


def test_the_likelihood_of_em_never_falls() -> None:
    found = em_weights(np.log(np.random.default_rng(0).dirichlet([1] * 3, 50)))
    assert (np.diff(found.mean_log_prob_nats) >= -1e-14).all()


def test_rows_that_no_member_allows_say_nothing_of_the_weights() -> None:
    log_p = np.log([[0.5, 0.1], [0.1, 0.5], [0.1, 0.5]])
    more = np.concatenate([log_p, np.full((3, 2), -np.inf)])
    assert (em_weights(more).weights == em_weights(log_p).weights).all()
    assert em_weights(more).n_impossible == 3
    assert em_weights(more[3:]).weights.tolist() == [0.5, 0.5]


def test_an_ensemble_is_the_weighted_average_of_probabilities() -> None:
    members = _members()
    model = Ensemble(members).fit(_rows(200, 1))
    expected = sum(w * np.exp(m.log_prob(STATES)) for w, m in zip(model.weights_, members, strict=True))
    np.testing.assert_allclose(np.exp(model.log_prob(STATES)), expected, rtol=1e-12)
    assert model.fit_info_["weights_from"] == "X"
    assert model.models_ == members  # as they are: fitted ones are not fitted again
    # EM ends where a step gains less than 1e-10 nats a row
    assert model.fit_info_["mean_nll_nats"] <= min(model.fit_info_["members_mean_nll_nats"]) + 1e-7


def test_members_that_are_not_fitted_are_cloned_and_fitted_with_the_weights_of_the_rows() -> None:
    X, V, rows = _rows(200, 0), _rows(100, 1), np.arange(200) % 3
    members = [clone(m) for m in _members()]
    model = Ensemble(members).fit(X, valid=V, sample_weight=rows)
    repeated = Ensemble(members).fit(np.repeat(X, rows, axis=0), valid=V)
    assert not hasattr(members[0], "schema_")
    np.testing.assert_allclose(model.log_prob(STATES), repeated.log_prob(STATES), rtol=1e-9)
    assert model.fit_info_["weights_from"] == "valid"
    assert Ensemble(members).fit(X).weights_.tolist() == [1 / 3] * 3


def test_given_weights_are_taken_and_weight_zero_is_never_asked() -> None:
    with np.errstate(divide="ignore"):
        strict = Independent(schema=SCHEMA).fit([[0, 0, 0]])
    model = Ensemble([*_members(), strict], weights=[2, 1, 0, 1]).fit(_rows(50, 0))
    assert model.weights_.tolist() == [0.5, 0.25, 0, 0.25]
    assert np.exp(model.log_prob(STATES)).sum() == pytest.approx(1, abs=1e-12)
    assert model.sample(2000, rng=0).shape == (2000, 3)


def test_members_of_different_orders_have_a_likelihood_and_no_conditionals() -> None:
    X = _rows(100, 0)
    nades = [NADE(ordering=o, schema=SCHEMA, **FAST).fit(X) for o in ([0, 1, 2], [2, 1, 0])]
    model = Ensemble(nades).fit(X)
    assert np.exp(model.log_prob(STATES)).sum() == pytest.approx(1, abs=1e-9)
    assert model.ordering_ is None
    assert model.marginalises_ == "none"
    with pytest.raises(InputError, match="no order that fits all"):
        model.conditionals(X)
    same = Ensemble([nades[0], MADE(schema=SCHEMA, **FAST).fit(X), _members()[0]]).fit(X)
    assert same.marginalises_ == "suffix"
    assert same.ordering_ is not None
    assert same.ordering_.tolist() == [0, 1, 2]


def test_marginals_are_as_good_as_the_weakest_member() -> None:
    assert Ensemble(_members()).fit(_rows(9, 0)).marginalises_ == "any"
    assert Ensemble([Independent()]).marginalises_ == "none"  # nothing is known before the fit


def test_states_given_an_impossible_beginning_are_a_distribution_all_the_same() -> None:
    states = [np.log(np.array([[1e-300, 1, 0.3, 0.7]])), np.log(np.array([[1e-300, 1, 0.6, 0.4]]))]
    for s in states:
        s[0, 0] = -np.inf
    found = averaged_states(states, np.array([[0, 1]]), np.array([0, 1]), np.log([0.5, 0.5]), (2, 2))
    np.testing.assert_allclose(np.exp(found), [[0, 1, 0.45, 0.55]])


def test_a_member_of_probability_zero_is_never_drawn() -> None:
    log_p = np.log(np.repeat([[0.3, 0.7 - 1e-17, 1e-300]], 1000, axis=0))
    log_p[:, 2] = -np.inf
    which = choices(log_p, np.random.default_rng(0))
    assert set(which.tolist()) == {0, 1}
    assert chisquare(np.bincount(which), [300, 700]).pvalue > 1e-4


def test_columns_go_by_name_where_members_have_them_in_another_order() -> None:
    X = {"a": ["u", "v", "v", "u"] * 9, "b": [1, 2, 2, 2] * 9, "c": [0, 1, 0, 1] * 9}
    other = {name: X[name] for name in "cab"}
    one, two = ChowLiu().fit(X), NADE(**FAST).fit(other)
    model = Ensemble([one, two], weights=[1, 1]).fit(X)
    expected = np.logaddexp(one.log_prob(X), two.log_prob(X)) - np.log(2)
    np.testing.assert_allclose(model.log_prob(X), expected, rtol=1e-12)
    assert list(model.sample(3, rng=0)) == ["a", "b", "c"]
    back = model.impute({"a": ["u", None], "b": [None, 2], "c": [1, None]}, rng=0)
    assert (back["a"][0], back["b"][1], back["c"][0]) == ("u", 2, 1)
    aligned = Ensemble([two, Independent(pseudocount=1).fit(X)]).fit(X)
    assert aligned.ordering_ is not None
    assert aligned.ordering_.tolist() == [0, 1, 2]  # columns of its own schema, that of its first member
    np.testing.assert_allclose(aligned.conditionals(X).sum(1), aligned.log_prob(X), rtol=1e-9)


def test_members_of_other_variables_or_states_are_refused_by_name() -> None:
    one = Independent(pseudocount=1).fit({"a": [0, 1], "b": [0, 1]})
    for other, word in (({"a": [0, 1], "c": [0, 1]}, "'b'|'c'"), ({"a": [0, 1], "b": [0, 2]}, "'b'")):
        with pytest.raises(InputError, match=word):
            Ensemble([one, Independent(pseudocount=1).fit(other)]).fit({"a": [0], "b": [0]})


@pytest.mark.parametrize("models", [[], 3, None, ["NADE"], [Independent]])
def test_what_is_no_list_of_models_is_refused(models: Any) -> None:
    with pytest.raises(InputError, match="models"):
        Ensemble(models).fit([[0, 1]])


@pytest.mark.parametrize("weights", [[1], [1, -1, 1], [0, 0, 0], "abc", [1, np.nan, 1]])
def test_weights_that_are_none_are_refused(weights: Any) -> None:
    with pytest.raises(InputError, match="weights"):
        Ensemble(_members(), weights=weights).fit([[0, 1, 1]])


def test_an_ensemble_of_ensembles_is_saved_whole(tmp_path: Any) -> None:
    inner = Ensemble(_members(), weights=[1, 2, 3])
    model = Ensemble([inner, ChowLiu(schema=SCHEMA)]).fit(_rows(60, 3), valid=_rows(30, 4))
    model.save(tmp_path / "model")
    back = load_model(tmp_path / "model")
    assert (back.log_prob(STATES) == model.log_prob(STATES)).all()
    refitted = clone(back).fit(_rows(60, 3), valid=_rows(30, 4))
    np.testing.assert_allclose(refitted.log_prob(STATES).sum(), back.log_prob(STATES).sum(), rtol=0.2)
