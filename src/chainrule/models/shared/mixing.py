"""Weights of distributions that are averaged: Σ_k w_k p_k(x) stays a distribution, whatever the weights."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.core.numerics import log_sum_exp
from chainrule.core.time_limit import check_time
from chainrule.models.shared.state_columns import picked, state_begins

__all__ = ["Weighing", "averaged_states", "choices", "em_weights", "log_posterior", "log_weights"]

_MOST_STEPS = 2000
_ENOUGH = 1e-10  # nats a row that the last step may still gain


class Weighing(NamedTuple):
    """Weights (K,), the mean log-likelihood in nats a row at each step, and how many rows no member allows."""

    weights: NDArray[np.float64]
    mean_log_prob_nats: list[float]
    n_impossible: int


def em_weights(log_p: NDArray[np.float64], row_weights: NDArray[np.float64] | None = None) -> Weighing:
    """The weights that maximise the likelihood Π_r (Σ_k w_k p_k(x_r)) of rows with ``log_p`` (n, K), by EM.

    The likelihood is concave in the weights, so what EM climbs to from equal weights is the maximum.  Rows that no
    member allows say nothing and are left out.

    >>> em_weights(np.log([[0.5, 0.1], [0.5, 0.1], [0.1, 0.5]])).weights.round(3).tolist()
    [0.75, 0.25]
    """
    possible = (log_p > -np.inf).any(axis=1)
    share = np.ones(len(log_p)) if row_weights is None else row_weights
    share = np.where(possible, share, 0.0)
    w = np.full(log_p.shape[1], 1.0 / log_p.shape[1])
    found: list[float] = []
    if share.sum() > 0:
        rows, share = log_p[share > 0], share[share > 0] / share.sum()
        top = rows.max(axis=1, keepdims=True)
        p = np.exp(rows - top)
        for _ in range(_MOST_STEPS):
            check_time()
            total = p @ w
            found.append(float(share @ (np.log(total) + top[:, 0])))
            if len(found) > 1 and found[-1] - found[-2] < _ENOUGH:
                break
            w = w * ((share / total) @ p)
            w /= w.sum()
    return Weighing(w, found, int((~possible).sum()))


def log_weights(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithms of weights; a member of weight 0 has ``-inf``."""
    with np.errstate(divide="ignore"):
        return np.log(weights)


def log_posterior(log_joint: NDArray[np.float64], log_prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """``log_joint`` (n, K) less its log-sum over members; ``log_prior`` (K,) for a row that none of them allows."""
    total = log_sum_exp(log_joint, axis=1)
    lost = total == -np.inf
    return np.where(lost[:, None], log_prior, log_joint - np.where(lost, 0.0, total)[:, None])


def choices(log_posterior: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.intp]:
    """A member for each row (n,), drawn by ``log_posterior`` (n, K); one of probability zero never."""
    ends = np.cumsum(np.exp(log_posterior), axis=1)[:, :-1]
    ends[ends >= 1 - 1e-12] = np.inf  # rounding must not reach a member of probability zero
    return (generator.random(len(log_posterior))[:, None] >= ends).sum(axis=1)


def averaged_states(
    states: list[NDArray[np.float64]],
    codes: NDArray[np.integer[Any]],
    order: NDArray[np.intp],
    log_w: NDArray[np.float64],
    sizes: tuple[int, ...],
) -> NDArray[np.float64]:
    """``log p(x_i = k | before it)`` of Σ_k w_k p_k from those of its members, (n, Σ K_i) each.

    A conditional of an average weighs the members by what each has said of the values before: w_k p_k(x_before).
    """
    n, d = codes.shape
    running = np.empty((len(states), n, d))  # log w_k p_k(x_before) for each variable, in the order
    for k, log_p in enumerate(states):
        known = picked(log_p, codes, sizes)[:, order]
        running[k, :, 0] = log_w[k]
        running[k, :, 1:] = log_w[k] + np.cumsum(known[:, :-1], axis=1)
    share = log_posterior(running.transpose(1, 2, 0).reshape(n * d, -1), log_w).reshape(n, d, -1)
    by_column = np.empty_like(share)
    by_column[:, order] = share
    owner = np.repeat(np.arange(d), np.diff(state_begins(sizes)))
    out = np.full(states[0].shape, -np.inf)
    for k, log_p in enumerate(states):
        out = np.logaddexp(out, by_column[:, owner, k] + log_p)
    return out
