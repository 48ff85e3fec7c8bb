"""All trees grown together, compiled: ``growing`` says what is done, ``growing_plain`` does it from the definition.

States of all variables stand one after another, those of variable j from ``begins[j]`` on.  What a leaf needs to
know of its rows is how often each state comes with each state of the leaf's own variable.  Rows of a large leaf are
counted in words of 64 (a leaf is a mask over rows, a state that is not a first one a row of bits); those of a small
or sparse one by what they hold besides first states.  First states are what is left.
"""

from __future__ import annotations

from math import lgamma, log
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.vectors import count_bits

__all__ = ["STEPS", "Growth", "Rows", "Score", "grow_some"]

STEPS = 2.0**24  # of a nat: gains are compared in such steps, so that what is equal but for rounding is equal

COUNT, EVALUATED, QUEUED, SPLITS = range(4)  # of ``Growth.numbers``


class Rows(NamedTuple):
    """``columns`` (d, n) int32; ``sizes`` (d,), ``begins`` (d + 1,), ``ordered`` (d,); ``weights`` (n,).

    ``others[starts[r] : starts[r + 1]]`` are the states of row r that are not first ones, rising.  ``bits`` has a row
    of words for each such state; no words where rows have weights.
    """

    columns: Any
    sizes: Any
    begins: Any
    ordered: Any
    weights: Any
    starts: Any
    others: Any
    bits: Any


class Score(NamedTuple):
    """What counts are worth: ``cells[c]`` nats for c rows in one state less ``wholes[kind[i], c]`` for c rows in all.

    Without these tables, for counts that are not whole: log Γ(c + a) − log Γ(a) and log Γ(c + K a) − log Γ(K a), or
    c log c for both where a = 0.  A split costs ``prices[i]``; each side weighs at least ``least``.
    """

    cells: Any
    wholes: Any
    kind: Any
    a: Any
    prices: Any
    least: Any


class Growth(NamedTuple):
    """The trees so far and what it takes to go on.

    ``nodes`` and ``variable`` are those of ``DecisionTables``.  The rows of node t are ``order[i, first[t] : last[t]]``
    for its variable i.  ``split`` (T, 3) is the best split of each queued leaf, ``gains`` and ``queue`` a heap of them.
    ``above[i, j]``: j is i or above it in the graph; ``place`` (d,) an order to keep to, or empty.
    """

    nodes: Any
    variable: Any
    first: Any
    last: Any
    split: Any
    gains: Any
    queue: Any
    order: Any
    above: Any
    place: Any
    counts: Any
    total: Any
    free: Any
    mask: Any
    both: Any
    spare: Any
    numbers: Any


@njit(forceinline=True)
def _cell(score, c):
    if score.cells.shape[0] > 0:
        return score.cells[int(c)]
    if score.a == 0.0:
        return c * log(c) if c > 0.0 else 0.0
    return lgamma(c + score.a) - lgamma(score.a)


@njit(forceinline=True)
def _whole(score, i, size, c):
    if score.cells.shape[0] > 0:
        return score.wholes[score.kind[i], int(c)]
    if score.a == 0.0:
        return c * log(c) if c > 0.0 else 0.0
    return lgamma(c + size * score.a) - lgamma(size * score.a)


@kernel
@loop
def grow_some(rows, score, growth, most_splits, units):
    """Go on for at most ``units`` leaves to be looked at; whether the trees are complete."""
    numbers = growth.numbers
    done = 0
    while done < units:
        if numbers[EVALUATED] < numbers[COUNT]:
            _look(rows, score, growth, numbers[EVALUATED])
            numbers[EVALUATED] += 1
            done += 1
            continue
        if numbers[QUEUED] == 0 or numbers[SPLITS] >= most_splits:
            return True
        t = _pop(growth)
        i, j = growth.variable[t], growth.split[t, 0]
        if growth.place.shape[0] == 0 and growth.above[j, i]:
            _look(rows, score, growth, t)  # would close a cycle by now: the best split that is left
            done += 1
            continue
        if growth.place.shape[0] == 0 and not growth.above[i, j]:
            _join(growth.above, i, j)
        _split(rows, growth, t)
    return False


@loop
def _join(above, i, j):
    """Everything at or below i has j and what is above it above."""
    d = above.shape[0]
    for k in range(d):
        if above[k, i]:
            for a in range(d):
                above[k, a] |= above[j, a]


@loop
def _split(rows, growth, t):
    """Give leaf t the two children of its best split; rows keep their order."""
    i, numbers = growth.variable[t], growth.numbers
    j, low, high = growth.split[t, 0], growth.split[t, 1], growth.split[t, 2]
    order, spare, column = growth.order[i], growth.spare, rows.columns[j]
    stop, on = growth.first[t], 0
    for q in range(growth.first[t], growth.last[t]):
        r = order[q]
        if low <= column[r] and column[r] <= high:
            spare[on] = r
            on += 1
        else:
            order[stop] = r
            stop += 1
    for q in range(on):
        order[stop + q] = spare[q]
    child = numbers[COUNT]
    growth.nodes[t, 0], growth.nodes[t, 1], growth.nodes[t, 2] = j, low, high
    growth.nodes[t, 3] = child
    for side in range(2):
        growth.nodes[child + side, 0] = growth.nodes[child + side, 3] = -1
        growth.nodes[child + side, 1] = growth.nodes[child + side, 2] = 0
        growth.variable[child + side] = i
    growth.first[child], growth.last[child] = growth.first[t], stop
    growth.first[child + 1], growth.last[child + 1] = stop, growth.last[t]
    numbers[COUNT] += 2
    numbers[SPLITS] += 1


@loop
def _look(rows, score, growth, t):
    """Find the best split of leaf t, and queue it if it gains anything."""
    i = growth.variable[t]
    size, total = rows.sizes[i], growth.total
    total[:] = 0.0
    for q in range(growth.first[t], growth.last[t]):
        r = growth.order[i, q]
        total[rows.columns[i, r]] += rows.weights[r]
    weight, several = 0.0, 0
    for k in range(size):
        weight += total[k]
        several += total[k] > 0.0
    if several < 2 or weight < 2 * score.least:
        return
    for j in range(rows.sizes.shape[0]):
        barred = growth.above[j, i] if growth.place.shape[0] == 0 else growth.place[j] >= growth.place[i]
        growth.free[j] = j != i and not barred and rows.sizes[j] > 1
    _count(rows, growth, t)
    top, column, low, high = _best(rows, score, growth, i, weight)
    if top > 0.0:
        growth.split[t, 0], growth.split[t, 1], growth.split[t, 2] = column, low, high
        _push(growth, top, t)


@loop
def _count(rows, growth, t):
    """``counts[s, k]``: the rows of leaf t in state s that have state k of the leaf's variable."""
    i, counts = growth.variable[t], growth.counts
    size, words = rows.sizes[i], rows.bits.shape[1]
    held = 0
    for q in range(growth.first[t], growth.last[t]):
        r = growth.order[i, q]
        held += rows.starts[r + 1] - rows.starts[r]
    if words == 0 or held < rows.bits.shape[0] * words // 3:
        counts[:, :size] = 0.0
        for q in range(growth.first[t], growth.last[t]):
            r = growth.order[i, q]
            k, w = rows.columns[i, r], rows.weights[r]
            for p in range(rows.starts[r], rows.starts[r + 1]):
                counts[rows.others[p], k] += w
    else:
        _count_bits(rows, growth, t)
    for j in range(rows.sizes.shape[0]):
        if growth.free[j]:
            b, e = rows.begins[j], rows.begins[j + 1]
            for k in range(size):
                left = growth.total[k]
                for s in range(b + 1, e):
                    left -= counts[s, k]
                counts[b, k] = left


@loop
def _count_bits(rows, growth, t):
    i, counts, mask, both = growth.variable[t], growth.counts, growth.mask, growth.both
    size, words, bits = rows.sizes[i], rows.bits.shape[1], rows.bits
    mask[:] = 0
    for q in range(growth.first[t], growth.last[t]):
        r = growth.order[i, q]
        mask[r >> 6] |= np.int64(1) << np.int64(r & 63)
    for k in range(size - 1):
        for w in range(words):
            both[k, w] = mask[w] & bits[rows.begins[i] - i + k, w]
    for j in range(rows.sizes.shape[0]):
        if not growth.free[j]:
            continue
        for s in range(rows.begins[j] + 1, rows.begins[j + 1]):
            own = bits[s - j - 1]
            first = _common(mask, own)
            for k in range(1, size):
                c = _common(both[k - 1], own)
                counts[s, k] = c
                first -= c
            counts[s, 0] = first


@njit(forceinline=True)
def _common(a, b):
    """How many bits two rows of words share."""
    n = np.int64(0)
    for w in range(a.shape[0]):
        n += count_bits(a[w] & b[w])
    return n


@loop
def _best(rows, score, growth, i, weight):
    """Gain in nats, column, lowest and highest state of the best split; the first of equally good ones."""
    counts, size, total = growth.counts, rows.sizes[i], growth.total
    now = -_whole(score, i, size, weight)
    for k in range(size):
        now += _cell(score, total[k])
    now += score.prices[i]
    top, column, low, high = 0.0, -1, 0, 0
    spare = counts.shape[0] - 1
    for j in range(rows.sizes.shape[0]):
        if not growth.free[j]:
            continue
        b, states = rows.begins[j], rows.sizes[j]
        for k in range(1 if states == 2 else 0, states):
            gain = _gain(score, counts, b + k, total, i, size, weight, now)
            if gain > top:
                top, column, low, high = gain, j, k, k
        if rows.ordered[j] and states > 3:  # at least state k; with three states that is one against the rest
            counts[spare, :size] = counts[b + states - 1, :size]
            for k in range(states - 2, 1, -1):
                for q in range(size):
                    counts[spare, q] += counts[b + k, q]
                gain = _gain(score, counts, spare, total, i, size, weight, now)
                if gain > top:
                    top, column, low, high = gain, j, k, states - 1
    return top, column, low, high


@njit(forceinline=True)
def _gain(score, counts, s, total, i, size, weight, now):
    """What both sides are worth above ``now`` where ``counts[s]`` go to one; nothing where a side is too light."""
    on = 0.0
    for k in range(size):
        on += counts[s, k]
    if on < score.least or weight - on < score.least:
        return 0.0
    worth = -_whole(score, i, size, on) - _whole(score, i, size, weight - on)
    for k in range(size):
        worth += _cell(score, counts[s, k]) + _cell(score, total[k] - counts[s, k])
    return np.rint((worth - now) * STEPS) / STEPS


@njit(forceinline=True)
def _first(growth, a, b):
    """Whether place a of the heap comes before place b: more gain, or the earlier node."""
    gains, queue = growth.gains, growth.queue
    return gains[a] > gains[b] or (gains[a] == gains[b] and queue[a] < queue[b])


@njit(forceinline=True)
def _swap(growth, a, b):
    gains, queue = growth.gains, growth.queue
    gains[a], gains[b] = gains[b], gains[a]
    queue[a], queue[b] = queue[b], queue[a]


@loop
def _push(growth, gain, t):
    q = growth.numbers[QUEUED]
    growth.gains[q], growth.queue[q] = gain, t
    growth.numbers[QUEUED] += 1
    while q > 0 and _first(growth, q, (q - 1) // 2):
        _swap(growth, q, (q - 1) // 2)
        q = (q - 1) // 2


@loop
def _pop(growth):
    t = growth.queue[0]
    growth.numbers[QUEUED] -= 1
    n, q = growth.numbers[QUEUED], 0
    _swap(growth, 0, n)
    while True:
        best = q
        for c in (2 * q + 1, 2 * q + 2):
            if c < n and _first(growth, c, best):
                best = c
        if best == q:
            return t
        _swap(growth, q, best)
        q = best
