"""What a DAG looks like without directions: moral graph, Markov blanket, v-structures."""

from __future__ import annotations

from collections.abc import Container, Iterable
from itertools import combinations

from chainrule.graphs.digraph import DirectedGraph, reachable

__all__ = ["blanket", "eliminate", "moral_neighbours", "unshielded_colliders"]


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


def eliminate(around: dict[int, set[int]], hidden: Iterable[int]) -> None:
    """Take the ``hidden`` nodes out of an undirected graph, and join what paths through them joined.

    A set of the nodes that are left separates the same nodes as before.
    """
    for v in hidden:
        beside = around.pop(v)
        for u in beside:
            around[u] |= beside
            around[u] -= {u, v}


def blanket(graph: DirectedGraph, v: int, others: Iterable[int] | None = None) -> set[int]:
    """The least part of ``others`` that shields ``v`` from the rest of them: its Markov boundary there.

    ``others`` are observed; without them, they are all observed nodes.  The boundary is what borders on ``v`` in
    the moral graph of all these and their ancestors; behind a latent neighbour, what borders on that one.
    """
    if graph._latent or others is not None:
        observed = set(range(len(graph))) - graph._latent if others is None else others
        among: Container[int] = reachable(graph._parents, {v, *observed})
    else:
        among = range(len(graph))
    seen, shield, stack = {v}, set(), [v]
    while stack:
        u = stack.pop()
        below = [c for c in graph._children[u] if c in among]
        beside = {*graph._parents[u], *below}.union(*(graph._parents[c] for c in below)) - seen
        seen |= beside
        shield |= beside - graph._latent
        stack += beside & graph._latent
    return shield


def unshielded_colliders(graph: DirectedGraph) -> list[tuple[int, int, int]]:
    """All ``(a, c, b)`` with a -> c <- b, a before b, and no edge between a and b."""
    return [
        (a, c, b)
        for c, above in enumerate(graph._parents)
        for a, b in combinations(above, 2)
        if b not in graph._children[a] and a not in graph._children[b]
    ]
