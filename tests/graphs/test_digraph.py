"""Construction, kinship, order and cycles."""

from __future__ import annotations

import pickle
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import CycleError, InputError, UnknownNameError
from chainrule.graphs import DAG, DirectedGraph
from tests.graphs.dags import acyclic, directed, to_networkx


@given(directed())
def test_kinship_agrees_with_networkx(graph):
    other = to_networkx(graph)
    for v in graph.nodes:
        assert set(graph.parents(v)) == set(other.predecessors(v))
        assert set(graph.children(v)) == set(other.successors(v))
        assert set(graph.ancestors(v)) == nx.ancestors(other, v)
        assert set(graph.descendants(v)) == nx.descendants(other, v)


@given(directed())
def test_find_cycle_finds_a_simple_cycle_of_the_graph_exactly_when_there_is_one(graph):
    cycle = graph.find_cycle()
    assert (cycle is None) == nx.is_directed_acyclic_graph(to_networkx(graph))
    if cycle is not None:
        assert len(set(cycle)) == len(cycle)
        assert all(graph.has_edge(a, b) for a, b in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
        with pytest.raises(CycleError) as caught:
            DAG(graph.edges, nodes=graph.nodes)
        assert caught.value.cycle == cycle
    else:
        assert DAG(graph.edges, nodes=graph.nodes).edges == graph.edges


@given(directed())
def test_the_cycle_found_is_a_shortest_one_through_its_nodes_somewhere(graph):
    cycle = graph.find_cycle()
    if cycle is not None:
        other = to_networkx(graph)
        shortest = [
            min(
                1 + nx.shortest_path_length(other, child, v)
                for child in other.successors(v)
                if nx.has_path(other, child, v)
            )
            for v in cycle
        ]
        assert len(cycle) in shortest


@given(acyclic(), st.randoms())
def test_equal_graphs_have_equal_hashes_whatever_the_order_of_their_parts(dag, random):
    edges, nodes = list(dag.edges) * 2, list(dag.nodes)
    random.shuffle(edges)
    random.shuffle(nodes)
    other = DAG(edges, nodes=nodes)
    assert other == dag
    assert hash(other) == hash(dag)
    assert pickle.loads(pickle.dumps(dag)) == dag  # noqa: S301  # our own bytes


def test_graphs_that_differ_are_not_equal():
    assert DAG.parse("A -> B") != DAG.parse("B -> A")
    assert DAG.parse("A -> B") != DAG.parse("A -> B; C")
    assert DAG.parse("A -> B") != DirectedGraph.parse("A -> B")
    assert DAG.parse("A -> B") != "A -> B"


@given(acyclic())
def test_topological_order_puts_parents_first_and_is_the_first_such_order(dag):
    order = dag.topological_order()
    assert all(order.index(a) < order.index(b) for a, b in dag.edges)
    place = {name: i for i, name in enumerate(dag.nodes)}
    expected = nx.lexicographical_topological_sort(to_networkx(dag), key=place.__getitem__)
    assert list(order) == list(expected)


def test_the_empty_graph_is_a_dag():
    assert DAG().nodes == ()
    assert DAG().topological_order() == ()
    assert repr(DAG()) == "DAG()"
    assert DAG().factorization().n_parameters() == 0


def test_the_full_dag_of_784_nodes_is_built_both_ways_alike():
    names = [f"x{i}" for i in range(784)]
    edges = [(names[i], names[j]) for j in range(784) for i in range(j)]
    dag = DAG(edges, nodes=names)
    assert dag == DAG.fully_connected(names)
    assert dag.n_edges == len(edges) == 306_936
    assert repr(dag) == "<DAG of 784 nodes and 306936 edges>"
    assert dag.factorization().n_parameters() == 2**784 - 1


def test_a_chain_of_20000_nodes_needs_no_recursion():
    names = [f"v{i}" for i in range(20_000)]
    dag = DAG(pairwise(names))
    assert dag.is_d_separated(names[0], names[-1], given=names[777])
    assert not dag.is_d_separated(names[0], names[-1])
    cycle = DirectedGraph([*dag.edges, (names[-1], names[0])]).find_cycle()
    assert cycle == names


@pytest.mark.parametrize(
    ("edges", "nodes", "message"),
    [
        (["AB"], None, "an edge must be a pair"),
        ([("A", "B", "C")], None, "an edge must be a pair"),
        ([("A", 1)], None, "must be a string"),
        ([("A", "")], None, "not empty"),
        ([("A", ["B"])], None, "must be a string"),
        ("A -> B", None, "use .parse"),
        ([], "AB", "use .parse"),
        ([], ["A", "A"], "nodes has 'A' twice"),
    ],
)
def test_edges_and_nodes_that_cannot_be_used_are_refused(edges, nodes, message):
    with pytest.raises(InputError, match=message):
        DAG(edges, nodes=nodes)


def test_unknown_names_come_with_near_matches():
    with pytest.raises(UnknownNameError, match="did you mean 'rain'"):
        DAG([("season", "rian")], nodes=["season", "rain"])
    with pytest.raises(UnknownNameError, match="did you mean 'rain'"):
        DAG.parse("season -> rain").parents("rains")
    with pytest.raises(UnknownNameError):
        DAG.parse("season -> rain").is_d_separated("season", ["rain"], given=["snow"])
    with pytest.raises(UnknownNameError):
        DAG.parse("A -> B").parents(["A"])  # type: ignore[arg-type]


def test_a_self_loop_is_a_cycle_of_one_node():
    with pytest.raises(CycleError, match="A -> A"):
        DAG([("A", "A")])
    assert DirectedGraph([("A", "A")]).parents("A") == ("A",)
    assert DirectedGraph([("A", "A")]).ancestors("A") == ()
