"""Drawings: no node on another, no edge through a node, edges downwards."""

from __future__ import annotations

from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given

from chainrule.core.errors import InputError, TooLargeError, UnknownNameError
from chainrule.core.figures import GraphDrawing, GraphEdge, GraphNode
from chainrule.core.records import Figure
from chainrule.graphs import DAG, DirectedGraph
from chainrule.report.figures import draw, write_drawing
from chainrule.report.layout import NODE_HEIGHT, NODE_WIDTH, layout
from tests.graphs.dags import directed, random_dag


def check_drawing(graph: DirectedGraph) -> dict:
    """The laws of every drawing."""
    drawn = layout(graph)
    place = {n["id"]: (n["x"], n["y"]) for n in drawn["nodes"]}
    assert list(place) == list(graph.nodes)
    assert [(e["from"], e["to"]) for e in drawn["edges"]] == list(graph.edges)
    centres = list(place.values())
    for i, (x, y) in enumerate(centres):
        assert x >= 0
        assert y >= 0
        assert all(abs(x - u) >= NODE_WIDTH or abs(y - w) >= NODE_HEIGHT for u, w in centres[:i])
    for edge in drawn["edges"]:
        points = edge["points"]
        assert tuple(points[0]) == place[edge["from"]]
        assert tuple(points[-1]) == place[edge["to"]]
        others = np.array([xy for name, xy in place.items() if name not in (edge["from"], edge["to"])])
        for a, b in pairwise(points):
            track = np.linspace(a, b, 400)  # walk along the segment
            for centre in others:
                inside = np.abs(track - centre) < np.array([NODE_WIDTH, NODE_HEIGHT]) / 2 - 1e-3
                assert not inside.all(axis=1).any(), (edge, centre)
    return drawn


@given(directed())
def test_any_directed_graph_is_drawn_without_overlaps(graph):
    check_drawing(graph)


def test_random_dags_are_drawn_without_overlaps_and_downwards():
    rng = np.random.default_rng([4, 1])
    for density in (0.05, 0.1, 0.2, 0.4):
        for n in (9, 20):
            drawn = check_drawing(random_dag(n, density, rng))
            for edge in drawn["edges"]:
                ys = [y for _, y in edge["points"]]
                assert ys == sorted(ys)
                assert ys[0] < ys[-1]


def test_two_edges_between_the_same_nodes_are_drawn_apart():
    first, second = check_drawing(DirectedGraph.parse("A -> B -> A"))["edges"]
    assert first["points"][1:-1] != second["points"][-2:0:-1]


def test_a_planar_graph_that_is_listed_in_a_bad_order_is_drawn_without_crossings():
    names = [f"r{i}" for i in range(6)] + [f"s{i}" for i in (3, 0, 5, 1, 4, 2)]
    graph = DAG(
        [(f"r{i}", f"s{i}") for i in range(6)] + [(f"r{i}", f"s{i + 1}") for i in range(5)], nodes=names
    )
    place = {n["id"]: n["x"] for n in layout(graph)["nodes"]}
    along = sorted(range(6), key=lambda i: place[f"r{i}"])
    assert along in (list(range(6)), list(range(5, -1, -1)))
    assert sorted(range(6), key=lambda i: place[f"s{i}"]) == along


def test_the_edges_together_span_as_few_layers_as_possible():
    rng = np.random.default_rng([4, 3])
    for _ in range(40):
        dag = random_dag(5, 0.45, rng)
        y = {n["id"]: n["y"] for n in layout(dag)["nodes"]}
        rank = {height: k for k, height in enumerate(sorted(set(y.values())))}
        least = min(
            sum(layer[b] - layer[a] for a, b in dag.edges)
            for layer in (dict(zip(dag.nodes, ys, strict=True)) for ys in product(range(5), repeat=5))
            if all(layer[a] < layer[b] for a, b in dag.edges)
        )
        assert sum(rank[y[b]] - rank[y[a]] for a, b in dag.edges) == least


def test_a_wide_fan_is_drawn_high_enough_for_straight_edges():
    drawn = check_drawing(DAG([("A", f"v{i}") for i in range(8)]))
    assert all(len(edge["points"]) == 2 for edge in drawn["edges"])


def test_known_graphs_are_drawn_without_crossings():
    m_bias = DAG([("U1", "X"), ("U1", "M"), ("U2", "M"), ("U2", "Y"), ("X", "Y")], latent=["U1", "U2"])
    asia = DAG.parse("asia -> tub -> either <- lung <- smoke -> bronc -> dysp <- either -> xray")
    for graph in (m_bias, asia, DAG.parse("A -> {B C D} -> E; A -> E")):
        assert n_crossings(check_drawing(graph)) == 0


def n_crossings(drawn: dict) -> int:
    """How many pairs of steps cross each other inside, over all edges."""

    def side(p, q, r):
        return np.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    steps = [(*step, k) for k, edge in enumerate(drawn["edges"]) for step in pairwise(edge["points"])]
    return sum(
        side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
        for (a, b, k), (c, d, m) in combinations(steps, 2)
        if k != m
    )


def test_latent_nodes_are_marked_unless_another_mark_is_asked_for():
    graph = DAG([("U", "A"), ("U", "B"), ("V", "A")], latent=["U", "V"])
    marks = {n["id"]: n.get("mark") for n in layout(graph, node_marks={"V": "muted"})["nodes"]}
    assert marks == {"U": "latent", "A": None, "B": None, "V": "muted"}


def test_labels_and_marks_go_into_the_drawing_and_unknown_ones_are_refused():
    graph = DAG.parse("A -> B")
    drawn = layout(
        graph, labels={"A": "cause"}, node_marks={"B": "highlight"}, edge_marks={("A", "B"): "open"}
    )
    assert drawn["nodes"][0]["label"] == "cause"
    assert "mark" not in drawn["nodes"][0]
    assert drawn["nodes"][1]["mark"] == "highlight"
    assert drawn["edges"][0]["mark"] == "open"
    with pytest.raises(UnknownNameError):
        layout(graph, labels={"C": "?"})


def test_the_same_graph_is_drawn_the_same_way_twice():
    dag = random_dag(15, 0.25, np.random.default_rng([4, 2]))
    assert layout(dag) == layout(DAG(dag.edges, nodes=dag.nodes))


def test_empty_and_single_graphs_are_drawn():
    assert layout(DAG()) == {"nodes": [], "edges": []}
    assert layout(DAG.empty(["A"]))["nodes"] == [{"id": "A", "label": "A", "x": 0.0, "y": 0.0}]


def test_a_graph_that_is_metres_wide_is_drawn_in_bounded_memory_and_a_png_that_nobody_can_read_is_refused(
    tmp_path,
):
    def figure(width: float, height: float) -> Figure:
        nodes = [GraphNode("A", "A", 0, 0), GraphNode("B", "B", width, height)]
        return Figure("large", GraphDrawing(nodes, [GraphEdge("A", "B")]), "", "")

    for size in ((600, 1), (120, 80)):  # one longer than a canvas may be, one of 150 million pixels
        wide = draw(figure(*size))
        n_pixels = int.from_bytes(wide.png[16:20]) * int.from_bytes(
            wide.png[20:24]
        )  # by the header of the PNG
        assert n_pixels <= 40e6 * 1.001  # sides are whole numbers
        assert wide.dots_per_inch < 150
    write_drawing(figure(2000, 1), tmp_path / "a.svg")
    with pytest.raises(InputError, match=r"inches wide, too large for a PNG that can be read; write \.svg"):
        write_drawing(figure(2000, 1), tmp_path / "a.png")
    assert draw(figure(5, 5)).dots_per_inch == 150


def test_a_drawing_that_nobody_could_read_is_refused():
    with pytest.raises(TooLargeError, match="bends"):
        layout(DAG.fully_connected(f"v{i}" for i in range(60)))
    with pytest.raises(TooLargeError, match="31,125 edges cannot be read"):
        layout(DAG.fully_connected(f"v{i}" for i in range(250)))
