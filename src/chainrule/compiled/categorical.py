"""Log-probabilities of rows of states from log-odds, and their derivative, in one pass; and rows as indicators.

Variable t has the indicators ``begins[t]`` to ``begins[t + 1]``, one for each of its states but the first, and as
many log-odds against its first state (``models/shared/coding``):

    log p(k) = z_k - log(1 + exp z_1 + ... + exp z_{K-1}),  z_0 = 0;    d log p(k) / d z_j = [j = k] - p(j)
"""

from __future__ import annotations

import math

import numpy as np
from numba import prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.elementary import exp_of_negative
from chainrule.compiled.vectors import lanes, load, load_first, pointer, store, store_first

__all__ = ["categorical_log_prob", "indicators"]

LARGE = 1e200  # a product of sums that large is counted before it leaves the numbers; no sum is above 1e7


@kernel
@loop
def indicators(codes, begins, like):
    """Rows of codes (n, d), int32, as zeros and ones (n, width) of the dtype of ``like``.

    The second result is the number of a cell that holds no state, or -1.
    """
    n, d = codes.shape
    width = begins[d]
    flat, x, bad = codes.reshape(-1), np.zeros(n * width, like.dtype), -1
    for r in range(n):
        for t in range(d):
            k = flat[r * d + t]
            if k < 0 or k > begins[t + 1] - begins[t]:
                bad = r * d + t
            elif k > 0:
                x[r * width + begins[t] + k - 1] = 1
    return x.reshape(n, width), bad


@kernel
@loop(parallel=True)
def categorical_log_prob(codes, logits, begins, threads):
    """``log p`` (n,) in nats, and its derivative with respect to the logits (n, width).

    ``codes`` (n, d) int32 hold states; ``logits`` (n, width), float32 or float64; all contiguous.
    """
    n, d = codes.shape
    width = begins[d]
    log_p, residuals = np.empty(n, logits.dtype), np.empty(n * width, logits.dtype)
    flat, flat_z = codes.reshape(-1), logits.reshape(-1)
    for thread in prange(threads):
        firsts = np.empty(d + 1, logits.dtype)  # of each variable, what belongs to its first state
        for r in range(n * thread // threads, n * (thread + 1) // threads):
            log_p[r] = _log_prob_of_row(
                d, pointer(flat, r * d), pointer(flat_z, r * width), pointer(begins, 0), pointer(firsts, 0),
                pointer(residuals, r * width),
            )  # fmt: skip
    return log_p, residuals.reshape(n, width)


@loop
def _log_prob_of_row(d, codes, z, begins, firsts, out):
    """``log p`` of one row; ``out`` becomes its derivative in the log-odds ``z``."""
    log_p, product = 0.0, 1.0
    for t in range(d):
        top = z[0] * 0
        for k in range(begins[t], begins[t + 1]):
            top = max(top, z[k])
        for k in range(begins[t], begins[t + 1]):
            out[k] = z[k] - top
        firsts[t] = -top
        state = codes[t]
        log_p += out[begins[t] + state - 1] if state > 0 else -top
    _exponentials(out, begins[d])
    _exponentials(firsts, d)
    for t in range(d):
        everything = firsts[t]
        for k in range(begins[t], begins[t + 1]):
            everything += out[k]
        product *= everything
        if product > LARGE:
            log_p -= math.log(product)
            product = 1.0
        scale = -1 / everything
        for k in range(begins[t], begins[t + 1]):
            out[k] *= scale
        if codes[t] > 0:
            out[begins[t] + codes[t] - 1] += 1
    return log_p - math.log(product)


@loop
def _exponentials(x, n):
    """``x[i] = e ** x[i]`` for numbers at most 0."""
    L = lanes(x)
    for k in range(0, n // L * L, L):
        store(x, k, exp_of_negative(load(x, k), x))
    rest = n % L
    if rest:
        store_first(x, n - rest, exp_of_negative(load_first(x, n - rest, rest), x), rest)
