"""The gradient of NADE's likelihood of rows of codes.

The state walks back from its last value, as for binary variables: what was added to it is subtracted again, and a
row's first move, undone, leaves ``c`` itself, without rounding, so that units that begin at zero have the slope of
zero.  For one vector of hidden units the states of a group of rows stay in the first-level cache while all variables
go by.  Threads take hidden units and share nothing.  Words and layouts are those of ``categorical_packing``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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
    put,
    registers,
    same,
    spread,
    store,
    total,
)
from chainrule.models.nade.activations import activate, add_activated, through

__all__ = ["categorical_backward"]

STATES = 4  # of a variable, that share registers
STRETCH = (
    64  # indicators, or a few more, whose derivatives stay in the second-level cache for all hidden units
)


# What the inner loops work on, for one vector of hidden units; pointers, since an array that is handed on has its
# references counted.


class Variable(NamedTuple):
    """The weights of one variable and their gradient."""

    V: Any  # of its first indicator
    stride: int
    n_states: int  # but the first
    dV: Any


class Rows(NamedTuple):
    """``count`` rows."""

    states: Any
    derivatives: Any  # with respect to the states, summed over the later variables
    count: int


@kernel
@loop(parallel=True)
def categorical_backward(packed, steps, c, states, residuals, weights, h, slots, cut, kind):
    """Gradients (dW (width, h), dV (width, h), db (width,), dc (h,)) of ``sum_r weights[r] log p(row r)``.

    ``residuals`` (width, slots) are the derivatives with respect to the log-odds; ``weights`` (n,); ``c`` padded and
    ``states`` as ``categorical_forward`` gave them, and left as they are.
    """
    moves, firsts, first_begins = packed.moves, packed.firsts, packed.first_begins
    V, W, begins, indicators = packed.V, packed.W, steps.begins, steps.indicators
    n, group, threads = cut
    L = lanes(V)
    width, m = indicators.shape[0], begins.shape[0] - 1
    groups, vectors = (n + group - 1) // group, (h + L - 1) // L
    stride = (vectors | 1) * L
    e, by_slot = aligned(width * slots, V), np.zeros(slots, V.dtype)
    for r in range(n):
        by_slot[r] = weights[r]
    db = np.zeros(width, V.dtype)
    for k in prange(width):
        part = same(V, 0.0)
        for s in range(0, slots, L):
            scaled = load(residuals, k * slots + s) * load(by_slot, s)
            store(e, k * slots + s, scaled)
            part = part + scaled
        db[indicators[k]] = total(part)
    # gradients of one vector of hidden units lie together; those of W have room for what first states add
    packed_V, packed_W = aligned(vectors * width * L, V), aligned(vectors * (width + 1) * L, V)
    dc = np.zeros(vectors * L, V.dtype)
    for thread in prange(threads):
        q0, q1 = vectors * thread // threads, vectors * (thread + 1) // threads
        size = group * L
        a, p = aligned((q1 - q0) * size, V), aligned((q1 - q0) * size, V)
        for k in range(q0 * width * L, q1 * width * L):
            packed_V[k] = 0
        for k in range(q0 * (width + 1) * L, q1 * (width + 1) * L):
            packed_W[k] = 0
        for g in range(groups if q1 > q0 else 0):
            count = min(group, n - g * group)
            for r in range(count):
                for q in range(q1 - q0):
                    store(a, q * size + r * L, load(states, (g * group + r) * stride + (q0 + q) * L))
                    store(p, q * size + r * L, same(V, 0.0))
            end = m
            while end > 0:
                begin = end - 1
                while begin > 0 and begins[end] - begins[begin] < STRETCH:
                    begin -= 1
                for q in range(q1 - q0):
                    for t in range(end - 1, begin - 1, -1):
                        at = begins[t]
                        variable = Variable(
                            pointer(V, at * vectors * L + (q0 + q) * L), vectors * L, begins[t + 1] - at,
                            pointer(packed_V, ((q0 + q) * width + at) * L),
                        )  # fmt: skip
                        rows = Rows(pointer(a, q * size), pointer(p, q * size), count)
                        _outputs_back(variable, rows, pointer(e, at * slots + g * group), slots, kind)
                        if t:
                            _move_back(
                                rows, pointer(moves, t * slots + g * group),
                                pointer(W, (q0 + q) * L), vectors * L, pointer(packed_W, (q0 + q) * (width + 1) * L),
                            )  # fmt: skip
                            where = g * (m + 2) + t - 1
                            for k in range(first_begins[where], first_begins[where + 1]):
                                store(a, q * size + firsts[g * group + k] * L, load(c, (q0 + q) * L))
                end = begin
            for q in range(q1 - q0):
                for r in range(count):
                    store(dc, (q0 + q) * L, load(dc, (q0 + q) * L) + load(p, q * size + r * L))
    dW, dV = _unpack(packed_W, width + 1, indicators, h), _unpack(packed_V, width, indicators, h)
    return dW, dV, db, dc[:h]


@loop(parallel=True)
def _unpack(packed, rows, indicators, h):
    """(vectors, rows, lanes) as (width, h), by indicator; ``rows`` beyond the indicators are left out."""
    L = lanes(packed)
    width = indicators.shape[0]
    out = np.empty(width * h, packed.dtype)
    for k in prange(width):
        for q in range(h // L):
            store(out, indicators[k] * h + q * L, load(packed, (q * rows + k) * L))
        for j in range(h // L * L, h):
            out[indicators[k] * h + j] = packed[(j // L * rows + k) * L + j % L]
    return out.reshape(width, h)


@loop
def _outputs_back(variable, rows, e, slots, kind):
    """Add to the gradients of one variable what comes from ``rows`` and their derivatives ``e`` (n_states, slots)."""
    n_states = variable.n_states
    for j in range(0, n_states - STATES + 1, STATES):
        _tile_back(STATES, variable, j, rows, e, slots, kind)
    rest = n_states % STATES
    if rest == 1:
        _tile_back(1, variable, n_states - 1, rows, e, slots, kind)
    elif rest == 2:
        _tile_back(2, variable, n_states - 2, rows, e, slots, kind)
    elif rest == 3:
        _tile_back(3, variable, n_states - 3, rows, e, slots, kind)


@njit(forceinline=True)
def _tile_back(n_states, variable, first, rows, e, slots, kind):
    """The same for ``n_states`` states, a constant, from ``first`` on."""
    V, dV, a, p = variable.V, variable.dV, rows.states, rows.derivatives
    L = lanes(V)
    v, dv = registers(V, STATES), registers(V, STATES)
    for j in range(n_states):
        put(v, j, load(V, (first + j) * variable.stride))
        put(dv, j, load(dV, (first + j) * L))
    for r in range(rows.count):
        s, later = load(a, r * L), same(V, 0.0)
        h = activate(s, V, kind)
        for j in range(n_states):
            de = spread(e, (first + j) * slots + r)
            put(dv, j, add_activated(get(dv, j), s, h, de, kind))
            later = fma(get(v, j), de, later)
        store(p, r * L, load(p, r * L) + through(later, s, h, V, kind))
    for j in range(n_states):
        store(dV, (first + j) * L, get(dv, j))


@loop
def _move_back(rows, moves, W, stride, dW):
    """Undo the last move of ``rows``: its weights leave the state, and get the derivative that is there."""
    L = lanes(W)
    a, p = rows.states, rows.derivatives
    for r in range(rows.count):
        k = np.int64(moves[r])
        store(dW, k * L, load(dW, k * L) + load(p, r * L))
        store(a, r * L, load(a, r * L) - load(W, k * stride))
