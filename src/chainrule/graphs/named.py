"""What every directed graph here has, with cycles or without: edges by name, kinship, matrices.

Inside, a node is its index in ``nodes``; outside, it is its name.  Everything that is listed comes in
the order of ``nodes``, so equal input gives equal output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Self

from chainrule.graphs.edges import parents_by_node
from chainrule.graphs.formats.description import Description
from chainrule.graphs.named_nodes import NamedNodes, checked_content
from chainrule.graphs.names import Names
from chainrule.graphs.outside import matrix_edges, networkx_parts, to_matrix, to_networkx
from chainrule.graphs.structure import Structure, reachable

if TYPE_CHECKING:
    import networkx as nx
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["NamedGraph"]


class NamedGraph(NamedNodes):
    """An immutable directed graph with names: the common part of ``DirectedGraph`` and ``DAG``, which say more."""

    __slots__ = ()

    def __init__(
        self,
        edges: Iterable[tuple[str, str]] = (),
        nodes: Iterable[str] | None = None,
        *,
        latent: Iterable[str] = (),
        positions: Mapping[str, tuple[float, float]] | None = None,
        exposures: Iterable[str] = (),
        outcomes: Iterable[str] = (),
        adjusted: Iterable[str] = (),
    ) -> None:
        names, parents = parents_by_node(edges, nodes)
        marks = {"positions": positions, "exposures": exposures, "outcomes": outcomes, "adjusted": adjusted}
        self._set(checked_content(names, parents, latent=latent, **marks))

    @classmethod
    def _described(cls, found: Description) -> Self:
        return cls(found.edges, found.nodes, **found.marks())

    @classmethod
    def from_networkx(cls, graph: nx.DiGraph) -> Self:
        """The same graph; node attributes ``latent``, ``adjusted`` (true or false) and ``pos`` (x, y) are read.

        Nodes that are not strings become strings.  Raises ``InputError`` for an undirected graph.

        >>> from chainrule.graphs import DirectedGraph
        >>> import networkx as nx
        >>> DirectedGraph.from_networkx(nx.DiGraph([(1, 2)])).edges
        (('1', '2'),)
        """
        edges, nodes, marks = networkx_parts(graph)
        return cls(edges, nodes, **marks)

    def to_networkx(self) -> nx.DiGraph:
        """The same graph; each node has the attribute ``latent``, and ``adjusted`` and ``pos`` where it is marked so.

        Raises ``InputError`` where networkx is not installed.

        >>> from chainrule.graphs import DirectedGraph
        >>> DirectedGraph([("U", "A")], latent=["U"]).to_networkx().nodes["U"]
        {'latent': True}
        """
        return to_networkx(self._content)

    @classmethod
    def from_adjacency(cls, matrix: ArrayLike, nodes: Iterable[str] | None = None) -> Self:
        """The graph with an edge ``nodes[i] -> nodes[j]`` where ``matrix[i, j]`` (n, n) is 1 and not 0.

        Without ``nodes`` the names are the columns of a data frame, or x1, x2, …  Raises ``ShapeError`` for a
        matrix that is not square, ``ValuesError`` for other numbers.

        >>> from chainrule.graphs import DirectedGraph
        >>> DirectedGraph.from_adjacency([[0, 1], [0, 0]], nodes=["A", "B"]).edges
        (('A', 'B'),)
        """
        return cls(*matrix_edges(matrix, nodes))

    def to_adjacency(self) -> NDArray[np.uint8]:
        """The matrix (n, n) with 1 in row i, column j for an edge ``nodes[i] -> nodes[j]``.

        >>> from chainrule.graphs import DirectedGraph
        >>> DirectedGraph.parse("A -> B").to_adjacency().tolist()
        [[0, 1], [0, 0]]
        """
        return to_matrix(self._content.structure)

    @property
    def structure(self) -> Structure:
        """The graph by index, as a frozen value: ``nodes[i]`` is node i.  What algorithms and models read.

        >>> from chainrule.graphs import DirectedGraph
        >>> DirectedGraph.parse("B <- A -> C; U [latent]").structure.parents
        ((1,), (), (1,), ())
        """
        return self._content.structure

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """All edges ``(parent, child)``, by parent, then by child."""
        return tuple(self._content.edges())

    @property
    def n_edges(self) -> int:
        """The number of edges, without listing them."""
        return self.structure.n_edges

    def has_edge(self, parent: str, child: str) -> bool:
        """Whether there is an edge ``parent -> child``.

        >>> from chainrule.graphs import DirectedGraph
        >>> DirectedGraph.parse("A -> B").has_edge("B", "A")
        False
        """
        names = self._content.names
        return names.id(child) in self.structure.children[names.id(parent)]

    def parents(self, node: str) -> tuple[str, ...]:
        """The nodes with an edge into ``node``."""
        names = self._content.names
        return names.of(self.structure.parents[names.id(node)])

    def children(self, node: str) -> tuple[str, ...]:
        """The nodes with an edge from ``node``."""
        names = self._content.names
        return names.of(self.structure.children[names.id(node)])

    def ancestors(self, nodes: Names) -> tuple[str, ...]:
        """Every other node with a directed path to ``nodes`` (one name or several).

        >>> from chainrule.graphs import DirectedGraph
        >>> DirectedGraph.parse("A -> B -> C <- D").ancestors("C")
        ('A', 'B', 'D')
        """
        start = self._content.names.ids("node", nodes)
        return self._content.names.of(sorted(reachable(self.structure.parents, start) - start))

    def descendants(self, nodes: Names) -> tuple[str, ...]:
        """Every other node with a directed path from ``nodes`` (one name or several).

        >>> from chainrule.graphs import DirectedGraph
        >>> DirectedGraph.parse("A -> B -> C <- D").descendants(["A", "D"])
        ('B', 'C')
        """
        start = self._content.names.ids("node", nodes)
        return self._content.names.of(sorted(reachable(self.structure.children, start) - start))

    def __eq__(self, other: object) -> bool:
        """Same kind, same names, same edges, same latent nodes; the order of the nodes does not matter."""
        if type(other) is not type(self) or not isinstance(other, NamedGraph):
            return NotImplemented
        if self.nodes == other.nodes:
            return self.structure == other.structure
        return (
            set(self.nodes) == set(other.nodes)
            and set(self.edges) == set(other.edges)
            and set(self.latent) == set(other.latent)
        )

    def __hash__(self) -> int:
        return hash((type(self).__name__, frozenset(self.nodes), frozenset(self.edges)))
