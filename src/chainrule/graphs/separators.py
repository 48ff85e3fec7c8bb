"""Separating sets: all minimal ones, and one with the fewest nodes.

A *minimal* d-separator of X and Y separates them while no proper subset of it does.  Every minimal one lies
among the ancestors of X and Y, and there d-separation is plain separation in the moral graph of X, Y and
their ancestors (Lauritzen et al. 1990; van der Zander, Liśkiewicz and Textor 2014).  So both questions are
asked of that undirected graph:

- all minimal separators, by growing the side of X (Shen and Liang 1997; Takata 2010).  A minimal separator is
  the border of the part D in which Y lies.  A node v of it that does not touch Y may go to the side of X; then
  D shrinks to the part of D without v's neighbours in which Y lies, and its border is the next separator.  Each
  separator is met once if v, when its turn is over, must stay in all that follow.  The time between two of them
  is polynomial, and so is the memory;
- one with the fewest nodes, by Menger's theorem: as many node-disjoint paths as there are, and then the
  nodes where the last search stops.

Nodes that may not be used (latent ones, for example) are eliminated first: their neighbours are joined with each
other.  What is minimal among the sets without them has no proper subset that separates at all, so it, too, lies
among the ancestors of X and Y.

*All* separators, minimal or not, are listed by deciding about one node after the other: whether a separator
exists that holds some nodes and avoids others is one question of d-separation (van der Zander et al. 2014).

Sets of nodes are the bits of Python integers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Set
from functools import cache

from chainrule.graphs.digraph import DirectedGraph, reachable
from chainrule.graphs.moral import eliminate, moral_neighbours
from chainrule.graphs.separation import is_open

__all__ = ["all_separators", "minimal_separators", "minimum_separator", "separators_of_pairs"]


def minimal_separators(
    graph: DirectedGraph, xs: set[int], ys: set[int], hidden: Set[int]
) -> Iterator[tuple[int, ...]]:
    """All minimal d-separators (sorted indices) without ``hidden`` nodes; none where nothing separates."""
    moral = _separable_part(graph, xs, ys, hidden)
    nodes = sorted(moral)
    position = {v: i for i, v in enumerate(nodes)}
    around = [_mask(position[u] for u in moral[v]) for v in nodes]
    x, y = _mask(position[v] for v in xs), _mask(position[v] for v in ys)
    for separator in _undirected_minimal_separators(around, x, y):
        yield tuple(nodes[i] for i in _bits(separator))


def _separable_part(
    graph: DirectedGraph, xs: set[int], ys: set[int], hidden: Set[int]
) -> dict[int, set[int]]:
    """The moral graph of ``xs``, ``ys`` and their ancestors, without the others that are ``hidden``."""
    ancestral = reachable(graph._parents, xs | ys)
    around = moral_neighbours(graph, ancestral)
    eliminate(around, sorted(hidden & ancestral - xs - ys))
    return around


def separators_of_pairs(graph: DirectedGraph) -> Iterator[tuple[int, int, Iterator[tuple[int, ...]]]]:
    """Each pair of observed nodes without an edge, and its minimal separators; latent nodes are not used.

    What many pairs share is made once: the ancestors of a node, and the moral graph of them.
    """
    n, latent = len(graph), graph._latent

    @cache
    def family(v: int) -> tuple[tuple[int, ...], int]:
        members = (*graph._parents[v], v)
        return members, _mask(members)

    @cache
    def ancestral(v: int) -> set[int]:
        return reachable(graph._parents, [v])

    def join_families(around: list[int], members: set[int]) -> list[int]:
        for v in members:
            relatives, mask = family(v)
            for u in relatives:
                around[u] |= mask
        return around

    observed = [v for v in range(n) if v not in latent]
    for i, a in enumerate(observed):
        around_a = join_families([0] * n, ancestral(a))
        adjacent = {*graph._parents[a], *graph._children[a]}
        for b in observed[i + 1 :]:
            if b not in adjacent:
                around = join_families(around_a.copy(), ancestral(b) - ancestral(a))
                for v in latent:
                    _eliminate(around, v)
                yield a, b, map(_bits, _undirected_minimal_separators(around, 1 << a, 1 << b))


def _eliminate(around: list[int], v: int) -> None:
    """Join all neighbours of ``v`` with each other, and take it out."""
    beside, itself = around[v], 1 << v
    for u in _bits(beside):
        around[u] = (around[u] | beside) & ~itself


def _undirected_minimal_separators(around: list[int], x: int, y: int) -> Iterator[int]:
    """All minimal sets of nodes that part ``x`` from ``y`` in an undirected graph, as masks; depth first.

    A node may be among its own neighbours.
    """
    near, touches_y = x, y
    for v in _bits(x):
        near |= around[v]
    for v in _bits(y):
        touches_y |= around[v]
    if near & y or touches_y & x:
        return
    far, separator = _side(around, y, ~near)
    yield separator
    # of separators that keep some nodes: the side of y, and those nodes of the last one that may leave it
    waiting = [(far, separator & ~touches_y, 0)]
    while waiting:
        far, movable, kept = waiting.pop()
        if movable:
            v = movable & -movable
            waiting.append((far, movable ^ v, kept | v))
            inner, border = _side(around, y, far & ~around[v.bit_length() - 1])
            if not kept & ~border:
                yield border
                waiting.append((inner, border & ~touches_y & ~kept, kept))


def _side(around: list[int], start: int, allowed: int) -> tuple[int, int]:
    """``start`` and what can be reached from it inside ``allowed``; and the neighbours of all that."""
    side = fresh = start
    touched = 0
    while fresh:
        low = fresh & -fresh
        beside = around[low.bit_length() - 1]
        touched |= beside
        beside &= allowed & ~side
        side |= beside
        fresh ^= low | beside
    return side, touched & ~side


def _mask(ids: Iterable[int]) -> int:
    out = 0
    for i in ids:
        out |= 1 << i
    return out


def _bits(mask: int) -> tuple[int, ...]:
    out = []
    while mask:
        low = mask & -mask
        out.append(low.bit_length() - 1)
        mask ^= low
    return tuple(out)


def all_separators(
    graph: DirectedGraph, xs: set[int], ys: set[int], hidden: Set[int]
) -> Iterator[tuple[int, ...]]:
    """Every d-separator (sorted indices) without ``hidden`` nodes, each once, with polynomial delay.

    A separator that holds ``kept`` and otherwise only ``free`` nodes exists exactly when those of them that are
    xs, ys, ``kept`` or their ancestors are one.
    """
    usable = [v for v in range(len(graph)) if v not in hidden and v not in xs and v not in ys]

    def exists(kept: set[int], free: set[int]) -> bool:
        above = reachable(graph._parents, xs | ys | kept)
        return not is_open(graph, xs, ys, kept | free & above)

    waiting: list[tuple[int, tuple[int, ...]]] = [(0, ())] if exists(set(), set(usable)) else []
    while waiting:
        decided, kept = waiting.pop()
        if decided == len(usable):
            yield kept
            continue
        v, free = usable[decided], set(usable[decided + 1 :])
        choices = ((*kept, v), kept)  # the one without v will be on top and goes first
        waiting += [(decided + 1, choice) for choice in choices if exists(set(choice), free)]


def minimum_separator(
    graph: DirectedGraph, xs: set[int], ys: set[int], hidden: Set[int]
) -> tuple[int, ...] | None:
    """A d-separator with the fewest nodes (sorted indices) and without ``hidden`` ones, or ``None``.

    One search for each node of the answer, each linear in the moral graph.
    """
    around = _separable_part(graph, xs, ys, hidden)
    if any(around[x] & ys for x in xs):
        return None
    before: dict[int, int] = {}  # the disjoint paths found so far: the node before each node on one
    while True:
        came_from = _augmenting_search(around, xs, ys, before)
        end = next((state for state in came_from if state[0] in ys), None)
        if end is None:
            return tuple(sorted(v for v in before if (v, "in") in came_from and (v, "out") not in came_from))
        _use_path(came_from, end, before)


_State = tuple[int, str]


def _augmenting_search(
    around: dict[int, set[int]], xs: set[int], ys: set[int], before: dict[int, int]
) -> dict[_State, _State | None]:
    """Breadth first for one more path, each node split into an "in" and an "out" that hold one path together.

    A node that lies on a path can be entered, but only to go back to the node before it.
    """
    came_from: dict[_State, _State | None] = {(x, "out"): None for x in sorted(xs)}
    queue = deque(came_from)
    while queue:
        state = queue.popleft()
        v, gate = state
        nexts: list[_State]
        if gate == "out":
            nexts = [(u, "in") for u in sorted(around[v]) if u not in xs]
            nexts += [(v, "in")] if v in before else []
        else:
            nexts = [(before[v], "out")] if v in before else [(v, "out")]
        for following in nexts:
            if following not in came_from:
                came_from[following] = state
                if following[0] in ys:
                    return came_from
                queue.append(following)
    return came_from


def _use_path(came_from: dict[_State, _State | None], end: _State, before: dict[int, int]) -> None:
    """Add the path that the search found to ``before``, and take out the steps that it walked backwards."""
    gained: dict[int, int] = {}
    state = end
    while (earlier := came_from[state]) is not None:
        if earlier[1] == "out" and state[1] == "in" and earlier[0] != state[0]:
            gained[state[0]] = earlier[0]
        elif earlier[1] == "in" and state[1] == "out" and earlier[0] != state[0]:
            del before[earlier[0]]
        state = earlier
    before.update((v, u) for v, u in gained.items() if v != end[0])
