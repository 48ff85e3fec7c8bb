"""The structural intervention distance: how many effects a wrong graph gets wrong (Peters and Bühlmann 2015).

A DAG gives p(x_j | do(x_i)) by adjustment for the parents of i, and says that i has no effect on its parents.  Of the
n (n - 1) ordered pairs (i, j) the distance counts those for which the parents of i in the found graph give a wrong
answer in some distribution along the true one:

- j is a parent of i in the found graph, and a descendant of i in the true one; or
- j is no parent, and the parents of i there are no adjustment set for i and j in the true graph (``adjustment``).

It is 0 exactly where the found graph has all edges of the true one, and it is not symmetric.
"""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.graphs.separation import open_from
from chainrule.graphs.structure import Structure

__all__ = ["intervention_distance"]


def intervention_distance(found: Structure, truth: Structure) -> int:
    """The distance of two DAGs on the same n nodes; at most n² times linear time, less where nodes have few children.

    >>> chain, fork = Structure.of([(), (0,), (1,)]), Structure.of([(1,), (), (1,)])
    >>> intervention_distance(fork, chain), intervention_distance(chain, chain)
    (3, 0)
    """
    below = _below(truth)
    above = [sum(1 << u for u in range(len(truth)) if below[u] >> v & 1) for v in range(len(truth))]
    return sum(len(_wrong(i, set(found.parents[i]), truth, below, above)) for i in range(len(truth)))


def _below(graph: Structure) -> list[int]:
    """Each node and its descendants, as a set in the bits of a whole number."""
    below = [1 << v for v in range(len(graph))]
    for v in reversed(graph.topological_order()):
        for w in graph.children[v]:
            below[v] |= below[w]
    return below


def _wrong(i: int, given: set[int], truth: Structure, below: list[int], above: list[int]) -> set[int]:
    """The nodes j on which the effect of i is wrong by adjustment for ``given``."""
    affected = below[i] ^ 1 << i
    wrong = {j for j in given if affected >> j & 1}
    spoiled = [z for z in given if affected >> z & 1]
    groups: dict[tuple[int, ...], list[int]] = {}  # by the first edges of causal paths
    for j in range(len(truth)):
        if j == i or j in given:
            continue
        if any(affected & above[j] & above[z] for z in spoiled):  # z is on a causal path, or below one
            wrong.add(j)
        else:
            groups.setdefault(tuple(c for c in truth.children[i] if below[c] >> j & 1), []).append(j)
    for first, js in groups.items():
        _, reached = open_from(_without(truth, i, first), {i}, given)
        wrong.update(j for j in js if reached[j])
    return wrong


def _without(graph: Structure, i: int, children: tuple[int, ...]) -> Structure:
    """The graph without the edges from i to these children."""
    if not children:
        return graph

    def parents() -> Iterator[tuple[int, ...]]:
        for v, above in enumerate(graph.parents):
            yield tuple(u for u in above if u != i) if v in children else above

    return Structure.of(parents())
