"""Graphs to and from what other libraries hold: networkx graphs, matrices and data frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import as_list, check_binary, check_instance
from chainrule.core.errors import InputError, ShapeError, TooLargeError
from chainrule.graphs.content import Content
from chainrule.graphs.structure import Structure

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["matrix_edges", "networkx_parts", "to_matrix", "to_networkx"]

MOST_CELLS = 2_000_000_000  # of an adjacency matrix; 2 GB

Edges = list[tuple[str, str]]


def networkx_parts(graph: nx.DiGraph) -> tuple[Edges, list[str], dict[str, Any]]:
    """Edges, nodes, and marks by the names that ``DirectedGraph`` has for them; repeated edges count once."""
    if not all(hasattr(graph, name) for name in ("nodes", "edges", "is_directed")):
        raise InputError(
            f"expected a networkx graph, got {type(graph).__name__}; pass edges to the class itself"
        )
    if not graph.is_directed():
        raise InputError("expected a directed networkx graph, got an undirected one; use nx.DiGraph")
    names = {node: str(node) for node in graph.nodes}
    if len({*names.values()}) < len(names):
        raise InputError(
            "two nodes of the networkx graph have the same name as text; rename one (nx.relabel_nodes)"
        )
    marks = {names[node]: data for node, data in graph.nodes(data=True)}
    return (
        [(names[a], names[b]) for a, b in graph.edges()],
        list(names.values()),
        {
            "latent": [name for name, data in marks.items() if data.get("latent")],
            "adjusted": [name for name, data in marks.items() if data.get("adjusted")],
            "positions": {name: data["pos"] for name, data in marks.items() if data.get("pos") is not None},
        },
    )


def to_networkx(graph: Content) -> nx.DiGraph:
    """The graph as networkx holds it, imported only here."""
    try:
        import networkx as nx
    except ImportError as e:
        raise InputError("networkx is not installed; install it with: pip install networkx") from e
    out, latent = nx.DiGraph(), graph.structure.latent
    out.add_nodes_from((name, {"latent": v in latent}) for v, name in enumerate(graph.names.all))
    out.add_edges_from(graph.edges())
    for name in graph.marks.adjusted:
        out.nodes[name]["adjusted"] = True
    for name, place in graph.marks.positions.items():
        out.nodes[name]["pos"] = place
    return out


def matrix_edges(matrix: Any, nodes: Iterable[str] | None) -> tuple[Edges, list[str]]:
    """Edges and nodes of an adjacency matrix (n, n); names are ``nodes``, a data frame's columns, or x1, x2, …"""
    columns = getattr(matrix, "columns", None) if hasattr(matrix, "to_numpy") else None
    if nodes is None and columns is not None:
        nodes = [str(name) for name in columns]
        index = getattr(matrix, "index", None)
        labels = nodes if index is None else [str(name) for name in index]
        if labels != nodes and labels != [str(i) for i in range(len(labels))]:
            raise InputError("the rows of the data frame must be named as its columns are, in the same order")
    cells = check_binary(matrix, name="matrix")
    n = len(cells)
    if cells.shape != (n, n):
        raise ShapeError(f"an adjacency matrix is square; got the shape {cells.shape}")
    if isinstance(nodes, str):
        raise InputError("nodes must be a list of names; got a string")
    names = [f"x{i + 1}" for i in range(n)] if nodes is None else as_list(nodes, "nodes", of="names")
    if len(names) != n:
        raise InputError(f"expected a name for each of {n} rows, got {len(names)} names; name each node")
    for name in names:
        check_instance(name, str, "nodes", like="a list of names")
    return [(names[i], names[j]) for i, j in np.argwhere(cells)], names


def to_matrix(graph: Structure) -> NDArray[np.uint8]:
    """The adjacency matrix (n, n); ``TooLargeError`` above two billion cells."""
    n = len(graph)
    if n * n > MOST_CELLS:
        raise TooLargeError(f"the matrix of {n:,} nodes would have {n * n:,} cells; use .edges")
    cells = np.zeros((n, n), np.uint8)
    for u, below in enumerate(graph.children):
        cells[u, list(below)] = 1
    return cells
