"""NADE sampling: each variable of each row is computed once, from a state that grows row by row.

    x_t = 1 with probability sigmoid(b_t + V_t · act(a)),   then a += W_t x_t

``TOGETHER`` rows share every vector of V; their states stay in the first-level cache while V and W stream by,
read where they are.  Rows that are left over go one at a time, with as many partial sums.  Threads take rows,
and a row's draws depend on its own uniforms alone.  float32 and float64.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from chainrule.models.kernels.calls import kernel
from chainrule.models.kernels.nade import RELU
from chainrule.models.kernels.vectors import (
    aligned,
    fma,
    get,
    lanes,
    load,
    pointer,
    put,
    registers,
    relu,
    same,
    sigmoid,
    store,
    total,
)

__all__ = ["nade_sample"]

TOGETHER = 8


@kernel
@njit(parallel=True, cache=True)
def nade_sample(uniforms, given, order, W, V, b, c, threads, kind):  # type: ignore[no-untyped-def]
    """Rows (n, d) in {0, 1}: variable ``order[t]`` is on where ``uniforms[:, t]`` is below its probability.

    ``W`` and ``V`` (d, h), contiguous; ``given`` (n, d), or (0, 0) for none: entries that are not NaN are
    taken as they are.
    """
    n, d = uniforms.shape
    h = W.shape[1]
    L = lanes(W[0])
    whole, vectors = h // L, (h + L - 1) // L
    # the last hidden units, where they do not fill a vector, have a place of their own
    tail_W, tail_V = np.zeros(d * L, W.dtype), np.zeros(d * L, W.dtype)
    for i in range(d if whole < vectors else 0):
        for k in range(h - whole * L):
            tail_W[i * L + k], tail_V[i * L + k] = W[i, whole * L + k], V[i, whole * L + k]
    start = np.zeros(vectors * L, W.dtype)
    start[:h] = c
    weights = (W.reshape(-1), V.reshape(-1), tail_W, tail_V, b, start)
    x = np.empty((n, d), np.uint8)
    pieces = (n + TOGETHER - 1) // TOGETHER
    workers = min(threads, max(1, n))
    if workers == 1:  # no threads are woken for a single row
        _draw(0, n, uniforms, given, order, weights, h, x, kind)
    else:
        for thread in prange(workers):
            first, last = _share(n, pieces, thread, workers)
            _draw(first, last, uniforms, given, order, weights, h, x, kind)
    return x


@njit(cache=True)
def _draw(first, last, uniforms, given, order, weights, h, x, kind):  # type: ignore[no-untyped-def]
    """Rows ``first`` to ``last`` of ``x``."""
    W, V, tail_W, tail_V, b, start = weights
    L = lanes(W)
    whole, vectors = h // L, (h + L - 1) // L
    states = aligned(TOGETHER * vectors * L, W)
    sums = np.zeros(TOGETHER * L, W.dtype)
    r = first
    while r < last:
        rows = TOGETHER if r + TOGETHER <= last else 1
        for k in range(rows):
            for q in range(vectors):
                store(states, (k * vectors + q) * L, load(start, q * L))
        for t in range(order.shape[0]):
            i = order[t]
            a, v, tail, z = pointer(states, 0), pointer(V, i * h), pointer(tail_V, i * L), pointer(sums, 0)
            if rows == TOGETHER:
                _dots(a, v, tail, whole, vectors, z, kind)
            else:
                _dot(a, v, tail, whole, vectors, z, kind)
            for k in range(0, rows, L):
                store(sums, k, sigmoid(load(sums, k) + same(sums, b[i]), sums))
            for k in range(rows):
                on = uniforms[r + k, t] < sums[k]
                if given.shape[0] and not np.isnan(given[r + k, i]):
                    on = given[r + k, i] == 1
                x[r + k, i] = on
                if on:
                    a = pointer(states, k * vectors * L)
                    _add(a, pointer(W, i * h), pointer(tail_W, i * L), whole, vectors)
        r += rows


@njit(cache=True)
def _share(n, pieces, thread, workers):  # type: ignore[no-untyped-def]
    """The rows of one thread: whole pieces if there are enough, so that only the last rows go one by one."""
    if pieces >= 2 * workers:
        return min(n, pieces * thread // workers * TOGETHER), min(
            n, pieces * (thread + 1) // workers * TOGETHER
        )
    return n * thread // workers, n * (thread + 1) // workers


@njit(forceinline=True)
def _activate(s, like, kind):  # type: ignore[no-untyped-def]
    return relu(s) if len(kind) == len(RELU) else sigmoid(s, like)


@njit(cache=True)
def _dots(a, v, tail, whole, vectors, sums, kind):  # type: ignore[no-untyped-def]
    """``sums[r] = V_i · act(a_r)`` for ``TOGETHER`` rows."""
    L = lanes(v)
    z = registers(v, TOGETHER)
    for r in range(TOGETHER):
        put(z, r, same(v, 0.0))
    for q in range(whole):
        w = load(v, q * L)
        for r in range(TOGETHER):
            put(z, r, fma(_activate(load(a, (r * vectors + q) * L), v, kind), w, get(z, r)))
    if whole < vectors:
        w = load(tail, 0)
        for r in range(TOGETHER):
            put(z, r, fma(_activate(load(a, (r * vectors + whole) * L), v, kind), w, get(z, r)))
    for r in range(TOGETHER):
        sums[r] = total(get(z, r))


@njit(cache=True)
def _dot(a, v, tail, whole, vectors, sums, kind):  # type: ignore[no-untyped-def]
    """``sums[0] = V_i · act(a)`` for one row, in ``TOGETHER`` partial sums."""
    L = lanes(v)
    z = registers(v, TOGETHER)
    for k in range(TOGETHER):
        put(z, k, same(v, 0.0))
    for q in range(0, whole // TOGETHER * TOGETHER, TOGETHER):
        for k in range(TOGETHER):
            put(z, k, fma(_activate(load(a, (q + k) * L), v, kind), load(v, (q + k) * L), get(z, k)))
    s = same(v, 0.0)
    for q in range(whole // TOGETHER * TOGETHER, whole):
        s = fma(_activate(load(a, q * L), v, kind), load(v, q * L), s)
    if whole < vectors:
        s = fma(_activate(load(a, whole * L), v, kind), load(tail, 0), s)
    for k in range(TOGETHER):
        s = s + get(z, k)
    sums[0] = total(s)


@njit(cache=True)
def _add(a, w, tail, whole, vectors):  # type: ignore[no-untyped-def]
    """``a += W_i``."""
    L = lanes(w)
    for q in range(whole):
        store(a, q * L, load(a, q * L) + load(w, q * L))
    if whole < vectors:
        store(a, whole * L, load(a, whole * L) + load(tail, 0))
