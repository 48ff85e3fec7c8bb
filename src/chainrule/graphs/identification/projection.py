"""The latent projection of a DAG (Verma and Pearl 1990): the observed nodes, with a -> b and a <-> b between them.

- a -> b where a directed path leads from a to b whose inner nodes are all latent;
- a <-> b where two such paths lead from one latent node to a and to b: unmeasured *confounding*.

A *c-component* (Tian and Pearl 2002) is a maximal set of nodes that <-> joins, through each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from chainrule.graphs.structure import Structure

__all__ = ["Projection"]


@dataclass(frozen=True)
class Projection:
    """``directed``: the edges a -> b, latent nodes left without any; ``confounded``: sets whose members all are <->.

    >>> projection = Projection.of(Structure.of([(), (0,), (0, 1)], latent=[0]))
    >>> projection.directed.parents, projection.confounded
    (((), (), (1,)), (frozenset({1, 2}),))
    """

    directed: Structure
    confounded: tuple[frozenset[int], ...]

    @classmethod
    def of(cls, graph: Structure) -> Projection:
        """The projection onto the observed nodes of an acyclic ``graph``."""
        below: list[set[int]] = [set() for _ in range(len(graph))]  # observed, by a path of latent nodes
        for v in reversed(graph.topological_order()):
            for child in graph.children[v]:
                below[v] |= below[child] if child in graph.latent else {child}
        parents: list[list[int]] = [[] for _ in range(len(graph))]
        for u in graph.observed:
            for v in below[u]:
                parents[v].append(u)
        shared = {frozenset(below[u]) for u in graph.latent if len(below[u]) > 1}
        largest = [some for some in shared if not any(some < other for other in shared)]
        return cls(graph.with_parents(parents), tuple(sorted(largest, key=sorted)))

    def ancestors(self, ys: Iterable[int], within: Set[int]) -> set[int]:
        """``ys`` and everything above them in the graph of the nodes ``within``."""
        return _reachable_within(self.directed.parents, ys, within)

    def component(self, v: int, within: Set[int]) -> set[int]:
        """The c-component of ``v`` in the graph of the nodes ``within``."""
        around: dict[int, set[int]] = {u: set() for u in within}
        for some in self.confounded:
            joined = some & within
            for u in joined:
                around[u] |= joined
        return _reachable_within(around, [v], within)

    def components(self, within: Set[int]) -> list[set[int]]:
        """All c-components of the graph of the nodes ``within``, by their first nodes."""
        left, found = set(within), []
        while left:
            found.append(self.component(min(left), within))
            left -= found[-1]
        return found

    def order(self, within: Set[int]) -> list[int]:
        """The nodes ``within``, parents first."""
        return [v for v in self.directed.topological_order() if v in within]


def _reachable_within(
    neighbours: Sequence[Iterable[int]] | Mapping[int, Iterable[int]], start: Iterable[int], within: Set[int]
) -> set[int]:
    """``start`` and what can be reached from it through nodes ``within``."""
    seen = set(start)
    stack = list(seen)
    while stack:
        fresh = (set(neighbours[stack.pop()]) & within) - seen
        seen |= fresh
        stack += fresh
    return seen
