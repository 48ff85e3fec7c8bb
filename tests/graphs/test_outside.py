"""Graphs from networkx, matrices and data frames, and the marks that travel with a graph."""

from __future__ import annotations

import sys

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from chainrule.core.errors import CycleError, InputError, ShapeError, UnknownNameError, ValuesError
from chainrule.graphs import DAG, DirectedGraph
from tests.graphs.dags import directed


@given(directed())
def test_the_networkx_graph_is_the_one_that_networkx_builds_and_has_its_matrix(graph):
    other = graph.to_networkx()
    expected = nx.DiGraph(graph.edges)
    expected.add_nodes_from(graph.nodes)
    assert nx.utils.graphs_equal(nx.DiGraph(other.edges), nx.DiGraph(expected.edges))
    assert list(other.nodes) == list(graph.nodes)
    assert (nx.to_numpy_array(other, nodelist=graph.nodes) == graph.to_adjacency()).all()


def test_networkx_graphs_of_other_kinds_are_read_or_refused():
    assert DirectedGraph.from_networkx(nx.MultiDiGraph([(1, 2), (1, 2)])).edges == (("1", "2"),)
    assert DAG.from_networkx(nx.DiGraph([("A", "B")])) == DAG.parse("A -> B")
    with pytest.raises(CycleError, match="1 -> 2 -> 1"):
        DAG.from_networkx(nx.DiGraph([(1, 2), (2, 1)]))
    with pytest.raises(InputError, match="undirected"):
        DirectedGraph.from_networkx(nx.Graph([(1, 2)]))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="same name as text"):
        DirectedGraph.from_networkx(nx.DiGraph([(1, "1")]))
    with pytest.raises(InputError, match="expected a networkx graph"):
        DirectedGraph.from_networkx([("A", "B")])  # type: ignore[arg-type]


def test_without_networkx_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(InputError, match="pip install networkx"):
        DAG.parse("A -> B").to_networkx()


def test_a_data_frame_names_the_nodes():
    frame = pd.DataFrame([[0, 1], [0, 0]], columns=["rain", "grass"])
    expected = DAG.parse("rain -> grass")
    assert DAG.from_adjacency(frame) == expected
    assert DAG.from_adjacency(frame.set_axis(frame.columns)) == expected
    assert DAG.from_adjacency(frame.astype(bool), nodes=["rain", "grass"]) == expected
    with pytest.raises(InputError, match="named as its columns"):
        DAG.from_adjacency(frame.set_axis(["grass", "rain"]))


def test_matrices_that_are_no_graph_are_refused():
    assert DAG.from_adjacency(np.triu(np.ones((3, 3)), 1)) == DAG.fully_connected(["x1", "x2", "x3"])
    with pytest.raises(ShapeError, match="square"):
        DAG.from_adjacency(np.zeros((2, 3)))
    with pytest.raises(ValuesError, match="only 0 and 1"):
        DAG.from_adjacency([[0, 0.5], [0, 0]])
    with pytest.raises(InputError, match="a name for each of 2 rows, got 1"):
        DAG.from_adjacency([[0, 1], [0, 0]], nodes=["A"])
    with pytest.raises(InputError, match="got a string"):
        DAG.from_adjacency([[0, 1], [0, 0]], nodes="AB")


def test_marks_do_not_count_in_comparisons_but_latent_nodes_do():
    plain = DAG.parse("A -> B")
    marked = DAG([("A", "B")], positions={"A": (0, 1)}, exposures=["A"], outcomes=["B"])
    assert marked == plain
    assert hash(marked) == hash(plain)
    assert (marked.positions, marked.exposures, marked.outcomes) == ({"A": (0.0, 1.0)}, ("A",), ("B",))
    assert DAG([("A", "B")], latent=["A"]) != plain


def test_marks_cannot_be_changed_through_what_a_graph_gives():
    graph = DAG([("A", "B")], positions={"A": (0, 1)})
    graph.positions["A"] = (5, 5)
    assert graph.positions == {"A": (0.0, 1.0)}


@pytest.mark.parametrize(
    "place", [(0, float("nan")), (1,), (1, 2, 3), "ab", None, (10**400, 0), (float("inf"), 0)]
)
def test_positions_that_are_no_places_are_refused(place):
    with pytest.raises(InputError, match="the position of 'A' must be two finite numbers"):
        DAG([("A", "B")], positions={"A": place})


def test_marks_on_unknown_nodes_are_refused():
    with pytest.raises(UnknownNameError):
        DAG([("A", "B")], positions={"C": (0, 0)})
    with pytest.raises(UnknownNameError):
        DAG([("A", "B")], exposures=["C"])
    with pytest.raises(InputError, match="must map node names"):
        DAG([("A", "B")], positions=[("A", 0)])  # type: ignore[arg-type]
