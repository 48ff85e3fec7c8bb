"""What every directed graph here has, with cycles or without: names on a structure, from text and back, kinship.

Inside, a node is its index in ``nodes``; outside, it is its name.  Everything that is listed comes in
the order of ``nodes``, so equal input gives equal output.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

from chainrule.core.errors import InputError
from chainrule.graphs import formats
from chainrule.graphs.content import Content
from chainrule.graphs.edges import parents_by_node
from chainrule.graphs.marks import Marks
from chainrule.graphs.names import Names, NodeNames
from chainrule.graphs.outside import matrix_edges, networkx_parts, to_matrix, to_networkx
from chainrule.graphs.structure import Structure, reachable

if TYPE_CHECKING:
    import networkx as nx
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = ["NamedGraph"]


class NamedGraph:
    """An immutable directed graph with names: the common part of ``DirectedGraph`` and ``DAG``, which say more."""

    __slots__ = ("_content",)

    _content: Content

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
        all_names, parents = parents_by_node(edges, nodes)
        names = NodeNames(tuple(all_names))
        hidden = names.ids("latent", latent, may_be_empty=True)
        marks = Marks.checked(names, positions, exposures=exposures, outcomes=outcomes, adjusted=adjusted)
        for name in marks.adjusted:
            if names.id(name) in hidden:
                raise InputError(
                    f"{name!r} is marked adjusted and latent; only an observed node can be adjusted for: drop a mark"
                )
        self._set(Content(names, Structure.of(parents, hidden), marks))

    def _set(self, content: Content) -> None:
        """Take over what the graph holds; a subclass may refuse it."""
        self._content = content

    @classmethod
    def _of(cls, content: Content) -> Self:
        """The graph that holds ``content``."""
        out = cls.__new__(cls)
        out._set(content)
        return out

    @classmethod
    def parse(cls, text: str, format: formats.Format | None = None) -> Self:
        """The graph that ``text`` describes: edges ``A -> B <- C``, groups ``{B C}``, ``U [latent]``, ``Z [adjusted]``.

        DAGitty's ``dag { … }``, Graphviz's ``digraph { … }``, BIF, XMLBIF, NET, UAI and XDSL are recognised; ``format``
        may say which it is, also ``"edges"`` and ``"adjacency"`` (rows of cells).  Otherwise a statement ends at
        a newline or ``;`` and a name other than letters, digits, ``_`` and ``.`` is quoted.  Comments: ``# …``.
        Raises ``ParseError`` with the line, the column and what was expected.

        >>> from chainrule.graphs import DirectedGraph
        >>> DirectedGraph.parse('season -> {allergies rain}; rain <- "air pressure"').parents("rain")
        ('season', 'air pressure')
        >>> DirectedGraph.parse("dag { X -> Y <- {Z -> X}  X <-> Y }").edges
        (('X', 'Y'), ('Z', 'X'), ('Z', 'Y'), ('L1', 'X'), ('L1', 'Y'))
        """
        return cls._described(formats.described(text, format))

    @classmethod
    def read(cls, path: str | Path, format: formats.Format | None = None) -> Self:
        """The graph in a file, plain or gzip, as ``parse``; suffix and content tell the format.

        ``.csv`` and ``.tsv`` hold an edge list below ``parent,child``, or a 0/1 matrix.  ``DataError`` for a file that
        is missing or damaged.

        >>> from chainrule.graphs import DirectedGraph
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
            adjusted=found.adjusted,
        )

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
    def nodes(self) -> tuple[str, ...]:
        """All node names."""
        return self._content.names.all

    @property
    def latent(self) -> tuple[str, ...]:
        """The nodes that nobody measures.

        >>> from chainrule.graphs import DirectedGraph
        >>> DirectedGraph([("U", "A"), ("U", "B")], latent=["U"]).latent
        ('U',)
        """
        return self._content.names.of(sorted(self.structure.latent))

    @property
    def observed(self) -> tuple[str, ...]:
        """The nodes that are not latent."""
        return self._content.names.of(self.structure.observed)

    @property
    def positions(self) -> dict[str, tuple[float, float]]:
        """Where nodes are drawn, as (x, y) by name; empty where the source did not say.

        >>> from chainrule.graphs import DirectedGraph
        >>> DirectedGraph.parse('dag { A [pos="0.5,-1"] A -> B }').positions
        {'A': (0.5, -1.0)}
        """
        return dict(self._content.marks.positions)

    @property
    def exposures(self) -> tuple[str, ...]:
        """The causes that are asked about.

        >>> from chainrule.graphs import DirectedGraph
        >>> DirectedGraph.parse("dag { X [exposure] Y [outcome] X -> Y }").exposures
        ('X',)
        """
        return self._content.marks.exposures

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The effects that are asked about."""
        return self._content.marks.outcomes

    @property
    def adjusted(self) -> tuple[str, ...]:
        """The nodes that are adjusted for in any case: questions about adjustment start from them.

        >>> from chainrule.graphs import DirectedGraph
        >>> DirectedGraph.parse("dag { Z [adjusted] Z -> {X Y} X -> Y }").adjusted
        ('Z',)
        """
        return self._content.marks.adjusted

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

    def to_text(self, format: formats.Format = "chainrule") -> str:
        """The graph as text that ``parse`` reads back, with the same order of nodes.

        An edge list and a matrix cannot mark latent or adjusted nodes: ``InputError``.

        >>> from chainrule.graphs import DirectedGraph
        >>> print(DirectedGraph([("A", "my node"), ("A", "B")], nodes=["B", "A", "my node", "C"]).to_text())
        B
        A
        "my node"
        C
        A -> {B "my node"}
        >>> print(DirectedGraph([("U", "A")], latent=["U"]).to_text("dagitty").replace(chr(10), " "))
        dag { U [latent] A U -> A }
        """
        return formats.written(self._content, format)

    def write(self, path: str | Path, format: formats.Format | None = None) -> None:
        """Write the graph to a file, whole or not at all; the suffix tells the format unless ``format`` does.

        ``.txt``, ``.dag``, ``.dagitty``, ``.dot``, ``.gv``, ``.csv`` and ``.tsv`` (edge lists), also with ``.gz``.

        >>> from chainrule.graphs import DirectedGraph
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "graph.dag.gz"
        >>> DirectedGraph.parse("A -> B").write(path)
        >>> DirectedGraph.read(path).edges
        (('A', 'B'),)
        """
        formats.write_file(self._content, path, format)

    def __len__(self) -> int:
        return len(self.structure)

    def __contains__(self, node: object) -> bool:
        return isinstance(node, str) and node in self._content.names.index

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

    def __repr__(self) -> str:
        kind = type(self).__name__
        if self.n_edges + len(self) > 60:
            return f"<{kind} of {len(self)} nodes and {self.n_edges} edges>"
        if not self.nodes:
            return f"{kind}()"
        return f"{kind}.parse({'; '.join(self.to_text().split(chr(10)))!r})"
