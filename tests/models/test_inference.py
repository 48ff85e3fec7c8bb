"""Exact inference: every answer against the joint table of random networks, and costs that are known before."""

from __future__ import annotations

import itertools
import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError, TooLargeError
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork
from chainrule.models.bayesian_network.inference.elimination import plan_elimination
from tests.models.networks_by_hand import joint_of, random_network

seeds = st.integers(0, 2**32 - 1)


def random_case(seed: int, zeros: float = 0.3):
    """A network, its joint, evidence as codes (-1 unknown) that may be impossible, and a generator."""
    rng = np.random.default_rng(seed)
    model = random_network(rng, int(rng.integers(1, 7)), zeros=zeros * float(rng.integers(2)))
    joint = joint_of(model)
    row = np.array([rng.integers(k) if rng.random() < 0.4 else -1 for k in joint.shape])
    return model, joint, row, rng


def evidence_of(model: BayesianNetwork, row) -> dict[str, str]:
    return {v: model.states_[v][s] for v, s in zip(model.variables_, row, strict=True) if s >= 0}


def agreeing(joint, row):
    """The joint with zeros wherever a state differs from ``row``."""
    out = np.zeros_like(joint)
    index = tuple(slice(None) if s < 0 else slice(s, s + 1) for s in row)
    out[index] = joint[index]
    return out


@given(seeds)
def test_log_prob_of_partial_rows_is_the_sum_over_what_is_missing(seed):
    model, joint, _, rng = random_case(seed)
    rows = np.array([[rng.choice([rng.integers(k), -1]) for k in joint.shape] for _ in range(12)])
    with np.errstate(divide="ignore"):
        expected = [np.log(agreeing(joint, row).sum()) for row in rows]
    found = model.log_prob(np.where(rows < 0, np.nan, rows))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


def test_many_patterns_of_missing_values_in_one_pass_score_as_one_row_after_another():
    rng = np.random.default_rng(3)
    model = random_network(rng, 9)
    rows = model.sample(300, rng=rng).codes.astype(float)
    rows[rng.random(rows.shape) < 0.3] = np.nan
    assert len(np.unique(np.isnan(rows), axis=0)) > 100
    alone = [model.log_prob(row[None])[0] for row in rows]
    np.testing.assert_allclose(model.log_prob(rows), alone, rtol=1e-11, atol=1e-12)


@given(seeds)
def test_marginals_and_single_queries_agree_with_the_joint(seed):
    model, joint, row, _ = random_case(seed)
    evidence, mass = evidence_of(model, row), agreeing(joint, row)
    unknown = [v for v, s in zip(model.variables_, row, strict=True) if s < 0]
    if mass.sum() == 0:
        for ask in (model.posterior_marginals, model.mpe, lambda e: [model.query(v, e) for v in unknown[:1]]):
            if unknown:
                with pytest.raises(InputError, match="probability zero"):
                    ask(evidence)
        return
    marginals = model.posterior_marginals(evidence)
    assert list(marginals) == unknown
    for v in unknown:
        i = model.variables_.index(v)
        expected = mass.sum(axis=tuple(a for a in range(joint.ndim) if a != i)) / mass.sum()
        np.testing.assert_allclose(marginals[v].probabilities, expected, atol=1e-12)
        np.testing.assert_allclose(model.query(v, evidence).probabilities, expected, atol=1e-12)


@given(seeds)
def test_a_joint_query_has_its_axes_in_the_order_asked_for(seed):
    model, joint, row, rng = random_case(seed, zeros=0.0)
    unknown = np.flatnonzero(row < 0)
    if not len(unknown):
        return
    chosen = rng.permutation(unknown)[: rng.integers(1, 4)]
    mass = agreeing(joint, row).sum(axis=tuple(a for a in range(joint.ndim) if a not in chosen))
    expected = mass.transpose(np.argsort(np.argsort(chosen)))
    found = model.query([model.variables_[i] for i in chosen], evidence_of(model, row))
    np.testing.assert_allclose(found.probabilities, expected / expected.sum(), atol=1e-12)


@given(seeds)
def test_the_most_probable_row_is_the_largest_entry_of_the_joint_and_ties_are_told(seed):
    model, joint, row, _ = random_case(seed)
    mass = agreeing(joint, row)
    if mass.max() == 0:
        return
    best = model.mpe(evidence_of(model, row))
    index = tuple(model.states_[v].index(s) for v, s in best.assignment.items())
    assert tuple(best.assignment) == model.variables_
    assert mass[index] == pytest.approx(mass.max(), rel=1e-9)
    assert best.log_prob == pytest.approx(math.log(mass.max()), rel=1e-9, abs=1e-9)
    assert best.unique == (int((mass >= mass.max() * (1 - 1e-9)).sum()) == 1)


@pytest.mark.parametrize("seed", range(12))
def test_draws_given_evidence_follow_the_exact_posterior(seed):
    model, joint, _, rng = random_case(seed)
    possible = np.argwhere(joint > 0)
    row = np.where(rng.random(joint.ndim) < 0.4, possible[rng.integers(len(possible))], -1)
    mass = agreeing(joint, row)
    n = 4000
    draws = model.sample(n, given=evidence_of(model, row), rng=rng)
    found = np.zeros(joint.shape)
    np.add.at(found, tuple(draws.codes.T), 1)
    assert found[mass == 0].sum() == 0
    p = mass / mass.sum()
    # five standard deviations for each entry, and two counts where so few are expected that they are not normal
    assert (np.abs(found - n * p) <= 5 * np.sqrt(n * p * (1 - p)) + 2).all()


def test_evidence_that_is_impossible_far_away_from_what_is_asked_is_refused():
    model = BayesianNetwork("x1 -> x2; x3 -> x4").fit([[0, 0, 0, 0], [1, 1, 0, 0]])
    with pytest.raises(InputError, match="evidence x4=1 has probability zero"):
        model.query("x1", {"x4": 1})


def test_thousands_of_unlikely_values_do_not_underflow_even_where_two_explanations_balance():
    d = 2000  # the first half speaks for one class by 1:100 each, the second half for the other
    dag = DAG([("c", f"x{i}") for i in range(d)])
    table = {f"x{i}": [[0.01, 0.99], [0.0001, 0.9999]] for i in range(d)}
    for i in range(d // 2, d):
        table[f"x{i}"] = table[f"x{i}"][::-1]
    model = BayesianNetwork.from_tables(
        dag, dict.fromkeys(dag.nodes, ("0", "1")), {"c": [0.25, 0.75], **table}
    )
    posterior = model.query("c", dict.fromkeys(table, "0")).probabilities
    np.testing.assert_allclose(posterior, [0.25, 0.75], rtol=1e-9)  # 2000 logarithms of size 10 are added
    log_p = model.log_prob([[np.nan, *[0] * d]])[0]
    assert log_p == pytest.approx(d / 2 * (math.log(0.01) + math.log(0.0001)), rel=1e-12)


@given(st.integers(2, 40), seeds)
def test_min_fill_adds_no_edge_to_a_chordal_graph(n, seed):
    rng = np.random.default_rng(seed)
    cliques = [{0}]
    for v in range(1, n):  # a new vertex joined to a part of a clique keeps a graph chordal
        base = sorted(cliques[rng.integers(len(cliques))])
        cliques.append({v, *rng.permutation(base)[: rng.integers(0, len(base) + 1)].tolist()})
    graph = nx.Graph((a, b) for c in cliques for a, b in itertools.combinations(c, 2))
    graph.add_nodes_from(range(n))
    plan = plan_elimination(cliques, [2] * n)
    assert sorted(plan.order) == list(range(n))
    assert plan.induced_width == nx.chordal_graph_treewidth(graph)


@given(seeds)
def test_the_cliques_of_a_plan_are_those_of_eliminating_one_variable_after_another(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    sizes = rng.integers(2, 5, n).tolist()
    graph = nx.gnp_random_graph(n, rng.random(), seed=int(seed))
    plan = plan_elimination([*graph.edges, *((v,) for v in graph)], sizes)
    for v, clique, entries in zip(plan.order, plan.cliques, plan.entries, strict=False):
        near = set(graph[v])
        missing = {
            u: sum(1 for e in itertools.combinations(graph[u], 2) if not graph.has_edge(*e)) for u in graph
        }
        assert missing[v] == min(missing.values())
        assert clique == near | {v}
        assert entries == math.prod(sizes[u] for u in clique)
        graph.add_edges_from(itertools.combinations(near, 2))
        graph.remove_node(v)


def grid(side: int, **settings) -> BayesianNetwork:
    """A square grid with coins at random: its induced width grows with its side."""
    names = [[f"g{i}_{j}" for j in range(side)] for i in range(side)]
    pairs = [(names[i][j], names[i + 1][j]) for i in range(side - 1) for j in range(side)]
    pairs += [(names[i][j], names[i][j + 1]) for i in range(side) for j in range(side - 1)]
    dag = DAG(pairs)
    tables = {v: np.full((2,) * (len(dag.parents(v)) + 1), 0.5) for v in dag.nodes}
    return BayesianNetwork.from_tables(dag, dict.fromkeys(dag.nodes, ("0", "1")), tables, **settings)


def test_a_question_that_is_too_large_is_refused_with_its_size_before_it_is_computed():
    model = grid(32)
    cost = model.inference_cost()
    assert cost.induced_width >= 32
    assert cost.total_bytes == 8 * cost.total_entries > 2**35
    for ask in (model.posterior_marginals, model.mpe, lambda: model.query("g31_31")):
        with pytest.raises(TooLargeError, match=r"bytes, induced width \d+"):
            ask()
    assert model.sample(2, rng=0).codes.shape == (2, 1024)  # forward, at no such cost
    assert model.query("g0_0").probabilities.tolist() == [0.5, 0.5]  # all others are barren


def test_evidence_makes_a_question_cheaper_and_the_limit_is_a_setting():
    model = grid(5, max_bytes=1000)
    free, cut = model.inference_cost(), model.inference_cost(evidence=[f"g{i}_2" for i in range(5)])
    assert cut.total_bytes < free.total_bytes
    with pytest.raises(TooLargeError, match="at most 1,000 bytes"):
        model.posterior_marginals()
    assert len(model.set_params(max_bytes=free.total_bytes).posterior_marginals()) == 25


def test_what_is_d_separated_from_the_question_costs_nothing():
    model = BayesianNetwork("x1 -> x2 -> x3; x2 -> x4", pseudocount=1).fit(np.eye(4))
    cost = model.inference_cost("x3", evidence={"x2": 0, "x1": 0})
    assert (cost.order, cost.total_entries) == ((), 2)
