"""Directed graphs that may have cycles: nodes with names, edges, who is above and below whom.

Inside, a node is its index in ``nodes``; outside, it is its name.  Everything that is listed comes in
the order of ``nodes``, so equal input gives equal output.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from chainrule.core.errors import InputError, UnknownNameError
from chainrule.graphs import formats
from chainrule.graphs.edges import parents_by_node
from chainrule.graphs.marks import Marks, checked_positions
from chainrule.graphs.outside import matrix_edges, networkx_parts, to_matrix, to_networkx

if TYPE_CHECKING:
    import networkx as nx
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["DirectedGraph", "Names"]

Names = str | Iterable[str]


class DirectedGraph:
    """A directed graph, immutable; cycles, two-way edges and self loops are allowed.

    ``edges`` are pairs ``(parent, child)``; a repeated edge counts once.  ``nodes`` gives all nodes in
    the order that you like to see; without it they come as the edges name them.  ``latent`` names the nodes
    that nobody measures: they are never conditioned on and never listed.  ``positions``, ``exposures`` and
    ``outcomes`` are carried along and do not count when graphs are compared.

    Raises ``InputError`` for edges that are not pairs of names and for repeated ``nodes``,
    ``UnknownNameError`` for an edge to a node that ``nodes`` does not have, or a latent node that is none.

    >>> g = DirectedGraph([("A", "B"), ("B", "A"), ("B", "C")])
    >>> g.parents("B"), g.find_cycle()
    (('A',), ['A', 'B'])
    """

    __slots__ = ("_children", "_index", "_latent", "_marks", "_names", "_parents")

    _names: tuple[str, ...]
    _index: dict[str, int]
    _parents: tuple[tuple[int, ...], ...]
    _children: tuple[tuple[int, ...], ...]
    _latent: frozenset[int]
    _marks: Marks

    def __init__(
        self,
        edges: Iterable[tuple[str, str]] = (),
        nodes: Iterable[str] | None = None,
        *,
        latent: Iterable[str] = (),
        positions: Mapping[str, tuple[float, float]] | None = None,
        exposures: Iterable[str] = (),
        outcomes: Iterable[str] = (),
    ) -> None:
        names, parents = parents_by_node(edges, nodes)
        self._set(names, parents)
        self._latent = frozenset(self._ids("latent", latent, may_be_empty=True))
        self._marks = Marks(
            {self._names[self._id(name)]: place for name, place in checked_positions(positions).items()},
            self._to_names(sorted(self._ids("exposures", exposures, may_be_empty=True))),
            self._to_names(sorted(self._ids("outcomes", outcomes, may_be_empty=True))),
        )

    def _set(self, names: Sequence[str], parents: Sequence[Iterable[int]]) -> None:
        """Take over node names and the (sorted) parents of each."""
        self._names = tuple(names)
        self._index = {name: i for i, name in enumerate(names)}
        self._parents = tuple(map(tuple, parents))
        children: list[list[int]] = [[] for _ in names]
        for v, above in enumerate(self._parents):
            for u in above:
                children[u].append(v)
        self._children = tuple(map(tuple, children))
        self._latent = frozenset()
        self._marks = Marks()

    @classmethod
    def parse(cls, text: str, format: formats.Format | None = None) -> Self:
        """The graph that ``text`` describes: edges ``A -> B <- C``, groups ``{B C}``, ``U [latent]``.

        DAGitty's ``dag { … }``, Graphviz's ``digraph { … }`` and BIF are recognised by how they open; ``format``
        may say which it is, also ``"edges"`` and ``"adjacency"`` (rows of cells).  Otherwise a statement ends at
        a newline or ``;`` and a name other than letters, digits, ``_`` and ``.`` is quoted.  Comments: ``# …``.
        Raises ``ParseError`` with the line, the column and what was expected.

        >>> DirectedGraph.parse('season -> {allergies rain}; rain <- "air pressure"').parents("rain")
        ('season', 'air pressure')
        >>> DirectedGraph.parse("dag { X -> Y <- {Z -> X}  X <-> Y }").edges
        (('X', 'Y'), ('Z', 'X'), ('Z', 'Y'), ('L1', 'X'), ('L1', 'Y'))
        """
        return cls._described(formats.described(text, format))

    @classmethod
    def read(cls, path: str | Path, format: formats.Format | None = None) -> Self:
        """The graph in a file, plain or gzip, as ``parse``; suffix and content tell the format.

        ``.csv`` and ``.tsv`` hold an edge list or a 0/1 matrix.  ``DataError`` for a file that is missing or damaged.

        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "edges.csv"
        >>> _ = path.write_text("parent,child\\nrain,wet grass\\n")
        >>> DirectedGraph.read(path).edges
        (('rain', 'wet grass'),)
        """
        return cls._described(formats.described_file(path, format))

    @classmethod
    def _described(cls, found: formats.Description) -> Self:
        return cls(
            found.edges,
            found.nodes,
            latent=found.latent,
            positions=found.positions,
            exposures=found.exposures,
            outcomes=found.outcomes,
        )

    @classmethod
    def from_networkx(cls, graph: nx.DiGraph) -> Self:
        """The same graph; node attributes ``latent`` (true or false) and ``pos`` (x, y) are read.

        Nodes that are not strings become strings.  Raises ``InputError`` for an undirected graph.

        >>> import networkx as nx
        >>> DirectedGraph.from_networkx(nx.DiGraph([(1, 2)])).edges
        (('1', '2'),)
        """
        edges, nodes, latent, positions = networkx_parts(graph)
        return cls(edges, nodes, latent=latent, positions=positions)

    def to_networkx(self) -> nx.DiGraph:
        """The same graph; each node has the attribute ``latent``, and ``pos`` where it has a position.

        Raises ``InputError`` where networkx is not installed.

        >>> DirectedGraph([("U", "A")], latent=["U"]).to_networkx().nodes["U"]
        {'latent': True}
        """
        return to_networkx(self)

    @classmethod
    def from_adjacency(cls, matrix: ArrayLike, nodes: Iterable[str] | None = None) -> Self:
        """The graph with an edge ``nodes[i] -> nodes[j]`` where ``matrix[i, j]`` (n, n) is 1 and not 0.

        Without ``nodes`` the names are the columns of a data frame, or x1, x2, …  Raises ``ShapeError`` for a
        matrix that is not square, ``ValuesError`` for other numbers.

        >>> DirectedGraph.from_adjacency([[0, 1], [0, 0]], nodes=["A", "B"]).edges
        (('A', 'B'),)
        """
        return cls(*matrix_edges(matrix, nodes))

    def to_adjacency(self) -> NDArray[np.uint8]:
        """The matrix (n, n) with 1 in row i, column j for an edge ``nodes[i] -> nodes[j]``.

        >>> DirectedGraph.parse("A -> B").to_adjacency().tolist()
        [[0, 1], [0, 0]]
        """
        return to_matrix(self)

    @property
    def nodes(self) -> tuple[str, ...]:
        """All node names."""
        return self._names

    @property
    def latent(self) -> tuple[str, ...]:
        """The nodes that nobody measures.

        >>> DirectedGraph([("U", "A"), ("U", "B")], latent=["U"]).latent
        ('U',)
        """
        return self._to_names(sorted(self._latent))

    @property
    def observed(self) -> tuple[str, ...]:
        """The nodes that are not latent."""
        return tuple(name for v, name in enumerate(self._names) if v not in self._latent)

    @property
    def positions(self) -> dict[str, tuple[float, float]]:
        """Where nodes are drawn, as (x, y) by name; empty where the source did not say.

        >>> DirectedGraph.parse('dag { A [pos="0.5,-1"] A -> B }').positions
        {'A': (0.5, -1.0)}
        """
        return dict(self._marks.positions)

    @property
    def exposures(self) -> tuple[str, ...]:
        """The causes that are asked about.

        >>> DirectedGraph.parse("dag { X [exposure] Y [outcome] X -> Y }").exposures
        ('X',)
        """
        return self._marks.exposures

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The effects that are asked about."""
        return self._marks.outcomes

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """All edges ``(parent, child)``, by parent, then by child."""
        return tuple(
            (self._names[u], self._names[v]) for u, below in enumerate(self._children) for v in below
        )

    @property
    def n_edges(self) -> int:
        """The number of edges, without listing them."""
        return sum(map(len, self._parents))

    def has_edge(self, parent: str, child: str) -> bool:
        """Whether there is an edge ``parent -> child``.

        >>> DirectedGraph.parse("A -> B").has_edge("B", "A")
        False
        """
        return self._id(child) in self._children[self._id(parent)]

    def parents(self, node: str) -> tuple[str, ...]:
        """The nodes with an edge into ``node``."""
        return self._to_names(self._parents[self._id(node)])

    def children(self, node: str) -> tuple[str, ...]:
        """The nodes with an edge from ``node``."""
        return self._to_names(self._children[self._id(node)])

    def ancestors(self, nodes: Names) -> tuple[str, ...]:
        """Every other node with a directed path to ``nodes`` (one name or several).

        >>> DirectedGraph.parse("A -> B -> C <- D").ancestors("C")
        ('A', 'B', 'D')
        """
        start = self._ids("node", nodes)
        return self._to_names(sorted(reachable(self._parents, start) - start))

    def descendants(self, nodes: Names) -> tuple[str, ...]:
        """Every other node with a directed path from ``nodes`` (one name or several).

        >>> DirectedGraph.parse("A -> B -> C <- D").descendants(["A", "D"])
        ('B', 'C')
        """
        start = self._ids("node", nodes)
        return self._to_names(sorted(reachable(self._children, start) - start))

    def find_cycle(self) -> list[str] | None:
        """The nodes of one directed cycle in order, or ``None`` if there is none; linear in the graph.

        It is a shortest cycle through its first node.  A self loop is a cycle of one node.

        >>> DirectedGraph.parse("S -> A -> B -> C -> A").find_cycle()
        ['A', 'B', 'C']
        >>> DirectedGraph.parse("A -> A").find_cycle()
        ['A']
        """
        left = self._not_removable()
        if not left:
            return None
        v = min(left)  # every node that is left has a parent that is left: walk up until one comes again
        seen: set[int] = set()
        while v not in seen:
            seen.add(v)
            v = next(u for u in self._parents[v] if u in left)
        return list(self._to_names(self._shortest_cycle(v)))

    def _not_removable(self) -> set[int]:
        """What is left when nodes without parents are removed again and again."""
        waiting = [len(above) for above in self._parents]
        ready = [v for v, n in enumerate(waiting) if n == 0]
        left = set(range(len(self._names)))
        while ready:
            u = ready.pop()
            left.discard(u)
            for v in self._children[u]:
                waiting[v] -= 1
                if waiting[v] == 0:
                    ready.append(v)
        return left

    def _shortest_cycle(self, start: int) -> list[int]:
        """A shortest cycle through ``start``, which lies on one; its first node comes first."""
        came_from: dict[int, int] = {}
        queue = deque([start])
        while start not in came_from:
            u = queue.popleft()
            for v in self._children[u]:
                if v not in came_from:
                    came_from[v] = u
                    queue.append(v)
        cycle = [came_from[start]]
        while cycle[-1] != start:
            cycle.append(came_from[cycle[-1]])
        cycle.reverse()
        first = cycle.index(min(cycle))
        return cycle[first:] + cycle[:first]

    def to_text(self, format: formats.Format = "chainrule") -> str:
        """The graph as text that ``parse`` reads back, with the same order of nodes.

        An edge list and a matrix cannot mark latent nodes: ``InputError``.

        >>> print(DirectedGraph([("A", "my node"), ("A", "B")], nodes=["B", "A", "my node", "C"]).to_text())
        B
        A
        "my node"
        C
        A -> {B "my node"}
        >>> print(DirectedGraph([("U", "A")], latent=["U"]).to_text("dagitty").replace(chr(10), " "))
        dag { U [latent] A U -> A }
        """
        return formats.written(self, format)

    def write(self, path: str | Path, format: formats.Format | None = None) -> None:
        """Write the graph to a file, whole or not at all; the suffix tells the format unless ``format`` does.

        ``.txt``, ``.dag``, ``.dagitty``, ``.dot``, ``.gv``, ``.csv`` and ``.tsv`` (edge lists), also with ``.gz``.

        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "graph.dag.gz"
        >>> DirectedGraph.parse("A -> B").write(path)
        >>> DirectedGraph.read(path).edges
        (('A', 'B'),)
        """
        formats.write_file(self, path, format)

    def _id(self, node: str) -> int:
        try:
            return self._index[node]
        except (KeyError, TypeError):
            raise UnknownNameError.of("node", node, list(self._names)) from None

    def _ids(self, what: str, names: Names, *, may_be_empty: bool = False) -> set[int]:
        """One name or several as indices; ``what`` names the argument in errors."""
        if isinstance(names, str):
            names = (names,)
        try:
            ids = {self._id(name) for name in names}
        except TypeError:
            raise InputError(f"{what} must be a node name or several; got {names!r}") from None
        if not ids and not may_be_empty:
            raise InputError(f"{what} is empty; name at least one node")
        return ids

    def _to_names(self, ids: Iterable[int]) -> tuple[str, ...]:
        return tuple(self._names[i] for i in ids)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, node: object) -> bool:
        return node in self._index

    def __eq__(self, other: object) -> bool:
        """Same kind, same names, same edges, same latent nodes; the order of the nodes does not matter."""
        if type(other) is not type(self) or not isinstance(other, DirectedGraph):
            return NotImplemented
        if self._names == other._names:
            return self._parents == other._parents and self._latent == other._latent
        return (
            set(self._names) == set(other._names)
            and set(self.edges) == set(other.edges)
            and set(self.latent) == set(other.latent)
        )

    def __hash__(self) -> int:
        return hash((type(self).__name__, frozenset(self._names), frozenset(self.edges)))

    def __repr__(self) -> str:
        kind = type(self).__name__
        if self.n_edges + len(self) > 60:
            return f"<{kind} of {len(self)} nodes and {self.n_edges} edges>"
        if not self._names:
            return f"{kind}()"
        return f"{kind}.parse({'; '.join(self.to_text().split(chr(10)))!r})"


def reachable(neighbours: Sequence[Sequence[int]], start: Iterable[int]) -> set[int]:
    """``start`` and everything that can be reached from it."""
    seen = set(start)
    stack = list(seen)
    while stack:
        for v in neighbours[stack.pop()]:
            if v not in seen:
                seen.add(v)
                stack.append(v)
    return seen
