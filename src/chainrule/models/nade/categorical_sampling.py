"""NADE sampling of variables of any number of states: all rows of a group take each variable together.

The first of the states 1, 2, ..., K - 1 up to which the probabilities add up to more than a row's uniform number is
drawn, and state 0 where there is none.  Threads take rows, and a row's draws depend on its own uniforms alone.  Words
and layouts are those of ``categorical_packing``.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.elementary import exp_of_negative
from chainrule.compiled.vectors import aligned, lanes, load, pointer, positive, same, select, store
from chainrule.models.nade.categorical_forward import PIECE, ROWS, Rows, Target, Variable, variable_logits
from chainrule.models.nade.categorical_packing import ALIKE, rows_of

__all__ = ["categorical_sample"]


@kernel
@loop(parallel=True)
def categorical_sample(uniforms, known, steps, W, V, b, c, cut, kind):
    """Rows of codes (n, d), int32, of uniforms (n, d) by place in the order.

    ``known`` (n, d) int32, or (0, 0) for none: entries from 0 on are taken as they are.  ``W`` and ``V`` (width, h),
    all contiguous.
    """
    columns, places, begins, indicators = steps.columns, steps.places, steps.begins, steps.indicators
    n, group, threads = cut
    h, width, m = c.shape[0], indicators.shape[0], columns.shape[0]
    L = lanes(W)
    vectors = (h + L - 1) // L
    stride = (vectors | 1) * L
    packed_V, packed_W = rows_of(V, indicators, 0), rows_of(W, indicators, 1)
    start, biases = np.zeros(vectors * L, W.dtype), np.zeros(width, W.dtype)
    start[:h] = c
    for k in range(width):
        biases[k] = b[indicators[k]]
    most = 0
    for t in range(m):
        most = max(most, begins[t + 1] - begins[t])
    x = np.zeros((n, uniforms.shape[1]), np.int32)
    groups = (n + group - 1) // group
    for thread in prange(threads):
        states, z = aligned(group * stride, W), aligned((most + 1) * group, W)
        h_room, u = aligned(ROWS * PIECE * L, W), aligned(group, W)
        moves, drawn = np.empty(group, np.int32), aligned(group, W)
        for g in range(thread, groups, threads):
            first, count = g * group, min(group, n - g * group)
            moves[:], u[:] = width, 0
            for r in range(group):
                for q in range(vectors):
                    store(states, r * stride + q * L, load(start, q * L))
            for t in range(m):
                n_states = begins[t + 1] - begins[t]
                for k in range(n_states):
                    z[k * group : (k + 1) * group] = biases[begins[t] + k]
                for q in range(0, vectors, PIECE):
                    rows = Rows(pointer(moves, 0), count, pointer(states, q * L), stride)
                    variable = Variable(
                        pointer(packed_V, (begins[t] * vectors + q) * L), n_states,
                        pointer(packed_W, q * L), vectors * L, min(PIECE, vectors - q),
                    )  # fmt: skip
                    target = Target(pointer(z, 0), group, most * group)
                    variable_logits(rows, variable, target, pointer(h_room, 0), kind)
                for r in range(count):
                    u[r] = uniforms[first + r, places[t]]
                for r in range(0, (count + ALIKE - 1) // ALIKE * ALIKE, L):
                    _draw(pointer(z, r), group, n_states, load(u, r), pointer(drawn, r))
                for r in range(count):
                    state = np.int32(drawn[r])
                    if known.shape[0] and known[first + r, columns[t]] >= 0:
                        state = known[first + r, columns[t]]
                    x[first + r, columns[t]] = state
                    moves[r] = width if state == 0 else begins[t] + state - 1
    return x


@njit(forceinline=True)
def _draw(z, slots, n_states, u, drawn):
    """The states of as many rows as a vector has lanes, from their log-odds ``z`` (n_states, slots)."""
    top, zero, one = same(z, 0.0), same(z, 0.0), same(z, 1.0)
    for k in range(n_states):
        here = load(z, k * slots)
        top = select(positive(here - top), here, top)
    total = exp_of_negative(zero - top, z)
    for k in range(n_states):
        part = exp_of_negative(load(z, k * slots) - top, z)
        store(z, k * slots, part)
        total = total + part
    # the probabilities added up in the order of the states: how many sums are more than the uniform
    bar, upper, over = u * total, zero, zero
    for k in range(n_states):
        upper = upper + load(z, k * slots)
        over = over + select(positive(upper - bar), one, zero)
    store(drawn, 0, select(positive(over), same(z, n_states + 1) - over, zero))
