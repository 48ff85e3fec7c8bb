"""MADE sampling in one pass of work, for any number of hidden layers and any ordering.

A textbook program runs the whole network once per variable.  But a hidden unit of degree m sees only the
first m variables, so it is final once they are drawn: with units sorted by degree, each unit and each
output is computed once, and a whole sample costs one masked forward pass.

Words.  Variables stand in the order of generation.  *Level* 0 are the variables, of which number t has degree
t + 1; levels 1, 2, ... are the hidden layers, their units sorted by degree; the last level are the logits, of
which number t has degree t.  A unit reads the units below it of at most its own degree (with direct connections,
a logit also reads variables).  ``seen[l, m]`` counts the units of level l whose degree is below m.  *Step* m
makes all units of degree m final: it draws variable m - 1, and then the hidden units follow, layer by layer.

Two ways, with the same arrays (``Layout`` in ``sampler``):

``_row``   one row; each unit is a product of two vectors over the units below.
``_tile``  two vectors of rows.  Variables are taken in blocks of ``BLOCK``, and these in windows of ``STEP``.
           What was final before a block is added to all units of the block, then what was final before a window
           to all units of the window (``_pull``): 8 units by two vectors of rows are 16 sums that stay in
           registers, one number of the weights serves two vectors of rows, and one vector of rows 8 units.
           Within a window each unit, once final, is added to what waits for it (``_push``).  Variables that
           are off in all rows are left out.  A tile's states stay in the second-level cache; those of a wide
           network do not, but then a whole block of units reads ``DEEP`` of them while they are near.

A logit and its variable share their row of a tile's states: it begins at the bias less the log odds of the
uniform, so that the variable is on where the sum is positive.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.elementary import log_ratio
from chainrule.compiled.vectors import (
    aligned,
    as_bits,
    fma,
    get,
    lanes,
    load,
    load_shares,
    pointer,
    positive,
    put,
    registers,
    relu,
    same,
    select,
    spread,
    store,
    total,
)

__all__ = ["made_sample"]

STEP = 8  # variables in a window, and most units that share registers
SUMS = 2 * STEP
BLOCK = 64  # variables whose units take in together what was final before
DEEP = 512  # units whose states stay in a cache while all of a block read them
STRETCH = 64  # uniforms of a row that are read together: some cache lines, but little to keep


@kernel
@loop(parallel=True)
def made_sample(
    uniforms, u_strides, given, g_strides, n, threads, one_by_one,
    order, seen, begins, strides, bases, weights, biases,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Rows (n, d) in {0, 1}: variable ``order[t]`` is on where ``uniforms[:, t]`` is below its probability.

    ``uniforms`` and ``given`` are flat, with the strides (in numbers) of their rows and columns.  ``given``, by
    variable, may be empty; its entries that are not NaN are taken as they are.  Second line: a ``Layout``.
    """
    d, R = order.shape[0], 2 * lanes(weights)
    levels, units = bases.shape[0] - 1, biases.shape[0]
    direct = begins.shape[0] > levels
    flat_seen = seen.reshape(-1)
    x = np.empty(n * d, np.uint8)
    size = 1 if one_by_one else R
    tiles = (n + size - 1) // size
    workers = min(threads, tiles)
    u_row, u_column, g_row, g_column = u_strides[0], u_strides[1], g_strides[0], g_strides[1]
    for worker in prange(workers):
        states = aligned(units * size, weights)
        spare, on = np.full(STRETCH * R, 0.5), np.empty(d, np.uint32)
        every, active = np.arange(units).astype(np.int32), np.empty(d, np.int32)
        network = (
            d, levels, direct, pointer(order, 0), pointer(flat_seen, 0), pointer(begins, 0), pointer(strides, 0),
            pointer(bases, 0), pointer(weights, 0), pointer(biases, 0), pointer(states, 0),
        )  # fmt: skip
        for tile in range(worker, tiles, workers):
            first = tile * size
            count = min(size, n - first)
            u, g = pointer(uniforms, first * u_row), pointer(given, first * g_row)
            any_given = given.shape[0] > 0 and _any_given(g, g_row, g_column, count, d)
            if one_by_one:
                states[:] = 0
                _row(*network, u, u_column, any_given, g, g_column, pointer(x, first * d))
                continue
            _thresholds(
                u, u_row, u_column, count, d, pointer(biases, 0), pointer(spare, 0), pointer(states, 0)
            )
            if any_given:
                _fix(g, g_row, g_column, count, pointer(order, 0), d, pointer(states, 0))
            _tile(*network, pointer(every, 0), pointer(active, 0), pointer(on, 0))
            for r in range(count):
                _bit(pointer(on, 0), np.uint32(r), d, pointer(x, (first + r) * d))
    return x.reshape(n, d)


@loop
def _bit(bits, r, d, x):  # type: ignore[no-untyped-def]
    """``x[i]`` is bit r of ``bits[i]``."""
    for i in range(d):
        x[i] = (bits[i] >> r) & np.uint32(1)


@loop
def _any_given(given, row, column, count, d):  # type: ignore[no-untyped-def]
    for r in range(count):
        found = 0
        for i in range(d):
            g = given[r * row + i * column]
            found += g == g
        if found:
            return True
    return False


@loop
def _thresholds(uniforms, row, column, count, d, biases, spare, states):  # type: ignore[no-untyped-def]
    """Let the rows of the variables begin at their bias less what their logit must exceed for them to be on."""
    L = lanes(states)
    R = 2 * L
    for start in range(0, d, STRETCH):
        stop = min(start + STRETCH, d)
        for t in range(start, stop):
            for r in range(count):
                spare[(t - start) * R + r] = uniforms[r * row + t * column]
        for t in range(start, stop):
            for p in range(t * R, (t + 1) * R, L):
                u, rest = load_shares(spare, p - start * R, states)
                store(states, p, spread(biases, t) - log_ratio(u, rest, states))


@loop
def _fix(given, row, column, count, order, d, states):  # type: ignore[no-untyped-def]
    """Given values as what no logit can change: inf is on, -inf is off."""
    R = 2 * lanes(states)
    for r in range(count):
        for t in range(d):
            g = given[r * row + order[t] * column]
            if g == g:
                states[t * R + r] = math.inf if g == 1 else -math.inf


@loop
def _tile(  # type: ignore[no-untyped-def]
    d, levels, direct, order, seen, begins, strides, bases, weights, biases, states, every, active, on
):
    """Draw one tile: bit r of ``on[i]`` is variable i of row r.  ``states`` (units of all levels, rows)."""
    network = (d, levels, direct, seen, begins, strides, bases, weights, states, every, active)
    L, width, n_before, n_active = lanes(states), d + 2, 0, 0
    R = 2 * L
    for start in range(0, d, BLOCK):
        stop = min(start + BLOCK, d)
        first = start + 1 if start else 0  # all of lower degree is final
        for level in range(1, levels):
            base = bases[level]
            for unit in range(base + seen[level * width + first], base + seen[level * width + stop + 1]):
                store(states, unit * R, spread(biases, unit))
                store(states, unit * R + L, spread(biases, unit))
        _pull_window(first, stop, 0, 0, n_active, *network)
        n_before = n_active
        for begin in range(start, stop, STEP):
            final, end = begin + 1 if begin else 0, min(begin + STEP, stop)
            _pull_window(final, end, first, n_before, n_active, *network)
            for m in range(final, end + 1):
                n_active = _step(m, end, n_active, order, on, *network)


@loop
def _pull_window(  # type: ignore[no-untyped-def]
    final, end, first, n_before, n_active,
    d, levels, direct, seen, begins, strides, bases, weights, states, every, active,
):  # fmt: skip
    """To all units of degrees ``final`` to ``end``, add the final ones that they read, but for those of a degree
    below ``first`` and the first ``n_before`` active variables, which have been added."""
    R, width = 2 * lanes(states), d + 2
    for matrix in range(levels + direct):
        # the last matrix, where there are direct connections, leads from the variables to the logits
        below, level = (matrix, matrix + 1) if matrix < levels else (0, levels)
        units, k_0, k_1 = active, n_before, n_active
        if below > 0:
            units, k_0, k_1 = every, seen[below * width + first], seen[below * width + final]
        a, b = seen[level * width + final], seen[level * width + end + 1]
        for k in range(k_0, k_1, DEEP):
            count, own = min(DEEP, k_1 - k), pointer(units, k)
            for unit in range(a, b, STEP):
                _pull(
                    min(STEP, b - unit), pointer(weights, begins[matrix] + unit * strides[matrix]), strides[matrix],
                    own, count, pointer(states, bases[below] * R), pointer(states, (bases[level] + unit) * R),
                )  # fmt: skip


@loop
def _step(  # type: ignore[no-untyped-def]
    m, end, n_active, order, on,
    d, levels, direct, seen, begins, strides, bases, weights, states, every, active,
):  # fmt: skip
    """Make the units of degree m final, and add them to those that wait for them up to degree ``end``."""
    L, width = lanes(states), d + 2
    one, zero = same(states, 1.0), same(states, 0.0)
    for level in range(levels):
        for unit in range(seen[level * width + m], seen[level * width + m + 1]):
            p = (bases[level] + unit) * 2 * L
            a_0, a_1 = load(states, p), load(states, p + L)
            if level == 0:
                on_0, on_1 = positive(a_0), positive(a_1)
                bits = as_bits(on_0) | as_bits(on_1) << L
                on[order[unit]] = bits
                h_0, h_1 = select(on_0, one, zero), select(on_1, one, zero)
                active[n_active] = unit
                n_active += bits != 0
            else:
                h_0, h_1 = relu(a_0), relu(a_1)
            store(states, p, h_0)
            store(states, p + L, h_1)
            for k in range(1 + (direct and level == 0)):
                above, matrix = (level + 1, level) if k == 0 else (levels, levels)
                q, last = seen[above * width + m], seen[above * width + end + 1]
                _push(
                    pointer(weights, begins[matrix] + q * strides[matrix] + unit), strides[matrix],
                    last - q, h_0, h_1, pointer(states, (bases[above] + q) * 2 * L),
                )  # fmt: skip
    return n_active


@njit(forceinline=True)
def _push(weights, stride, n, x_0, x_1, sums):  # type: ignore[no-untyped-def]
    """``sums[j] += weights[j] x`` for ``n`` units that wait; their weights are ``stride`` apart."""
    L = lanes(sums)
    for j in range(n):
        w = spread(weights, j * stride)
        store(sums, 2 * j * L, fma(w, x_0, load(sums, 2 * j * L)))
        store(sums, (2 * j + 1) * L, fma(w, x_1, load(sums, (2 * j + 1) * L)))


@njit(forceinline=True)
def _pull_units(n, weights, stride, units, count, below, sums):  # type: ignore[no-untyped-def]
    """``sums[j] += sum_k weights[j, k] below[k]`` over k in ``units[:count]``; ``n``, a constant, units."""
    L = lanes(below)
    s = registers(below, SUMS)
    for j in range(2 * n):
        put(s, j, load(sums, j * L))
    for q in range(count):
        k = np.int64(units[q])
        x_0, x_1 = load(below, 2 * k * L), load(below, (2 * k + 1) * L)
        for j in range(n):
            w = spread(weights, j * stride + k)
            put(s, 2 * j, fma(w, x_0, get(s, 2 * j)))
            put(s, 2 * j + 1, fma(w, x_1, get(s, 2 * j + 1)))
    for j in range(2 * n):
        store(sums, j * L, get(s, j))


@loop
def _pull(n, *rest):  # type: ignore[no-untyped-def]
    # one line per number: it must be a constant in each, so that the sums are registers
    if n == 8:
        _pull_units(8, *rest)
    elif n == 7:
        _pull_units(7, *rest)
    elif n == 6:
        _pull_units(6, *rest)
    elif n == 5:
        _pull_units(5, *rest)
    elif n == 4:
        _pull_units(4, *rest)
    elif n == 3:
        _pull_units(3, *rest)
    elif n == 2:
        _pull_units(2, *rest)
    elif n == 1:
        _pull_units(1, *rest)


@loop
def _row(  # type: ignore[no-untyped-def]
    d, levels, direct, order, seen, begins, strides, bases, weights, biases, states,
    uniforms, u_column, any_given, given, g_column, x,
):  # fmt: skip
    """Draw one row into ``x`` (d,).  ``states`` (units of all levels,) begins at zero."""
    width, top = d + 2, levels - 1
    for m in range(d + 1):
        if m > 0:
            t = m - 1
            z = biases[t] + _dot(
                pointer(weights, begins[top] + t * strides[top]),
                pointer(states, bases[top]),
                seen[top * width + m],
            )
            if direct:
                z += _dot(pointer(weights, begins[levels] + t * strides[levels]), states, t)
            on = uniforms[t * u_column] * (1.0 + math.exp(-np.float64(z))) < 1.0
            if any_given:
                g = given[order[t] * g_column]
                if g == g:
                    on = g == 1
            states[t] = on
            x[order[t]] = on
        for level in range(1, levels):
            stride = strides[level - 1]
            for unit in range(seen[level * width + m], seen[level * width + m + 1]):
                a = biases[bases[level] + unit] + _dot(
                    pointer(weights, begins[level - 1] + unit * stride),
                    pointer(states, bases[level - 1]), seen[(level - 1) * width + m + 1],
                )  # fmt: skip
                states[bases[level] + unit] = max(a, 0)


@njit(forceinline=True)
def _dot(w, x, n):  # type: ignore[no-untyped-def]
    """``w[:n] · x[:n]``, where both go on with zeros up to a whole number of vectors."""
    L = lanes(x)
    s = registers(x, 4)
    for k in range(4):
        put(s, k, same(x, 0.0))
    vectors = (n + L - 1) // L
    whole = vectors // 4 * 4
    for q in range(0, whole, 4):
        for k in range(4):
            put(s, k, fma(load(w, (q + k) * L), load(x, (q + k) * L), get(s, k)))
    for q in range(whole, vectors):
        put(s, 0, fma(load(w, q * L), load(x, q * L), get(s, 0)))
    return total((get(s, 0) + get(s, 1)) + (get(s, 2) + get(s, 3)))
