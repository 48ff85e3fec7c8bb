"""What stands at a leaf: estimates shrunk towards the node above, averaged over all prunings of the tree.

A node t with counts n_k of n rows estimates, from the root down,

    p_t(k) = (n_k + s p_above(k)) / (n + s)        at the root (n_k + a) / (n + K a)

A pruning of a tree ends it at some nodes that had been split.  Each has a posterior probability, its prior being that
a node which was split ends the tree with log-odds κ, the likelihood of its rows that under a Dirichlet(1, ..., 1)
prior at each leaf (Buntine 1992; the weights are those of Willems, Shtarkov and Tjalkens 1995).  A row's probability
is the average over all prunings: of the nodes on its path, each with the probability that its path ends there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, gammaln

from chainrule.core.numerics import xlogy
from chainrule.models.shared.decision_tables import DecisionTables

__all__ = ["averaged", "choose", "ending", "shrunk"]

SHRINKAGES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
PRUNINGS = (-2.0, 0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 14.0)


def shrunk(
    tables: DecisionTables, counts: NDArray[np.float64], shrinkage: float, pseudocount: float
) -> NDArray[np.float64]:
    """The estimate of each node, (T, K), from ``counts`` (T, K)."""
    sizes, d = np.array(tables.sizes), tables.n_variables
    out, n = np.empty_like(counts), counts.sum(axis=1, keepdims=True)
    states = np.arange(counts.shape[1]) < sizes[:, None]
    out[:d] = (counts[:d] + pseudocount * states) / (n[:d] + pseudocount * sizes[:, None])
    for level in tables.levels[1:]:
        above = out[tables.above[level]]
        out[level] = (counts[level] + shrinkage * above) / (n[level] + shrinkage)
    return out


def ending(tables: DecisionTables, counts: NDArray[np.float64], pruning: float) -> NDArray[np.float64]:
    """The posterior probability of each node, (T,), that a pruned tree which has it ends there."""
    size = np.array(tables.sizes)[tables.variable]
    alone = gammaln(size) - gammaln(size + counts.sum(axis=1)) + gammaln(counts + 1).sum(axis=1)
    best, out = alone.copy(), np.ones(len(tables))
    for level in reversed(tables.levels):
        inner = level[~tables.is_leaf[level]]
        first = tables.nodes[inner, 3]
        split = best[first] + best[first + 1]
        out[inner] = expit(alone[inner] - split + pruning)
        best[inner] = np.logaddexp(alone[inner] + pruning, split) - np.logaddexp(0.0, pruning)
    return out


def averaged(
    tables: DecisionTables, estimates: NDArray[np.float64], ends: NDArray[np.float64]
) -> NDArray[np.float64]:
    """For each node the average over the prunings of its path, (T, K), as if the tree went no further."""
    left, before = np.ones(len(tables)), np.zeros_like(estimates)
    for level in tables.levels[1:]:
        above = tables.above[level]
        left[level] = left[above] * (1 - ends[above])
        before[level] = before[above] + (left[above] * ends[above])[:, None] * estimates[above]
    return before + left[:, None] * estimates


def choose(
    tables: DecisionTables,
    counts: NDArray[np.float64],
    valid_counts: NDArray[np.float64],
    pseudocount: float,
    shrinkages: tuple[float, ...] = SHRINKAGES,
    prunings: tuple[float, ...] = PRUNINGS,
) -> tuple[float, float]:
    """The shrinkage and the pruning under which rows with ``valid_counts`` (T, K) are most probable.

    All rows at a leaf have one probability, so that a choice costs one pass over the nodes.
    """
    leaves = tables.is_leaf
    ends = {pruning: ending(tables, counts, pruning) for pruning in prunings}
    best = (-np.inf, shrinkages[0], prunings[0])
    for shrinkage in shrinkages:
        estimates = shrunk(tables, counts, shrinkage, pseudocount)
        for pruning in prunings:
            p = averaged(tables, estimates, ends[pruning])
            found = float(xlogy(valid_counts[leaves], p[leaves]).sum())
            if found > best[0]:
                best = (found, shrinkage, pruning)
    return best[1:]
