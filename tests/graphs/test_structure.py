"""The structure underneath a graph: order, levels and kinship by index, and that nothing can change it."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import networkx as nx
import pytest
from hypothesis import given

from chainrule.core.errors import InputError
from chainrule.graphs import DAG, DirectedGraph, Structure
from tests.graphs.dags import acyclic, directed, to_networkx


@given(acyclic())
def test_levels_are_the_generations_of_networkx_and_as_many_as_the_longest_path_has_nodes(dag):
    levels = [[dag.nodes[v] for v in level] for level in dag.structure.levels()]
    assert list(map(sorted, levels)) == list(map(sorted, nx.topological_generations(to_networkx(dag))))
    assert len(levels) == nx.dag_longest_path_length(to_networkx(dag)) + 1


@given(directed())
def test_a_structure_says_by_index_what_the_graph_says_by_name(graph):
    s, index = graph.structure, {name: i for i, name in enumerate(graph.nodes)}
    for v, name in enumerate(graph.nodes):
        assert s.parents[v] == tuple(index[u] for u in graph.parents(name))
        assert s.children[v] == tuple(index[w] for w in graph.children(name))
    assert list(s.edges()) == [(index[a], index[b]) for a, b in graph.edges]
    assert (len(s), s.n_edges) == (len(graph), graph.n_edges)
    assert s == Structure.of(s.parents, s.latent)
    assert s.is_acyclic == nx.is_directed_acyclic_graph(to_networkx(graph))
    if s.is_acyclic:
        dag = DAG(graph.edges, nodes=graph.nodes)
        assert tuple(graph.nodes[v] for v in s.topological_order()) == dag.topological_order()
    else:
        for ask in (s.topological_order, s.levels):
            with pytest.raises(InputError, match="has no topological order"):
                ask()


def test_neither_a_structure_nor_a_graph_lets_its_structure_be_changed():
    dag = DAG.parse("A -> B; U [latent]; U -> B")
    with pytest.raises(FrozenInstanceError):
        dag.structure.parents = ()  # type: ignore[misc]
    with pytest.raises(AttributeError):
        dag.structure = Structure.of([])  # type: ignore[misc]
    assert dag.structure.latent == frozenset({2})
    assert dag.structure.observed == [0, 1]
    assert hash(dag.structure) == hash(Structure.of([(), (0, 2), ()], [2]))
    dag.structure.levels()
    assert pickle.loads(pickle.dumps(dag.structure)) == dag.structure  # noqa: S301  # our own bytes
    assert repr(dag.structure) == "<Structure of 3 nodes and 2 edges>"


def test_the_empty_structure_has_no_levels_and_a_full_dag_has_one_for_each_node():
    assert DAG().structure.levels() == DAG().structure.topological_order() == ()
    assert len(DAG.fully_connected(f"v{i}" for i in range(50)).structure.levels()) == 50
    assert DirectedGraph.parse("A -> B -> A").structure.is_acyclic is False
