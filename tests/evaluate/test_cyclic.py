"""Every directed cyclic graph has tables whose product is no distribution; every acyclic one has none."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.core.errors import InputError
from chainrule.evaluate.cyclic import counterexample, cycle_mass, dependence
from chainrule.evaluate.tables import BinaryTable, random_tables, total_mass
from chainrule.graphs import DAG, DirectedGraph
from tests.evaluate.test_tables import mass_by_definition
from tests.graphs.dags import directed

fractions = st.fractions(0, 1, max_denominator=9)


def cycle_graph(n: int) -> DirectedGraph:
    return DirectedGraph([(f"v{i}", f"v{(i + 1) % n}") for i in range(n)])


@given(directed(max_nodes=6), st.sampled_from([2, 0]))
def test_any_cyclic_graph_has_a_counterexample_and_all_ways_of_summing_agree(graph, total):
    assume(graph.find_cycle() is not None)
    found = counterexample(graph, total)
    assert mass_by_definition(graph, found.tables) == total
    assert found.total == found.by_trace == found.by_elimination == found.by_enumeration == total
    for node in graph.nodes:
        table = found.tables[node]
        assert set(table.parents) <= set(graph.parents(node))
        assert all(0 <= p <= 1 for p in table.p_one)


@given(st.lists(st.tuples(fractions, fractions), min_size=1, max_size=5))
def test_the_sum_along_a_binary_cycle_is_one_plus_the_product_of_the_dependences(entries):
    n = len(entries)
    graph = cycle_graph(n)
    tables = {f"v{i}": BinaryTable(f"v{i}", (f"v{(i - 1) % n}",), entries[i]) for i in range(n)}
    expected = 1 + prod((dependence(t) for t in tables.values()), start=Fraction(1))
    assert total_mass(graph, tables) == mass_by_definition(graph, tables) == expected
    matrices = [[[1 - p, p] for p in t.p_one] for t in tables.values()]
    assert cycle_mass(matrices) == expected


def test_a_cycle_of_a_thousand_nodes_is_settled_without_listing_states():
    for total in (2, 0):
        found = counterexample(cycle_graph(1000), total)
        assert found.by_enumeration is None
        assert found.by_trace == found.by_elimination == found.total == total
        assert len(found.cycle) == 1000


def test_an_acyclic_graph_has_no_counterexample():
    for graph in (DAG.parse("A -> B"), DirectedGraph.parse("A -> B"), DAG()):
        with pytest.raises(InputError, match="no directed cycle"):
            counterexample(graph)
    with pytest.raises(InputError, match="total must be 2 or 0"):
        counterexample(cycle_graph(3), 1)  # type: ignore[arg-type]


def test_some_tables_on_a_cycle_do_sum_to_one():
    graph = cycle_graph(3)
    tables = random_tables(graph, 1)
    assert total_mass(graph, tables) != 1
    third = Fraction(1, 3)
    ignoring = tables | {"v0": BinaryTable("v0", ("v2",), (third, third))}
    assert total_mass(graph, ignoring) == 1


def test_with_three_states_a_cycle_can_sum_to_one_though_every_factor_listens():
    copy = np.eye(3, dtype=int).tolist()
    swap = [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert cycle_mass([copy, swap]) == 1
    assert cycle_mass([copy, copy]) == 3


def test_matrices_that_are_not_stochastic_or_do_not_fit_are_refused():
    for wrong in ([], [[[1, 1], [0, 1]]], [[[2, -1], [0, 1]]], [[[1, 0], [0, 1]], [[1]]]):
        with pytest.raises(InputError):
            cycle_mass(wrong)
    with pytest.raises(InputError, match="read one parent"):
        dependence(BinaryTable("A", (), (Fraction(1, 2),)))


def test_matrices_of_different_sizes_may_follow_each_other():
    half = Fraction(1, 2)
    to_three = [[half, half, 0], [0, 0, 1]]
    to_two = [[1, 0], [0, 1], [half, half]]
    expected = sum(Fraction(a[j]) * to_two[j][i] for i, a in enumerate(to_three) for j in range(3))
    assert cycle_mass([to_three, to_two]) == expected
