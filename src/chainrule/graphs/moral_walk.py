"""The moral graph of some nodes and their ancestors, walked without being made.

A node and its parents are a *family*, and all members of a family are joined with each other.  A family of k nodes
has k² / 2 edges, but a search need not see them: once one member has been reached, so have all, and the family
is closed for the rest of the search.  In the same way hidden nodes are walked through as they are met, where
eliminating them would join all their neighbours.  So every search is linear in the directed graph, in time and
in memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Set

from chainrule.graphs.structure import Structure, reachable

__all__ = ["MoralWalk"]

_State = tuple[int, str]


class MoralWalk:
    """Searches between ``xs`` and ``ys`` in the moral graph of these, of ``included`` and of all their ancestors.

    ``included`` nodes are taken out, since they are in the separator anyway; ``hidden`` ones cannot be in one, and
    paths run through them.
    """

    def __init__(
        self, graph: Structure, xs: set[int], ys: set[int], hidden: Set[int], included: Set[int]
    ) -> None:
        self._parents, self._children = graph.parents, graph.children
        self._xs, self._ys = xs, ys
        n, members = len(graph), reachable(graph.parents, xs | ys | included)
        self._closed = _flags(n, members, inside=0, outside=1)  # families of others do not count
        self._met = _flags(n, included, inside=1, outside=0)
        self._passes = _flags(n, (hidden & members) - xs - ys, inside=1, outside=0)

    def beside(self, start: Iterable[int]) -> frozenset[int]:
        """All nodes that are joined to one of ``start``, and maybe some of these themselves."""
        out: set[int] = set()
        for v in start:
            out.update(self._step(v, self._met.copy(), self._closed.copy()))
        return frozenset(out)

    def border(self, barred: Set[int]) -> frozenset[int]:
        """The nodes of ``barred`` that border on the side of ``ys``: on what can be reached without entering any."""
        met, closed = self._met.copy(), self._closed.copy()
        touched, stack = set(), list(self._ys)
        for y in stack:
            met[y] = 1
        while stack:
            for w in self._step(stack.pop(), met, closed):
                if w in barred:
                    touched.add(w)
                else:
                    stack.append(w)
        return frozenset(touched)

    def _step(self, v: int, met: bytearray, closed: bytearray) -> list[int]:
        """The nodes joined to ``v`` that a search has not met yet; ``met`` and ``closed`` are its memory."""
        out, stack = [], [v]
        while stack:
            u = stack.pop()
            for c in (u, *self._children[u]):
                if closed[c]:
                    continue
                closed[c] = 1
                for w in (c, *self._parents[c]):
                    if not met[w]:
                        met[w] = 1
                        (stack if self._passes[w] else out).append(w)
        return out

    def least_cut(self) -> list[int] | None:
        """The fewest nodes that part ``xs`` from ``ys``, those nearest to ``xs``; ``None`` where an edge joins them.

        By Menger's theorem (1927): as many node-disjoint paths as there are, one search for each, and then the nodes
        where the last search stops.
        """
        if self.beside(self._xs) & self._ys:
            return None
        before: dict[int, int] = {}  # the disjoint paths found so far: the node before each node on one
        while True:
            came_from = self._augmenting_search(before)
            end = next((state for state in came_from if state[0] in self._ys), None)
            if end is None:
                return sorted(v for v in before if (v, "in") in came_from and (v, "out") not in came_from)
            _use_path(came_from, end, before)

    def _augmenting_search(self, before: dict[int, int]) -> dict[_State, _State | None]:
        """Breadth first for one more path, each node split into an "in" and an "out" that hold one path together.

        A node that lies on a path can be entered, but only to go back to the node before it.
        """
        met, closed = self._met.copy(), self._closed.copy()
        for x in self._xs:
            met[x] = 1
        came_from: dict[_State, _State | None] = {(x, "out"): None for x in sorted(self._xs)}
        queue = deque(came_from)
        while queue:
            state = queue.popleft()
            v, gate = state
            nexts: list[_State]
            if gate == "out":
                nexts = [(u, "in") for u in sorted(self._step(v, met, closed))]
                nexts += [(v, "in")] if v in before else []
            else:
                nexts = [(before[v], "out")] if v in before else [(v, "out")]
            for following in nexts:
                if following not in came_from:
                    came_from[following] = state
                    if following[0] in self._ys:
                        return came_from
                    queue.append(following)
        return came_from


def _flags(n: int, members: Iterable[int], *, inside: int, outside: int) -> bytearray:
    out = bytearray([outside]) * n
    for v in members:
        out[v] = inside
    return out


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
