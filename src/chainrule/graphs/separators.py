"""Separating sets: all minimal ones, and one with the fewest nodes.

A *minimal* d-separator of X and Y separates them while no proper subset of it does.  Every minimal one lies
among the ancestors of X and Y, and there d-separation is plain separation in the moral graph of X, Y and
their ancestors (Lauritzen et al. 1990; van der Zander, Liśkiewicz and Textor 2014).  So both questions are
asked of that undirected graph:

- all minimal separators, by growing the side of X (Shen and Liang 1997; Takata 2010): from a separator S and
  a node v of S that does not touch Y, the side of X joined with v has a neighbourhood; cut it down to what
  touches the side of Y and it is the next separator.  Every minimal separator is met this way, and the time
  between two of them is polynomial;
- one with the fewest nodes, by Menger's theorem: as many node-disjoint paths as there are, and then the
  nodes where the last search stops.

Sets of nodes are the bits of Python integers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from chainrule.graphs.digraph import DirectedGraph, reachable
from chainrule.graphs.moral import moral_neighbours

__all__ = ["minimal_separators", "minimum_separator"]


def minimal_separators(graph: DirectedGraph, xs: set[int], ys: set[int]) -> Iterator[tuple[int, ...]]:
    """All minimal d-separators (sorted indices), those near ``xs`` first; none where nothing separates."""
    ancestral = sorted(reachable(graph._parents, xs | ys))
    position = {v: i for i, v in enumerate(ancestral)}
    moral = moral_neighbours(graph, set(ancestral))
    around = [_mask(position[u] for u in moral[v]) for v in ancestral]
    x, y = _mask(position[v] for v in xs), _mask(position[v] for v in ys)
    for separator in _undirected_minimal_separators(around, x, y):
        yield tuple(ancestral[i] for i in _bits(separator))


def _undirected_minimal_separators(around: list[int], x: int, y: int) -> Iterator[int]:
    """All minimal sets of nodes that part ``x`` from ``y`` in an undirected graph, as masks."""
    everything = (1 << len(around)) - 1

    def next_to(side: int) -> int:
        """The minimal separator nearest to ``side``: its neighbours that touch the part where y lies."""
        border = _neighbours(around, side) & ~side
        far_side = _spread(around, y, everything & ~border & ~side)
        return border & _neighbours(around, far_side)

    touches_y = _neighbours(around, y)
    if touches_y & x:
        return
    first = next_to(x)
    met = {first}
    queue = deque([first])
    while queue:
        separator = queue.popleft()
        yield separator
        near_side = _spread(around, x, everything & ~separator)
        for v in _bits(separator & ~touches_y):
            following = next_to(near_side | 1 << v)
            if following not in met:
                met.add(following)
                queue.append(following)


def _spread(around: list[int], start: int, allowed: int) -> int:
    """``start`` and what can be reached from it inside ``allowed``."""
    seen = fresh = start
    while fresh:
        fresh = _neighbours(around, fresh) & allowed & ~seen
        seen |= fresh
    return seen


def _neighbours(around: list[int], members: int) -> int:
    out = 0
    for i in _bits(members):
        out |= around[i]
    return out


def _mask(ids: Iterable[int]) -> int:
    out = 0
    for i in ids:
        out |= 1 << i
    return out


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def minimum_separator(graph: DirectedGraph, xs: set[int], ys: set[int]) -> tuple[int, ...] | None:
    """A d-separator with the fewest nodes (sorted indices), or ``None`` where nothing separates.

    One search for each node of the answer, each linear in the moral graph.
    """
    around = moral_neighbours(graph, reachable(graph._parents, xs | ys))
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
