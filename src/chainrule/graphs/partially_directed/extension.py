"""A DAG that a partially directed graph stands for, or what shows that there is none (Dor and Tarsi 1992).

A DAG has a *sink*, a node that no edge leaves.  So take a node that can be one: no directed edge leaves it, and who is
joined to it by an undirected edge is joined to all others around it, so that directing all edges into it makes no new
v-structure.  Direct them, take it out, and repeat: if any extension exists, no choice is wrong.  Where no node is left
that could be a sink, none exists, and what is left shows it: each of its nodes has an edge that leaves it, or would
become a v-structure.  At most n² times the square of the largest degree.
"""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.graphs.cycles import find_cycle
from chainrule.graphs.partially_directed.mixed import Mixed
from chainrule.graphs.structure import Structure

__all__ = ["Stuck", "extended_parents"]


@dataclass(frozen=True)
class Stuck:
    """Why there is no extension: a directed ``cycle``, or ``colliders``.

    These are (a, c, b), one for each node c that no edge leaves to others that are ``left``: were it the last of them,
    a -> c <- b would be a new v-structure.
    """

    left: tuple[int, ...]
    cycle: tuple[int, ...] = ()
    colliders: tuple[tuple[int, int, int], ...] = ()


def extended_parents(graph: Mixed) -> list[tuple[int, ...]] | Stuck:
    """The sorted parents of each node in a consistent extension; where there is a choice, later nodes come last."""
    cycle = find_cycle(Structure.of(map(sorted, graph.parents)))
    if cycle is not None:
        return Stuck(tuple(cycle), tuple(cycle))
    n = len(graph)
    around = [set(graph.adjacent(v)) for v in range(n)]
    below = [set(children) for children in graph.children]
    beside = [set(neighbours) for neighbours in graph.neighbours]
    parents: list[tuple[int, ...]] = [()] * n
    left = list(range(n))
    while left:
        colliders = []
        for at in reversed(range(len(left))):
            sink = left[at]
            if below[sink]:
                continue
            collider = _collider(sink, beside[sink], around)
            if collider is None:
                break
            colliders.append(collider)
        else:
            return Stuck(tuple(left), colliders=tuple(reversed(colliders)))
        del left[at]
        parents[sink] = tuple(sorted(around[sink]))
        for u in parents[sink]:
            for sets in (around, below, beside):
                sets[u].discard(sink)
    return parents


def _collider(sink: int, beside: set[int], around: list[set[int]]) -> tuple[int, int, int] | None:
    """A new v-structure that there would be if all edges led into ``sink``."""
    for u in sorted(beside):
        for other in sorted(around[sink] - around[u] - {u}):
            return u, sink, other
    return None
