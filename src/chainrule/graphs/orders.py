"""All topological orders of a DAG, one after the other."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator

from chainrule.graphs.digraph import DirectedGraph

__all__ = ["topological_orders"]


def topological_orders(graph: DirectedGraph) -> Iterator[tuple[int, ...]]:
    """Every order with parents before children, in lexicographic order.

    Any beginning can be completed, so that no choice is a dead end and the delay is polynomial.
    """
    waiting = [len(above) for above in graph._parents]
    ready = [v for v, n in enumerate(waiting) if n == 0]  # sorted; all their parents are placed
    order: list[int] = []
    last = -1  # of the nodes that are ready, only those after this one have yet to be tried here
    while True:
        choice = bisect_right(ready, last)
        if choice < len(ready):
            v = ready.pop(choice)
            order.append(v)
            for w in graph._children[v]:
                waiting[w] -= 1
                if waiting[w] == 0:
                    insort(ready, w)
            last = -1
            continue
        if len(order) == len(graph):
            yield tuple(order)
        if not order:
            return
        last = order.pop()
        for w in graph._children[last]:
            if waiting[w] == 0:
                ready.remove(w)
            waiting[w] += 1
        insort(ready, last)
