"""What is left of a decision tree when some of what it asks for is known: a factor over the rest.

Known states answer their questions, so that of a large tree few branches may be left, and of its parents few: far
fewer than a full table over all of them would have, which is what makes exact inference possible here (Boutilier,
Friedman, Goldszmidt and Koller 1996: context-specific independence).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.bayesian_network.inference.buckets import Factor
from chainrule.models.shared.decision_tables import DecisionTables

__all__ = ["ReducedTree", "reduce_tree"]


@dataclass(frozen=True)
class ReducedTree:
    """The leaves of one variable's tree that known states leave open.

    ``leaves`` holds for each its node and the states (by variable, as a mask) for which a row comes to it; ``asked``
    the unknown variables that are asked for.  ``state`` is the variable's own, -1 where unknown.
    """

    variable: int
    state: int
    asked: frozenset[int]
    leaves: list[tuple[int, dict[int, NDArray[np.bool_]]]]

    @property
    def scope(self) -> set[int]:
        """The unknown variables that the factor is over."""
        return {*self.asked, self.variable} if self.state < 0 else set(self.asked)

    def factor(self, log_p: NDArray[np.float64], sizes: tuple[int, ...], scope: tuple[int, ...]) -> Factor:
        """The factor with an axis for each of ``scope`` in that order; ``log_p`` (T, K) is what stands at leaves."""
        out = np.empty([sizes[u] for u in scope])
        own = scope.index(self.variable) if self.state < 0 else -1
        for node, masks in self.leaves:
            states = [np.flatnonzero(masks[u]) if u in masks else np.arange(sizes[u]) for u in scope]
            if own < 0:
                out[np.ix_(*states)] = log_p[node, self.state]
                continue
            shape = [1] * len(scope)
            shape[own] = sizes[self.variable]
            out[np.ix_(*states)] = log_p[node, : sizes[self.variable]].reshape(shape)
        return Factor(scope, out[None])


def reduce_tree(tables: DecisionTables, v: int, row: NDArray[Any]) -> ReducedTree:
    """The tree of variable ``v`` under ``row`` (d,), -1 where unknown.

    >>> nodes = np.array([[-1, 0, 0, -1], [0, 1, 1, 2], [-1, 0, 0, -1], [-1, 0, 0, -1]], np.int32)
    >>> tables = DecisionTables((2, 3), nodes)
    >>> reduce_tree(tables, 1, np.array([-1, 2])).scope, reduce_tree(tables, 1, np.array([1, -1])).scope
    ({0}, {1})
    """
    leaves: list[tuple[int, dict[int, NDArray[np.bool_]]]] = []
    asked: set[int] = set()
    stack: list[tuple[int, dict[int, NDArray[np.bool_]]]] = [(v, {})]
    while stack:
        t, masks = stack.pop()
        u, low, high, child = tables.nodes[t].tolist()
        if u < 0:
            leaves.append((t, masks))
        elif row[u] >= 0:
            stack.append((child + (low <= row[u] <= high), masks))
        else:
            asked.add(u)
            states = np.arange(tables.sizes[u])
            yes = (low <= states) & (states <= high)
            for side, answer in enumerate((~yes, yes)):
                open_states = masks[u] & answer if u in masks else answer
                if open_states.any():
                    stack.append((child + side, masks | {u: open_states}))
    # a variable of one state is known, whether it is given or not
    state = 0 if tables.sizes[v] == 1 else int(row[v])
    return ReducedTree(v, state, frozenset(asked), leaves)
