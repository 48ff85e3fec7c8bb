"""Where training starts: the usual state of each variable, the contexts, and their tables as one network has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.graphs import DAG
from chainrule.models.bayesian_network.pair_counts import count_pairs
from chainrule.models.bayesian_network.spanning_forest import edge_prices, maximum_spanning_forest
from chainrule.models.latent_mixture.forest_layout import ForestLayout, depth_first
from chainrule.models.latent_mixture.layout import Codes
from chainrule.models.latent_mixture.leaf_layout import LeafLayout
from chainrule.models.shared.counts import state_counts
from chainrule.models.shared.decision_tables import grow_tables
from chainrule.tables.table import Table

__all__ = ["chow_liu_start", "decision_tree_start", "swapped", "usual_states"]


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
    for i in range(len(sizes)):
        marginal = pairs.table(names[i], names[i]).diagonal()
        counts = None if parent[i] < 0 else pairs.table(names[parent[i]], names[i])
        odds.append(_log_odds(marginal, pseudocount, counts))
    return layout, np.concatenate(odds)


def decision_tree_start(
    table: Table, *, pseudocount: float, penalty: float
) -> tuple[LeafLayout, NDArray[np.float64]]:
    """Decision trees for all variables, grown under one acyclic graph, and the log-odds of their leaves, (width,).

    A split gains at least ``penalty`` times log(n) / 2 + log(d) nats for each parameter that it adds.
    """
    sizes, d = table.schema.sizes, len(table.schema)
    n = table.n_rows if table.weights is None else float(table.weights.sum())
    price = penalty * (0.5 * np.log(max(n, 1.0)) + np.log(d))
    trees = grow_tables(table.codes, sizes, weights=table.weights, penalty=price)
    names = table.schema.names
    graph = DAG([(names[j], names[i]) for i, j in np.argwhere(trees.parents)], names)
    order = np.array([table.schema.index(v) for v in graph.topological_order()], np.intp)
    counts = trees.counts(table.codes, table.weights)
    odds = []
    for node in np.flatnonzero(trees.is_leaf):
        i = trees.variable[node]
        own = None if node == i else counts[node : node + 1, : sizes[i]]
        odds.append(_log_odds(counts[i, : sizes[i]], pseudocount, own))
    return LeafLayout(trees, order), np.concatenate(odds)


def _log_odds(
    marginal: NDArray[Any], pseudocount: float, counts: NDArray[Any] | None = None
) -> NDArray[np.float64]:
    """Log-odds of all states but the first of a variable, or of each of its contexts with ``counts`` (contexts, K)."""
    found = marginal[None] + pseudocount / len(marginal)
    if counts is not None:
        found = counts + pseudocount * found / found.sum()
    return (np.log(found[:, 1:]) - np.log(found[:, :1])).ravel()
