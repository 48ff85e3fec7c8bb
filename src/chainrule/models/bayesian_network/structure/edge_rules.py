"""What is known of a graph before it is learned: edges that it must or must not have, tiers, how many parents.

*Tiers* are groups of variables in an order, such as that in time: no edge leads from a later tier to an earlier one.
Inside a tier all edges may be, and variables in no tier are free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import as_list, check_integer, is_listing
from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.text import as_written
from chainrule.graphs import DAG, DirectedGraph

__all__ = ["EdgeRules", "Edges"]

Edges = Iterable[tuple[str, str]] | str | DirectedGraph


@dataclass(frozen=True, eq=False)
class EdgeRules:
    """For each variable: the set of its ``allowed`` and of its ``required`` parents; and the ``max_parents`` of all."""

    allowed: tuple[int, ...]
    required: tuple[int, ...]
    max_parents: int

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        *,
        forbidden: Edges = (),
        required: Edges = (),
        tiers: Iterable[Iterable[str]] = (),
        max_parents: int | None = None,
    ) -> EdgeRules:
        """The rules between the variables ``names``; edges are pairs (parent, child), a graph, or its text.

        Raises ``UnknownNameError``, and ``InputError`` where no graph keeps to them.

        >>> EdgeRules.of(["a", "b", "c"], forbidden="a -> b", tiers=[["a"], ["c"]]).allowed
        (2, 4, 3)
        """
        place = {name: j for j, name in enumerate(names)}
        barred = np.eye(len(names), dtype=bool)  # (parent, child)
        for parent, child in _pairs(forbidden, "forbidden", place):
            barred[parent, child] = True
        for later, earlier in _backwards(tiers, place):
            barred[later, earlier] = True
        must = np.zeros_like(barred)
        for parent, child in _pairs(required, "required", place):
            must[parent, child] = True
        # ``CycleError`` where they close one
        DAG([(names[int(u)], names[int(v)]) for u, v in np.argwhere(must)], names)
        for parent, child in np.argwhere(must & barred):
            raise InputError(
                f"the edge {names[parent]} -> {names[child]} is required, and forbidden by name or by the tiers; "
                "drop one of the two"
            )
        most = len(names) - 1 if max_parents is None else check_integer(max_parents, "max_parents", least=0)
        needed = int(must.sum(axis=0).max())
        if needed > most:
            child = names[int(must.sum(axis=0).argmax())]
            raise InputError(
                f"{needed} parents of {child!r} are required, more than max_parents={most}; raise it, or require fewer"
            )
        return cls(_sets(~barred), _sets(must), most)

    def among(self, places: Sequence[int]) -> EdgeRules:
        """The same rules between some of the variables; edges to others are left out.

        >>> EdgeRules.of(["a", "b", "c"], required="a -> c").among([0, 2]).required
        (0, 1)
        """
        allowed, required = (
            tuple(sum((sets[v] >> u & 1) << i for i, u in enumerate(places)) for v in places)
            for sets in (self.allowed, self.required)
        )
        return EdgeRules(allowed, required, min(self.max_parents, max(len(places) - 1, 0)))


def _sets(edges: NDArray[np.bool_]) -> tuple[int, ...]:
    """The parents of each child in a matrix (parent, child), as sets."""
    return tuple(sum(1 << int(u) for u in np.flatnonzero(column)) for column in edges.T)


def _pairs(edges: Any, what: str, place: dict[str, int]) -> Iterable[tuple[int, int]]:
    graph = DirectedGraph.parse(edges) if isinstance(edges, str) else edges
    listed = graph.edges if isinstance(graph, DirectedGraph) else DirectedGraph(graph).edges
    for edge in listed:
        for name in edge:
            if name not in place:
                raise UnknownNameError.of(f"column (of a {what} edge)", name, list(place))
        yield place[edge[0]], place[edge[1]]


def _backwards(tiers: Any, place: dict[str, int]) -> Iterable[tuple[int, int]]:
    """All pairs (in a later tier, in an earlier tier)."""
    tiers = as_list(tiers, "tiers", of="lists of columns")
    if not all(is_listing(tier) for tier in tiers):
        raise InputError(
            f"tiers are lists of columns, such as [['age'], ['smoker', 'diet']]; got {as_written(tiers)}"
        )
    earlier: list[int] = []
    for tier in tiers:
        here = []
        for name in as_list(tier, "a tier", of="columns"):
            if not isinstance(name, str) or name not in place:
                raise UnknownNameError.of("column (of a tier)", name, list(place))
            if place[name] in earlier or place[name] in here:
                raise InputError(f"{name!r} is listed twice in the tiers; a column is in one of them")
            here.append(place[name])
        yield from ((u, v) for u in here for v in earlier)
        earlier += here
