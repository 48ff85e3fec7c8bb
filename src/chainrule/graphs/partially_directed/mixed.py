"""A partially directed graph as a plain value: nodes are indices, nothing has a name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.graphs.content import Content

__all__ = ["Mixed"]


@dataclass(frozen=True)
class Mixed:
    """The sets of ``parents`` and ``children`` of each node, and of ``neighbours`` by undirected edges.

    >>> from chainrule.graphs import PDAG
    >>> graph = PDAG.parse("A -> B -- C").mixed
    >>> graph.parents[1], graph.neighbours[1], graph.adjacent(1)
    (frozenset({0}), frozenset({2}), frozenset({0, 2}))
    """

    parents: tuple[frozenset[int], ...]
    children: tuple[frozenset[int], ...]
    neighbours: tuple[frozenset[int], ...]

    @classmethod
    def of(cls, content: Content) -> Mixed:
        """The edges of a graph."""
        beside: list[set[int]] = [set() for _ in range(len(content.structure))]
        for u, v in content.undirected:
            beside[u].add(v)
            beside[v].add(u)
        structure = content.structure
        return cls(*(tuple(map(frozenset, part)) for part in (structure.parents, structure.children, beside)))

    def adjacent(self, v: int) -> frozenset[int]:
        """Every node that is joined to ``v``."""
        return self.parents[v] | self.children[v] | self.neighbours[v]

    def directed(self) -> Iterator[tuple[int, int]]:
        """All directed edges (parent, child), by parent, then by child."""
        return ((u, v) for u, below in enumerate(self.children) for v in sorted(below))

    def undirected(self) -> Iterator[tuple[int, int]]:
        """All undirected edges (u, v) with u < v, sorted."""
        return ((u, v) for u, beside in enumerate(self.neighbours) for v in sorted(beside) if u < v)

    def v_structures(self) -> Iterator[tuple[int, int, int]]:
        """All (a, c, b) with a -> c <- b, a < b and no edge between a and b."""
        for c, above in enumerate(self.parents):
            parents = sorted(above)
            for i, b in enumerate(parents):
                around = self.adjacent(b)
                yield from ((a, c, b) for a in parents[:i] if a not in around)

    def __len__(self) -> int:
        return len(self.parents)
