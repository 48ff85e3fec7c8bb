"""All that a graph holds, as one plain value: names, structure, marks.  What formats write and explanations name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from chainrule.graphs.marks import Marks
from chainrule.graphs.names import NodeNames
from chainrule.graphs.structure import Structure

__all__ = ["Content"]


@dataclass(frozen=True)
class Content:
    """Node i of ``structure`` is called ``names.all[i]``; ``marks`` are notes that algorithms do not read.

    ``undirected`` edges are pairs (u, v) with u < v, sorted; the directed ones are those of ``structure``.
    """

    names: NodeNames
    structure: Structure
    marks: Marks = field(default_factory=Marks)
    undirected: tuple[tuple[int, int], ...] = ()

    def edges(self) -> Iterator[tuple[str, str]]:
        """All pairs (parent, child) as names, by parent, then by child."""
        name = self.names.all
        return ((name[u], name[v]) for u, v in self.structure.edges())

    def undirected_edges(self) -> Iterator[tuple[str, str]]:
        """The undirected pairs as names, by the first node, then by the second."""
        name = self.names.all
        return ((name[u], name[v]) for u, v in self.undirected)

    def with_parents(
        self, parents: Iterable[Iterable[int]], undirected: Iterable[tuple[int, int]] = ()
    ) -> Content:
        """The same nodes and marks with other edges."""
        return Content(self.names, self.structure.with_parents(parents), self.marks, tuple(undirected))
