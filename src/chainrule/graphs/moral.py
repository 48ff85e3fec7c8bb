"""What a DAG looks like without directions: moral graph, Markov blanket, v-structures."""

from __future__ import annotations

from collections.abc import Container, Iterable
from itertools import combinations

from chainrule.graphs.structure import Structure, reachable

__all__ = ["blanket", "moral_neighbours", "unshielded_colliders"]


def moral_neighbours(graph: Structure) -> list[set[int]]:
    """The moral graph: to whom each node is joined, by an edge or by a common child."""
    around: list[set[int]] = [set() for _ in range(len(graph))]
    for v, above in enumerate(graph.parents):
        family = (*above, v)
        for a in family:
            around[a].update(family)
    for v, beside in enumerate(around):
        beside.discard(v)
    return around


def blanket(graph: Structure, v: int, others: Iterable[int] | None = None) -> set[int]:
    """The least part of ``others`` that shields ``v`` from the rest of them: its Markov boundary there.

    ``others`` are observed; without them, they are all observed nodes.  The boundary is what borders on ``v`` in
    the moral graph of all these and their ancestors; behind a latent neighbour, what borders on that one.
    """
    if graph.latent or others is not None:
        observed = set(range(len(graph))) - graph.latent if others is None else others
        among: Container[int] = reachable(graph.parents, {v, *observed})
    else:
        among = range(len(graph))
    seen, shield, stack = {v}, set(), [v]
    while stack:
        u = stack.pop()
        below = [c for c in graph.children[u] if c in among]
        beside = {*graph.parents[u], *below}.union(*(graph.parents[c] for c in below)) - seen
        seen |= beside
        shield |= beside - graph.latent
        stack += beside & graph.latent
    return shield


def unshielded_colliders(graph: Structure) -> list[tuple[int, int, int]]:
    """All ``(a, c, b)`` with a -> c <- b, a before b, and no edge between a and b."""
    return [
        (a, c, b)
        for c, above in enumerate(graph.parents)
        for a, b in combinations(above, 2)
        if b not in graph.children[a] and a not in graph.children[b]
    ]
