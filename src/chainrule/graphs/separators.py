"""Separating sets: all minimal ones, one with the fewest nodes, and all.

A *minimal* d-separator of X and Y separates them while no proper subset of it does.  Every minimal one lies
among the ancestors of X and Y, and there d-separation is plain separation in the moral graph of X, Y and
their ancestors (Lauritzen et al. 1990; van der Zander, Liśkiewicz and Textor 2014).  So both questions are
asked of that undirected graph:

- all minimal separators, by growing the side of X (Shen and Liang 1997; Takata 2010).  A minimal separator is
  the border of the part in which Y lies.  A node v of it that does not touch Y may go to the side of X; then
  Y's part shrinks to what can be reached without v's neighbours, and its border is the next separator.  Each
  separator is met once if v, when its turn is over, must stay in all that follow.  The time between two of them
  is polynomial, and so is the memory;
- one with the fewest nodes (``moral_walk``).

Nodes that may not be used (latent ones, for example) are eliminated first: their neighbours are joined with each
other.  What is minimal among the sets without them has no proper subset that separates at all, so it, too, lies
among the ancestors of X and Y.  Nodes that must be used (``included``) join X and Y in the choice of ancestors,
and are then taken out; "minimal" means: among the sets that hold them.

*All* separators, minimal or not, are listed by deciding about one node after the other: whether a separator
exists that holds some nodes and avoids others is one question of d-separation (van der Zander et al. 2014).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from functools import cache
from typing import Protocol, TypeVar

from chainrule.graphs.moral_masks import MoralMasks, bits, eliminate, mask
from chainrule.graphs.moral_walk import MoralWalk
from chainrule.graphs.separation import is_open
from chainrule.graphs.structure import Structure, reachable

__all__ = ["all_separators", "minimal_separators", "minimum_separator", "separators_of_pairs"]

MOST_MASKED = (
    2048  # nodes that bit masks are made for: half a megabyte; 0 forces the walk, which needs no more
)

_NOTHING: frozenset[int] = frozenset()
S = TypeVar("S", int, frozenset[int])


class _Undirected(Protocol[S]):
    """What the listing asks of a graph whose sets of nodes have the type S."""

    def beside(self, some: S, /) -> S: ...
    def border(self, barred: S, /) -> S: ...


def minimal_separators(
    graph: Structure, xs: set[int], ys: set[int], hidden: Set[int], included: Set[int] = _NOTHING
) -> Iterator[tuple[int, ...]]:
    """All minimal d-separators (sorted indices) with ``included`` and without ``hidden`` nodes."""
    if included & hidden:
        return
    if len(reachable(graph.parents, xs | ys | included)) > MOST_MASKED:
        walk = MoralWalk(graph, xs, ys, hidden, included)
        for some in _listed(walk, frozenset(xs), frozenset(ys), _NOTHING, _lowest_of_set):
            yield tuple(sorted(some | included))
        return
    moral, nodes = MoralMasks.of(graph, xs, ys, hidden, included)
    for some in _listed(moral, moral.x, moral.y, 0, _lowest_of_mask):
        separator = [nodes[i] for i in bits(some)]
        yield tuple(sorted([*separator, *included]) if included else separator)


def _listed(moral: _Undirected[S], x: S, y: S, nothing: S, lowest: Callable[[S], S]) -> Iterator[S]:
    """All minimal sets of nodes that part ``x`` from ``y`` in an undirected graph; depth first.

    A set waits with those of its nodes that may leave the side of y, and those that all later sets must keep.
    The part of y is not kept, since the set tells it: so what waits is small in a large graph.
    """
    near, touches_y = moral.beside(x), moral.beside(y)
    if near & y or touches_y & x:
        return
    separator = moral.border(near)
    yield separator
    waiting = [(separator, separator ^ (separator & touches_y), nothing)]
    while waiting:
        separator, movable, kept = waiting.pop()
        if not movable:
            continue
        v = lowest(movable)
        if movable != v:  # or a long chain of separators would leave a trail of frames with nothing to do
            waiting.append((separator, movable ^ v, kept | v))
        border = moral.border(separator | moral.beside(v))
        if kept & border == kept:
            yield border
            waiting.append((border, border ^ (border & (touches_y | kept)), kept))


def _lowest_of_mask(some: int) -> int:
    return some & -some


def _lowest_of_set(some: frozenset[int]) -> frozenset[int]:
    return frozenset((min(some),))


def separators_of_pairs(graph: Structure) -> Iterator[tuple[int, int, Iterator[tuple[int, ...]]]]:
    """Each pair of observed nodes without an edge, and its minimal separators; latent nodes are not used."""
    if len(graph) <= MOST_MASKED:
        yield from _separators_of_masked_pairs(graph)
        return
    observed = graph.observed
    for i, a in enumerate(observed):
        adjacent = {*graph.parents[a], *graph.children[a]}
        for b in observed[i + 1 :]:
            if b not in adjacent:
                yield a, b, minimal_separators(graph, {a}, {b}, graph.latent)


def _separators_of_masked_pairs(graph: Structure) -> Iterator[tuple[int, int, Iterator[tuple[int, ...]]]]:
    """As ``separators_of_pairs``; what many pairs share is made once: ancestors, and the moral graph of them."""
    n, latent = len(graph), graph.latent

    @cache
    def family(v: int) -> tuple[tuple[int, ...], int]:
        members = (*graph.parents[v], v)
        return members, mask(members)

    @cache
    def ancestral(v: int) -> set[int]:
        return reachable(graph.parents, [v])

    def join_families(around: list[int], members: set[int]) -> list[int]:
        for v in members:
            relatives, joined = family(v)
            for u in relatives:
                around[u] |= joined
        return around

    observed = graph.observed
    for i, a in enumerate(observed):
        around_a = join_families([0] * n, ancestral(a))
        adjacent = {*graph.parents[a], *graph.children[a]}
        for b in observed[i + 1 :]:
            if b not in adjacent:
                around = join_families(around_a.copy(), ancestral(b) - ancestral(a))
                for v in latent:
                    eliminate(around, v)
                moral = MoralMasks(around, 1 << a, 1 << b)
                yield a, b, map(bits, _listed(moral, moral.x, moral.y, 0, _lowest_of_mask))


def all_separators(
    graph: Structure, xs: set[int], ys: set[int], hidden: Set[int], included: Set[int] = _NOTHING
) -> Iterator[tuple[int, ...]]:
    """Every d-separator (sorted indices) with ``included`` and without ``hidden`` nodes, each once; polynomial delay.

    A separator that holds ``kept`` and otherwise only ``free`` nodes exists exactly when those of them that are
    xs, ys, ``kept`` or their ancestors are one.
    """
    if included & hidden:
        return
    usable = [v for v in range(len(graph)) if not any(v in some for some in (hidden, xs, ys, included))]

    def exists(kept: set[int], free: set[int]) -> bool:
        above = reachable(graph.parents, xs | ys | kept)
        return not is_open(graph, xs, ys, kept | free & above)

    start = tuple(included)
    waiting: list[tuple[int, tuple[int, ...]]] = [(0, start)] if exists(set(start), set(usable)) else []
    while waiting:
        decided, kept = waiting.pop()
        if decided == len(usable):
            yield tuple(sorted(kept))
            continue
        v, free = usable[decided], set(usable[decided + 1 :])
        choices = ((*kept, v), kept)  # the one without v will be on top and goes first
        waiting += [(decided + 1, choice) for choice in choices if exists(set(choice), free)]


def minimum_separator(
    graph: Structure, xs: set[int], ys: set[int], hidden: Set[int], included: Set[int] = _NOTHING
) -> tuple[int, ...] | None:
    """A d-separator with the fewest nodes (sorted indices), with ``included``, without ``hidden`` ones, or ``None``.

    One search for each node of the answer, each linear in the graph.
    """
    if included & hidden:
        return None
    least = MoralWalk(graph, xs, ys, hidden, included).least_cut()
    return None if least is None else tuple(sorted([*least, *included]))
