"""Trials put together: chains of one order stacked, and all of them averaged.

What is combined has weights that are learned on the rows that judge.  So that the leaderboard does not flatter it, each
half of these rows is judged by weights that the other half gave; the model that is kept has weights from all of them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.core.numerics import log_sum_exp
from chainrule.models.auto.leaderboard import Trial
from chainrule.models.ensemble.estimator import Ensemble
from chainrule.models.shared.mixing import em_weights, log_weights
from chainrule.models.stack.estimator import Stack
from chainrule.tables.table import Table

__all__ = ["averaged", "stacked"]

_LEAST_ROWS = 20  # that can give a few weights
_LEAST_WEIGHT = 0.005  # of a member that is worth its answer's time


def averaged(
    trials: Sequence[Trial], valid: Table, judges: Table, seed: int, name: str = "average"
) -> Trial | None:
    """The average of the trials' probabilities, by weights from EM; ``None`` where one would have all weight."""
    began = time.monotonic()
    log_p = np.stack([t.log_prob if t.weighing is None else t.weighing for t in trials], axis=1)
    asked = np.flatnonzero(~np.isnan(log_p).any(axis=1))
    if len(trials) < 2 or len(asked) < _LEAST_ROWS:
        return None
    weights = np.ones(valid.n_rows) if valid.weights is None else valid.weights
    w = em_weights(log_p[asked], weights[asked]).weights
    kept = [k for k in range(len(trials)) if w[k] >= _LEAST_WEIGHT]
    if len(kept) < 2:
        return None
    log_p = log_p[:, kept]

    def weigh(rows: NDArray[np.intp]) -> NDArray[np.float64]:
        return em_weights(log_p[rows], weights[rows]).weights

    w = weigh(asked)
    if trials[0].weighing is None:
        judged = np.full(judges.n_rows, np.nan)
        for learn, judge in _halves(asked, seed):
            judged[judge] = log_sum_exp(log_p[judge] + log_weights(weigh(learn)), axis=1)
    else:
        judged = log_sum_exp(np.stack([trials[k].log_prob for k in kept], axis=1) + log_weights(w), axis=1)
    model = Ensemble([trials[k].model for k in kept], weights=w.tolist()).fit(valid[asked])
    return Trial(name, model, judged, time.monotonic() - began)


def stacked(
    trials: Sequence[Trial], valid: Table, judges: Table, seed: int, name: str = "stack"
) -> Trial | None:
    """The factors of chains of one order multiplied with learned powers; ``None`` of fewer than two, or by few rows.

    Raises ``TooLargeError`` where the factors of all rows cannot be held.
    """
    began = time.monotonic()
    every = [t.log_prob if t.weighing is None else t.weighing for t in trials]
    asked = np.flatnonzero(~np.isnan(every).any(axis=0))
    if len(trials) < 2 or len(asked) < _LEAST_ROWS:
        return None
    models, weighing = [t.model for t in trials], None
    model = Stack(models).fit(valid[asked])
    judged = np.full(judges.n_rows, np.nan)
    if trials[0].weighing is None:
        for learn, judge in _halves(asked, seed):
            judged[judge] = Stack(models).fit(valid[learn]).log_prob(valid[judge])
    else:
        there = np.flatnonzero(~np.isnan([t.log_prob for t in trials]).any(axis=0))
        judged[there] = model.log_prob(judges[there])
        weighing = np.full(valid.n_rows, np.nan)
        weighing[asked] = model.log_prob(valid[asked])
    return Trial(name, model, judged, time.monotonic() - began, weighing)


def _halves(rows: NDArray[np.intp], seed: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Each half of ``rows`` to judge, with the other to learn from."""
    shuffled = np.random.default_rng(seed).permutation(rows)
    one, other = np.sort(shuffled[: len(rows) // 2]), np.sort(shuffled[len(rows) // 2 :])
    return [(one, other), (other, one)]
