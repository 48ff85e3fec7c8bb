"""Which columns depend on which: mutual information of pairs, under a model and in rows.

    I(a; b) = sum over states of p(a, b) log( p(a, b) / (p(a) p(b)) )        in nats

From n rows that were drawn or observed the plain estimate is too high, by (K - 1)(K' - 1) / 2n for K and K' states
to first order (Miller 1955); that is taken off, and what is then below zero is zero.  Its standard error is that of
the mean of the log-ratio.  What was summed exactly has neither bias nor error.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrule.models.bayesian_network.pair_counts import PairCounts, count_pairs
from chainrule.tables.table import Table
from chainrule.tasks.describing.record import Dependence, Pair
from chainrule.tasks.describing.states import ModelStates

__all__ = ["dependence_of"]

_MOST_STATES = 2_500  # of all columns together, for all pairs: the counts grow with their square
_STRONGEST, _FURTHEST = 30, 10  # pairs that are listed
_MOST_IN_MATRIX = 30  # columns


def dependence_of(states: ModelStates, rows: Table | None) -> Dependence | None:
    """The pairs of the model's columns, and of ``rows`` beside them where there are any; ``None`` of a single column."""
    names = _columns(states)
    if len(names) < 2:
        return None
    counted, n_draws = states.pairs(names)
    model = _Information(counted, n_draws)
    data = None if rows is None else _data(rows, names)
    upper = np.triu_indices(len(names), 1)
    order = np.argsort(-model.nats[upper], kind="stable")
    strongest = [(int(upper[0][r]), int(upper[1][r])) for r in order[:_STRONGEST]]
    furthest: list[tuple[int, int]] = []
    if data is not None:
        apart = np.argsort(-np.abs(data.nats - model.nats)[upper], kind="stable")[:_FURTHEST]
        furthest = [(int(upper[0][r]), int(upper[1][r])) for r in apart]
    places = _in_pairs([(int(upper[0][r]), int(upper[1][r])) for r in order])
    return Dependence(
        n_pairs=len(order),
        strongest=[_pair(names, i, j, model, data) for i, j in strongest],
        furthest=[_pair(names, i, j, model, data) for i, j in furthest],
        columns=[names[i] for i in places],
        matrix=(model.nats * (1 - np.eye(len(names))))[np.ix_(places, places)],
        n_left_out=len(states.model.schema_) - len(names),
        n_draws=n_draws,
        n_rows=None if rows is None else rows.n_rows,
    )


class _Information:
    """Mutual information ``nats`` (d, d) of all pairs, its bias taken off where it was counted from ``n`` rows."""

    def __init__(self, counts: PairCounts, n: int | None, shrunk: float = 1.0) -> None:
        self.counts, self.n = counts, n
        nats = counts.information
        if n is not None:
            known = np.maximum(counts.known * shrunk, 1)
            nats = nats - counts.freedoms / (2 * known)
            self.known = known
        self.nats = np.maximum(nats, 0.0)

    def error(self, i: int, j: int) -> float | None:
        """The standard error of one pair; ``None`` where it is exact."""
        if self.n is None:
            return None
        names = self.counts.schema.names
        joint = self.counts.table(names[i], names[j]).astype(np.float64)
        joint = joint / (joint.sum() or 1.0)
        expected = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        there = joint > 0
        p, ratio = joint[there], np.log(joint[there] / expected[there])
        variance = float((p * ratio**2).sum() - (p * ratio).sum() ** 2)
        return float(np.sqrt(max(variance, 0.0) / self.known[i, j]))


def _data(rows: Table, names: list[str]) -> _Information:
    """Of rows that weigh differently, as of so many equal ones as their weights are worth."""
    w = rows.weights
    worth = 1.0 if w is None or not w.any() else float(w.sum() ** 2 / (w**2).sum()) / rows.n_rows
    return _Information(count_pairs(rows.select(names), missing="complete_families"), rows.n_rows, worth)


def _pair(names: list[str], i: int, j: int, model: _Information, data: _Information | None) -> Pair:
    return Pair(
        names[i],
        names[j],
        float(model.nats[i, j]),
        model.error(i, j),
        None if data is None else float(data.nats[i, j]),
        None if data is None else data.error(i, j),
    )


def _in_pairs(pairs: list[tuple[int, int]]) -> list[int]:
    """The columns that come first in pairs from the strongest on, in their own order."""
    found: dict[int, None] = {}
    for pair in pairs:
        found |= dict.fromkeys(pair)
        if len(found) >= _MOST_IN_MATRIX:
            break
    return sorted(list(found)[:_MOST_IN_MATRIX])


def _columns(states: ModelStates) -> list[str]:
    """All columns, or those of most entropy where there are too many states for all pairs."""
    schema = states.model.schema_
    if sum(schema.sizes) <= _MOST_STATES:
        return list(schema.names)
    shares, _ = states.singles()
    order = np.argsort([-_entropy(p) for p in shares], kind="stable")
    last = np.searchsorted(np.cumsum(np.array(schema.sizes)[order]), _MOST_STATES, side="right")
    return [schema.names[j] for j in np.sort(order[:last])]


def _entropy(p: NDArray[np.float64]) -> float:
    inside = p[p > 0]
    return float(-(inside * np.log(inside)).sum())
