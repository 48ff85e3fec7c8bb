"""Answers under Jeffrey's rule as functions of a table entry, against joints of many digits with it changed."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf

from chainrule.core.errors import InputError, TooLargeError
from chainrule.models import BayesianNetwork
from chainrule.models.bayesian_network import term_lines
from chainrule.models.bayesian_network.sensitivity import EntrySensitivity
from chainrule.models.bayesian_network.term_weights import TermWeights
from tests.models.test_soft_evidence import case, marginal, unknown

DIGITS = 60

exact = np.vectorize(mpf, otypes=[object])


def changed(table, index, t):
    """The table with that entry t, the others of its row as they were to each other, or even."""
    out = exact(table)
    row = out[index[:-1]]
    others = np.arange(len(row)) != index[-1]
    left = row[others].sum()
    row[others] = (1 - t) * row[others] / left if left > 0 else (1 - t) / mpf(int(others.sum()))
    row[index[-1]] = t
    return out


def joint_of_many_digits(model, node, index, t):
    """p(x) with an axis for each variable; rows of float64 sum to one to sixteen digits only, and are made to."""
    names, joint = model.variables_, mpf(1)
    for v, table in model.tables_.items():
        rows = changed(table, index, t) if v == node else exact(table)
        rows = rows / rows.sum(axis=-1, keepdims=True)
        family = (*model.dag_.parents(v), v)
        axes = [names.index(u) for u in family]
        shape = np.ones(len(names), int)
        shape[axes] = rows.shape
        joint = joint * rows.transpose(np.argsort(axes)).reshape(shape)
    return joint


def nearest(table, marginals):
    """Iterative proportional fitting along the first axes, until nothing moves in 40 digits."""
    for _ in range(20_000):
        before = table
        for axis, r in enumerate(marginals):
            now = table.sum(axis=tuple(i for i in range(table.ndim) if i != axis))
            scale = np.array([mpf(a) / b if b > 0 else mpf(0) for a, b in zip(r, now, strict=True)], object)
            table = table * scale.reshape([-1 if i == axis else 1 for i in range(table.ndim)])
        if abs(table - before).max() < mpf(10) ** -40:
            return table
    pytest.fail("did not settle")


def answer_of(model, asked, node, index, t) -> Any:
    """P(states | evidence, likelihood) after Jeffrey's rule, where the entry is t; ``None`` where impossible."""
    states, evidence, likelihood, jeffrey = asked
    joint, names = joint_of_many_digits(model, node, index, t), model.variables_
    for v, values in likelihood.items():
        joint = joint * exact(values).reshape([-1 if u == v else 1 for u in names])
    known = {v: [model.states_[v].index(s)] for v, s in evidence.items()}
    joint = joint[np.ix_(*(known.get(v, range(len(model.states_[v]))) for v in names))]
    if joint.sum() == 0:
        return None
    soft = list(jeffrey)
    order = [names.index(v) for v in soft] + [i for i, v in enumerate(names) if v not in soft]
    table = joint.transpose(order)
    masses = table.reshape(*table.shape[: len(soft)], -1).sum(axis=-1)
    new = [exact(r) / exact(r).sum() for r in jeffrey.values()]
    for axis, r in enumerate(new):
        now = masses.sum(axis=tuple(i for i in range(masses.ndim) if i != axis))
        if any(a > 0 and b == 0 for a, b in zip(r, now, strict=True)):
            return None
    shares = nearest(masses / masses.sum(), new)
    ratio = np.array(
        [a / b if b > 0 else mpf(0) for a, b in zip(shares.ravel(), masses.ravel(), strict=True)], object
    )
    table = table * ratio.reshape(*masses.shape, *[1] * (table.ndim - len(soft)))
    joint = table.transpose(np.argsort(order))
    for v, s in states.items():
        joint = joint.take([model.states_[v].index(s)], axis=names.index(v))
    return joint.sum()


def asked_at_random(seed, n_soft):
    """A network and a question with so many new marginals, some of them 0; ``None`` where it has too few variables."""
    model, joint, evidence, rng = case(seed, zeros=0.4)
    names = model.variables_
    free = rng.permutation(unknown(model, evidence)).tolist()
    if len(free) < n_soft + 1:
        return None
    states = {str(free[0]): str(rng.choice(model.states_[free[0]]))}
    soft = [str(v) for v in free[-n_soft:]]
    if n_soft == 1 and seed % 5 == 0:
        soft = list(states)  # of what is asked itself
    likelihood = {}
    if seed % 3 == 0 and len(free) > n_soft + 1:
        likelihood = {str(free[1]): rng.random(len(model.states_[free[1]])) + 0.05}
    weighed = joint * rng.random(joint.shape)
    for v in soft:
        new = weighed.copy()
        new[(slice(None),) * names.index(v) + (0,)] *= rng.integers(2)
        weighed = new if new.any() else weighed
    weighed /= weighed.sum()
    jeffrey = {v: marginal(weighed, names.index(v)) for v in soft}
    node = str(rng.choice(names))
    index = tuple(int(rng.integers(k)) for k in model.tables_[node].shape)
    return model, (states, evidence, likelihood, jeffrey), node, index, rng


def entry_of(model, found, node, index):
    labels = {v: model.states_[v][k] for v, k in zip((*model.dag_.parents(node), node), index, strict=True)}
    return found.entry(node, labels.pop(node), labels)


def cases(n_soft):
    """Without end."""
    for seed in itertools.count(10_000 * n_soft):
        made = asked_at_random(seed, n_soft)
        if made is not None and made[0].tables_[made[2]].shape[-1] > 1:
            yield made


@pytest.mark.parametrize(("n_soft", "wanted"), [(1, 220), (2, 220), (3, 30)])
def test_derivatives_and_curves_are_those_of_the_definition(n_soft, wanted):
    compared, at_zero, moving, refused = 0, 0, 0, 0
    with mp.workdps(DIGITS):
        for model, asked, node, index, rng in cases(n_soft):
            if compared == wanted:
                break
            states, evidence, likelihood, jeffrey = asked
            try:
                found = model.sensitivity(states, evidence, likelihood=likelihood, jeffrey=jeffrey)
            except InputError:  # no derivatives where parts fall apart
                refused += 1
                continue
            entry = entry_of(model, found, node, index)
            value = mpf(entry.value)
            now = answer_of(model, asked, node, index, value)
            assert found.probability == pytest.approx(float(now), abs=1e-9)
            step = mpf(10) ** -18
            ends = [min(value + step, mpf(1)), max(value - step, mpf(0))]
            high, low = (answer_of(model, asked, node, index, t) for t in ends)
            slope = float((high - low) / (ends[0] - ends[1]))
            # proportional fitting ends when marginals miss by 1e-10, and some states are a thousand times rarer
            assert entry.derivative == pytest.approx(slope, rel=1e-9 if n_soft == 1 else 1e-6, abs=1e-7)
            for t in (0.0, 1.0, float(rng.random())):
                expected = answer_of(model, asked, node, index, mpf(t))
                if expected is not None and not np.isnan(entry.at(t)):
                    assert entry.at(t) == pytest.approx(float(expected), abs=1e-8)
            compared, at_zero = compared + 1, at_zero + (entry.value in (0.0, 1.0))
            moving += abs(slope) > 1e-6
    assert at_zero >= wanted / 10
    assert moving >= wanted / 8
    assert refused <= (wanted / 10 if n_soft > 1 else 0)


def test_what_is_needed_is_the_nearest_of_all_values_that_lead_there():
    turning, rng = 0, np.random.default_rng(5)
    grid = np.array([0.0, *1 / (1 + np.exp(-np.linspace(-18, 18, 1001))), 1.0])  # fine where curves are steep
    for _ in range(300):
        n = int(rng.integers(2, 7))
        now, later = 10.0 ** rng.uniform(-6, 0, (2, n))  # p(v), as the entry goes from 0 to 1
        part, whole = rng.random((2, n)) * [now, later]
        terms = np.stack([part, whole - part, now, later - now], axis=1)
        weights = TermWeights((rng.dirichlet(np.ones(n)),))
        entry = EntrySensitivity("x", "1", {}, float(rng.random()), 0.0, tuple(map(tuple, terms)), weights)
        curve = np.array([entry.at(t) for t in grid])
        turning += np.diff(curve).min() < 0 < np.diff(curve).max()
        t = float(rng.random())
        needed = entry.needed(entry.at(t))
        assert needed is not None
        assert entry.at(needed) == pytest.approx(entry.at(t), abs=1e-9)
        signs = np.sign(curve - entry.at(t))
        crossings = np.flatnonzero(signs[1:] * signs[:-1] < 0)  # each between two points of the grid
        sizes = [max(entry.change(grid[i]), entry.change(grid[i + 1])) for i in crossings]
        assert entry.change(needed) <= min([entry.change(t), *sizes]) + 1e-6
        for outside in (curve.max() + 0.01, curve.min() - 0.01):
            assert entry.needed(outside) is None
    assert turning >= 50  # up and down again, which one ratio of lines never does


def test_a_new_marginal_of_a_cause_leaves_the_test_as_sure_as_it_was():
    tables = {"ill": [0.99, 0.01], "test": [[0.95, 0.05], [0.1, 0.9]]}
    model = BayesianNetwork.from_tables("ill -> test", {v: ["no", "yes"] for v in tables}, tables)
    found = model.sensitivity({"test": "yes"}, jeffrey={"ill": [0.5, 0.5]})
    assert found.entry("ill", "yes").derivative == pytest.approx(0, abs=1e-12)  # the prior no longer counts
    assert found.entry("test", "yes", {"ill": "yes"}).derivative == pytest.approx(0.5)
    assert found.entry("test", "yes", {"ill": "yes"}).needed(0.5) == pytest.approx(0.95)
    assert found.text().startswith(
        "P(test=yes | jeffrey ill=(no: 0.5, yes: 0.5)) = 0.475; table entries that change it: 2, most of all\n"
    )
    plain = found.to_plain()
    assert plain["jeffrey"] == {"ill": {"no": 0.5, "yes": 0.5}}
    assert [len(e["coefficients"]) for e in plain["entries"]] == [2, 2]
    same = model.sensitivity({"ill": "yes"}, jeffrey={"ill": [0.2, 0.8]})
    assert same.probability == pytest.approx(0.8)
    assert "no single entry of a table changes it" in same.text()


def test_what_cannot_be_asked_is_refused(monkeypatch):
    tables = {"a": [0.5, 0.5], "b": [[0.9, 0.1], [0.2, 0.8]], "c": [[0.7, 0.3], [0.4, 0.6]]}
    model = BayesianNetwork.from_tables("a -> b; a -> c", dict.fromkeys("abc", 2), tables)
    both = {"b": [0.3, 0.7], "c": [0.5, 0.5]}
    with pytest.raises(InputError, match="of one variable, not of several"):
        model.sensitivity({"a": 1}, jeffrey=both).changes(0.5)
    model.sensitivity({"a": 1}, jeffrey={"b": [0.3, 0.7]}).changes(0.5)
    sure = BayesianNetwork.from_tables("a -> b", {"a": 2, "b": 2}, {"a": [1, 0], "b": np.eye(2)})
    with pytest.raises(InputError, match="it is impossible under the model"):
        sure.sensitivity({"b": 0}, jeffrey={"a": [0.5, 0.5]})
    same = BayesianNetwork.from_tables("a -> b", {"a": 2, "b": 2}, {"a": [0.5, 0.5], "b": np.eye(2)})
    with pytest.raises(InputError, match="need not have derivatives"):
        same.sensitivity({"b": 0}, jeffrey={"a": [0.5, 0.5], "b": [0.5, 0.5]})
    monkeypatch.setattr(term_lines, "_MOST_TERMS", 3)
    with pytest.raises(TooLargeError, match=r"4 joint states .* at most 3"):
        model.sensitivity({"a": 1}, jeffrey=both)
