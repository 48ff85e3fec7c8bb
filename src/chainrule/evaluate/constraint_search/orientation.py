"""Which way edges lead: what is known ahead, then v-structures, then Meek's rules in rounds.

Where a -- c -- b, and a and b are not joined, c is the middle of a v-structure a -> c <- b exactly if the set that
separates a and b does not hold c.  Tests err, and what they say may contradict what is known or each other: then the
edge keeps what is known, or no direction at all, and the contradiction is listed.  Each round applies the rules to the
graph as it was when the round began (``graphs/partially_directed/orienting`` has the rules), so that the order in which
edges are looked at does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from chainrule.evaluate.constraint_search.skeleton import Skeleton
from chainrule.models.bayesian_network.structure.edge_rules import EdgeRules

__all__ = ["Orientation"]

Edge = tuple[int, int]


class Orientation:
    """The edges of a skeleton, given directions; ``conflicts`` says which tests contradict each other."""

    def __init__(self, names: Sequence[str], skeleton: Skeleton, rules: EdgeRules) -> None:
        self._names, self._skeleton, self._rules = names, skeleton, rules
        self._adjacent = skeleton.adjacent
        self._undirected = [set(around) for around in skeleton.adjacent]
        self._parents: list[set[int]] = [set() for _ in names]
        self._children: list[set[int]] = [set() for _ in names]
        self._open: set[frozenset[int]] = set()  # edges that stay undirected, whatever the rules say
        self.conflicts: list[str] = []
        for u, around in enumerate(self._adjacent):
            for v in around:
                if not self._may_be(v, u):
                    self._direct(u, v)
        self._direct_all(self._colliders())
        while arrows := set(self._implied()):
            self._direct_all(arrows)

    def directed(self) -> list[tuple[str, str]]:
        """The directed edges, by name."""
        return [
            (self._names[u], self._names[v]) for u, below in enumerate(self._children) for v in sorted(below)
        ]

    def undirected(self) -> list[tuple[str, str]]:
        """The others, each once."""
        return [
            (self._names[u], self._names[v])
            for u, beside in enumerate(self._undirected)
            for v in sorted(beside)
            if u < v
        ]

    def _may_be(self, u: int, v: int) -> bool:
        """Whether an edge of the two may lead from u to v."""
        return bool(self._rules.allowed[v] >> u & 1) and not self._rules.required[u] >> v & 1

    def _direct(self, u: int, v: int) -> None:
        self._undirected[u].discard(v)
        self._undirected[v].discard(u)
        self._parents[v].add(u)
        self._children[u].add(v)

    def _direct_all(self, arrows: set[Edge]) -> None:
        """Direct edges that are undirected; those that are to lead both ways stay so for good."""
        for u, v in sorted(arrows):
            if (v, u) in arrows:
                if u < v:
                    self._open.add(frozenset((u, v)))
                    self._conflict(u, v, "tests say both directions")
            elif v in self._undirected[u]:
                self._direct(u, v)

    def _conflict(self, u: int, v: int, what: str) -> None:
        a, b = sorted((self._names[u], self._names[v]))
        self.conflicts.append(f"{a} -- {b}: {what}")

    def _colliders(self) -> set[Edge]:
        """The edges of all v-structures that the separating sets tell of."""
        arrows: set[Edge] = set()
        for c, around in enumerate(self._adjacent):
            for a, b in combinations(sorted(around), 2):
                pair = self._skeleton.pairs[a, b]
                if pair.joined or pair.best is None or self._names[c] in pair.best.given:
                    continue
                if self._may_be(a, c) and self._may_be(b, c):
                    arrows |= {(a, c), (b, c)}
                else:
                    left, middle, right = (self._names[v] for v in (a, c, b))
                    left, right = sorted((left, right))
                    self.conflicts.append(
                        f"{left} -> {middle} <- {right}: tests say so, what is known ahead does not"
                    )
        return arrows

    def _implied(self) -> Iterator[Edge]:
        for a, beside in enumerate(self._undirected):
            yield from ((a, b) for b in beside if frozenset((a, b)) not in self._open and self._must(a, b))

    def _must(self, a: int, b: int) -> bool:
        """Whether one of Meek's four rules directs a -> b."""
        above_b, next_to_a, next_to_b = self._parents[b], self._adjacent[a], self._adjacent[b]
        if self._parents[a] - next_to_b or self._children[a] & above_b:  # 1: c -> a -- b, 2: a -> c -> b
            return True
        middle = self._undirected[a] & above_b  # 3: a -- c -> b <- d -- a
        if any(d not in self._adjacent[c] for c, d in combinations(sorted(middle), 2)):
            return True
        return any(  # 4: a -- c -> d -> b
            self._children[c] & above_b & next_to_a for c in self._undirected[a] - next_to_b
        )
