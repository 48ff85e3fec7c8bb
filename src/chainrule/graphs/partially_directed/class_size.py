"""How many DAGs a partially directed graph stands for, without making them.

The edges that a completed graph leaves undirected fall into connected parts, each directed without regard to others.

- Where no directed edge joins two nodes of a part, as in all CPDAGs, the part is *chordal*, and its acyclic
  orientations without v-structures are counted in polynomial time by *clique picking* (Wienöbst, Bannach and
  Liśkiewicz 2021): each has an order that begins with a maximal clique K.  Directing all edges away from K leaves
  smaller parts; the orders of K that another clique counts, nearer to the root of the clique tree, are left out.
- Elsewhere counting is hard (#P-complete, ibid.): an edge is directed both ways, and what is then left of the part is
  counted as before, each part once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from math import factorial, prod

from chainrule.core.errors import TooLargeError
from chainrule.graphs.partially_directed.orienting import HalfDirected

__all__ = ["n_extensions"]

Nodes = frozenset[int]


def n_extensions(half: HalfDirected, max_steps: int) -> int:
    """The number of DAGs of a completed graph that has one.

    ``TooLargeError`` where more than ``max_steps`` edges would be directed both ways.
    """
    return _Count(half, max_steps).of(range(len(half.adjacent)))


class _Count:
    def __init__(self, half: HalfDirected, max_steps: int) -> None:
        self._half, self._max_steps, self._steps = half, max_steps, 0
        self._known: dict[tuple[Nodes, frozenset[tuple[int, int]]], int] = {}
        self._orientations = _Orientations(half.adjacent)

    def of(self, nodes: Sequence[int] | Nodes) -> int:
        """The ways to direct what is undirected between ``nodes``."""
        # listed, since what follows directs edges
        parts = list(_connected(frozenset(nodes), self._half.undirected))
        return prod(self._of_part(part) for part in parts if len(part) > 1)

    def _of_part(self, part: Nodes) -> int:
        inside = frozenset((a, b) for b in part for a in self._half.parents[b] & part)
        if not inside:
            return self._orientations.of(part)
        found = self._known.get((part, inside))
        if found is None:
            found = self._known[part, inside] = self._both_ways(part)
        return found

    def _both_ways(self, part: Nodes) -> int:
        self._steps += 1
        if self._steps > self._max_steps:
            raise TooLargeError(
                f"counting the DAGs of a graph that is no CPDAG is hard: {self._max_steps:,} steps were not enough; "
                "raise max_steps, or list the first of them"
            )
        half, before = self._half, len(self._half.directed)
        a, b = min((u, v) for u in part for v in half.undirected[u] & part)
        found = 0
        for edge in ((a, b), (b, a)):
            half.direct(*edge)
            found += self.of(part)
            half.undo(before)
        return found


class _Orientations:
    """Acyclic orientations without v-structures of connected chordal graphs, each induced by a set of nodes."""

    def __init__(self, around: Sequence[AbstractSet[int]]) -> None:
        self._around = around
        self._known: dict[Nodes, int] = {}

    def of(self, nodes: Nodes) -> int:
        """How many there are of the graph on ``nodes``; each set is counted once."""
        waiting = [(nodes, self._first_cliques(nodes))]  # no recursion: a path has as many levels as nodes
        while waiting:
            part, firsts = waiting[-1]
            needed = {rest for first in firsts for rest in first.rests} - self._known.keys()
            if needed:
                waiting += [(rest, self._first_cliques(rest)) for rest in needed]
                continue
            self._known[part] = sum(
                n_orders(first.size, first.counted) * prod(self._known[rest] for rest in first.rests)
                for first in firsts
            )
            waiting.pop()
        return self._known[nodes]

    def _first_cliques(self, part: Nodes) -> list[_First]:
        """What is to be summed for each maximal clique of a part."""
        cliques, above, separators = _clique_tree(part, self._around)
        firsts = []
        for k, clique in enumerate(cliques):
            counted, j = set(), k
            while j:  # the root is the first
                if separators[j] <= clique:
                    counted.add(len(separators[j]))
                j = above[j]
            rests = [
                rest
                for layer in _layers(clique, part, self._around)
                for rest in _connected(layer, self._around)
                if len(rest) > 1
            ]
            firsts.append(_First(len(clique), tuple(sorted(counted)), tuple(rests)))
        return firsts


@dataclass(frozen=True)
class _First:
    """A clique that comes first: its size, the sizes of the parts of it with which an order that another clique counts
    begins, and the ``rests`` that stay undirected."""

    size: int
    counted: tuple[int, ...]
    rests: tuple[Nodes, ...]


@cache
def n_orders(n: int, sizes: tuple[int, ...]) -> int:
    """Orders of n things that begin with none of some sets, of these rising ``sizes``, each inside the next.

    >>> n_orders(3, ()), n_orders(3, (1,)), n_orders(3, (1, 2))
    (6, 4, 3)
    """
    beginning = (
        n_orders(k, sizes[:i]) * factorial(n - k) for i, k in enumerate(sizes)
    )  # with that set first of all
    return factorial(n) - sum(beginning)


def _clique_tree(
    part: Nodes, around: Sequence[AbstractSet[int]]
) -> tuple[list[set[int]], list[int], list[set[int]]]:
    """The maximal cliques of a connected chordal graph; who is above each in a tree, and what it shares with that one.

    By maximum cardinality search (Blair and Peyton 1993); clique 0 is the root.
    """
    n_met = dict.fromkeys(sorted(part), 0)
    cliques: list[set[int]] = []
    above, separators = [0], [set[int]()]
    place: dict[int, tuple[int, int]] = {}  # when a node was met, and its clique
    before = -1
    while n_met:
        v = max(n_met, key=n_met.__getitem__)
        n = n_met.pop(v)
        met = {u for u in around[v] if u in place}
        if n <= before or not cliques:
            if cliques:
                above.append(max(place[u] for u in met)[1])
                separators.append(met)
            cliques.append(set(met))
        cliques[-1].add(v)
        place[v], before = (len(place), len(cliques) - 1), n
        for u in around[v]:
            if u in n_met:
                n_met[u] += 1
    return cliques, above, separators


def _layers(clique: set[int], part: Nodes, around: Sequence[AbstractSet[int]]) -> Iterator[set[int]]:
    """Sets of nodes between which edges stay undirected where all edges are directed away from ``clique``.

    Lexicographic breadth-first search: a layer are nodes that the same nodes lead to (algorithm 1 of Wienöbst et al.).
    """
    groups, done = [set(clique), set(part - clique)], set(clique)
    while groups := [group for group in groups if group]:
        first = groups[0]
        if not done & first:
            yield set(first)
            done |= first
        near = around[first.pop()]
        groups = [half for group in groups for half in (group & near, group - near)]


def _connected(nodes: AbstractSet[int], around: Sequence[AbstractSet[int]]) -> Iterator[Nodes]:
    """The connected parts of the graph on ``nodes``."""
    left = set(nodes)
    while left:
        part, waiting = set[int](), [left.pop()]
        while waiting:
            v = waiting.pop()
            part.add(v)
            near = around[v] & left
            left -= near
            waiting += near
        yield frozenset(part)
