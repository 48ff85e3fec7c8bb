"""A graph as the data of a figure: nodes with places, edges with routes, and marks."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.core.errors import NoExtensionError
from chainrule.core.figures import GraphDrawing, GraphEdge, GraphNode
from chainrule.graphs import PDAG, DirectedGraph
from chainrule.report.layout import layout

__all__ = ["graph_drawing"]


def graph_drawing(
    graph: DirectedGraph | PDAG,
    *,
    labels: Mapping[str, str] | None = None,
    node_marks: Mapping[str, str] | None = None,
    edge_marks: Mapping[tuple[str, str], str] | None = None,
) -> GraphDrawing:
    """``graph`` laid out, with labels and marks for the nodes and edges that they name; an edge may be undirected.

    Raises as ``layout``, and ``InputError`` for a mark that there is not.

    >>> graph_drawing(DirectedGraph.parse("A -> B"), labels={"A": "cause"}).nodes[0]
    GraphNode(id='A', label='cause', x=0.0, y=0.0, mark='normal')
    """
    undirected = {frozenset(edge) for edge in graph.undirected} if isinstance(graph, PDAG) else set()
    plain = layout(_laid_out_as(graph), labels=labels, node_marks=node_marks, edge_marks=edge_marks)
    edges = [
        GraphEdge(
            edge["from"],
            edge["to"],
            edge["points"],
            edge.get("mark", "normal"),
            frozenset((edge["from"], edge["to"])) not in undirected,
        )
        for edge in plain["edges"]
    ]
    return GraphDrawing([GraphNode(**node) for node in plain["nodes"]], edges)


def _laid_out_as(graph: DirectedGraph | PDAG) -> DirectedGraph:
    """The directed graph whose layers serve: of a partially directed one a DAG that it stands for, if there is any."""
    if not isinstance(graph, PDAG):
        return graph
    try:
        return graph.consistent_extension()
    except NoExtensionError:
        return DirectedGraph([*graph.directed, *graph.undirected], graph.nodes, latent=graph.latent)
