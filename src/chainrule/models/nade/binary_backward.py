"""The gradient of NADE's likelihood of binary rows.

The state walks back from its final value: what was added to it is subtracted again.  Only the derivative with
respect to it travels along, so nothing is stored per variable.  For one vector of hidden units the states of a group
of rows stay in the first-level cache while all blocks go by.  Threads take hidden units and share nothing; the result
does not depend on their number.  Words and layouts are those of ``binary_packing``.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.vectors import (
    aligned,
    fma,
    get,
    lanes,
    load,
    pointer,
    prefetch,
    put,
    registers,
    same,
    spread,
    store,
)
from chainrule.models.nade.activations import activate, add_activated, through
from chainrule.models.nade.binary_packing import BOUNDS, PATTERNS, ROWS, STEP, unpack

__all__ = ["nade_backward"]

STRETCH = 16  # blocks that are taken together: their lists and residuals stay in the second-level cache


@kernel
@loop(parallel=True)
def nade_backward(packed, c, states, residuals, weights, order, h, cut, kind):
    """Gradients (dW (d, h), dV (d, h), db (d,), dc (h,)) of ``sum_r weights[r] log p(row r)``.

    ``residuals`` is the tile of derivatives with respect to the logits, zero where there is nothing;
    ``weights`` (n,); ``c`` and ``states`` as ``nade_forward`` gave them, and left as they are.
    """
    lists, bounds, V, W = packed.lists, packed.bounds, packed.V, packed.W
    n, group, threads = cut
    L = lanes(V)
    d = order.shape[0]
    blocks, vectors = (d + STEP - 1) // STEP, (h + L - 1) // L
    groups, slots = (n + group - 1) // group, residuals.shape[0] // (blocks * STEP)
    stride = (vectors | 1) * L
    room = group + PATTERNS * ROWS
    width = L // STEP  # slots in a vector
    spread_weights = np.zeros(slots * STEP, V.dtype)
    for r in range(n):
        for j in range(STEP):
            spread_weights[(r + r // group) * STEP + j] = weights[r]
    e = aligned(residuals.shape[0], V)
    db = np.zeros(d, V.dtype)
    for i in prange(blocks):
        total, parts = same(V, 0.0), np.empty(L, V.dtype)
        for s in range(0, slots, width):
            scaled = load(residuals, (i * slots + s) * STEP) * load(spread_weights, s * STEP)
            store(e, (i * slots + s) * STEP, scaled)
            total = total + scaled
        store(parts, 0, total)
        for j in range(min(STEP, d - i * STEP)):
            for k in range(j, L, STEP):
                db[order[i * STEP + j]] += parts[k]
    # gradients of one vector of hidden units lie together, so that the walk through the blocks is a walk
    # through memory
    packed_V, packed_W = aligned(vectors * blocks * STEP * L, V), aligned(vectors * blocks * STEP * L, V)
    dc = np.zeros(vectors * L, V.dtype)
    for thread in prange(threads):
        q0, q1 = vectors * thread // threads, vectors * (thread + 1) // threads
        size = (group + 1) * L  # of one vector of hidden units, for all rows of a group
        a, p = aligned((q1 - q0) * size, V), aligned((q1 - q0) * size, V)
        for g in range(groups if q1 > q0 else 0):
            count = min(group, n - g * group)
            for r in range(count):
                for q in range(q1 - q0):
                    source = (g * (group + 1) + r) * stride + (q0 + q) * L
                    store(a, q * size + r * L, load(states, source))
                    store(p, q * size + r * L, same(V, 0.0))
            # lists and residuals of one stretch of blocks serve all hidden units before the next
            for stretch in range((blocks - 1) // STRETCH, -1, -1):
                for q in range(q1 - q0):
                    for i in range(min(blocks, (stretch + 1) * STRETCH) - 1, stretch * STRETCH - 1, -1):
                        where, at = g * blocks + i, (i * vectors + q0 + q) * STEP * L
                        for j in range(STEP if i else 0):  # the hardware does not look that far ahead
                            prefetch(V, at - (vectors * STEP - j) * L)
                            prefetch(W, at - (vectors * STEP - j) * L)
                        to = ((q0 + q) * blocks + i) * STEP * L
                        _backward_block(
                            pointer(lists, where * room), pointer(bounds, where * BOUNDS),
                            pointer(V, at), pointer(W, at), pointer(c, (q0 + q) * L),
                            pointer(packed_V, to), pointer(packed_W, to), g == 0,
                            pointer(a, q * size), pointer(p, q * size),
                            pointer(e, (i * slots + g * (group + 1)) * STEP), kind,
                        )  # fmt: skip
            for q in range(q1 - q0):
                for r in range(count):
                    total = load(dc, (q0 + q) * L) + load(p, q * size + r * L)
                    store(dc, (q0 + q) * L, total)
    return unpack(packed_W, order, h), unpack(packed_V, order, h), db, dc[:h]


@njit(forceinline=True)
def _backward_pattern(x, rows, bounds, v, W, dv, dw, a, p, e, kind):
    """Adds to the gradients of one block and one vector of hidden units, ``dv`` and ``dw``, what comes from
    the rows of pattern ``x``, a constant.

    ``p`` is the derivative with respect to the state, summed over the later variables.
    """
    L = lanes(W)
    zero = same(W, 0.0)
    for u in range(bounds[x], bounds[x] + bounds[2 * PATTERNS + x]):
        r = np.int64(rows[u])
        s, ds = load(a, r * L), load(p, r * L)
        h, later = activate(s, W, kind), zero
        for j in range(STEP - 1, -1, -1):
            if x & (1 << j):
                ds = ds + through(later, s, h, W, kind)
                put(dw, j, get(dw, j) + ds)
                s = s - load(W, j * L)
                h, later = activate(s, W, kind), zero
            de = spread(e, r * STEP + j)
            put(dv, j, add_activated(get(dv, j), s, h, de, kind))
            later = fma(get(v, j), de, later)
        ds = ds + through(later, s, h, W, kind)
        if x != 0:
            store(a, r * L, s)
        store(p, r * L, ds)


@njit(forceinline=True)
def _backward_first(rows, bounds, v, W, c, dv, dw, a, p, e, kind):
    """The same for rows whose first one is in this block: undone, it leaves ``c`` itself, without rounding.

    Each row comes here once.  Units that are exactly zero until then have the slope of zero, not one that
    rounding chose.
    """
    L = lanes(W)
    zero = same(W, 0.0)
    for x in range(1, PATTERNS):
        for u in range(bounds[x] + bounds[2 * PATTERNS + x], bounds[x] + bounds[PATTERNS + x]):
            r = np.int64(rows[u])
            s, ds = load(a, r * L), load(p, r * L)
            for j in range(STEP - 1, -1, -1):
                if x & (1 << j):
                    put(dw, j, get(dw, j) + ds)
                    s = load(c, 0) if x & ((1 << j) - 1) == 0 else s - load(W, j * L)
                de = spread(e, r * STEP + j)
                h = activate(s, W, kind)
                put(dv, j, fma(h, de, get(dv, j)))
                ds = ds + through(fma(get(v, j), de, zero), s, h, W, kind)
            store(a, r * L, s)
            store(p, r * L, ds)


# One line per pattern: x must be a constant in each, so that its loop has no branches.


@loop
def _backward_block(rows, bounds, V, W, c, dV, dW, first, a, p, e, kind):
    v, dv, dw = registers(V, STEP), registers(V, STEP), registers(V, STEP)
    for j in range(STEP):
        put(v, j, load(V, j * lanes(V)))
        put(dv, j, same(V, 0.0))
        put(dw, j, same(V, 0.0))
    _backward_pattern(0, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(1, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(2, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(3, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(4, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(5, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(6, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(7, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(8, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(9, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(10, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(11, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(12, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(13, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(14, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(15, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_first(rows, bounds, v, W, c, dv, dw, a, p, e, kind)
    for j in range(STEP):
        k = j * lanes(V)
        store(dV, k, get(dv, j) if first else load(dV, k) + get(dv, j))
        store(dW, k, get(dw, j) if first else load(dW, k) + get(dw, j))
