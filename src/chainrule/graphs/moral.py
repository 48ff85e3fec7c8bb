"""What a DAG looks like without directions: moral graph, Markov blanket, v-structures."""

from __future__ import annotations

from itertools import combinations

from chainrule.graphs.digraph import DirectedGraph

__all__ = ["blanket", "moral_neighbours", "unshielded_colliders"]


def moral_neighbours(graph: DirectedGraph, among: set[int]) -> dict[int, set[int]]:
    """The moral graph of ``among``, a set that holds the parents of each member: who is joined to whom.

    Two nodes are joined when there is an edge between them or when they have a common child.
    """
    around: dict[int, set[int]] = {v: set() for v in among}
    for v in among:
        family = (*graph._parents[v], v)
        for a in family:
            around[a].update(family)
    for v in among:
        around[v].discard(v)
    return around


def blanket(graph: DirectedGraph, v: int) -> set[int]:
    """Parents, children, and the children's other parents of ``v``."""
    out = {*graph._parents[v], *graph._children[v]}
    for child in graph._children[v]:
        out.update(graph._parents[child])
    return out - {v}


def unshielded_colliders(graph: DirectedGraph) -> list[tuple[int, int, int]]:
    """All ``(a, c, b)`` with a -> c <- b, a before b, and no edge between a and b."""
    return [
        (a, c, b)
        for c, above in enumerate(graph._parents)
        for a, b in combinations(above, 2)
        if b not in graph._children[a] and a not in graph._children[b]
    ]
