"""What follows from some directions: Meek's rules (1995), one choice after another, and all DAGs that result.

An undirected edge is directed where the other way would make a v-structure or a cycle:

1. a -> b -- c, and a and c are not joined: b -> c;
2. a -> b -> c, and a -- c: a -> c;
3. a -- b, a -- c -> b and a -- d -> b, and c and d are not joined: a -> b;
4. a -- b, a -- c -> d -> b, a and d are joined, and c and b are not: a -> b.

From the v-structures of a DAG the first three give all that its class shares, its CPDAG; with further directions that
some member has all four do.  What is then undirected can go either way, so that no choice is a dead end, and the time
between two DAGs is polynomial.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from chainrule.graphs.partially_directed.mixed import Mixed

__all__ = ["HalfDirected", "all_parents"]


class HalfDirected:
    """Joined nodes, some of whose edges are directed; ``directed`` is the history of what was directed.

    Begin with edges that are ``directed`` already; ``complete`` follows the rules from there.
    """

    def __init__(
        self, adjacent: Sequence[AbstractSet[int]], directed: Iterable[tuple[int, int]] = ()
    ) -> None:
        self.adjacent = adjacent
        self.parents: list[set[int]] = [set() for _ in adjacent]
        self.children: list[set[int]] = [set() for _ in adjacent]
        self.undirected = [set(around) for around in adjacent]
        self.directed: list[tuple[int, int]] = []
        for a, b in directed:
            self._set(a, b)

    @classmethod
    def of(cls, graph: Mixed) -> HalfDirected:
        """The edges of ``graph``, before anything follows from them."""
        return cls([graph.adjacent(v) for v in range(len(graph))], graph.directed())

    def mixed(self) -> Mixed:
        """The graph as it is now, as a value."""
        return Mixed(
            *(tuple(map(frozenset, part)) for part in (self.parents, self.children, self.undirected))
        )

    def complete(self) -> HalfDirected:
        """Direct all that follows from what is directed; the object itself."""
        for a, b in tuple(self.directed):
            self._direct_all(self._follow(a, b))
        return self

    def direct(self, a: int, b: int) -> None:
        """Direct a -> b, and all that follows from it."""
        self._direct_all([(a, b)])

    def undo(self, length: int) -> None:
        """Take back all but the first ``length`` directions."""
        while len(self.directed) > length:
            a, b = self.directed.pop()
            self.parents[b].discard(a)
            self.children[a].discard(b)
            self.undirected[a].add(b)
            self.undirected[b].add(a)

    def _set(self, a: int, b: int) -> None:
        self.undirected[a].discard(b)
        self.undirected[b].discard(a)
        self.parents[b].add(a)
        self.children[a].add(b)
        self.directed.append((a, b))

    def _direct_all(self, edges: Iterable[tuple[int, int]]) -> None:
        waiting = list(edges)
        while waiting:
            a, b = waiting.pop()
            if b in self.undirected[a]:
                self._set(a, b)
                waiting += self._follow(a, b)

    def _follow(self, a: int, b: int) -> Iterator[tuple[int, int]]:
        """What the rules direct because of a -> b, in whichever place of a rule it stands."""
        open_a, open_b = self.undirected[a], self.undirected[b]
        yield from ((b, c) for c in open_b - self.adjacent[a])  # 1: a -> b -- c would be a v-structure
        yield from ((a, c) for c in open_a & self.children[b])  # 2: a -> b -> c -- a would be a cycle
        yield from ((c, b) for c in open_b & self.parents[a])  # 2: c -> a -> b -- c
        for d in self.parents[b] - self.adjacent[a] - {a}:  # 3: a -- c -- d, and a -> b <- d
            yield from ((c, b) for c in open_a & self.undirected[d] & open_b)
        for d in self.children[b] - self.adjacent[a]:  # 4: a -> b -> d, c is next to all, and a -- c -- d
            yield from ((c, d) for c in open_a & self.undirected[d] & self.adjacent[b])
        for d in self.parents[a] - self.adjacent[b]:  # 4: d -> a -> b, likewise
            yield from ((c, b) for c in self.undirected[d] & open_b & self.adjacent[a])


def all_parents(half: HalfDirected) -> Iterator[list[tuple[int, ...]]]:
    """For each DAG that a completed graph with an extension stands for, once: the sorted parents of each node.

    ``half`` is at work meanwhile.
    """
    edges = list(half.mixed().undirected())
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
