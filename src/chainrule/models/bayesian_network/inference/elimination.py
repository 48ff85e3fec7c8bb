"""In which order to sum variables out, and what that costs, before anything is allocated.

Summing out v multiplies all tables that mention v.  The result mentions the *clique* of v: v and its
neighbours in the graph that joins two variables wherever one table mentions both.  After that the neighbours
are joined to each other.  The edges this adds are the *fill*; the largest clique, less one, over the order is
its *induced width*, and tables grow exponentially in it.

An order of least width is NP-hard to find (Arnborg, Corneil and Proskurowski 1987).  Greedy orders take, at each step,
a variable that is cheapest by some measure (Kjærulff 1990; Koller and Friedman 2009, section 9.4.3.2):

    fill        the edges that it adds, then the entries of its table; on a graph that needs no fill, such as a tree,
                it adds none
    weighted    the edges that it adds, each as heavy as the states of its ends multiplied
    entries     the entries of its table, then the edges
    degree      its neighbours, then the entries

Which is best depends on the graph, so all are tried and the best is kept.  ``greedy_loops`` has the same choice
compiled, some hundred times as fast, so where a network is dear it is also made at random among what costs about as
little, many times (Fishelson and Geiger 2003); the plain path does not.

An order for a graph serves each part of it: without some of the variables, its cliques are parts of what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import accumulate, chain, combinations
from math import inf, prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MOST_VARIABLES",
    "Elimination",
    "Measure",
    "best_order",
    "cheapest",
    "cheapest_order",
    "follow_order",
    "interaction_graph",
    "plan_elimination",
]

_BYTES = 8  # of a float64
_CHEAP = 64  # entries for each variable up to which one greedy order is good enough
_ENTRIES_PER_STEP = 250  # computed in half the time that it takes to choose one variable of an order
_MOST_TRIES = 64  # at random
MOST_VARIABLES = 20_000  # whose rows of bits are a few dozen megabytes

Measure = Literal["fill", "weighted", "entries", "degree"]
Integers = NDArray[np.int64]
Choose = Callable[[Measure, int], tuple[Integers, float]]

_OTHERS: tuple[Measure, ...] = ("weighted", "entries", "degree")  # that are tried where "fill" is dear


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
        """Entries of all tables together: no answer holds more, messages up and down included."""
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
    scopes: Iterable[Collection[int]],
    sizes: Sequence[int],
    keep: Sequence[int] = (),
    measure: Measure = "fill",
) -> Elimination:
    """Greedy order of all variables in ``scopes`` but ``keep``; ``sizes[v]`` is the number of v's states.

    >>> plan = plan_elimination([(0, 1), (1, 2), (2, 3)], sizes=[2, 2, 2, 2])
    >>> plan.order, plan.induced_width, plan.entries
    ((0, 1, 2, 3), 1, (4, 4, 4, 2, 1))
    """
    listed = list(scopes)
    return follow_order(_greedy_order(listed, sizes, keep, measure)[0].tolist(), listed, sizes, keep)


def best_order(
    scopes: Iterable[Collection[int]], sizes: Sequence[int], keep: Sequence[int] = (), *, most: float = inf
) -> Elimination:
    """What ``cheapest_order`` finds, with what it costs.

    >>> best_order([(0, 1), (1, 2), (2, 3)], sizes=[2, 2, 2, 2]).total_entries
    15
    """
    listed = list(scopes)
    return follow_order(cheapest_order(listed, sizes, keep, most=most).tolist(), listed, sizes, keep)


def cheapest_order(
    scopes: Sequence[Collection[int]],
    sizes: Sequence[int],
    keep: Sequence[int] = (),
    *,
    most: float = inf,
    enough: float = _CHEAP,
) -> Integers:
    """The cheapest of the greedy orders; they stop to choose where their tables have ``most`` entries.

    One by "fill" with ``enough`` entries for each variable is taken at once.  Orders at random are tried for about as
    long as two answers take.
    """
    return cheapest(*_choice(scopes, sizes, keep, most), enough)


def cheapest(choose: Choose, at_random: bool, enough: float = _CHEAP) -> Integers:
    """The same, of the orders that ``choose`` gives, ``at_random`` too where a seed makes them so."""
    order, entries = choose("fill", 0)
    if entries <= enough * len(order):
        return order
    found: dict[Measure, tuple[Integers, float]] = {measure: choose(measure, 0) for measure in _OTHERS}
    found["fill"] = order, entries
    better, other, *_ = sorted(found, key=lambda measure: found[measure][1])
    order, entries = found[better]
    tries = min(_MOST_TRIES, int(entries / (_ENTRIES_PER_STEP * len(order)))) if at_random else 0
    for seed in range(1, tries + 1):
        tried = choose(other if seed % 2 else better, seed)
        order, entries = min((order, entries), tried, key=lambda x: x[1])
    return order


def follow_order(
    order: Iterable[int], scopes: Iterable[Collection[int]], sizes: Sequence[int], keep: Sequence[int] = ()
) -> Elimination:
    """What it costs to sum out in ``order`` those variables of ``scopes`` that are in it, but ``keep``.

    >>> follow_order([2, 0, 1], [(0, 1), (1, 3)], sizes=[2, 2, 2, 2], keep=[3]).entries
    (4, 4, 2)
    """
    listed = list(scopes)
    left = {v for scope in listed for v in scope}.difference(keep)
    taken = tuple(v for v in order if v in left)
    n, place = len(taken), {v: i for i, v in enumerate(taken)}
    cliques: list[set[int]] = [{v} for v in taken]
    for scope in listed:
        first = min((place.get(v, n) for v in scope), default=n)
        if first < n:
            cliques[first].update(scope)
    for v, clique in zip(taken, cliques, strict=True):
        first = min((place.get(u, n) for u in clique if u != v), default=n)
        if first < n:
            cliques[first] |= clique - {v}
    entries = [prod(sizes[v] for v in clique) for clique in (*cliques, keep)]
    return Elimination(taken, tuple(map(frozenset, cliques)), tuple(keep), tuple(entries))


def _choice(
    scopes: Sequence[Collection[int]], sizes: Sequence[int], keep: Sequence[int], most: float
) -> tuple[Choose, bool]:
    """Greedy orders, by compiled loops where they are on; a seed other than 0 makes those random.  And if they are."""
    from chainrule.compiled.calls import loops_are_on  # numba, which is slow to load, comes with it

    if len(sizes) > MOST_VARIABLES or not loops_are_on():
        return lambda measure, _: _greedy_order(scopes, sizes, keep, measure, most), False
    from chainrule.models.bayesian_network.inference.greedy_loops import MEASURES, greedy_order

    ends = np.fromiter(accumulate(map(len, scopes)), np.int64)
    members = np.fromiter(chain.from_iterable(scopes), np.int64)
    weights, kept = np.array(sizes, np.float64), np.zeros(len(sizes), np.bool_)
    kept[list(keep)] = True
    question = (members, ends, weights, kept)
    return lambda measure, seed: greedy_order(*question, MEASURES[measure], float(most), seed), True


def _greedy_order(
    scopes: Iterable[Collection[int]],
    sizes: Sequence[int],
    keep: Sequence[int],
    measure: Measure,
    most: float = inf,
) -> tuple[Integers, float]:
    """The order, and the entries of its tables as far as they were chosen."""
    around = interaction_graph(scopes)
    for v in keep:
        around.setdefault(v, set())
    kept = set(keep)
    order: list[int] = []
    cost = {v: _cost(v, around, sizes, measure) for v in around if v not in kept}
    queue = [(*c, v) for v, c in cost.items()]
    heapify(queue)
    entries = 0
    while queue and entries <= most:
        *c, v = heappop(queue)
        if cost.get(v) != tuple(c):
            continue  # gone, or its cost has changed since
        del cost[v]
        order.append(v)
        entries += prod(sizes[u] for u in around[v]) * sizes[v]
        for u in _sum_out(v, around) - kept:
            cost[u] = _cost(u, around, sizes, measure)
            heappush(queue, (*cost[u], u))
    order += sorted(cost, key=lambda v: (len(around[v]), v))
    return np.array(order, np.int64), entries


def _cost(v: int, around: dict[int, set[int]], sizes: Sequence[int], measure: Measure) -> tuple[int, int]:
    """What summing out ``v`` costs by ``measure``; the second number decides between equals."""
    near = around[v]
    entries = prod(sizes[u] for u in near) * sizes[v]
    if measure == "weighted":
        total = sum(
            sizes[a] for a in near
        )  # of which little is joined already where a variable has many near
        joined = (sizes[a] + sum(sizes[b] for b in near & around[a]) for a in near)
        return sum(sizes[a] * (total - known) for a, known in zip(near, joined, strict=True)) // 2, entries
    if measure == "degree":
        return len(near), entries
    missing = sum(len(near) - 1 - len(near & around[a]) for a in near) // 2
    return (missing, entries) if measure == "fill" else (entries, missing)


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
