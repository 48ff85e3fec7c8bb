"""MADE sampling in one pass of work, for any number of hidden layers and any ordering.

A textbook program runs the whole network once per variable.  But a hidden unit of degree m sees only the
first m variables, so it is final once they are drawn: with units sorted by degree, each unit and each
output is computed once, and a whole sample costs one masked forward pass.

Words.  Variables stand in the order of generation.  *Level* 0 are the variables, of which number t has degree
t + 1 (it is final in step t + 1); levels 1, 2, ... are the hidden layers, their units sorted by degree.  A unit
of degree m reads the units of degree at most m below it, the logit of variable t those of degree at most t.
``seen[l, m]`` counts the units of level l whose degree is below m.  *Step* m makes all units of degree m final:
it draws variable m - 1, and then the hidden units follow, layer by layer.

Two ways, with the same arrays (``Layout`` in ``networks.made_sampler``):

``_row``   one row; each unit is a product of two vectors over the units below.
``_tile``  two vectors of rows.  The variables are taken in windows of ``STEP``.  What was final before the
           window is a matrix product (``_pull``): 8 units by two vectors of rows are 16 sums that stay in
           registers, one number of weights serves two vectors of rows, and one vector of rows 8 units.  Inside
           the window each unit, once final, is added to what waits for it (``_push``).  The states of a tile
           stay in the second-level cache.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from chainrule.models.kernels.calls import kernel
from chainrule.models.kernels.thresholds import as_bits, load_shares, log_ratio
from chainrule.models.kernels.vectors import (
    aligned,
    fma,
    get,
    lanes,
    load,
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
STRETCH = 64  # uniforms of a row that are read together: some cache lines, but little to keep


@kernel
@njit(parallel=True, cache=True)
def made_sample(
    uniforms, u_strides, given, g_strides, n, threads, one_by_one,
    order, seen, begins, strides, bases, weights, biases,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Rows (n, d) in {0, 1}: variable ``order[t]`` is on where ``uniforms[:, t]`` is below its probability.

    ``uniforms`` and ``given`` are flat, with the strides (in numbers) of their rows and columns.  ``given``, by
    variable, may be empty; its entries that are not NaN are taken as they are.  Second line: a ``Layout``.
    """
    d, R = order.shape[0], 2 * lanes(weights)
    levels, units = bases.shape[0] - 1, bases[bases.shape[0] - 1]
    direct = begins.shape[0] > levels
    flat_seen = seen.reshape(-1)
    x = np.empty(n * d, np.uint8)
    size = 1 if one_by_one else R
    tiles = (n + size - 1) // size
    workers = min(threads, tiles)
    u_row, u_column, g_row, g_column = u_strides[0], u_strides[1], g_strides[0], g_strides[1]
    for worker in prange(workers):
        states, sums = aligned(units * size, weights), aligned(STEP * R, weights)
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
            _thresholds(u, u_row, u_column, count, d, pointer(spare, 0), pointer(states, 0))
            if any_given:
                _fix(g, g_row, g_column, count, pointer(order, 0), d, pointer(states, 0))
            _tile(*network, pointer(every, 0), pointer(active, 0), pointer(sums, 0), pointer(on, 0))
            for r in range(count):
                _bit(pointer(on, 0), np.uint32(r), d, pointer(x, (first + r) * d))
    return x.reshape(n, d)


@njit(cache=True)
def _bit(bits, r, d, x):  # type: ignore[no-untyped-def]
    """``x[i]`` is bit r of ``bits[i]``."""
    for i in range(d):
        x[i] = (bits[i] >> r) & np.uint32(1)


@njit(cache=True)
def _any_given(given, row, column, count, d):  # type: ignore[no-untyped-def]
    for r in range(count):
        found = 0
        for i in range(d):
            g = given[r * row + i * column]
            found += g == g
        if found:
            return True
    return False


@njit(cache=True)
def _thresholds(uniforms, row, column, count, d, spare, states):  # type: ignore[no-untyped-def]
    """The rows of the variables in ``states``: what each logit must exceed for the variable to be on."""
    L = lanes(states)
    R = 2 * L
    for start in range(0, d, STRETCH):
        stop = min(start + STRETCH, d)
        for t in range(start, stop):
            for r in range(count):
                spare[(t - start) * R + r] = uniforms[r * row + t * column]
        for p in range(start * R, stop * R, L):
            u, rest = load_shares(spare, p - start * R, states)
            store(states, p, log_ratio(u, rest, states))


@njit(cache=True)
def _fix(given, row, column, count, order, d, states):  # type: ignore[no-untyped-def]
    """Given values as thresholds: every logit exceeds -inf, none exceeds inf."""
    R = 2 * lanes(states)
    for r in range(count):
        for t in range(d):
            g = given[r * row + order[t] * column]
            if g == g:
                states[t * R + r] = -math.inf if g == 1 else math.inf


@njit(cache=True)
def _tile(  # type: ignore[no-untyped-def]
    d, levels, direct, order, seen, begins, strides, bases, weights, biases, states, every, active, sums, on
):
    """Draw one tile: bit r of ``on[i]`` is variable i of row r.  ``states`` (units of all levels, rows)."""
    L = lanes(states)
    R, width, n_active = 2 * L, d + 2, 0
    top, out, straight = levels - 1, levels - 1, levels
    one, zero = same(states, 1.0), same(states, 0.0)
    for begin in range(0, d, STEP):
        end = min(begin + STEP, d)
        final = begin + 1 if begin else 0  # all of lower degree is final
        _fill(biases, begin, end - begin, sums)
        _pull(
            end - begin, pointer(weights, begins[out] + begin * strides[out]), strides[out],
            every, seen[top * width + final], pointer(states, bases[top] * R), sums,
        )  # fmt: skip
        if direct:
            _pull(
                end - begin, pointer(weights, begins[straight] + begin * strides[straight]), strides[straight],
                active, n_active, states, sums,
            )  # fmt: skip
        for level in range(1, levels):
            stride, below = strides[level - 1], level - 1
            last = seen[level * width + end + 1]
            for unit in range(seen[level * width + final], last, STEP):
                n, own = min(STEP, last - unit), pointer(states, (bases[level] + unit) * R)
                _fill(biases, bases[level] + unit, n, own)
                _pull(
                    n, pointer(weights, begins[level - 1] + unit * stride), stride,
                    active if below == 0 else every, n_active if below == 0 else seen[below * width + final],
                    pointer(states, bases[below] * R), own,
                )  # fmt: skip
        for m in range(final, end + 1):
            for level in range(levels):
                a, b = seen[level * width + m], seen[level * width + m + 1]
                above = seen[(level + 1) * width + m] if level < top else m
                n_above = (seen[(level + 1) * width + end + 1] if level < top else end) - above
                waiting = (
                    pointer(states, (bases[level + 1] + above) * R)
                    if level < top
                    else pointer(sums, (m - begin) * R)
                )
                for unit in range(a, b):
                    p = (bases[level] + unit) * R
                    if level == 0:
                        z = (unit - begin) * R
                        on_0, on_1 = (
                            positive(load(sums, z) - load(states, p)),
                            positive(load(sums, z + L) - load(states, p + L)),
                        )
                        bits = as_bits(on_0) | as_bits(on_1) << L
                        on[order[unit]] = bits
                        if bits == 0:
                            continue
                        x_0, x_1 = select(on_0, one, zero), select(on_1, one, zero)
                        active[n_active] = unit
                        n_active += 1
                        if direct:
                            _push(
                                pointer(weights, begins[straight] + m * strides[straight] + unit), strides[straight],
                                end - m, x_0, x_1, pointer(sums, (m - begin) * R),
                            )  # fmt: skip
                    else:
                        x_0, x_1 = relu(load(states, p)), relu(load(states, p + L))
                    store(states, p, x_0)
                    store(states, p + L, x_1)
                    _push(
                        pointer(weights, begins[level] + above * strides[level] + unit), strides[level],
                        n_above, x_0, x_1, waiting,
                    )  # fmt: skip


@njit(forceinline=True)
def _fill(biases, first, n, sums):  # type: ignore[no-untyped-def]
    L = lanes(sums)
    for j in range(n):
        store(sums, 2 * j * L, spread(biases, first + j))
        store(sums, (2 * j + 1) * L, spread(biases, first + j))


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


@njit(cache=True)
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


@njit(cache=True)
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
