"""NADE in loops: logits, gradient and sampling, each with the state of a few rows kept in the cache.

A textbook program recomputes or stores the hidden state of every row at every variable, n·d·h numbers.
Here a group of ``ROWS`` rows walks through the variables together with its states a (ROWS, h), so nothing
is stored per variable, and each weight row is read once per group.  The gradient walks back from the
final states: what was added to a on the way forward is subtracted on the way back.

Letters: x (n, d) data in {0, 1}; W, V (d, h) and b (d), c (h) parameters by variable; ``order`` (d) the
variables in the order in which they are generated; a the hidden pre-activation, h = relu(a).
Works in float32 and float64, whatever the parameters are.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange

from chainrule.models.kernels.interrupts import interruptible

__all__ = ["nade_backward", "nade_forward", "nade_sample"]

ROWS = 8  # rows that walk together: their states fit the first-level cache, each weight row serves all
UNITS = 160  # most hidden units in one piece of the gradient: its (d, UNITS) blocks stay near the core
LANES = 16  # pieces are multiples of this, so that only the last one ends in single numbers

# sums may be reordered (so that they vectorise), but infinities keep their meaning
_MATH: Any = {"contract", "reassoc", "nsz"}


@interruptible
@njit(parallel=True, cache=True, fastmath=_MATH)
def nade_forward(x, order, W, V, b, c):  # type: ignore[no-untyped-def]
    """Logits (n, d) of every conditional, and the final states (n, h) that the gradient starts from."""
    n, d = x.shape
    h = c.shape[0]
    zero = W.dtype.type(0)
    logits = np.empty((n, d), W.dtype)
    final = np.empty((n, h), W.dtype)
    for g in prange((n + ROWS - 1) // ROWS):
        lo, hi = g * ROWS, min(n, (g + 1) * ROWS)
        for r in range(lo, hi):
            final[r] = c
        for t in range(d):
            i = order[t]
            v, w = V[i], W[i]
            for r in range(lo, hi):
                a = final[r]
                z = b[i]
                for k in range(h):
                    z += v[k] * (a[k] if a[k] > zero else zero)
                logits[r, i] = z
                if x[r, i] != 0:
                    for k in range(h):
                        a[k] += w[k]
    return logits, final


@interruptible
@njit(parallel=True, cache=True, fastmath=_MATH)
def nade_backward(x, order, W, V, final, d_logits, threads):  # type: ignore[no-untyped-def]
    """Gradients (dW, dV, dc) of a sum whose derivative with respect to the logits is ``d_logits``.

    Hidden units are independent of each other here, so threads take pieces of them, share nothing, and
    the result is the same for any number of threads.
    """
    n, d = x.shape
    h = final.shape[1]
    zero = W.dtype.type(0)
    dW, dV, dc = np.zeros_like(W), np.zeros_like(V), np.zeros(h, W.dtype)
    pieces = (h + UNITS * threads - 1) // (UNITS * threads) * threads
    size = ((h + pieces - 1) // pieces + LANES - 1) // LANES * LANES
    for piece in prange((h + size - 1) // size):
        k0 = piece * size
        m = min(size, h - k0)
        a = np.empty((ROWS, m), W.dtype)
        p = np.empty((ROWS, m), W.dtype)  # derivative with respect to a, summed over later variables
        for lo in range(0, n, ROWS):
            rows = min(ROWS, n - lo)
            for r in range(rows):
                a[r] = final[lo + r, k0 : k0 + m]
                p[r] = zero
            for t in range(d - 1, -1, -1):
                i = order[t]
                v, w = V[i, k0 : k0 + m], W[i, k0 : k0 + m]
                dv, dw = dV[i, k0 : k0 + m], dW[i, k0 : k0 + m]
                for r in range(rows):
                    ar, pr = a[r], p[r]
                    if x[lo + r, i] != 0:
                        for k in range(m):
                            dw[k] += pr[k]
                            ar[k] -= w[k]
                    e = d_logits[lo + r, i]
                    for k in range(m):
                        on = ar[k] > zero
                        dv[k] += e * ar[k] if on else zero
                        pr[k] += e * v[k] if on else zero
            for r in range(rows):
                for k in range(m):
                    dc[k0 + k] += p[r, k]
    return dW, dV, dc


@interruptible
@njit(parallel=True, cache=True, fastmath=_MATH)
def nade_sample(uniforms, given, order, W, V, b, c):  # type: ignore[no-untyped-def]
    """Rows (n, d) in {0, 1}: variable ``order[t]`` is on where ``uniforms[:, t]`` is below its probability.

    Entries of ``given`` (n, d) that are not NaN are taken as they are.
    """
    n, d = uniforms.shape
    h = c.shape[0]
    zero = W.dtype.type(0)
    x = np.empty((n, d), np.uint8)
    for r in prange(n):
        a = c.copy()
        for t in range(d):
            i = order[t]
            if math.isnan(given[r, i]):
                z = b[i]
                v = V[i]
                for k in range(h):
                    z += v[k] * (a[k] if a[k] > zero else zero)
                on = uniforms[r, t] * (1 + math.exp(-z)) < 1
            else:
                on = given[r, i] == 1
            x[r, i] = on
            if on:
                w = W[i]
                for k in range(h):
                    a[k] += w[k]
    return x
