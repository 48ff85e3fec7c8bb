"""What every graph here has, whatever its edges: named nodes with marks, from text and back.

Inside, a node is its index in ``nodes``; outside, it is its name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Self

from chainrule.core.errors import InputError
from chainrule.graphs import formats
from chainrule.graphs.content import Content
from chainrule.graphs.formats.description import Description
from chainrule.graphs.marks import Marks
from chainrule.graphs.names import NodeNames
from chainrule.graphs.structure import Structure

__all__ = ["NamedNodes", "checked_content"]


def checked_content(
    names: Iterable[str],
    parents: Iterable[Iterable[int]],
    undirected: Iterable[tuple[int, int]] = (),
    *,
    latent: Iterable[str] = (),
    positions: Any = None,
    **marked: Iterable[str],
) -> Content:
    """What a graph holds, its marks checked: ``UnknownNameError``, ``InputError``."""
    known = NodeNames(tuple(names))
    hidden = known.ids("latent", latent, may_be_empty=True)
    marks = Marks.checked(known, positions, **marked)
    for name in marks.adjusted:
        if known.id(name) in hidden:
            raise InputError(
                f"{name!r} is marked adjusted and latent; only an observed node can be adjusted for: drop a mark"
            )
    return Content(known, Structure.of(parents, hidden), marks, tuple(undirected))


class NamedNodes(ABC):
    """An immutable graph with names, without its edges: the common part of directed and mixed graphs."""

    __slots__ = ("_content",)

    _content: Content
    _takes_undirected: ClassVar[bool] = False

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
        return cls._described(formats.described(text, format, undirected=cls._takes_undirected))

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
        return cls._described(formats.described_file(path, format, undirected=cls._takes_undirected))

    @classmethod
    @abstractmethod
    def _described(cls, found: Description) -> Self:
        """The graph that a text describes."""

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
        return self._content.names.of(sorted(self._content.structure.latent))

    @property
    def observed(self) -> tuple[str, ...]:
        """The nodes that are not latent."""
        return self._content.names.of(self._content.structure.observed)

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

    @property
    @abstractmethod
    def n_edges(self) -> int:
        """The number of edges."""

    def __len__(self) -> int:
        return len(self._content.structure)

    def __contains__(self, node: object) -> bool:
        return isinstance(node, str) and node in self._content.names.index

    def __repr__(self) -> str:
        kind = type(self).__name__
        if self.n_edges + len(self) > 60:
            return f"<{kind} of {len(self)} nodes and {self.n_edges} edges>"
        if not self.nodes:
            return f"{kind}()"
        return f"{kind}.parse({'; '.join(self.to_text().split(chr(10)))!r})"
