"""All topological orders, and strongly connected parts, against networkx."""

from __future__ import annotations

from itertools import islice, pairwise

import networkx as nx
from hypothesis import given

from chainrule.graphs import DAG, DirectedGraph
from tests.graphs.dags import acyclic, directed, to_networkx


@given(acyclic(max_nodes=6))
def test_all_topological_orders_are_listed_once_and_in_order(dag):
    place = {name: i for i, name in enumerate(dag.nodes)}
    expected = {tuple(order) for order in nx.all_topological_sorts(to_networkx(dag))}
    found = list(dag.topological_orders())
    assert set(found) == expected
    assert found == sorted(set(found), key=lambda order: [place[v] for v in order])
    assert found[0] == dag.topological_order()


def test_orders_stream_where_there_are_too_many_to_list():
    dag = DAG.empty(f"v{i}" for i in range(20_000))
    assert len(set(islice(dag.topological_orders(), 3))) == 3
    assert list(DAG().topological_orders()) == [()]


@given(directed())
def test_the_condensation_is_that_of_networkx(graph):
    other = to_networkx(graph)
    found = graph.condensation()
    parts = {frozenset(part) for part in found.members.values()}
    assert parts == set(map(frozenset, nx.strongly_connected_components(other)))
    assert found.dag.nodes == tuple(found.members)
    part_of = {v: name for name, part in found.members.items() for v in part}
    assert set(found.dag.edges) == {
        (part_of[a], part_of[b]) for a, b in graph.edges if part_of[a] != part_of[b]
    }
    on_cycles = {v for v in graph.nodes if other.has_edge(v, v)}
    on_cycles |= {v for part in parts if len(part) > 1 for v in part}
    assert {v for name in found.cyclic for v in found.members[name]} == on_cycles
    assert bool(found.cyclic) == (graph.find_cycle() is not None)


def test_a_part_is_called_by_its_first_node_and_is_latent_where_all_its_nodes_are():
    graph = DirectedGraph(
        [("B", "A"), ("A", "B"), ("B", "C"), ("D", "D")], nodes=["A", "B", "C", "D"], latent=["A", "B", "D"]
    )
    found = graph.condensation()
    assert found.members == {"A": ("A", "B"), "C": ("C",), "D": ("D",)}
    assert found.dag == DAG([("A", "C")], nodes=["A", "C", "D"], latent=["A", "D"])
    assert found.text().splitlines() == ["{A, B}: on a cycle", "C", "D: on a cycle"]


def test_long_chains_and_long_cycles_need_no_recursion():
    names = [f"v{i}" for i in range(20_000)]
    chain = DirectedGraph(pairwise(names))
    assert len(chain.condensation().dag) == len(names)
    cycle = DirectedGraph([*pairwise(names), (names[-1], names[0])]).condensation()
    assert cycle.cyclic == ("v0",)
    assert cycle.members["v0"] == tuple(names)
