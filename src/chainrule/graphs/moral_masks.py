"""The moral graph of some nodes and their ancestors as bit masks: the fast way for graphs of moderate size.

Sets of nodes are the bits of Python integers, so joining and cutting sets is one operation.  The memory is
quadratic in the nodes; ``moral_walk`` answers the same questions in linear memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Set

from chainrule.graphs.structure import Structure, reachable

__all__ = ["MoralMasks", "bits", "mask"]


class MoralMasks:
    """An undirected graph (``around[v]``: the neighbours of v, and maybe v itself), with two sides to part."""

    __slots__ = ("around", "x", "y")

    def __init__(self, around: list[int], x: int, y: int) -> None:
        self.around, self.x, self.y = around, x, y

    @classmethod
    def of(
        cls, graph: Structure, xs: set[int], ys: set[int], hidden: Set[int], included: Set[int]
    ) -> tuple[MoralMasks, list[int]]:
        """The moral graph of ``xs``, ``ys``, ``included`` and their ancestors, and the node that each bit is.

        ``included`` nodes are taken out; ``hidden`` ones are eliminated: their neighbours are joined.
        """
        members = reachable(graph.parents, xs | ys | included)
        nodes = sorted(members)
        position = {v: i for i, v in enumerate(nodes)}
        around = [0] * len(nodes)
        for v in nodes:
            family = [position[u] for u in (*graph.parents[v], v)]
            joined = mask(family)
            for i in family:
                around[i] |= joined
        left = ~mask(position[v] for v in included)
        around = [beside & left for beside in around]
        for v in hidden & members - xs - ys:
            eliminate(around, position[v])
        return cls(around, mask(position[v] for v in xs), mask(position[v] for v in ys)), nodes

    def beside(self, some: int) -> int:
        """All nodes that are joined to one of ``some``."""
        out = 0
        while some:
            low = some & -some
            out |= self.around[low.bit_length() - 1]
            some ^= low
        return out

    def border(self, barred: int) -> int:
        """The nodes of ``barred`` that border on the side of y: on what can be reached without entering any."""
        around, fresh, touched = self.around, self.y, 0
        free = ((1 << len(around)) - 1) & ~(barred | fresh)
        while fresh:
            low = fresh & -fresh
            beside = around[low.bit_length() - 1]
            touched |= beside
            beside &= free
            free ^= beside
            fresh ^= low | beside
        return touched & barred


def eliminate(around: list[int], v: int) -> None:
    """Join all neighbours of ``v`` with each other, and take it out."""
    beside, itself = around[v], 1 << v
    for u in bits(beside):
        around[u] = (around[u] | beside) & ~itself


def mask(ids: Iterable[int]) -> int:
    """The integer whose bits are ``ids``.

    >>> mask([0, 3])
    9
    """
    out = 0
    for i in ids:
        out |= 1 << i
    return out


def bits(some: int) -> tuple[int, ...]:
    """What ``mask`` was given, rising.

    >>> bits(9)
    (0, 3)
    """
    out = []
    while some:
        low = some & -some
        out.append(low.bit_length() - 1)
        some ^= low
    return tuple(out)
