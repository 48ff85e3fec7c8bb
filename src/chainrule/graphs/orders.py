"""Topological orders of a DAG: all of them, one after the other, and whether a given one is such."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence

from chainrule.core.checks import as_list, is_listing
from chainrule.core.errors import InputError
from chainrule.core.text import as_written
from chainrule.graphs.names import NodeNames
from chainrule.graphs.structure import Structure

__all__ = ["checked_order", "topological_orders"]


def topological_orders(graph: Structure) -> Iterator[tuple[int, ...]]:
    """Every order with parents before children, in lexicographic order.

    Any beginning can be completed, so that no choice is a dead end and the delay is polynomial.
    """
    waiting = [len(above) for above in graph.parents]
    ready = [v for v, n in enumerate(waiting) if n == 0]  # sorted; all their parents are placed
    order: list[int] = []
    last = -1  # of the nodes that are ready, only those after this one have yet to be tried here
    while True:
        choice = bisect_right(ready, last)
        if choice < len(ready):
            v = ready.pop(choice)
            order.append(v)
            for w in graph.children[v]:
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
        for w in graph.children[last]:
            if waiting[w] == 0:
                ready.remove(w)
            waiting[w] += 1
        insort(ready, last)


def checked_order(graph: Structure, names: NodeNames, order: Sequence[str]) -> list[int]:
    """``order`` as indices; ``InputError`` if it is not a topological order of all nodes."""
    wrong = f"order must name each of the {len(graph)} nodes once; got "
    if not is_listing(order):
        raise InputError(f"{wrong}{as_written(order)}")
    ids = [names.id(name) for name in as_list(order, "order")]
    if sorted(ids) != list(range(len(graph))):
        raise InputError(f"{wrong}{as_written(list(names.of(ids)))}")
    position = {v: i for i, v in enumerate(ids)}
    for v in ids:
        for u in graph.parents[v]:
            if position[u] > position[v]:
                above, below = names.of((u, v))
                raise InputError(
                    f"order puts {below} before its parent ({above} -> {below}); parents come first"
                )
    return ids
