"""Which columns depend on which: mutual information of pairs, under a model and in rows.

    I(a; b) = sum over states of p(a, b) log( p(a, b) / (p(a) p(b)) )        in nats

From n rows that were drawn or observed the plain estimate is off by (m_ab - m_a - m_b + 1) / 2n to first order, for m
states that occur (Miller 1955); that is taken off, and what is then below zero is zero.  Its standard error is that of
the mean of the log-ratio.  What was summed exactly has neither bias nor error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.bayesian_network.pair_counts import PairCounts, count_pairs
from chainrule.tables.table import Table
from chainrule.tasks.describing.record import Dependence, Pair
from chainrule.tasks.describing.states import ModelStates

__all__ = ["Information", "dependence_of", "information_of"]

_MOST_STATES = 2_500  # of all columns together, for all pairs: the counts grow with their square
_ROUNDING = 1e-12  # nats
_STRONGEST, _FURTHEST = 30, 10  # pairs that are listed
_MOST_IN_MATRIX = 30  # columns


class Information:
    """Mutual information ``nats`` (d, d) of all pairs of ``counts``, its bias taken off where it is of ``n`` rows.

    Rows that weigh differently are worth ``worth`` equal ones each.
    """

    def __init__(self, counts: PairCounts, n: int | None, worth: float = 1.0) -> None:
        self.counts, self.n, self.names = counts, n, counts.schema.names
        self._known = np.maximum(counts.known * worth, 1.0)
        bias = 0.0 if n is None else _excess_states(counts) / (2 * self._known)
        nats = np.maximum(counts.information - bias, 0.0)
        self.nats = np.where(nats < _ROUNDING, 0.0, nats)

    def error(self, i: int, j: int) -> float | None:
        """The standard error of one pair; ``None`` where it is exact."""
        if self.n is None:
            return None
        joint = self.counts.table(self.names[i], self.names[j]).astype(np.float64)
        joint = joint / (joint.sum() or 1.0)
        expected = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        there = joint > 0
        p, ratio = joint[there], np.log(joint[there] / expected[there])
        variance = float((p * ratio**2).sum() - (p * ratio).sum() ** 2)
        return float(np.sqrt(max(variance, 0.0) / self._known[i, j]))


def _excess_states(counts: PairCounts) -> NDArray[np.int64]:
    """m_ab - m_a - m_b + 1 of all pairs (d, d): (m_a - 1)(m_b - 1) where every combination occurs."""

    def sums(values: NDArray[Any], axis: int) -> NDArray[np.int64]:
        return np.add.reduceat(values.astype(np.int64), counts.starts, axis=axis)

    occurs = counts.counts > 0
    first = sums(sums(occurs, 1) > 0, 0)  # (d, d): states of a that occur where b is known
    return sums(sums(occurs, 1), 0) - first - first.T + 1


def information_of(states: ModelStates) -> Information | None:
    """That of the model, of all columns or of those of most entropy; ``None`` where it has a single column."""
    names = _columns(states)
    return Information(*states.pairs(names)) if len(names) > 1 else None


def dependence_of(model: Information | None, rows: Table | None, n_columns: int) -> Dependence | None:
    """The strongest pairs of the model, of ``n_columns`` in all, and of ``rows`` beside them where there are any."""
    if model is None:
        return None
    data = None if rows is None else _data(rows, model.names)
    upper = np.stack(np.triu_indices(len(model.names), 1), axis=1)
    ranked = upper[np.argsort(-model.nats[tuple(upper.T)], kind="stable")]
    apart = (
        []
        if data is None
        else upper[np.argsort(-np.abs(data.nats - model.nats)[tuple(upper.T)], kind="stable")]
    )
    places = _in_pairs(ranked)
    return Dependence(
        n_pairs=len(ranked),
        strongest=[_pair(i, j, model, data) for i, j in ranked[:_STRONGEST].tolist()],
        furthest=[_pair(i, j, model, data) for i, j in np.array(apart[:_FURTHEST]).tolist()],
        columns=[model.names[i] for i in places],
        matrix=(model.nats * (1 - np.eye(len(model.names))))[np.ix_(places, places)],
        n_left_out=n_columns - len(model.names),
        n_draws=model.n,
        n_rows=None if rows is None else rows.n_rows,
    )


def _data(rows: Table, names: Sequence[str]) -> Information:
    w = rows.weights
    worth = 1.0 if w is None or not w.any() else float(w.sum() ** 2 / (w**2).sum()) / rows.n_rows
    return Information(count_pairs(rows.select(names), missing="complete_families"), rows.n_rows, worth)


def _pair(i: int, j: int, model: Information, data: Information | None) -> Pair:
    return Pair(
        model.names[i],
        model.names[j],
        float(model.nats[i, j]),
        model.error(i, j),
        None if data is None else float(data.nats[i, j]),
        None if data is None else data.error(i, j),
    )


def _in_pairs(pairs: NDArray[np.intp]) -> list[int]:
    """The columns that come first in pairs from the strongest on, in their own order."""
    found: dict[int, None] = {}
    for pair in pairs.tolist():
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
