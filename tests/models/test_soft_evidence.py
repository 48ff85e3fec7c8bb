"""Soft evidence against the joint table: weights of states, the nearest distribution with given marginals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.optimize import minimize

from chainrule.core.errors import InputError, UnknownNameError, ValuesError
from chainrule.core.numerics import xlogy
from chainrule.models import Auto, BayesianNetwork, ChowLiu, Independent, Mixture, TreeNetwork
from chainrule.models.bayesian_network.inference import findings
from chainrule.models.shared.proportional_fitting import fit_marginals
from tests.models.networks_by_hand import joint_of, random_network

seeds = st.integers(0, 2**32 - 1)


def case(seed: int, zeros: float = 0.2):
    """A network, its joint at random evidence that is possible, that evidence, and a generator."""
    rng = np.random.default_rng(seed)
    model = random_network(rng, int(rng.integers(2, 6)), zeros=zeros * float(rng.integers(2)))
    joint = joint_of(model)
    x = np.unravel_index(rng.choice(joint.size, p=joint.ravel() / joint.sum()), joint.shape)
    known = rng.random(joint.ndim) < 0.3
    known[rng.integers(joint.ndim)] = False
    index = tuple(slice(k, k + 1) if seen else slice(None) for k, seen in zip(x, known, strict=True))
    mass = np.zeros_like(joint)
    mass[index] = joint[index]
    names = model.variables_
    evidence = {names[i]: model.states_[names[i]][x[i]] for i in np.flatnonzero(known)}
    return model, mass / mass.sum(), evidence, rng


def times(joint: np.ndarray, axis: int, values: np.ndarray) -> np.ndarray:
    return joint * np.reshape(values, [-1 if i == axis else 1 for i in range(joint.ndim)])


def marginal(joint: np.ndarray, axis: int) -> np.ndarray:
    return joint.sum(axis=tuple(i for i in range(joint.ndim) if i != axis))


def unknown(model, evidence) -> list[str]:
    return [v for v in model.variables_ if v not in evidence]


@examples(max_examples=40)
@given(seeds)
def test_a_likelihood_weighs_the_states_of_the_joint(seed):
    model, joint, evidence, rng = case(seed)
    names = model.variables_
    some = rng.permutation(unknown(model, evidence))[: rng.integers(1, 4)].tolist()
    likelihood = {v: rng.random(len(model.states_[v])) * 10.0 ** rng.integers(-9, 9) for v in some}
    for v, values in likelihood.items():
        joint = times(joint, names.index(v), values)
    joint /= joint.sum()
    for v, found in model.posterior_marginals(evidence, likelihood=likelihood).items():
        np.testing.assert_allclose(found.probabilities, marginal(joint, names.index(v)), atol=1e-12)
    asked = unknown(model, evidence)[:2]
    found = model.query(asked, evidence, likelihood=likelihood)
    others = tuple(i for i, v in enumerate(names) if v not in asked)
    np.testing.assert_allclose(found.probabilities, joint.sum(axis=others), atol=1e-12)


@examples(max_examples=40)
@given(seeds)
def test_jeffreys_rule_sets_one_marginal_and_leaves_what_is_given_it(seed):
    model, joint, evidence, rng = case(seed)
    v = str(rng.choice(unknown(model, evidence)))
    axis = model.variables_.index(v)
    now = marginal(joint, axis)
    new = rng.dirichlet(np.ones(len(now))) * (now > 0)
    new /= new.sum()
    ratio = np.divide(new, now, out=np.zeros_like(now), where=now > 0)
    expected = times(joint, axis, ratio)  # Σ_k p(x | v = k) r(k)
    for u, found in model.posterior_marginals(evidence, jeffrey={v: new}).items():
        np.testing.assert_allclose(
            found.probabilities, marginal(expected, model.variables_.index(u)), atol=1e-10
        )


@examples(max_examples=30)
@given(seeds, st.booleans())
def test_several_marginals_hold_at_once_in_the_nearest_distribution(seed, one_by_one):
    model, joint, evidence, rng = case(seed)
    names = model.variables_
    some = rng.permutation(unknown(model, evidence))[: rng.integers(1, 4)].tolist()
    axes = {v: names.index(v) for v in some}
    weights = joint * rng.random(joint.shape)  # a distribution that is possible tells what can be asked for
    wanted = {v: marginal(weights / weights.sum(), axis) for v, axis in axes.items()}
    observed = {some[0]: rng.random(joint.shape[axes[some[0]]]) + 0.1}
    with pytest.MonkeyPatch.context() as patch:
        if one_by_one:
            patch.setattr(findings, "_JOINT_BYTES", 0)
        found = model.posterior_marginals(evidence, jeffrey=wanted, likelihood=observed)
    for v, new in wanted.items():
        np.testing.assert_allclose(found[v].probabilities, new, atol=1e-8)
    q = times(joint, axes[some[0]], observed[some[0]])
    q /= q.sum()
    for _ in range(1000):
        if max(np.abs(marginal(q, axis) - wanted[v]).max() for v, axis in axes.items()) < 1e-12:
            break
        for v, axis in axes.items():
            now = marginal(q, axis)
            q = times(q, axis, np.divide(wanted[v], now, out=np.zeros_like(now), where=now > 0))
    for v, one in found.items():
        np.testing.assert_allclose(one.probabilities, marginal(q, names.index(v)), atol=1e-7)


def test_the_fitted_table_has_the_least_divergence_of_all_with_its_marginals():
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.ones(12)).reshape(3, 4)
    wanted = {0: rng.dirichlet(np.ones(3)), 1: rng.dirichlet(np.ones(4))}
    sums = [  # all but one of them, which follows from the others
        {"type": "eq", "fun": lambda q, i=i, r=r: (marginal(q.reshape(3, 4), i) - r)[i:]}
        for i, r in wanted.items()
    ]
    start = np.outer(wanted[0], wanted[1]).ravel()

    def divergence(q):
        return float(np.sum(xlogy(q, q / p.ravel())))

    best = minimize(
        divergence, start, bounds=[(1e-12, 1)] * 12, constraints=sums, options={"ftol": 1e-14, "maxiter": 500}
    )
    assert best.success
    np.testing.assert_allclose(fit_marginals(p, wanted).table.ravel(), best.x, atol=1e-5)


def test_marginals_that_only_a_smaller_support_has_are_reached():
    staircase = np.array([[0.3, 0.3], [0.0, 0.4]])
    half = np.array([0.5, 0.5])
    fitted = fit_marginals(staircase, {0: half, 1: half})
    np.testing.assert_allclose(fitted.table, np.eye(2) / 2, atol=1e-12)
    tables = {
        "a": [0.6, 0.4],
        "b": [[0.5, 0.5], [0.0, 1.0]],
        "c": [[[0.9, 0.1], [0.2, 0.8]], [[0.5, 0.5]] * 2],
    }
    model = BayesianNetwork.from_tables("a -> b; {a b} -> c", dict.fromkeys("abc", 2), tables)
    found = model.query(["a", "b"], jeffrey={"a": half, "b": half}).probabilities
    np.testing.assert_allclose(found, np.eye(2) / 2, atol=1e-12)
    assert model.query("c", jeffrey={"a": half, "b": half}).probability(c=1) == pytest.approx(0.3)


@pytest.mark.parametrize("one_by_one", [False, True])
def test_marginals_that_no_distribution_has_are_refused(monkeypatch, one_by_one):
    if one_by_one:
        monkeypatch.setattr(findings, "_JOINT_BYTES", 0)
        monkeypatch.setattr(findings, "_MOST_STEPS", 20)
    same = BayesianNetwork.from_tables("a -> b", {"a": 2, "b": 2}, {"a": [0.5, 0.5], "b": np.eye(2)})
    with pytest.raises(
        InputError, match="still miss" if one_by_one else "no distribution has these marginals"
    ):
        same.query("a", jeffrey={"a": [0.3, 0.7], "b": [0.7, 0.3]})
    with pytest.raises(
        InputError, match=r"a=1 the probability 0\.5, but given the evidence it is impossible"
    ):
        same.query("a", {"b": 0}, jeffrey={"a": [0.5, 0.5]})


def test_a_report_and_a_new_belief_are_two_things():
    """Jeffrey's rule is the likelihood r / p (Chan and Darwiche 2005), and only an even prior makes them one."""
    states = {"cloth": ["green", "blue", "violet"], "sold": ["no", "yes"]}
    tables = {"cloth": [0.3, 0.3, 0.4], "sold": [[0.6, 0.4], [0.6, 0.4], [0.2, 0.8]]}
    model = BayesianNetwork.from_tables("cloth -> sold", states, tables)  # Jeffrey's candle, ch. 11 of 1965
    new = [0.7, 0.25, 0.05]
    assert model.query("sold", jeffrey={"cloth": new}).probability(sold="yes") == pytest.approx(0.42)
    heard = model.query("sold", likelihood={"cloth": new}).probability(sold="yes")
    assert heard == pytest.approx((0.3 * 0.7 * 0.4 + 0.3 * 0.25 * 0.4 + 0.4 * 0.05 * 0.8) / 0.305)
    by_ratio = model.query("sold", likelihood={"cloth": np.array(new) / [0.3, 0.3, 0.4]})
    assert by_ratio.probability(sold="yes") == pytest.approx(0.42)
    text = model.query("sold", likelihood={"cloth": {"blue": 1, "violet": 0, "green": 2}}).text()
    assert text.startswith("P(sold)  where likelihood cloth=(green: 2, blue: 1, violet: 0)")


def test_latent_nodes_and_interventions_take_soft_evidence():
    tables = {"H": [0.3, 0.7], "x": [[0.9, 0.1], [0.2, 0.8]], "y": [[0.6, 0.4], [0.1, 0.9]]}
    model = BayesianNetwork.from_tables("H [latent]; H -> {x y}", dict.fromkeys("Hxy", 2), tables)
    believed = model.query("y", jeffrey={"H": [0.5, 0.5]}).probability(y=1)
    assert believed == pytest.approx(0.5 * 0.4 + 0.5 * 0.9)
    done = model.do({"x": 1}).query("H", likelihood={"y": [1, 3]}).probability(H=1)
    one, other = 0.7 * (0.1 + 3 * 0.9), 0.3 * (0.6 + 3 * 0.4)
    assert done == pytest.approx(one / (one + other))


def test_every_model_that_answers_questions_takes_soft_evidence():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2, 300)
    rows = {"a": a, "b": (a + (rng.random(300) < 0.2)) % 2, "c": rng.integers(0, 3, 300)}
    soft = {"likelihood": {"c": [1, 0, 2]}, "jeffrey": {"b": [0.25, 0.75]}}
    for model in (
        ChowLiu(),
        TreeNetwork(),
        Independent(0.5),
        Auto(models=["chowliu"]),
        Mixture(Independent(0.5), 2),
    ):
        fitted = model.fit(rows)
        joint = fitted.query(["a", "b", "c"]).probabilities * np.array([1, 0, 2])
        joint = joint / joint.sum()
        joint *= (np.array([0.25, 0.75]) / joint.sum(axis=(0, 2)))[:, None]
        found = fitted.query(["c", "a"], **soft)
        np.testing.assert_allclose(found.probabilities, joint.sum(axis=1).T, atol=1e-9)
        assert found.jeffrey == {"b": {"0": 0.25, "1": 0.75}}


@pytest.mark.parametrize(
    ("soft", "error", "message"),
    [
        ({"likelihood": {"z": [1, 1]}}, UnknownNameError, "no variable 'z'"),
        ({"likelihood": {"a": [1, 1, 1]}}, ValuesError, "each of its 2 states no, yes"),
        ({"likelihood": {"a": [-1, 1]}}, ValuesError, "at least 0"),
        ({"likelihood": {"a": [np.nan, 1]}}, ValuesError, "finite"),
        ({"likelihood": {"a": "often"}}, ValuesError, "must hold numbers"),
        ({"likelihood": {"a": [0, 0]}}, ValuesError, "0 for every state"),
        ({"likelihood": {"a": {"no": 1}}}, InputError, "no number for the state 'yes'"),
        ({"likelihood": {"a": {"no": 1, "maybe": 2}}}, InputError, "maybe"),
        ({"likelihood": {"b": [1, 2]}}, InputError, "is in the evidence and has a likelihood"),
        ({"likelihood": ["a"]}, InputError, "likelihood must map variables"),
        ({"jeffrey": {"a": [1, 2]}}, ValuesError, "sum to 3; they must sum to one"),
        ({"likelihood": {"a": [1, 0]}}, InputError, "0 for every state that the model allows"),
    ],
)
def test_soft_evidence_that_cannot_be_used_is_refused(soft, error, message):
    states = {"a": ["no", "yes"], "b": ["no", "yes"]}
    model = BayesianNetwork.from_tables("a -> b", states, {"a": [0.5, 0.5], "b": np.eye(2)})
    with pytest.raises(error, match=message):
        model.query("a", {"b": "yes"}, **soft)
    with pytest.raises(error, match=message):
        model.most_probable({"b": "yes"}, **soft)
