"""Compiled inference against its plain twin, where probabilities are extreme, and what a question may cost."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from typing import get_args

import networkx as nx
import numpy as np
import pytest

from chainrule.core.errors import TooLargeError
from chainrule.core.settings import settings
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork
from chainrule.models.bayesian_network.inference.elimination import Measure, best_order, plan_elimination
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.bayesian_network.inference.sweeps import Sweeps
from tests.models.networks_by_hand import random_network


def drawn(rng, d: int, window: int, sizes: tuple[int, int], parents: int = 3) -> DiscreteNetwork:
    """Each variable after up to ``parents`` of the ``window`` before it; tables with some zeros."""
    k = rng.integers(sizes[0], sizes[1] + 1, d)
    above, tables = [], []
    for v in range(d):
        near = np.arange(max(0, v - window), v)
        above.append(sorted(rng.choice(near, min(len(near), int(rng.integers(parents + 1))), replace=False)))
        shape = (*k[above[v]], k[v])
        table = rng.random(shape) ** 3 * (rng.random(shape) < 0.9)
        table[..., 0] += 1e-3
        tables.append(table / table.sum(-1, keepdims=True))
    return DiscreteNetwork(above, tables, range(d))


def partly_known(rng, network: DiscreteNetwork, n: int, share: float) -> np.ndarray:
    rows, _ = network.draw(np.full((n, len(network.sizes)), -1, np.int32), rng)
    return np.where(rng.random(rows.shape) < share, rows, -1).astype(np.int32)


def every_answer(network: DiscreteNetwork, rows: np.ndarray):
    """Log-masses, maxima, all marginals and a joint posterior of two variables of each row."""
    answers = [network.log_prob(rows), network.maximum(rows)[1]]
    for row in rows:
        marginals, log_mass = network.marginals(row)
        answers += [np.array(log_mass), *(marginals[v] for v in sorted(marginals))]
        hidden = np.flatnonzero(row < 0)[:2].tolist()
        answers += [network.posterior(row, [v]) for v in hidden] + [network.posterior(row, hidden[::-1])]
    return answers


@pytest.mark.parametrize(
    ("seed", "d", "sizes"), [(0, 12, (1, 3)), (1, 30, (2, 2)), (2, 9, (5, 9)), (3, 6, (11, 13))]
)
def test_compiled_and_plain_answers_agree_also_where_a_table_has_many_blocks(seed, d, sizes):
    rng = np.random.default_rng(seed)
    network = drawn(rng, d, 5, sizes)
    rows = partly_known(rng, network, 4, 0.3)
    compiled = every_answer(network, rows)
    with settings(plain=True):
        plain = every_answer(network, rows)
    for a, b in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_a_chain_of_thousands_of_variables_scores_as_the_forward_algorithm():
    n, rng = 1500, np.random.default_rng(1)
    move, emit = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.99, 0.01], [0.02, 0.98]])
    above = [() if v == 0 else (v - 2,) if v % 2 == 0 else (v - 1,) for v in range(2 * n)]
    tables = [np.array([0.5, 0.5]) if v == 0 else (emit if v % 2 else move) for v in range(2 * n)]
    network = DiscreteNetwork(above, tables, range(2 * n))
    row = np.full(2 * n, -1, np.int32)
    row[1::2] = rng.integers(2, size=n)
    alpha, log_p = np.array([0.5, 0.5]), 0.0
    for t in range(n):
        alpha = (alpha @ move if t else alpha) * emit[:, row[2 * t + 1]]
        log_p += math.log(alpha.sum())
        alpha /= alpha.sum()
    assert network.log_prob(row[None])[0] == pytest.approx(log_p, rel=1e-12)
    marginals, log_mass = network.marginals(row)
    assert log_mass == pytest.approx(log_p, rel=1e-12)
    np.testing.assert_allclose(marginals[2 * n - 2], alpha, rtol=1e-9)


def test_branches_that_contradict_each_other_beyond_float64_balance():
    d = 400  # a branch of 200 observed coins says 1e-400 : 1 of x, the other 1 : 1e-400
    names = ["x", "a", "b", *(f"c{i}" for i in range(d))]
    dag = DAG([("x", "a"), ("x", "b"), *(("a" if i < d // 2 else "b", f"c{i}") for i in range(d))], names)
    copy, coin = [[1.0, 0.0], [0.0, 1.0]], [[0.005, 0.995], [0.5, 0.5]]
    tables = {"x": [0.25, 0.75], "a": copy, "b": copy[::-1], **{f"c{i}": coin for i in range(d)}}
    model = BayesianNetwork.from_tables(dag, dict.fromkeys(names, 2), tables)
    seen = {f"c{i}": "0" for i in range(d)}
    np.testing.assert_allclose(model.query("x", seen).probabilities, [0.25, 0.75], rtol=1e-9)
    np.testing.assert_allclose(model.posterior_marginals(seen)["x"].probabilities, [0.25, 0.75], rtol=1e-9)
    assert model.mpe(seen).assignment["x"] == "1"
    mass = d / 2 * (math.log(0.005) + math.log(0.5))
    assert model.log_prob([[math.nan] * 3 + [0] * d])[0] == pytest.approx(mass, rel=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_evidence_never_makes_all_marginals_dearer(seed):
    rng = np.random.default_rng(seed)
    network = drawn(rng, 40, 9, (2, 5))
    row = np.full(40, -1, np.int32)
    free = network.full_plan(row)
    for v in rng.permutation(40)[:12]:
        row[v] = 0
        assert network.full_plan(row).total_entries <= free.total_entries


@pytest.mark.parametrize("seed", range(5))
def test_what_is_reported_ahead_is_what_is_done(seed):
    rng = np.random.default_rng(seed)
    network = drawn(rng, 25, 6, (1, 4))
    row = partly_known(rng, network, 1, 0.3)[0]
    network.max_bytes = network.full_plan(row).total_bytes
    network.marginals(row)
    network.max_bytes -= 1
    with pytest.raises(TooLargeError, match=r"entries \([\d,]+ bytes"):
        network.marginals(row)


def test_evidence_that_is_asked_about_again_gives_the_same_answers_read_off():
    model = random_network(np.random.default_rng(7), 8)
    first, *others = model.variables_
    given = {first: model.states_[first][0]}
    for _ in range(2):
        marginals = model.posterior_marginals(given)
        for v in others:
            np.testing.assert_allclose(
                model.query(v, given).probabilities, marginals[v].probabilities, atol=1e-12
            )


def test_plain_sums_stay_within_what_they_are_said_to_need():
    network = drawn(np.random.default_rng(0), 48, 11, (5, 9))
    row = np.full(48, -1, np.int32)
    row[-5:] = 0
    needed = network.full_plan(row).total_bytes
    assert needed > 2**20
    with settings(plain=True):
        network.log_prob(row[None])  # what is kept for any question
        tracemalloc.start()
        network.log_prob(row[None])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak <= needed


def test_messages_up_and_down_are_no_more_than_the_tables_that_a_cost_counts():
    network = drawn(np.random.default_rng(0), 48, 11, (2, 5))
    nothing, everything, known = np.empty(0, np.int64), np.ones(48, bool), np.zeros(48, bool)
    sweeps = Sweeps(network.parents, network.tables, network.order)
    plan = network.full_plan(np.full(48, -1))
    program = sweeps.program(np.array(plan.order), known, everything, nothing, np.inf)
    assert program.entries == plan.total_entries
    assert program.order.tolist() == list(plan.order)
    assert 2 * program.message_entries <= program.entries


@pytest.mark.parametrize("seed", range(5))
def test_of_several_orders_the_cheapest_is_kept(seed):
    network = drawn(np.random.default_rng(seed), 40, 12, (2, 9))
    scopes = [{*above, v} for v, above in enumerate(network.parents)]
    found = [plan_elimination(scopes, network.sizes, measure=m).total_entries for m in get_args(Measure)]
    assert best_order(scopes, network.sizes).total_entries == min(found)


@pytest.mark.parametrize("measure", get_args(Measure))
def test_a_greedy_order_takes_what_is_cheapest_at_each_step(measure):
    sizes = [2, 3, 4, 2, 5, 3, 2, 4]
    graph = nx.gnp_random_graph(8, 0.5, seed=4)
    plan = plan_elimination([*graph.edges, *((v,) for v in graph)], sizes, measure=measure)
    for v in plan.order:
        cost = {}
        for u in graph:
            added = [(a, b) for a, b in itertools.combinations(graph[u], 2) if not graph.has_edge(a, b)]
            heavy = sum(sizes[a] * sizes[b] for a, b in added)
            entries = math.prod(sizes[a] for a in (u, *graph[u]))
            cost[u] = {"fill": len(added), "weighted": heavy, "entries": entries}[measure]
        assert cost[v] == min(cost.values())
        graph.add_edges_from(itertools.combinations(graph[v], 2))
        graph.remove_node(v)
