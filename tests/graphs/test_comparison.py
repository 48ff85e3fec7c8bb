"""Distances of graphs against their definitions, pair by pair, and against published numbers."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest

from chainrule.core.errors import InputError
from chainrule.graphs import DAG, PDAG, compare_graphs
from tests.graphs.dags import random_dag


def by_definition(found: DAG, truth: DAG) -> int:
    """The structural intervention distance, each pair by the adjustment criterion."""
    wrong = 0
    for i, j in permutations(truth.nodes, 2):
        if j in found.parents(i):
            wrong += j in truth.descendants(i)
        else:
            wrong += not truth.is_adjustment_set(i, j, found.parents(i))
    return wrong


def two_dags(rng: np.random.Generator, n: int) -> tuple[DAG, DAG]:
    return random_dag(n, rng.uniform(0.1, 0.7), rng), random_dag(n, rng.uniform(0.1, 0.7), rng)


def test_the_intervention_distance_counts_the_pairs_that_adjustment_gets_wrong():
    rng = np.random.default_rng([14, 5])
    seen = set()
    for _ in range(60):
        found, truth = two_dags(rng, int(rng.integers(2, 8)))
        distance = compare_graphs(found, truth).sid
        assert distance == by_definition(found, truth)
        seen.add(distance)
    assert len(seen) > 10


def test_the_example_of_peters_and_buehlmann():
    # Figure 1 of Peters and Bühlmann (2015): both are one edge away from the truth, one by an edge too many
    truth = DAG([(a, b) for a in ("X1", "X2") for b in ("Y1", "Y2", "Y3")] + [("X1", "X2")])
    more = DAG([*truth.edges, ("Y1", "Y2")])
    turned = DAG([edge if edge != ("X1", "X2") else ("X2", "X1") for edge in truth.edges])
    assert (compare_graphs(more, truth).shd, compare_graphs(more, truth).sid) == (1, 0)
    assert (compare_graphs(turned, truth).shd, compare_graphs(turned, truth).sid) == (1, 8)


def test_no_effect_is_wrong_exactly_where_no_true_edge_is_missing_or_turned():
    rng = np.random.default_rng([14, 6])
    for _ in range(60):
        found, truth = two_dags(rng, 5)
        order = truth.topological_order()
        larger = DAG({*truth.edges, *((a, b) for a, b in pairwise(order))}, truth.nodes)
        assert compare_graphs(larger, truth).sid == 0
        assert (compare_graphs(found, truth).sid == 0) == (set(truth.edges) <= set(found.edges))


def test_the_hamming_distance_counts_pairs_that_are_joined_otherwise():
    rng = np.random.default_rng([14, 7])
    for _ in range(60):
        found, truth = two_dags(rng, 6)
        for a, b in ((found, truth), (found.cpdag(), truth.cpdag()), (found, truth.cpdag())):
            compared = compare_graphs(a, b)
            matrices = [np.array(graph.to_adjacency(), bool) for graph in (a, b)]
            differ = np.triu((matrices[0] != matrices[1]) | (matrices[0] != matrices[1]).T)
            assert compared.shd == compare_graphs(b, a).shd == differ.sum()
            joined = [set(zip(*np.nonzero(np.triu(m | m.T)), strict=True)) for m in matrices]
            assert compared.skeleton.n_common == len(joined[0] & joined[1])
            assert len(compared.missing) == len(joined[1] - joined[0])
            assert len(compared.extra) == len(joined[0] - joined[1])
        assert compare_graphs(found, truth).cpdag_shd == compare_graphs(found.cpdag(), truth.cpdag()).shd


def test_dags_of_one_class_have_cpdags_that_are_the_same_and_agree_in_all_but_directions():
    for dag in DAG.parse("A -> B -> C -> D <- E").equivalent_dags():
        compared = compare_graphs(dag, DAG.parse("A <- B -> C -> D <- E"))
        assert compared.cpdag_shd == 0
        assert compared.skeleton.precision == compared.skeleton.recall == compared.v_structures.recall == 1.0


def test_what_differs_is_named_and_what_cannot_be_said_is_not_said():
    compared = compare_graphs(
        PDAG.parse("A -- B -- C -- D -- A; E -> F"), DAG.parse("A -> B -> C -> D; E <- F")
    )
    assert (compared.extra, compared.turned) == ((("A", "D"),), (("F", "E"),))
    assert compared.half_directed == (("A", "B"), ("B", "C"), ("C", "D"))
    assert (compared.shd, compared.cpdag_shd, compared.sid) == (5, None, None)
    assert compared.v_structures.precision is compared.v_structures.recall is None
    assert "no CPDAG distance: no DAG extends one of the two" in compared.text()
    assert compared.to_dict()["skeleton"]["precision"] == 0.8


def test_graphs_over_different_nodes_and_other_things_are_refused():
    with pytest.raises(InputError, match="only one of the two graphs has the node 'C'"):
        compare_graphs(DAG.parse("A -> B"), DAG.parse("A -> B; C"))
    with pytest.raises(InputError, match="truth must be a DAG or a PDAG; got str"):
        compare_graphs(DAG.parse("A -> B"), "A -> B")  # type: ignore[arg-type]
