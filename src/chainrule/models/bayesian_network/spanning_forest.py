"""The forest of largest weight, and what edges cost: what all fits of a best tree share."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_real
from chainrule.core.errors import InputError
from chainrule.core.text import as_written
from chainrule.models.bayesian_network.pair_counts import PairCounts

__all__ = ["Penalty", "edge_prices", "maximum_spanning_forest"]

Penalty = Literal["ebic", "bic", "aic", "none"]


def edge_prices(pairs: PairCounts, penalty: Any, weights: NDArray[Any] | None = None) -> NDArray[np.float64]:
    """What an edge between two variables costs in nats, (d, d), by the name of a penalty or nats per parameter.

    ``weights`` (d, d) are those of the rows that tell of each pair, by default of those that know both.
    """
    if isinstance(penalty, str) and penalty not in get_args(Penalty):
        listed = ", ".join(map(repr, get_args(Penalty)))
        raise InputError(f"penalty must be {listed} or nats for each parameter; got {as_written(penalty)}")
    if not isinstance(penalty, str):
        return np.asarray(check_real(penalty, "penalty") * pairs.freedoms, np.float64)
    half_log_n = 0.5 * np.log(np.maximum(pairs.weights if weights is None else weights, 1.0))
    each = {"ebic": half_log_n, "bic": half_log_n, "aic": 1.0, "none": 0.0}[penalty]
    chosen = 2 * np.log(len(pairs.schema)) if penalty == "ebic" else 0.0
    return np.asarray(each * pairs.freedoms + chosen, np.float64)


def maximum_spanning_forest(
    weights: NDArray[np.float64], root: int = 0, *, least: float = -np.inf
) -> list[tuple[int, int]]:
    """Edges (parent, child) of a forest of largest total weight, away from ``root`` (Prim 1957); d² steps.

    ``weights`` (d, d) is symmetric.  Only edges above ``least`` are taken: with the smallest number that is a tree.
    The root of another tree is its earliest node.  Ties go to the earlier child, then to the parent that was
    reached first.

    >>> weights = np.array([[0, 1, 3], [1, 0, 2], [3, 2, 0]])
    >>> maximum_spanning_forest(weights), maximum_spanning_forest(weights, least=2)
    ([(0, 2), (2, 1)], [(0, 2)])
    """
    d = len(weights)
    best = np.asarray(weights, np.float64)[root].copy()
    parent = np.full(d, root)
    outside = np.ones(d, bool)
    outside[root] = False
    edges = []
    for _ in range(d - 1):
        child = int(np.argmax(np.where(outside, best, -np.inf)))
        if best[child] > least:
            edges.append((int(parent[child]), child))
        else:
            child = int(np.argmax(outside))  # no edge that pays leads out: the next tree
        outside[child] = False
        closer = outside & (weights[child] > best)
        best[closer], parent[closer] = weights[child][closer], child
    return edges
