"""Where training starts: the usual state of each variable, the Chow-Liu forest, and its own tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrule.models.bayesian_network.dependence_tree import edge_prices, maximum_spanning_forest
from chainrule.models.bayesian_network.pair_counts import count_pairs
from chainrule.models.latent_mixture.layout import Codes, ForestLayout
from chainrule.models.shared.counts import state_counts
from chainrule.tables.table import Table

__all__ = ["chow_liu_start", "depth_first", "swapped", "usual_states"]


def usual_states(table: Table) -> NDArray[np.intp]:
    """The most frequent state of each variable, by weight, (d,)."""
    return state_counts(table).argmax(axis=1)


def swapped(codes: Codes, usual: NDArray[np.intp]) -> Codes:
    """``codes`` (n, d) with the usual state of each variable and state 0 in each other's place; its own inverse.

    >>> swapped(np.array([[0, 2, -1], [1, 0, 0]]), np.array([0, 2, 1])).tolist()
    [[0, 0, -1], [1, 2, 1]]
    """
    if not usual.any():
        return codes
    out = np.where(codes == usual, 0, np.where(codes == 0, usual, codes))
    return out.astype(codes.dtype)


def chow_liu_start(
    table: Table, *, pseudocount: float, max_bytes: int
) -> tuple[ForestLayout, NDArray[np.float64]]:
    """The forest of largest penalised likelihood ("ebic"), and the log-odds of its tables, (width,).

    A table's rows are drawn towards the variable's own frequencies by ``pseudocount`` rows, those towards equal ones
    by as many.  ``TooLargeError`` where the counts of all pairs of states need more than ``max_bytes``.
    """
    pairs = count_pairs(table, max_bytes=max_bytes)
    gains = pairs.weights * pairs.information - edge_prices(pairs, "ebic")
    sizes, names = table.schema.sizes, table.schema.names
    parent = np.full(len(sizes), -1, np.intp)
    for above, below in maximum_spanning_forest(gains, least=0.0):
        parent[below] = above
    layout = ForestLayout(sizes, parent, depth_first(parent))
    odds = []
    for i, k in enumerate(sizes):
        marginal = pairs.table(names[i], names[i]).diagonal() + pseudocount / k
        counts = marginal[None]
        if parent[i] >= 0:
            counts = pairs.table(names[parent[i]], names[i]) + pseudocount * marginal / marginal.sum()
        odds.append((np.log(counts[:, 1:]) - np.log(counts[:, :1])).ravel())
    return layout, np.concatenate(odds)


def depth_first(parent: NDArray[np.intp]) -> NDArray[np.intp]:
    """The variables with parents first, a subtree whole before the next, so that few messages wait at a time.

    >>> depth_first(np.array([-1, 0, 0, 1])).tolist()
    [0, 2, 1, 3]
    """
    children: list[list[int]] = [[] for _ in parent]
    for i, above in enumerate(parent):
        if above >= 0:
            children[above].append(i)
    order, waiting = [], np.flatnonzero(parent < 0)[::-1].tolist()
    while waiting:
        order.append(waiting.pop())
        waiting += children[order[-1]]
    return np.array(order, np.intp)
