"""MADE sampling in one pass of work, for any number of hidden layers, any graph, and variables of any size.

A textbook program runs the whole network once per variable.  But a hidden unit of degree m sees only the
first m variables, so it is final once they are drawn: with units sorted by degree, each unit and each
output is computed once, and a whole sample costs one masked forward pass.

Words.  Variables stand in the order of generation, each with its indicators (``models/shared/coding``): one, if
it is binary.  *Level* 0 are the indicators, of which those of variable t have degree t + 1; levels 1, 2, ... are
the hidden layers, their units sorted by degree; the last level are the logits, of which those of variable t have
degree t.  A unit reads the units below it of at most its own degree (with direct connections, a logit also reads
indicators); what a mask cuts beyond that is a weight of zero.  ``seen[l, m]`` counts the units of level l whose
degree is below m.  *Step* m makes all units of degree m final: it draws variable m - 1, and then the hidden units
follow, layer by layer.

Two ways, with the same arrays (``Layout`` in ``sampler``):

``draw_row``  one row; each unit is a product of two vectors over the units below.
``_tile``  two vectors of rows.  Variables are taken in blocks of up to ``BLOCK`` indicators, and these in windows
           of ``STEP``.  What was final before a block is added to all units of the block, then what was final before
           a window to all units of the window (``_pull``): 8 units by two vectors of rows are 16 sums that stay in
           registers, one number of the weights serves two vectors of rows, and one vector of rows 8 units.
           Within a window each unit, once final, is added to what waits for it (``_push``).  Indicators that
           are off in all rows are left out.  A tile's states stay in the second-level cache; those of a wide
           network do not, but then a whole block of units reads ``DEEP`` of them while they are near.

A logit and its indicator share their row of a tile's states.  That of a binary variable begins at the bias less
the log odds of the uniform, so that the variable is on where the sum is positive; those of a larger one begin at
the bias, and ``choose_states`` turns their logits into indicators.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.vectors import (
    aligned,
    as_bits,
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
)
from chainrule.models.made.sampling_row import draw_row
from chainrule.models.made.sampling_states import (
    STRETCH,
    Asked,
    Net,
    Tile,
    begin_states,
    choose_states,
    fix_known,
    some_known,
    write_bits,
    write_codes,
)

__all__ = ["made_sample"]

STEP = 8  # indicators in a window, and most units that share registers
SUMS = 2 * STEP
BLOCK = 64  # indicators whose units take in together what was final before
DEEP = 512  # units whose states stay in a cache while all of a block read them


@kernel
@loop(parallel=True)
def made_sample(x, uniforms, u_strides, known, k_strides, threads, one_by_one, layout):
    """Draw rows of codes into ``x`` (n, d), contiguous: variable ``order[t]`` by ``uniforms[:, t]``.

    ``uniforms`` and ``known`` are flat, with the strides (in numbers) of their rows and columns.  ``known``, by
    variable, may be empty; its entries from 0 on are taken as they are.  ``layout`` is a ``sampler.Layout``.
    """
    order, slots, groups, seen, begins, strides, bases, weights, biases = layout
    n, d = x.shape
    levels, units, width = bases.shape[0] - 1, biases.shape[0], groups[d]
    binary = width == d
    for t in range(d):
        binary &= groups[t] == t
    size = 1 if one_by_one else 2 * lanes(weights)
    tiles = (n + size - 1) // size
    workers = min(threads, tiles)
    flat_seen, flat = seen.reshape(-1), x.reshape(-1)
    asked = Asked(
        n, pointer(flat, 0), pointer(uniforms, 0), u_strides[0], u_strides[1],
        known.shape[0] > 0, pointer(known, 0), k_strides[0], k_strides[1],
    )  # fmt: skip
    for worker in prange(workers):
        states = aligned(units * size, weights)
        shares = aligned(1 if binary else d * size, weights)
        spare, on = np.full(STRETCH * size, 0.5), np.empty(width, np.uint32)
        every, active = np.arange(units).astype(np.int32), np.empty(width, np.int32)
        net = Net(
            d, levels, begins.shape[0] > levels, binary, pointer(order, 0), pointer(slots, 0), pointer(groups, 0),
            pointer(flat_seen, 0), pointer(begins, 0), pointer(strides, 0), pointer(bases, 0), pointer(weights, 0),
            pointer(biases, 0), pointer(states, 0),
        )  # fmt: skip
        own = Tile(
            pointer(every, 0), pointer(active, 0), pointer(on, 0), pointer(shares, 0), pointer(spare, 0)
        )
        for tile in range(worker, tiles, workers):
            if one_by_one:
                states[:] = 0
                draw_row(net, asked, tile)
            else:
                _draw_tile(net, own, asked, tile * size, min(size, n - tile * size))


@loop
def _draw_tile(net, own, asked, first, count):
    """Draw ``count`` rows from row ``first`` on."""
    begin_states(net, own, asked, first, count)
    if asked.any_known and some_known(net.d, asked, first, count):
        fix_known(net, own, asked, first, count)
    _tile(net, own)
    for r in range(count):
        x = pointer(asked.x, (first + r) * net.d)
        if net.binary:
            write_bits(own.on, np.uint32(r), net.d, x)
        else:
            write_codes(net, own.on, np.uint32(r), x)


@loop
def _until(groups, start, d, most):
    """Where the variables end that begin at ``start`` and have at most so many indicators; at least one."""
    stop = start + 1
    while stop < d and groups[stop + 1] - groups[start] <= most:
        stop += 1
    return stop


@loop
def _tile(net, own):
    """Draw one tile: bit r of ``own.on[slots[k]]`` is indicator k of row r.  ``states`` (units of all levels, rows)."""
    states, seen, bases, width = net.states, net.seen, net.bases, net.d + 2
    L, n_before, n_active, start = lanes(states), 0, 0, 0
    R = 2 * L
    while start < net.d:
        stop = _until(net.groups, start, net.d, BLOCK)
        first = start + 1 if start else 0  # all of lower degree is final
        for level in range(1, net.levels):
            base = bases[level]
            for unit in range(base + seen[level * width + first], base + seen[level * width + stop + 1]):
                store(states, unit * R, spread(net.biases, unit))
                store(states, unit * R + L, spread(net.biases, unit))
        _pull_window(first, stop, 0, 0, n_active, net, own)
        n_before, begin = n_active, start
        while begin < stop:
            final, end = begin + 1 if begin else 0, min(_until(net.groups, begin, net.d, STEP), stop)
            _pull_window(final, end, first, n_before, n_active, net, own)
            for m in range(final, end + 1):
                n_active = _step(m, end, n_active, net, own)
            begin = end
        start = stop


@loop
def _pull_window(final, end, first, n_before, n_active, net, own):
    """To all units of degrees ``final`` to ``end``, add the final ones that they read, but for those of a degree
    below ``first`` and the first ``n_before`` active indicators, which have been added."""
    R, width, levels, seen = 2 * lanes(net.states), net.d + 2, net.levels, net.seen
    for matrix in range(levels + net.direct):
        # the last matrix, where there are direct connections, leads from the indicators to the logits
        below, level = (matrix, matrix + 1) if matrix < levels else (0, levels)
        units, k_0, k_1 = own.active, n_before, n_active
        if below > 0:
            units, k_0, k_1 = own.every, seen[below * width + first], seen[below * width + final]
        a, b = seen[level * width + final], seen[level * width + end + 1]
        stride, begin = net.strides[matrix], net.begins[matrix]
        for k in range(k_0, k_1, DEEP):
            count, those = min(DEEP, k_1 - k), pointer(units, k)
            for unit in range(a, b, STEP):
                _pull(
                    min(STEP, b - unit), pointer(net.weights, begin + unit * stride), stride, those, count,
                    pointer(net.states, net.bases[below] * R), pointer(net.states, (net.bases[level] + unit) * R),
                )  # fmt: skip


@loop
def _step(m, end, n_active, net, own):
    """Make the units of degree m final, and add them to those that wait for them up to degree ``end``."""
    states, seen, bases, width, levels = net.states, net.seen, net.bases, net.d + 2, net.levels
    L = lanes(states)
    one, zero = same(states, 1.0), same(states, 0.0)
    for level in range(levels):
        first, last = seen[level * width + m], seen[level * width + m + 1]
        several = level == 0 and last - first > 1
        if several:
            choose_states(first, last, pointer(own.uniforms, (m - 1) * 2 * L), states)
        for unit in range(first, last):
            p = (bases[level] + unit) * 2 * L
            a_0, a_1 = load(states, p), load(states, p + L)
            if level == 0:
                on_0, on_1 = positive(a_0), positive(a_1)
                bits = as_bits(on_0) | as_bits(on_1) << L
                own.on[net.slots[unit]] = bits
                h_0, h_1 = select(on_0, one, zero), select(on_1, one, zero)
                own.active[n_active] = unit
                n_active += bits != 0
                if several and bits == 0:  # most states of a variable are in no row
                    continue
            else:
                h_0, h_1 = relu(a_0), relu(a_1)
            store(states, p, h_0)
            store(states, p + L, h_1)
            for k in range(1 + (net.direct and level == 0)):
                above, matrix = (level + 1, level) if k == 0 else (levels, levels)
                q, most = seen[above * width + m], seen[above * width + end + 1]
                _push(
                    pointer(net.weights, net.begins[matrix] + q * net.strides[matrix] + unit), net.strides[matrix],
                    most - q, h_0, h_1, pointer(states, (bases[above] + q) * 2 * L),
                )  # fmt: skip
    return n_active


@njit(forceinline=True)
def _push(weights, stride, n, x_0, x_1, sums):
    """``sums[j] += weights[j] x`` for ``n`` units that wait; their weights are ``stride`` apart."""
    L = lanes(sums)
    for j in range(n):
        w = spread(weights, j * stride)
        store(sums, 2 * j * L, fma(w, x_0, load(sums, 2 * j * L)))
        store(sums, (2 * j + 1) * L, fma(w, x_1, load(sums, (2 * j + 1) * L)))


@njit(forceinline=True)
def _pull_units(n, weights, stride, units, count, below, sums):
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
def _pull(n, *rest):
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
