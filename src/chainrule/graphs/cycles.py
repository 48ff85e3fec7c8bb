"""One directed cycle of a graph, and a short one."""

from __future__ import annotations

from collections import deque

from chainrule.graphs.structure import Structure

__all__ = ["find_cycle"]


def find_cycle(graph: Structure) -> list[int] | None:
    """The nodes of one directed cycle in order, or ``None`` if there is none; linear.

    It is a shortest cycle through its first node, which is the lowest on it.

    >>> find_cycle(Structure.of([(2,), (0,), (1,)]))
    [0, 1, 2]
    """
    left = _not_removable(graph)
    if not left:
        return None
    v = min(left)  # every node that is left has a parent that is left: walk up until one comes again
    seen: set[int] = set()
    while v not in seen:
        seen.add(v)
        v = next(u for u in graph.parents[v] if u in left)
    return _shortest_cycle(graph, v)


def _not_removable(graph: Structure) -> set[int]:
    """What is left when nodes without parents are removed again and again."""
    waiting = [len(above) for above in graph.parents]
    ready = [v for v, n in enumerate(waiting) if n == 0]
    left = set(range(len(graph)))
    while ready:
        u = ready.pop()
        left.discard(u)
        for v in graph.children[u]:
            waiting[v] -= 1
            if waiting[v] == 0:
                ready.append(v)
    return left


def _shortest_cycle(graph: Structure, start: int) -> list[int]:
    """A shortest cycle through ``start``, which lies on one; its lowest node comes first."""
    came_from: dict[int, int] = {}
    queue = deque([start])
    while start not in came_from:
        u = queue.popleft()
        for v in graph.children[u]:
            if v not in came_from:
                came_from[v] = u
                queue.append(v)
    cycle = [came_from[start]]
    while cycle[-1] != start:
        cycle.append(came_from[cycle[-1]])
    cycle.reverse()
    first = cycle.index(min(cycle))
    return cycle[first:] + cycle[:first]
