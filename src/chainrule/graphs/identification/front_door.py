"""Sets that meet the front-door criterion (Pearl 1995): the effect goes through them, and nothing else does.

M meets it for X and Y when

1. every directed path from X to Y meets M;
2. no open back-door path leads from X to M: they are d-separated in the graph without the edges out of X; and
3. X blocks every back-door path from M to Y: they are d-separated by X in the graph without the edges out of M.

Then P(y | do(x)) = ∑_m P(m | x) ∑_x' P(y | x', m) P(x').

The more nodes M has, the fewer paths are left to 3: so there is a largest set with 2 and 3, found by taking out what
spoils it, and some M exists exactly when that one has 1 (Jeong, Tian and Bareinboim 2022).
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from chainrule.graphs.separation import open_from
from chainrule.graphs.structure import Structure

__all__ = ["front_door_set"]


def front_door_set(graph: Structure, xs: set[int], ys: set[int]) -> tuple[int, ...] | None:
    """An observed front-door set (sorted indices) without a proper subset that is one, or ``None``.

    >>> front_door_set(Structure.of([(), (0,), (1,), (0, 2)], latent=[0]), {1}, {3})
    (2,)
    """
    _, behind = open_from(_without_edges_out(graph, xs), xs, set())
    found = _largest(graph, {v for v in graph.observed if not behind[v]} - xs - ys, xs, ys)
    if not _meets_all_paths(graph, found, xs, ys):
        return None
    for v in sorted(found):
        fewer = _largest(graph, found - {v}, xs, ys)
        if v in found and _meets_all_paths(graph, fewer, xs, ys):
            found = fewer
    return tuple(sorted(found))


def _largest(graph: Structure, candidates: set[int], xs: set[int], ys: set[int]) -> set[int]:
    """The largest part of ``candidates`` that meets condition 3."""
    kept = set(candidates)
    while True:
        _, reached = open_from(_without_edges_out(graph, kept), ys, xs)
        spoiling = {v for v in kept if reached[v]}
        if not spoiling:
            return kept
        kept -= spoiling


def _meets_all_paths(graph: Structure, barrier: Set[int], xs: set[int], ys: set[int]) -> bool:
    """Whether every directed path from ``xs`` to ``ys`` meets ``barrier``."""
    seen, stack = set(xs), list(xs)
    while stack:
        fresh = set(graph.children[stack.pop()]) - seen - barrier
        seen |= fresh
        stack += fresh
    return seen.isdisjoint(ys)


def _without_edges_out(graph: Structure, sources: Iterable[int]) -> Structure:
    cut = set(sources)
    return graph.with_parents([u for u in above if u not in cut] for above in graph.parents)
