"""Answers as functions of one table entry, against the joint of networks with that entry changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from chainrule.core.errors import InputError, TooLargeError, UnknownNameError
from chainrule.models import BayesianNetwork
from tests.models.networks_by_hand import joint_of
from tests.models.test_soft_evidence import case, times, unknown

seeds = st.integers(0, 2**32 - 1)


def with_entry(model: BayesianNetwork, node: str, index: tuple[int, ...], t: float) -> BayesianNetwork:
    """The network in which that entry is t, the others of its row as they were to each other, or even."""
    tables = {v: table.copy() for v, table in model.tables_.items()}
    row = tables[node][index[:-1]]
    others = np.arange(len(row)) != index[-1]
    left = row[others].sum()
    row[others] = (1 - t) * (row[others] / left if left > 0 else 1 / others.sum())
    row[index[-1]] = t
    return BayesianNetwork.from_tables(model.dag_, model.states_, tables)


def masses(model, evidence, states, likelihood):
    """p(evidence) and p(states, evidence) from the joint, each weighed by the likelihood."""
    joint, names = joint_of(model), model.variables_
    for v, values in likelihood.items():
        joint = times(joint, names.index(v), values)
    out = []
    for known in (evidence, {**evidence, **states}):
        index = tuple(model.states_[v].index(known[v]) if v in known else slice(None) for v in names)
        out.append(joint[index].sum())
    return out


@examples(max_examples=120)
@given(seeds, st.floats(0, 1))
def test_each_entry_moves_the_answer_as_its_function_says(seed, t):
    model, _, evidence, rng = case(seed)
    free = rng.permutation(unknown(model, evidence)).tolist()
    states = {v: str(rng.choice(model.states_[v])) for v in free[: rng.integers(1, 3)]}
    likelihood = {}
    if seed % 3 == 0:
        likelihood = {free[-1]: rng.random(len(model.states_[free[-1]])) + 0.01}
    found = model.sensitivity(states, evidence, likelihood=likelihood)
    below, above = masses(model, evidence, states, likelihood)
    assert found.probability == pytest.approx(above / below, abs=1e-12)
    node = str(rng.choice(model.variables_))
    index = tuple(int(rng.integers(k)) for k in model.tables_[node].shape)
    if model.tables_[node].shape[-1] == 1:
        return
    family = (*model.dag_.parents(node), node)
    labels = {v: model.states_[v][k] for v, k in zip(family, index, strict=True)}
    state = labels.pop(node)
    entry = found.entry(node, state, labels)
    assert entry.value == model.tables_[node][index]
    for value in (t, 0.0, 1.0, entry.value):
        below, above = masses(with_entry(model, node, index, value), evidence, states, likelihood)
        if below > 1e-12:
            assert entry.at(value) == pytest.approx(above / below, abs=1e-8)
    if entry.terms != ((found.probability, 0.0, 1.0, 0.0),):
        a, b, c, d = entry.terms[0]
        assert c + d * entry.value == pytest.approx(1.0, abs=1e-9)
        step = 1e-6
        slope = ((a + b * (entry.value + step)) / (c + d * (entry.value + step)) - found.probability) / step
        assert entry.derivative == pytest.approx(slope, abs=1e-3 * max(1.0, abs(slope)))
        wanted = entry.at(t)
        if abs(b * c - a * d) > 1e-3 and c + d * t > 1e-3:
            assert entry.needed(wanted) == pytest.approx(t, abs=1e-6)


def test_the_ranking_is_that_of_all_derivatives_and_changes_reach_what_is_wanted():
    model, _, evidence, _ = case(4, zeros=0.0)
    v = unknown(model, evidence)[0]
    answer = {v: model.states_[v][0]}
    found = model.sensitivity(answer, evidence)
    every = []
    for node, table in model.tables_.items():
        for index in np.ndindex(table.shape):
            family = (*model.dag_.parents(node), node)
            labels = {u: model.states_[u][k] for u, k in zip(family, index, strict=True)}
            if table.shape[-1] != 2 or index[-1] == 1:  # the other entry mirrors it
                every.append(abs(found.entry(node, labels.pop(node), labels).derivative))
    ranked = [abs(entry.derivative) for entry in found.ranked()]
    np.testing.assert_allclose(ranked, sorted((x for x in every if x > 1e-12), reverse=True))
    wanted = min(0.9, found.probability + 0.05)
    changes = found.changes(wanted)
    assert changes
    assert found.ranked(2) == found.ranked()[:2]
    assert [c.log_odds for c in changes] == sorted(c.log_odds for c in changes)
    for change in changes:
        entry = change.entry
        index = tuple(
            model.states_[u].index({**entry.parents, entry.node: entry.state}[u])
            for u in (*model.dag_.parents(entry.node), entry.node)
        )
        changed = with_entry(model, entry.node, index, change.value)
        assert changed.query(v, evidence).probability(**answer) == pytest.approx(wanted, abs=1e-9)


def test_the_prior_of_an_illness_moves_its_diagnosis_along_a_hyperbola():
    tables = {"ill": [0.99, 0.01], "test": [[0.95, 0.05], [0.1, 0.9]]}
    model = BayesianNetwork.from_tables("ill -> test", {v: ["no", "yes"] for v in tables}, tables)
    found = model.sensitivity({"ill": "yes"}, {"test": "yes"})
    prior = found.entry("ill", "yes")
    for t in (0.0, 0.1, 0.5, 1.0):
        assert prior.at(t) == pytest.approx(0.9 * t / (0.05 + 0.85 * t))
    text = found.text()
    assert text.startswith("P(ill=yes | test=yes) = 0.153846; table entries that change it: 3, most of all\n")
    assert text.splitlines()[2].split() == ["P(ill=yes)", "0.01", "+13.15", "0", "to", "1"]
    assert "P(test=yes | ill=no)" in found.changes_text(0.5)
    assert "single entries that can make P(ill=yes | test=yes) = 0.5: 2," in found.changes_text(0.5)


def test_interventions_are_no_parameters_and_latent_nodes_are():
    tables = {"H": [0.3, 0.7], "x": [[0.9, 0.1], [0.2, 0.8]], "y": [[0.6, 0.4], [0.1, 0.9]]}
    model = BayesianNetwork.from_tables("H [latent]; H -> {x y}", dict.fromkeys("Hxy", 2), tables)
    seen = model.sensitivity({"y": 1}, {"x": 1})
    done = model.do({"x": 1}).sensitivity({"y": 1})
    assert {entry.node for entry in seen.ranked()} == {"H", "x", "y"}
    assert {entry.node for entry in done.ranked()} == {"H", "y"}
    assert done.entry("H", 1).derivative == pytest.approx(0.9 - 0.4)


def test_an_answer_that_nothing_changes_says_so():
    model = BayesianNetwork.from_tables("a", {"a": 1}, {"a": [1.0]})
    found = model.sensitivity({"a": 0})
    assert "no single entry of a table changes it" in found.text()
    assert "no change of a single table entry" in found.changes_text(0.5)


def test_what_cannot_be_asked_is_refused():
    model = BayesianNetwork.from_tables("a -> b", {"a": 2, "b": 2}, {"a": [1, 0], "b": np.eye(2)})
    for states, message in (({}, "at least one variable"), ({"a": 0}, "is in the evidence")):
        with pytest.raises(InputError, match=message):
            model.sensitivity(states, {"a": 0})
    with pytest.raises(InputError, match="probability zero"):
        model.sensitivity({"b": 0}, {"a": 1})
    found = model.sensitivity({"b": 0})
    with pytest.raises(InputError, match="a state of each of its parents"):
        found.entry("b", 0)
    with pytest.raises(UnknownNameError):
        found.entry("z", 0)
    with pytest.raises(InputError, match="from 0 to 1"):
        found.changes(1.5)
    model.max_bytes = 8
    with pytest.raises(TooLargeError, match="derivatives of this answer need"):
        model.sensitivity({"b": 0})
