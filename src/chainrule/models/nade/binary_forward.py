"""NADE's likelihood of binary rows at the speed of matrix multiplication.

    a_1 = c,   logit_t = b_t + V_t · act(a_t),   a_{t+1} = a_t + W_t x_t

A textbook program walks through the variables one by one, on all rows, through memory.  Here the work is cut
so that sums stay in registers: 4 rows and 4 variables share 16 partial sums of logits, each a vector over hidden
units; one vector of V serves 4 rows, one vector of state serves 4 variables.  Words and layouts are those of
``binary_packing``; the definition, which these loops are tested against, is in ``definition``.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.elementary import bernoulli_parts
from chainrule.compiled.vectors import (
    add_quarters,
    aligned,
    fma,
    get,
    lanes,
    load,
    load_mask,
    pointer,
    put,
    registers,
    same,
    select,
    store,
    sums,
)
from chainrule.models.nade.activations import activate
from chainrule.models.nade.binary_packing import BOUNDS, LIVE, ONE, PATTERNS, ROWS, STEP

__all__ = ["nade_forward", "nade_terms"]

TILE = ROWS * STEP
# most vectors of hidden units at once: a block's weights stay in the first-level cache
PIECE = 32
SHORT = 32  # blocks whose costs are summed in the dtype at hand before they join the float64 sum


@kernel
@loop(parallel=True)
def nade_forward(packed, order, b, c, cut, keep, kind):
    """The tile of logits of every conditional, the final states (slots, stride), or none of them, and ``c`` padded.

    ``packed`` is a ``Packed`` and ``cut`` a ``Cut``; ``order`` and ``b`` (d,), ``c`` (h,).
    """
    lists, bounds, V, W = packed.lists, packed.bounds, packed.V, packed.W
    n, group, threads = cut
    L = lanes(V)
    d, h = b.shape[0], c.shape[0]
    groups = (n + group - 1) // group
    slots = (groups * (group + 1) + ROWS - 1) // ROWS * ROWS
    blocks, vectors = (d + STEP - 1) // STEP, (h + L - 1) // L
    start, biases = np.zeros(vectors * L, V.dtype), np.zeros(blocks * STEP, V.dtype)
    start[:h] = c
    for t in range(d):
        biases[t] = b[order[t]]
    room = group + PATTERNS * ROWS
    stride = (vectors | 1) * L  # an odd number of cache lines, so that rows do not compete for the same ones
    logits = np.empty(blocks * slots * STEP, V.dtype)
    states = aligned((slots if keep else threads * (group + 1)) * stride, V)
    for i in prange(blocks):
        for s in range(slots):
            for j in range(STEP):
                logits[(i * slots + s) * STEP + j] = biases[i * STEP + j]
    for thread in prange(threads):
        for g in range(thread, groups, threads):
            first = (g if keep else thread) * (group + 1) * stride
            for r in range(group + 1):
                for q in range(vectors):
                    store(states, first + r * stride + q * L, load(start, q * L))
            for q in range(0, vectors, PIECE):
                for i in range(blocks):
                    where = g * blocks + i
                    at = (i * vectors + q) * STEP * L
                    _forward_block(
                        pointer(lists, where * room), pointer(bounds, where * BOUNDS),
                        pointer(V, at), pointer(W, at), STEP * L, min(PIECE, vectors - q),
                        pointer(states, first + q * L), stride,
                        pointer(logits, (i * slots + g * (group + 1)) * STEP), kind,
                    )  # fmt: skip
    return logits, states, start


@kernel
@loop(parallel=True)
def nade_terms(codes, logits, blocks, cut):
    """``log p`` (n,) of each row in nats (float64), and ``x - p(x = 1)`` in place of the ``logits``.

    That difference is the derivative of log p with respect to the logit; it is zero where there is no
    variable or no row.
    """
    L = lanes(logits)
    n, group, threads = cut
    slots = logits.shape[0] // (blocks * STEP)
    log_p = np.zeros(slots, np.float64)
    one, zero = same(logits, 1.0), same(logits, 0.0)
    for thread in prange(threads):
        begin, end = (
            slots * thread // (threads * ROWS) * ROWS,
            slots * (thread + 1) // (threads * ROWS) * ROWS,
        )
        costs = aligned((end - begin) * STEP, logits)
        for i in range(blocks):
            for k in range(0, (end - begin) * STEP, L):
                p = (i * slots + begin) * STEP + k
                z = load(logits, p)
                x, live = load_mask(codes, p, ONE, z), load_mask(codes, p, LIVE, z)
                cost, residual = bernoulli_parts(select(x, one, zero), z, logits)
                cost = select(live, cost, zero)
                store(logits, p, select(live, residual, zero))
                store(costs, k, cost if i % SHORT == 0 else load(costs, k) + cost)
            if i % SHORT == SHORT - 1 or i == blocks - 1:
                for k in range((end - begin) * STEP):
                    log_p[begin + k // STEP] -= costs[k]
    by_row = np.empty(n, np.float64)
    for r in range(n):
        by_row[r] = log_p[r + r // group]
    return by_row


@njit(forceinline=True)
def _forward_pattern(x, rows, bounds, V, W, step, vectors, a, stride, logits, kind):
    """Logits of one block for the rows whose ones are the bits of ``x``, a constant.

    ``step`` is STEP * lanes, passed on so that the compiler walks through V and a with two pointers.
    """
    L = lanes(V)
    z, s, h = registers(V, TILE), registers(V, ROWS), registers(V, ROWS)
    for u in range(bounds[x], bounds[x] + bounds[PATTERNS + x], ROWS):
        r0, r1, r2, r3 = (
            np.int64(rows[u]),
            np.int64(rows[u + 1]),
            np.int64(rows[u + 2]),
            np.int64(rows[u + 3]),
        )
        state = (r0 * stride, r1 * stride, r2 * stride, r3 * stride)
        for k in range(TILE):
            put(z, k, same(V, 0.0))
        p = 0
        for q in range(vectors):
            for r in range(ROWS):
                put(s, r, load(a, state[r] + q * L))
                put(h, r, activate(get(s, r), V, kind))
            for j in range(STEP):
                v = load(V, p + j * L)
                for r in range(ROWS):
                    put(z, ROWS * j + r, fma(get(h, r), v, get(z, ROWS * j + r)))
                if x & (1 << j):
                    w = load(W, p + j * L)
                    for r in range(ROWS):
                        put(s, r, get(s, r) + w)
                        put(h, r, activate(get(s, r), V, kind))
            if x != 0:
                for r in range(ROWS):
                    store(a, state[r] + q * L, get(s, r))
            p += step
        for j in range(0, STEP, L // ROWS):
            s4 = sums(z, ROWS * j)
            add_quarters(logits, logits, s4, r0 * STEP + j, r1 * STEP + j, r2 * STEP + j, r3 * STEP + j)


# One line per pattern: x must be a constant in each, so that its loop has no branches.


@loop
def _forward_block(*block):
    _forward_pattern(0, *block)
    _forward_pattern(1, *block)
    _forward_pattern(2, *block)
    _forward_pattern(3, *block)
    _forward_pattern(4, *block)
    _forward_pattern(5, *block)
    _forward_pattern(6, *block)
    _forward_pattern(7, *block)
    _forward_pattern(8, *block)
    _forward_pattern(9, *block)
    _forward_pattern(10, *block)
    _forward_pattern(11, *block)
    _forward_pattern(12, *block)
    _forward_pattern(13, *block)
    _forward_pattern(14, *block)
    _forward_pattern(15, *block)
