"""Markov equivalence: which edges of a DAG all DAGs with the same d-separations share, and who they are.

Two DAGs have the same d-separations exactly when they have the same edges without directions and the same
v-structures (Verma and Pearl 1990).  The *completed partially directed graph* (CPDAG) stands for the whole class:
an edge is directed in it (compelled) where all members agree on its direction, undirected (reversible) where
they do not.

- From a DAG: edges are labelled in an order of the nodes, each by its family alone (Chickering 1995).
- All members: choose a direction for an undirected edge, follow Meek's four rules (1995), and repeat.  The rules
  are complete: what they leave undirected can still go either way, so that no choice is a dead end and the time
  between two members is polynomial.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chainrule.graphs.content import Content
from chainrule.graphs.formats.plain import quote_name
from chainrule.graphs.structure import Structure

__all__ = ["CPDAG", "cpdag", "equivalent_parents"]


@dataclass(frozen=True, eq=False)
class CPDAG:
    """A class of Markov equivalent DAGs: ``directed`` edges (parent, child), and ``undirected`` pairs.

    >>> from chainrule.graphs import DAG
    >>> DAG.parse("A -> B -> C").cpdag() == DAG.parse("A <- B <- C").cpdag()
    True
    """

    nodes: tuple[str, ...]
    directed: tuple[tuple[str, str], ...]
    undirected: tuple[tuple[str, str], ...]

    def text(self) -> str:
        """One edge in a line, ``A -> B`` or ``A -- B``; a node without edges stands alone.

        >>> print(CPDAG(("A", "B", "C", "D"), (), (("A", "C"),)).text())
        A -- C
        B
        D
        """
        joined = {name for edge in (*self.directed, *self.undirected) for name in edge}
        lines = [f"{quote_name(a)} -> {quote_name(b)}" for a, b in self.directed]
        lines += [f"{quote_name(a)} -- {quote_name(b)}" for a, b in self.undirected]
        return "\n".join([*lines, *(quote_name(name) for name in self.nodes if name not in joined)])

    def _parts(self) -> tuple[frozenset[str], frozenset[tuple[str, str]], frozenset[frozenset[str]]]:
        return frozenset(self.nodes), frozenset(self.directed), frozenset(map(frozenset, self.undirected))

    def __eq__(self, other: object) -> bool:
        """Same names and same edges; the order of the nodes does not matter."""
        return self._parts() == other._parts() if isinstance(other, CPDAG) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._parts())


def cpdag(content: Content) -> CPDAG:
    """The CPDAG of a DAG; edges come by parent, then by child, undirected ones with the first node first."""
    graph, name = content.structure, content.names.all
    compelled = compelled_edges(graph)
    directed, undirected = [], []
    for u, below in enumerate(graph.children):
        for v in below:
            if (u, v) in compelled:
                directed.append((name[u], name[v]))
            else:
                undirected.append((name[u], name[v]) if u < v else (name[v], name[u]))
    return CPDAG(name, tuple(directed), tuple(undirected))


def compelled_edges(graph: Structure) -> set[tuple[int, int]]:
    """The edges (parent, child) of a DAG that all equivalent DAGs have in this direction."""
    order, above = graph.topological_order(), graph.parents
    place = {v: i for i, v in enumerate(order)}
    compelled: set[tuple[int, int]] = set()
    for y in order:
        parents = set(above[y])
        if not parents:
            continue
        x = max(parents, key=place.__getitem__)
        forced = [w for w in above[x] if (w, x) in compelled]
        if parents.issuperset(forced) and parents <= {x, *above[x]}:
            compelled.update((w, y) for w in forced)
        else:
            compelled.update((w, y) for w in parents)
    return compelled


def equivalent_parents(graph: Structure) -> Iterator[list[tuple[int, ...]]]:
    """For each DAG that is equivalent to this one, once: the sorted parents of each node."""
    compelled = compelled_edges(graph)
    half = _HalfDirected(graph, compelled)
    edges = [edge for edge in graph.edges() if edge not in compelled]
    chosen: list[tuple[int, int]] = []  # edges that went one way by choice, and what was directed before that
    i = 0
    while True:
        while i < len(edges) and edges[i][1] not in half.undirected[edges[i][0]]:
            i += 1
        if i < len(edges):
            chosen.append((i, len(half.directed)))
            half.direct(*edges[i])
            continue
        yield [tuple(sorted(above)) for above in half.parents]
        if not chosen:
            return
        i, before = chosen.pop()
        half.undo(before)
        half.direct(*edges[i][::-1])


class _HalfDirected:
    """A graph on its way from a CPDAG to one of its members; ``directed`` is the history of what was directed."""

    def __init__(self, graph: Structure, compelled: set[tuple[int, int]]) -> None:
        self.adjacent = [{*above, *below} for above, below in zip(graph.parents, graph.children, strict=True)]
        self.parents: list[set[int]] = [set() for _ in self.adjacent]
        self.children: list[set[int]] = [set() for _ in self.adjacent]
        self.undirected = [set(around) for around in self.adjacent]
        self.directed: list[tuple[int, int]] = []
        for a, b in compelled:
            self._set(a, b)

    def _set(self, a: int, b: int) -> None:
        self.undirected[a].discard(b)
        self.undirected[b].discard(a)
        self.parents[b].add(a)
        self.children[a].add(b)
        self.directed.append((a, b))

    def undo(self, length: int) -> None:
        """Take back all but the first ``length`` directions."""
        while len(self.directed) > length:
            a, b = self.directed.pop()
            self.parents[b].discard(a)
            self.children[a].discard(b)
            self.undirected[a].add(b)
            self.undirected[b].add(a)

    def direct(self, a: int, b: int) -> None:
        """Direct a -> b, and all that follows from it."""
        waiting = [(a, b)]
        while waiting:
            a, b = waiting.pop()
            if b in self.undirected[a]:
                self._set(a, b)
                waiting += self._follow(a, b)

    def _follow(self, a: int, b: int) -> Iterator[tuple[int, int]]:
        """What Meek's rules direct because of a -> b."""
        open_a, open_b = self.undirected[a], self.undirected[b]
        yield from ((b, c) for c in open_b - self.adjacent[a])  # 1: a -> b - c would be a new v-structure
        yield from ((a, c) for c in open_a & self.children[b])  # 2: a -> b -> c - a would be a cycle
        yield from ((c, b) for c in open_b & self.parents[a])  # 2: c -> a -> b - c
        for d in self.parents[b] - self.adjacent[a] - {a}:  # 3: a - c - d, and a -> b <- d
            yield from ((c, b) for c in open_a & self.undirected[d] & open_b)
        for d in self.children[b] - self.adjacent[a]:  # 4: a -> b -> d, c is next to all, and a - c - d
            yield from ((c, d) for c in open_a & self.undirected[d] & self.adjacent[b])
        for d in self.parents[a] - self.adjacent[b]:  # 4: d -> a -> b, likewise
            yield from ((c, b) for c in self.undirected[d] & open_b & self.adjacent[a])
