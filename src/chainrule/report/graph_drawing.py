"""A directed graph as the data of a figure: nodes with places, edges with routes, and marks."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.core.figures import GraphDrawing, GraphEdge, GraphNode
from chainrule.graphs import DirectedGraph
from chainrule.report.layout import layout

__all__ = ["graph_drawing"]


def graph_drawing(
    graph: DirectedGraph,
    *,
    labels: Mapping[str, str] | None = None,
    node_marks: Mapping[str, str] | None = None,
    edge_marks: Mapping[tuple[str, str], str] | None = None,
) -> GraphDrawing:
    """``graph`` laid out, with labels and marks for the nodes and edges that they name.

    Raises as ``layout``, and ``InputError`` for a mark that there is not.

    >>> graph_drawing(DirectedGraph.parse("A -> B"), labels={"A": "cause"}).nodes[0]
    GraphNode(id='A', label='cause', x=0.0, y=0.0, mark='normal')
    """
    plain = layout(graph, labels=labels, node_marks=node_marks, edge_marks=edge_marks)
    edges = [
        GraphEdge(edge["from"], edge["to"], edge["points"], edge.get("mark", "normal"))
        for edge in plain["edges"]
    ]
    return GraphDrawing([GraphNode(**node) for node in plain["nodes"]], edges)
