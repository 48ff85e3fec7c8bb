"""All trees grown together, compiled: ``growing`` says what is done, ``growing_plain`` does it from the definition.

States of all variables stand one after another, those of variable j from ``begins[j]`` on.  What a leaf needs to
know of its rows is how often each state comes with each state of the leaf's own variable.  Rows of a large leaf are
counted in words of 64 (a leaf is a mask over rows, a state that is not a first one a row of bits); those of a small
or sparse one by what they hold besides first states.  First states are what is left.  Where there was much to count
it is kept, so that of two children only the smaller one is counted: the other has the rest.
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

COUNT, EVALUATED, QUEUED, SPLITS, VACANT, FREE = range(6)  # of ``Growth.numbers``


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
    ``above[i, j]``: j is i or above it in the graph; ``place`` (d,) an order to keep to, or empty.  The leaf that is
    looked at may ask for ``free[: numbers[FREE]]``.

    ``counts`` (S + 2, K) has a row for each of all S states (first ones of two aside, which nobody reads), one to
    add up in, and the rows of the leaf by its own states.  ``kept`` has such counts, those of leaf t at ``slot[t]``
    unless that is -1; the slots in ``vacant[: numbers[VACANT]]`` are nobody's.
    """

    nodes: Any
    variable: Any
    first: Any
    last: Any
    split: Any
    gains: Any
    queue: Any
    slot: Any
    order: Any
    above: Any
    place: Any
    counts: Any
    kept: Any
    vacant: Any
    free: Any
    mask: Any
    both: Any
    spare: Any
    numbers: Any


@njit(forceinline=True)
def _worth(tabulated, a, c):
    """What c rows in one state are worth: log Γ(c + a) − log Γ(a), or c log c."""
    if tabulated.shape[0] > 0:
        return tabulated[np.uint64(np.int64(c))]
    if a == 0.0:
        return c * log(c) if c > 0.0 else 0.0
    return lgamma(c + a) - lgamma(a)


@kernel
@loop
def grow_some(rows, score, growth, most_splits, units):
    """Go on for at most ``units`` leaves to be looked at; whether the trees are complete."""
    numbers = growth.numbers
    done = 0
    while done < units:
        if numbers[EVALUATED] < rows.sizes.shape[0]:
            _look(rows, score, growth, numbers[EVALUATED])
            numbers[EVALUATED] += 1
            done += 1
            continue
        if numbers[QUEUED] == 0 or numbers[SPLITS] >= most_splits:
            return True
        t = _pop(growth)
        i, j = growth.variable[t], growth.split[t, 0]
        if growth.place.shape[0] == 0 and growth.above[j, i]:
            _look_again(rows, score, growth, t)  # would close a cycle by now: the best split that is left
            done += 1
            continue
        if growth.place.shape[0] == 0 and not growth.above[i, j]:
            _join(growth.above, i, j)
        _split(rows, growth, t)
        _look_below(rows, score, growth, t)
        done += 2
    return False


@loop
def _join(above, i, j):
    """Everything at or below i has j and what is above it above."""
    d = above.shape[0]
    for k in range(d):
        if above[k, i] and not above[k, j]:
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
        growth.variable[child + side], growth.slot[child + side] = i, -1
    growth.first[child], growth.last[child] = growth.first[t], stop
    growth.first[child + 1], growth.last[child + 1] = stop, growth.last[t]
    numbers[COUNT] += 2
    numbers[SPLITS] += 1


@loop
def _look(rows, score, growth, t):
    """Count the rows of leaf t, and queue its best split if that gains anything."""
    _count_own(rows, growth, t)
    if not _may_split(rows, score, growth, growth.counts, t):
        return
    _free(rows, growth, t)
    _count_and_queue(rows, score, growth, t)


@loop
def _count_and_queue(rows, score, growth, t):
    if _count(rows, growth, t):
        _keep(growth, t)
    _queue(rows, score, growth, growth.counts, t)


@loop
def _look_again(rows, score, growth, t):
    """The same for a leaf that may have been counted."""
    if growth.slot[t] < 0:
        _look(rows, score, growth, t)
        return
    _free(rows, growth, t)
    _queue(rows, score, growth, growth.kept[growth.slot[t]], t)


@loop
def _look_below(rows, score, growth, t):
    """The same for both children of node t: the larger one has what the smaller one leaves."""
    small = large = growth.nodes[t, 3]
    slot, growth.slot[t] = growth.slot[t], -1
    if slot < 0:
        _look(rows, score, growth, small)
        _look(rows, score, growth, small + 1)
        return
    if growth.last[small] - growth.first[small] > growth.last[small + 1] - growth.first[small + 1]:
        small += 1
    else:
        large += 1
    counts, kept, size = growth.counts, growth.kept[slot], rows.sizes[growth.variable[t]]
    _count_own(rows, growth, small)
    _free(rows, growth, small)
    much = _count(rows, growth, small)
    for s in range(counts.shape[0]):
        for k in range(size):
            kept[s, k] -= counts[s, k]
    growth.slot[large] = slot
    if _may_split(rows, score, growth, counts, small):
        if much:
            _keep(growth, small)
        _queue(rows, score, growth, counts, small)
    if _may_split(rows, score, growth, kept, large):
        _queue(rows, score, growth, kept, large)
    else:
        _forget(growth, large)


@loop
def _count_own(rows, growth, t):
    """The rows of leaf t by its own states."""
    own, column = growth.counts[growth.counts.shape[0] - 1], rows.columns[growth.variable[t]]
    order, weights = growth.order[growth.variable[t]], rows.weights
    own[:] = 0.0
    for q in range(growth.first[t], growth.last[t]):
        own[column[order[q]]] += weights[order[q]]


@loop
def _may_split(rows, score, growth, counts, t):
    """Whether the rows of leaf t are of several states, and enough for two sides."""
    weight, several, own = 0.0, 0, counts[counts.shape[0] - 1]
    for k in range(rows.sizes[growth.variable[t]]):
        weight += own[k]
        several += own[k] > 0.0
    return several > 1 and weight >= 2 * score.least


@loop
def _free(rows, growth, t):
    """Which variables leaf t may ask for."""
    i, n = growth.variable[t], 0
    sizes, above, place, free = rows.sizes, growth.above, growth.place, growth.free
    for j in range(sizes.shape[0]):
        barred = above[j, i] if place.shape[0] == 0 else place[j] >= place[i]
        free[n] = j
        n += j != i and not barred and sizes[j] > 1
    growth.numbers[FREE] = n


@loop
def _queue(rows, score, growth, counts, t):
    """Queue the best split of leaf t if it gains anything; else its counts are of no use any more."""
    top, column, low, high = _best(rows, score, growth, counts, growth.variable[t])
    if top > 0.0:
        growth.split[t, 0], growth.split[t, 1], growth.split[t, 2] = column, low, high
        _push(growth, top, t)
    else:
        _forget(growth, t)


@loop
def _keep(growth, t):
    if growth.numbers[VACANT] > 0:
        growth.numbers[VACANT] -= 1
        growth.slot[t] = growth.vacant[growth.numbers[VACANT]]
        growth.kept[growth.slot[t]] = growth.counts


@loop
def _forget(growth, t):
    if growth.slot[t] >= 0:
        growth.vacant[growth.numbers[VACANT]] = growth.slot[t]
        growth.numbers[VACANT] += 1
        growth.slot[t] = -1


@loop
def _count(rows, growth, t):
    """``counts[s, k]``: the rows of leaf t in state s that have state k of its variable.  Whether that was much."""
    i, counts = growth.variable[t], growth.counts
    sizes, begins, starts, free = rows.sizes, rows.begins, rows.starts, growth.free
    size, words, order, own = sizes[i], rows.bits.shape[1], growth.order[i], counts[counts.shape[0] - 1]
    held = 0
    for q in range(growth.first[t], growth.last[t]):
        held += starts[order[q] + 1] - starts[order[q]]
    if words == 0 or held < rows.bits.shape[0] * words // 3:
        _count_held(rows, growth, t)
    else:
        _count_bits(rows, growth, t)
    for j in free[: growth.numbers[FREE]]:
        if sizes[j] > 2:
            for k in range(size):
                left = own[k]
                for s in range(begins[j] + 1, begins[j + 1]):
                    left -= counts[s, k]
                counts[begins[j], k] = left
    return held > counts.shape[0]


@loop
def _count_held(rows, growth, t):
    i, counts, order = growth.variable[t], growth.counts, growth.order[growth.variable[t]]
    column, weights, starts, others = rows.columns[i], rows.weights, rows.starts, rows.others
    counts[: counts.shape[0] - 1, : rows.sizes[i]] = 0.0
    for q in range(growth.first[t], growth.last[t]):
        r = order[q]
        k, w = column[r], weights[r]
        for p in range(starts[r], starts[r + 1]):
            counts[others[p], k] += w


@loop
def _count_bits(rows, growth, t):
    i, counts, mask, both, free = growth.variable[t], growth.counts, growth.mask, growth.both, growth.free
    size, words, bits, begins, order = (
        rows.sizes[i],
        rows.bits.shape[1],
        rows.bits,
        rows.begins,
        growth.order[i],
    )
    mask[:] = 0
    for q in range(growth.first[t], growth.last[t]):
        mask[order[q] >> 6] |= np.int64(1) << np.int64(order[q] & 63)
    for k in range(size - 1):
        for w in range(words):
            both[k, w] = mask[w] & bits[begins[i] - i + k, w]
    for j in free[: growth.numbers[FREE]]:
        for s in range(begins[j] + 1, begins[j + 1]):
            first = np.int64(0)
            for w in range(words):
                first += count_bits(mask[w] & bits[s - j - 1, w])
            for k in range(1, size):
                c = np.int64(0)
                for w in range(words):
                    c += count_bits(both[k - 1, w] & bits[s - j - 1, w])
                counts[s, k] = c
                first -= c
            counts[s, 0] = first


@loop
def _best(rows, score, growth, counts, i):
    """Gain in nats, column, lowest and highest state of the best split; the first of equally good ones."""
    # names for what the loop reads: numba would count references to fields at each look at them
    sizes, begins, ordered, free = rows.sizes, rows.begins, rows.ordered, growth.free
    cells, wholes, a, least = score.cells, score.wholes[score.kind[i]], score.a, score.least
    size, spare = sizes[i], counts.shape[0] - 2
    total, weight, now = counts[spare + 1], 0.0, score.prices[i]
    for k in range(size):
        weight += total[k]
        now += _worth(cells, a, total[k])
    now -= _worth(wholes, size * a, weight)
    top, column, low, high = 0.0, -1, 0, 0
    for j in free[: growth.numbers[FREE]]:
        b, states = begins[j], sizes[j]
        for k in range(1 if states == 2 else 0, states):
            gain = _gain(counts, b + k, total, size, weight, now, cells, wholes, a, least)
            if gain > top:
                top, column, low, high = gain, j, k, k
        if ordered[j] and states > 3:  # at least state k; with three states that is one against the rest
            for q in range(size):
                counts[spare, q] = counts[b + states - 1, q]
            for k in range(states - 2, 1, -1):
                for q in range(size):
                    counts[spare, q] += counts[b + k, q]
                gain = _gain(counts, spare, total, size, weight, now, cells, wholes, a, least)
                if gain > top:
                    top, column, low, high = gain, j, k, states - 1
    return top, column, low, high


@njit(forceinline=True)
def _gain(counts, s, total, size, weight, now, cells, wholes, a, least):
    """What both sides are worth above ``now`` where ``counts[s]`` go to one; nothing where a side is too light."""
    on = 0.0
    for k in range(size):
        on += counts[s, k]
    if on < least or weight - on < least:
        return 0.0
    worth = -_worth(wholes, size * a, on) - _worth(wholes, size * a, weight - on)
    for k in range(size):
        worth += _worth(cells, a, counts[s, k]) + _worth(cells, a, total[k] - counts[s, k])
    return np.rint((worth - now) * STEPS) * (1.0 / STEPS)


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
