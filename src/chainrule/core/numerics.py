"""Stable numerics in float64: the one place where ``0 * log 0`` and overflow are guarded.

Letters: p probability, z logit, n rows, d variables.  All logarithms are natural (nats).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from chainrule.core.shapes import Float64

__all__ = ["bernoulli_log_prob", "log_mean_exp", "log_sum_exp", "sigmoid", "softplus", "xlogy"]


def xlogy(x: ArrayLike, p: ArrayLike) -> Float64[np.ndarray, ...]:
    """``x log p`` with ``0 log 0 = 0``; ``-inf`` where ``x > 0`` and ``p = 0``.

    >>> xlogy([0, 1, 1], [0, 0, 1]).tolist()
    [0.0, -inf, 0.0]
    """
    x, p = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(p, np.float64))
    out = np.zeros(x.shape)
    some = x != 0
    with np.errstate(divide="ignore"):
        out[some] = x[some] * np.log(p[some])
    return out


def softplus(z: ArrayLike) -> Float64[np.ndarray, ...]:
    """``log(1 + exp(z))`` without overflow.

    >>> softplus([-1000.0, 0.0, 1000.0]).round(6).tolist()
    [0.0, 0.693147, 1000.0]
    """
    return np.logaddexp(0.0, np.asarray(z, np.float64))


def sigmoid(z: ArrayLike) -> Float64[np.ndarray, ...]:
    """``1 / (1 + exp(-z))`` without overflow.

    >>> sigmoid([-1000.0, 0.0, 1000.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    z = np.asarray(z, np.float64)
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0 / (1.0 + e), e / (1.0 + e))


def bernoulli_log_prob(x: ArrayLike, logits: ArrayLike) -> Float64[np.ndarray, ...]:
    """``log p(x)`` elementwise for x in {0, 1} from logits, in nats; exact for infinite logits.

    >>> bernoulli_log_prob([1, 0, 0], [0.0, 0.0, np.inf]).round(6).tolist()
    [-0.693147, -0.693147, -inf]
    """
    x, z = np.asarray(x), np.asarray(logits, np.float64)
    return -softplus(np.where(x == 1, -z, z))


def log_sum_exp(log_values: ArrayLike, axis: int | tuple[int, ...] | None = None) -> Float64[np.ndarray, ...]:
    """``log sum exp`` along ``axis`` (one or several); all ``-inf`` gives ``-inf``.

    >>> float(log_sum_exp([-np.inf, -np.inf]))
    -inf
    """
    v = np.asarray(log_values, np.float64)
    if v.size == 0:
        return np.full(np.sum(v, axis=axis).shape, -np.inf)
    top = np.max(v, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        out = np.log(np.sum(np.exp(v - top), axis=axis, keepdims=True)) + top
    return np.squeeze(out, axis=axis)


def log_mean_exp(log_values: ArrayLike, axis: int | None = None) -> Float64[np.ndarray, ...]:
    """Log of the average *probability*: how models are averaged.

    Averaging log-probabilities or logits instead does not give a distribution.

    >>> float(np.exp(log_mean_exp(np.log([0.2, 0.4]))).round(6))
    0.3
    """
    v = np.asarray(log_values, np.float64)
    n = v.size if axis is None else v.shape[axis]
    return log_sum_exp(v, axis) - np.log(n)
