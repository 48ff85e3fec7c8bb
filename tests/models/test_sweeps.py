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
from chainrule.models.bayesian_network.inference import greedy_loops
from chainrule.models.bayesian_network.inference.elimination import Measure, best_order, plan_elimination
from chainrule.models.bayesian_network.inference.kept_rows import KeptRows
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


def posterior(network: DiscreteNetwork, row: np.ndarray, wanted: list[int]) -> np.ndarray:
    found = network.posterior(row, wanted)
    assert found is not None
    return found


def every_answer(network: DiscreteNetwork, rows: np.ndarray):
    """Log-masses, maxima, all marginals and a joint posterior of two variables of each row."""
    answers = [network.log_prob(rows), network.maximum(rows)[1]]
    for row in rows:
        marginals, log_mass = network.marginals(row)
        answers += [np.array(log_mass), *(marginals[v] for v in sorted(marginals))]
        hidden = np.flatnonzero(row < 0)[:2].tolist()
        answers += [posterior(network, row, [v]) for v in hidden] + [posterior(network, row, hidden[::-1])]
    return answers


@pytest.mark.parametrize(
    ("seed", "d", "sizes"), [(0, 12, (1, 3)), (1, 30, (2, 2)), (2, 9, (5, 9)), (3, 6, (11, 13))]
)
def test_compiled_and_plain_answers_agree_also_where_a_table_has_many_blocks(seed, d, sizes):
    rng = np.random.default_rng(seed)
    network = drawn(rng, d, 5, sizes)
    rows = partly_known(rng, network, 4, 0.3)
    rows[0] = -1  # of the largest networks buckets are then long enough for tables to be packed
    compiled = every_answer(network, rows)
    with settings(plain=True):
        plain = every_answer(network, rows)
    for a, b in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def joint_of(network: DiscreteNetwork) -> np.ndarray:
    """p(x) of every x, from the definition."""
    out = np.ones(network.sizes)
    for v, (above, table) in enumerate(zip(network.parents, network.tables, strict=True)):
        family = [*above, v]
        shape = [k if u in family else 1 for u, k in enumerate(network.sizes)]
        out = out * table.transpose(np.argsort(family)).reshape(shape)
    return out


@pytest.mark.parametrize("plain", [False, True])
def test_evidence_is_impossible_exactly_where_the_joint_says_so_however_far_from_what_is_asked(plain):
    counts = {False: 0, True: 0}
    for seed in range(300):
        rng = np.random.default_rng(seed)
        d = int(rng.integers(3, 8))
        network = drawn(rng, d, 3, (1, 3), parents=2)
        for table in network.tables:
            table[:] = rng.random(table.shape) + 1e-3
            if rng.random() < 0.7:  # many zeros, in the other tables none
                table *= rng.random(table.shape) < 0.5
            table[..., 0] += table.sum(-1) == 0
            table /= table.sum(-1, keepdims=True)
        joint = joint_of(network)
        row = np.array([rng.integers(k) if rng.random() < 0.5 else -1 for k in joint.shape], np.int32)
        if not (row < 0).any():
            continue
        mass = joint[tuple(slice(None) if s < 0 else slice(s, s + 1) for s in row)]
        unknown = np.flatnonzero(row < 0)
        with settings(plain=plain):
            for v in (rng.choice(unknown), rng.choice(unknown)):  # the first question, and one that is not
                found = network.posterior(row, [v])
                counts[found is None] += 1
                assert (found is None) == (mass.sum() == 0)
                if found is not None:
                    expected = mass.sum(axis=tuple(u for u in range(d) if u != v)) / mass.sum()
                    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert min(counts.values()) > 50


def test_the_first_question_needs_no_order_of_the_whole_network(monkeypatch):
    network = drawn(np.random.default_rng(0), 40, 12, (2, 9))
    expected = posterior(
        DiscreteNetwork(network.parents, network.tables, network.order), np.full(40, -1), [20]
    )

    def refuse(*_, **__):
        raise AssertionError("it takes longer than the answer")

    monkeypatch.setattr("chainrule.models.bayesian_network.inference.plans.cheapest_order", refuse)
    np.testing.assert_allclose(posterior(network, np.full(40, -1), [20]), expected, atol=1e-12)


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


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_question_about_one_variable_never_costs_more_than_all_marginals_without_evidence(seed, plain):
    rng = np.random.default_rng(seed)
    network = drawn(rng, 40, 11, (2, 5))
    free = network.full_plan(np.full(40, -1)).total_entries
    with settings(plain=plain):
        for row in partly_known(rng, network, 4, 0.1):
            for v in np.flatnonzero(row < 0)[::5].tolist():
                plan = network.posterior_plan(row, [v])
                assert plan.total_entries <= max(free, 2**13)
                network.max_bytes = max(plan.total_bytes, network.full_plan(row).total_bytes)
                marginal = posterior(network, row, [v])
                np.testing.assert_allclose(marginal, network.marginals(row)[0][v], atol=1e-12)


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


def test_plain_answers_stay_within_what_they_are_said_to_need():
    network = drawn(np.random.default_rng(0), 48, 11, (5, 9))
    row = np.full(48, -1, np.int32)
    row[-5:] = 0
    network.max_bytes = network.full_plan(row).total_bytes
    assert 2**21 < network.max_bytes < 2**23
    asked = {
        "sums": lambda: network.log_prob(row[None]),
        "marginals": lambda: network.marginals(row),
        "maxima": lambda: network.maximum(row[None]),
        "draws": lambda: network.draw(row[None], np.random.default_rng(0)),
        "a posterior": lambda: network.posterior(row, [3]),
    }
    with settings(plain=True):
        network.log_prob(row[None])  # what is kept for any question
        for question, ask in asked.items():
            tracemalloc.start()
            ask()
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak <= network.max_bytes, question


def test_many_questions_about_one_row_are_answered_as_each_alone_and_keep_little():
    rng = np.random.default_rng(5)
    network = drawn(rng, 45, 8, (3, 6))
    row, other = partly_known(rng, network, 2, 0.1)
    network.max_bytes = 4 * network.full_plan(np.full(45, -1)).total_bytes
    for v in rng.permutation(np.flatnonzero((row < 0) & (other < 0))):
        for asked in (row, other, row):
            alone = DiscreteNetwork(network.parents, network.tables, network.order)
            found, expected = posterior(network, asked, [v]), posterior(alone, asked, [v])
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_what_is_kept_of_rows_is_bounded_and_the_oldest_goes_first():
    network = drawn(np.random.default_rng(0), 12, 5, (2, 3))
    rows = partly_known(np.random.default_rng(1), network, 3, 0.3)
    sweeps, everything = (
        Sweeps(network.parents, network.values, network.sizes, network.order),
        np.ones(12, bool),
    )
    order, kept, each = np.array(network.full_plan(rows[0] * 0 - 1).order), KeptRows(), 0
    for row in rows:
        program = sweeps.program(order, row >= 0, everything, np.empty(0, np.int64), np.inf)
        calibration = sweeps.calibration(program, row)
        each = max(each, calibration.n_bytes)
        kept.keep(row.tobytes(), calibration, 2 * each)
        assert kept.n_bytes <= 2 * each
    assert kept.calibration(rows[2].tobytes()) is not None
    kept.shrink(0)
    assert [kept.calibration(row.tobytes()) for row in rows] == [None] * 3


def test_messages_up_and_down_are_no_more_than_the_tables_that_a_cost_counts():
    network = drawn(np.random.default_rng(0), 48, 11, (2, 5))
    nothing, everything, known = np.empty(0, np.int64), np.ones(48, bool), np.zeros(48, bool)
    sweeps = Sweeps(network.parents, network.values, network.sizes, network.order)
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
    with settings(plain=True):
        assert best_order(scopes, network.sizes).total_entries == min(found)
    assert best_order(scopes, network.sizes).total_entries <= min(found)  # others are tried at random besides


@pytest.mark.parametrize("measure", get_args(Measure))
def test_compiled_loops_choose_the_orders_of_their_plain_twin(measure):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 150))
        graph = nx.gnp_random_graph(n, min(1.0, 3 / n), seed=seed)
        scopes, sizes = [*graph.edges, *((v,) for v in graph)], rng.integers(2, 5, n)
        keep = rng.permutation(n)[: rng.integers(0, 4)].tolist()
        plain = plan_elimination(scopes, sizes.tolist(), keep, measure)
        ends, kept = np.cumsum([len(scope) for scope in scopes]), np.isin(np.arange(n), keep)
        members = np.concatenate([np.array(scope) for scope in scopes])
        number = getattr(greedy_loops, measure.upper())
        order, entries = greedy_loops.greedy_order(
            members, ends, sizes.astype(float), kept, number, np.inf, 0
        )
        assert order.tolist() == list(plain.order)
        assert entries == sum(plain.entries[:-1])


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
            near = len(graph[u])
            cost[u] = {"fill": len(added), "weighted": heavy, "entries": entries, "degree": near}[measure]
        assert cost[v] == min(cost.values())
        graph.add_edges_from(itertools.combinations(graph[v], 2))
        graph.remove_node(v)


def test_compiled_draws_without_evidence_are_those_of_the_plain_twin():
    network = drawn(np.random.default_rng(2), 15, 5, (1, 4))
    nothing = np.full((20_000, 15), -1, np.int32)  # of several stretches
    compiled, _ = network.draw(nothing, np.random.default_rng(3))
    with settings(plain=True):
        plain, _ = network.draw(nothing, np.random.default_rng(3))
    np.testing.assert_array_equal(compiled, plain)


@pytest.mark.parametrize("plain", [False, True])
def test_draws_of_rows_with_other_evidence_each_have_their_posteriors_as_frequencies(plain):
    rng = np.random.default_rng(4)
    network = drawn(rng, 8, 4, (2, 3))
    few = partly_known(rng, network, 3, 1.0)
    few[:, [0, 2, 3, 6]] = -1  # all know the same variables, most of them in other states
    n = 4000
    with settings(plain=plain):
        drawn_rows, bad = network.draw(np.repeat(few, n, axis=0), rng)
    assert not bad.any()
    for row, found in zip(few, drawn_rows.reshape(3, n, 8), strict=True):
        np.testing.assert_array_equal(found[:, row >= 0], np.broadcast_to(row[row >= 0], (n, 4)))
        p = posterior(network, row, [0, 2, 3, 6])
        counts = np.zeros(p.shape)
        np.add.at(counts, tuple(found[:, [0, 2, 3, 6]].T), 1)
        # five standard deviations, and two counts where so few are expected that they are not normal
        assert (np.abs(counts - n * p) <= 5 * np.sqrt(n * p * (1 - p)) + 2).all()
        assert counts[p == 0].sum() == 0


def test_evidence_of_a_row_that_is_impossible_is_told_and_the_others_are_drawn():
    table = np.array([[1.0, 0.0], [0.5, 0.5]])
    network = DiscreteNetwork([(), (0,), (1,)], [np.array([0.5, 0.5]), table, table], [0, 1, 2])
    rows = np.array([[0, -1, 1], [1, -1, 1], [0, -1, 0]], np.int32)
    for plain in (False, True):
        with settings(plain=plain):
            filled, bad = network.draw(rows, np.random.default_rng(0))
        assert bad.tolist() == [True, False, False]
        assert filled[1:, 1].tolist() == [1, 0]


def test_an_order_and_a_program_in_one_call_are_what_they_are_in_two():
    rng = np.random.default_rng(3)
    for enough in (0.0, np.inf):  # the first order is never, and always, good enough
        for _ in range(20):
            network = drawn(rng, 20, 4, (2, 4))
            known, wanted = rng.random((2, 20)) < 0.2
            keep = np.flatnonzero(wanted & ~known)[:2]
            sweeps = Sweeps(network.parents, network.values, network.sizes, network.order)
            order, program = sweeps.own_program(known, wanted, keep, np.inf, np.inf, enough)
            alone = sweeps.order(known, wanted, keep, np.inf, enough)
            np.testing.assert_array_equal(order, alone)
            expected = sweeps.program(alone, known, wanted, keep, np.inf)
            assert program.entries == expected.entries
            np.testing.assert_array_equal(program.families, expected.families)
            np.testing.assert_array_equal(program.order, expected.order)
            np.testing.assert_array_equal(program.steps, expected.steps)


def test_a_network_holds_its_tables_once():
    network = drawn(np.random.default_rng(0), 12, 4, (2, 3))
    assert sum(table.size for table in network.tables) == network.values.size
    assert all(np.shares_memory(table, network.values) for table in network.tables)
    model = random_network(np.random.default_rng(0), 6)
    begins = sorted(table.__array_interface__["data"][0] for table in model.tables_.values())
    assert begins[-1] - begins[0] < sum(
        table.nbytes for table in model.tables_.values()
    )  # one after the other
    assert not any(table.flags.writeable for table in model.tables_.values())
