"""NADE's likelihood of rows of codes: one small matrix product for each variable.

    a_1 = c,   z_t = b_t + V_t · act(a_t),   p(x_t) = softmax(0, z_t),   a_{t+1} = a_t + W_t[x_t]

``V_t`` has K - 1 rows, one for each state but the first, which has the log-odds 0 and adds nothing.  Four rows of
the table and up to four states share sixteen partial sums in registers, each a vector over hidden units.  Words and
layouts are those of ``categorical_packing``; the definition, which these loops are tested against, is in
``definition``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.elementary import exp_of_negative, log_ratio
from chainrule.compiled.vectors import (
    add_quarters,
    aligned,
    fma,
    get,
    lanes,
    load,
    nonzero,
    pointer,
    positive,
    put,
    registers,
    same,
    select,
    store,
    sums,
)
from chainrule.models.nade.activations import activate

__all__ = [
    "PIECE",
    "ROWS",
    "Rows",
    "Target",
    "Variable",
    "categorical_forward",
    "categorical_terms",
    "variable_logits",
]

ROWS = 4  # of the table, that share registers
STATES = 4  # of a variable, that share registers
TILE = ROWS * STATES
PIECE = 32  # most vectors of hidden units at once: what a variable of a few states reads stays in the first-level cache
SHORT = 32  # variables whose costs are summed in the dtype at hand before they join the float64 sum


# What the inner loops work on; pointers, since an array that is handed on has its references counted.


class Rows(NamedTuple):
    """``count`` rows, of which a multiple of ``ROWS`` is there."""

    moves: Any  # the row of W by which each state moves
    count: int
    states: Any
    stride: int  # of the states


class Variable(NamedTuple):
    """The weights of one variable, as many vectors of hidden units as are taken at once."""

    V: Any  # of its first indicator
    n_states: int  # but the first
    W: Any  # of all variables
    stride: int  # of both
    vectors: int


class Target(NamedTuple):
    """Where log-odds (n_states, slots) are added; what belongs to no state is added at ``logits[spare]``."""

    logits: Any
    slots: int
    spare: int


@kernel
@loop(parallel=True)
def categorical_forward(packed, steps, b, c, slots, cut, keep, kind):
    """The log-odds (width, slots), the last states (slots, stride), or none of them, and ``c`` padded.

    ``packed`` is a ``CategoricalPacked``; ``b`` (width,) and ``c`` (h,) as the network has them.
    """
    moves, V, W, begins, indicators = packed.moves, packed.V, packed.W, steps.begins, steps.indicators
    n, group, threads = cut
    L = lanes(V)
    h, width, m = c.shape[0], indicators.shape[0], begins.shape[0] - 1
    groups, vectors = (n + group - 1) // group, (h + L - 1) // L
    stride = (vectors | 1) * L  # an odd number of cache lines, so that rows do not compete for the same ones
    start = np.zeros(vectors * L, V.dtype)
    start[:h] = c
    logits = aligned(width * slots + threads * L, V)  # behind them: where log-odds of no state go
    states = aligned((groups if keep else threads) * group * stride, V)
    for k in prange(width):
        for s in range(slots):
            logits[k * slots + s] = b[indicators[k]]
    for thread in prange(threads):
        h_room = aligned(ROWS * PIECE * L, V)
        for g in range(thread, groups, threads):
            first = (g if keep else thread) * group * stride
            count = min(group, n - g * group)
            for r in range((count + ROWS - 1) // ROWS * ROWS):
                for q in range(vectors):
                    store(states, first + r * stride + q * L, load(start, q * L))
            for q in range(0, vectors, PIECE):
                for t in range(m):
                    at = begins[t]
                    where = at * slots + g * group
                    rows = Rows(
                        pointer(moves, t * slots + g * group), count, pointer(states, first + q * L), stride
                    )
                    variable = Variable(
                        pointer(V, (at * vectors + q) * L), begins[t + 1] - at,
                        pointer(W, q * L), vectors * L, min(PIECE, vectors - q),
                    )  # fmt: skip
                    spare = width * slots + thread * L - where
                    variable_logits(
                        rows, variable, Target(pointer(logits, where), slots, spare), pointer(h_room, 0), kind
                    )
    return logits, states, start


@loop
def variable_logits(rows, variable, target, h, kind):
    """Move the states of ``rows`` and add to the log-odds of ``variable`` in ``target``.

    ``h`` is room for the activations of ``ROWS`` rows.
    """
    V, W, stride, n_states = variable.V, variable.W, variable.stride, variable.n_states
    size = variable.vectors * lanes(V)
    for u in range(0, rows.count, ROWS):
        for r in range(ROWS):
            at, w = (u + r) * rows.stride, np.int64(rows.moves[u + r]) * stride
            for q in range(0, size, lanes(V)):
                s = load(rows.states, at + q) + load(W, w + q)
                store(rows.states, at + q, s)
                store(h, r * size + q, activate(s, V, kind))
        for j in range(0, n_states - STATES + 1, STATES):
            _tile(STATES, variable, j, h, target, u)
        rest = n_states % STATES
        if rest == 1:
            _tile(1, variable, n_states - 1, h, target, u)
        elif rest == 2:
            _tile(2, variable, n_states - 2, h, target, u)
        elif rest == 3:
            _tile(3, variable, n_states - 3, h, target, u)


@njit(forceinline=True)
def _tile(n_states, variable, first, h, target, u):
    """The log-odds of ``ROWS`` rows from ``u`` on and of ``n_states`` states, a constant, from ``first`` on."""
    V, vectors, slots, spare = variable.V, variable.vectors, target.slots, target.spare
    L = lanes(V)
    z, own = registers(V, TILE), registers(V, ROWS)
    for k in range(TILE):
        put(z, k, same(V, 0.0))
    for q in range(vectors):
        for r in range(ROWS):
            put(own, r, load(h, (r * vectors + q) * L))
        for j in range(n_states):
            weights = load(V, (first + j) * variable.stride + q * L)
            for r in range(ROWS):
                put(z, STATES * r + j, fma(get(own, r), weights, get(z, STATES * r + j)))
    at = first * slots + u
    for r in range(0, ROWS, L // STATES):
        # a quarter for each state: the sums of one row after the other
        add_quarters(
            target.logits, target.logits, sums(z, STATES * r),
            at + r,
            at + slots + r if n_states > 1 else spare,
            at + 2 * slots + r if n_states > 2 else spare,
            at + 3 * slots + r if n_states > 3 else spare,
        )  # fmt: skip


@kernel
@loop(parallel=True)
def categorical_terms(packed, steps, logits, slots, cut):
    """``log p`` (n,) of each row in nats (float64), and the derivatives of it in place of the ``logits``.

    The derivative with respect to the log-odds of a state is 1 where the row has that state, less its probability.
    What is not finite makes the log-probability NaN.
    """
    moves, begins = packed.moves, steps.begins
    n, threads = cut.rows, cut.threads
    L = lanes(logits)
    m = begins.shape[0] - 1
    log_p = np.zeros(slots, np.float64)
    zero, one = same(logits, 0.0), same(logits, 1.0)
    for thread in prange(threads):
        lines = slots // L
        first, last = lines * thread // threads * L, lines * (thread + 1) // threads * L
        costs, states = aligned(last - first, logits), aligned(L, logits)
        for t in range(m):
            for s in range(first, last, L):
                for k in range(L):
                    states[k] = moves[(t + 1) * slots + s + k]
                state = load(states, 0)
                top, own, lost = zero, zero, zero
                for k in range(begins[t], begins[t + 1]):
                    z = load(logits, k * slots + s)
                    top = select(positive(z - top), z, top)
                for k in range(begins[t], begins[t + 1]):
                    z = load(logits, k * slots + s)
                    own = select(nonzero(state - same(logits, k)), own, z)
                    lost = lost + (z - z)  # zero, or NaN where z is not finite
                total = exp_of_negative(zero - top, logits)
                for k in range(begins[t], begins[t + 1]):
                    part = exp_of_negative(load(logits, k * slots + s) - top, logits)
                    store(logits, k * slots + s, part)
                    total = total + part
                share = one / total
                for k in range(begins[t], begins[t + 1]):
                    there = select(nonzero(state - same(logits, k)), zero, one)
                    store(logits, k * slots + s, there - load(logits, k * slots + s) * share)
                cost = top - own + log_ratio(total, one, logits) + lost
                store(costs, s - first, cost if t % SHORT == 0 else load(costs, s - first) + cost)
            if t % SHORT == SHORT - 1 or t == m - 1:
                for s in range(first, last):
                    log_p[s] -= costs[s - first]
    return log_p[:n].copy()
