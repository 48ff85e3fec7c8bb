"""In which order to sum variables out, and what that costs, before anything is allocated.

Summing out v multiplies all tables that mention v.  The result mentions the *clique* of v: v and its
neighbours in the graph that joins two variables wherever one table mentions both.  After that the neighbours
are joined to each other.  The edges this adds are the *fill*; the largest clique, less one, over the order is
its *induced width*, and tables grow exponentially in it.

An order of least width is NP-hard to find (Arnborg, Corneil and Proskurowski 1987).  *Min-fill* takes, at each
step, a variable that adds the fewest edges; of these one with the smallest table, then the first.  On a graph
that needs no fill, such as a tree, it adds none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import combinations
from math import prod

__all__ = ["Elimination", "interaction_graph", "plan_elimination"]

_BYTES = 8  # of a float64


@dataclass(frozen=True)
class Elimination:
    """Variables in the order in which they are summed out, each with the scope of its clique.

    ``cliques[i]`` holds ``order[i]`` and the variables it is joined to when its turn comes; ``keep`` are the
    variables that are left, ``entries`` the sizes of all tables: one for each clique, then that of ``keep``.
    """

    order: tuple[int, ...]
    cliques: tuple[frozenset[int], ...]
    keep: tuple[int, ...]
    entries: tuple[int, ...]

    @property
    def induced_width(self) -> int:
        """Variables of the largest clique, less one; ``keep`` counts as a clique."""
        return max(1, len(self.keep), *map(len, self.cliques)) - 1

    @property
    def largest_entries(self) -> int:
        """Entries of the largest table."""
        return max(self.entries)

    @property
    def total_entries(self) -> int:
        """Entries of all tables together: what is held at once when all marginals are asked for."""
        return sum(self.entries)

    @property
    def total_bytes(self) -> int:
        """Bytes of all tables in float64."""
        return _BYTES * self.total_entries


def interaction_graph(scopes: Iterable[Collection[int]]) -> dict[int, set[int]]:
    """Who is joined to whom: two variables are neighbours where one of ``scopes`` holds both.

    >>> interaction_graph([(0, 1), (1, 2), (3,)])
    {0: {1}, 1: {0, 2}, 2: {1}, 3: set()}
    """
    around: dict[int, set[int]] = {}
    for scope in scopes:
        for v in scope:
            around.setdefault(v, set()).update(scope)
    for v, neighbours in around.items():
        neighbours.discard(v)
    return around


def plan_elimination(
    scopes: Iterable[Collection[int]], sizes: Sequence[int], keep: Sequence[int] = ()
) -> Elimination:
    """Min-fill order of all variables in ``scopes`` but ``keep``; ``sizes[v]`` is the number of v's states.

    >>> plan = plan_elimination([(0, 1), (1, 2), (2, 3)], sizes=[2, 2, 2, 2])
    >>> plan.order, plan.induced_width, plan.entries
    ((0, 1, 2, 3), 1, (4, 4, 4, 2, 1))
    """
    around = interaction_graph(scopes)
    for v in keep:
        around.setdefault(v, set())
    kept = set(keep)
    order, cliques = [], []
    cost = {v: _cost(v, around, sizes) for v in around if v not in kept}
    queue = [(*c, v) for v, c in cost.items()]
    heapify(queue)
    while queue:
        *c, v = heappop(queue)
        if cost.get(v) != tuple(c):
            continue  # gone, or its cost has changed since
        del cost[v]
        order.append(v)
        cliques.append(frozenset((v, *around[v])))
        for u in _sum_out(v, around) - kept:
            cost[u] = _cost(u, around, sizes)
            heappush(queue, (*cost[u], u))
    entries = [prod(sizes[v] for v in clique) for clique in (*cliques, keep)]
    return Elimination(tuple(order), tuple(cliques), tuple(keep), tuple(entries))


def _cost(v: int, around: dict[int, set[int]], sizes: Sequence[int]) -> tuple[int, int]:
    """Edges that summing out ``v`` adds, and the entries of its table."""
    near = around[v]
    missing = sum(len(near) - 1 - len(near & around[a]) for a in near) // 2
    return missing, prod(sizes[u] for u in near) * sizes[v]


def _sum_out(v: int, around: dict[int, set[int]]) -> set[int]:
    """Join the neighbours of ``v``, remove it; returns every variable whose cost may have changed."""
    near = around.pop(v)
    changed = set(near)
    for a in near:
        around[a].discard(v)
    for a, b in combinations(sorted(near), 2):
        if b not in around[a]:
            around[a].add(b)
            around[b].add(a)
            changed |= around[a] & around[b]
    return changed
