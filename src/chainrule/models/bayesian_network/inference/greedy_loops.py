"""Greedy orders of elimination as compiled loops: what ``elimination`` does with sets, here with rows of bits.

Variables that are in some scope are numbered anew, 0..n-1.  Row v of ``around`` (n, words) has bit u where v and u are
neighbours, 64 of them to a word, so the neighbours that two variables share are found by a few words' ``and``.

A seed other than 0 makes the choice at random among what costs about as little: see ``greedy_order``.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel

__all__ = ["DEGREE", "ENTRIES", "FILL", "MEASURES", "WEIGHTED", "greedy_order", "order_of_scopes"]

FILL, WEIGHTED, ENTRIES, DEGREE = 0, 1, 2, 3  # what is least at each step
MEASURES = {
    "fill": FILL,
    "weighted": WEIGHTED,
    "entries": ENTRIES,
    "degree": DEGREE,
}  # as ``elimination`` says it

NOISE = 0.3  # relative, of what a variable costs, where a seed is given


@kernel
@loop(error_model="numpy")
def greedy_order(members, ends, sizes, kept, measure, most, seed):
    """An order of all variables in scopes but those ``kept`` (d,), and the entries of their tables.

    Scope s is ``members[ends[s - 1]:ends[s]]``.  At ``most`` entries the choice stops: the others come by their number
    of neighbours.  With a ``seed`` each cost is multiplied by a random number around 1, and equals are in random order.
    """
    return order_of_scopes(members, ends, sizes, kept, measure, most, seed)


@njit(error_model="numpy")
def order_of_scopes(members, ends, sizes, kept, measure, most, seed):
    """``greedy_order`` for other loops."""
    d = sizes.shape[0]
    number, names = np.full(d, -1, np.int64), np.empty(d, np.int64)
    n = 0
    for t in range(members.shape[0]):
        if number[members[t]] < 0:
            number[members[t]] = 0
    for v in range(d):  # in their own order, which decides between equals
        if number[v] == 0:
            number[v], names[n] = n, v
            n += 1
    names = names[:n]
    around = _neighbours(members, ends, number, n)
    weights, free = sizes[names], ~kept[names]
    found, entries = _choose(around, weights, free, measure, most, np.uint64(seed))
    return names[found], entries


@njit(error_model="numpy")
def _neighbours(members, ends, number, n):
    words = (n + 63) // 64
    around, scope = np.zeros((n, words), np.uint64), np.zeros(words, np.uint64)
    begin = 0
    for s in range(ends.shape[0]):
        for t in range(begin, ends[s]):
            _set(scope, number[members[t]])
        for t in range(begin, ends[s]):
            row = around[number[members[t]]]
            for w in range(words):
                row[w] |= scope[w]
        for t in range(begin, ends[s]):
            scope[number[members[t]] >> 6] = np.uint64(0)
        begin = ends[s]
    for v in range(n):
        _clear(around[v], v)
    return around


@njit(error_model="numpy")
def _choose(around, sizes, free, measure, most, seed):
    n, words = around.shape
    first, second = np.full(n, np.inf), np.full(n, np.inf)
    order, near, total, k = np.empty(n, np.int64), np.empty(n, np.int64), 0.0, 0
    changed, joined = np.empty(words, np.uint64), np.empty(words, np.uint64)
    state = seed
    for v in range(n):
        if free[v]:
            first[v], second[v], state = _cost(around, sizes, v, measure, near, state)
    while total <= most:
        v = -1
        for u in range(n):
            if first[u] < np.inf and (
                v < 0 or first[u] < first[v] or (first[u] == first[v] and second[u] < second[v])
            ):
                v = u
        if v < 0:
            break
        order[k], first[v] = v, np.inf
        k += 1
        total += _entries(around[v], sizes) * sizes[v]
        _sum_out(around, v, near, changed, joined)
        for u in range(n):
            if changed[u >> 6] == 0:
                continue
            if _has(changed, u) and first[u] < np.inf:
                first[u], second[u], state = _cost(around, sizes, u, measure, near, state)
    for u in range(n):
        second[u] = _count(around[u]) if first[u] < np.inf else np.inf
    while k < n:
        v = np.argmin(second)
        if second[v] == np.inf:
            break
        order[k], second[v] = v, np.inf
        k += 1
    return order[:k], total


@njit(error_model="numpy")
def _cost(around, sizes, v, measure, near, state):
    """What it costs to sum ``v`` out, a number that decides between equals, and the state of the random numbers."""
    entries = _entries(around[v], sizes) * sizes[v]
    first, second = entries, 0.0
    if measure == DEGREE:
        first, second = np.float64(_count(around[v])), entries
    elif measure == WEIGHTED:
        first, second = _weight_of_fill(around, sizes, v, near), entries
    else:
        missing = _fill(around, v, near)
        first, second = (missing, entries) if measure == FILL else (entries, missing)
    if state != 0:
        state, u = _random(state)
        first *= 1.0 + NOISE * u
        state, second = _random(state)
    return first, second, state


@njit(error_model="numpy")
def _fill(around, v, near):
    """How many edges are missing among the neighbours of ``v``."""
    count, missing = _list(around[v], near), 0
    for j in range(count):
        common, row = 0, around[near[j]]
        for w in range(row.shape[0]):
            common += _ones(row[w] & around[v, w])
        missing += count - 1 - common
    return missing / 2.0


@njit(error_model="numpy")
def _weight_of_fill(around, sizes, v, near):
    """The same, each as heavy as the states of its ends multiplied."""
    count, weight = _list(around[v], near), 0.0
    for j in range(count):
        a = near[j]
        for i in range(j):
            if not _has(around[a], near[i]):
                weight += sizes[a] * sizes[near[i]]
    return weight


@njit(error_model="numpy")
def _sum_out(around, v, near, changed, joined):
    """Join the neighbours of ``v`` and remove it; ``changed`` are all whose cost may be another now."""
    count, words = _list(around[v], near), around.shape[1]
    for w in range(words):
        changed[w] = around[v, w]
    for j in range(count):
        row = around[near[j]]
        for w in range(words):
            joined[w] = around[v, w] & ~row[w]
        _clear(joined, near[j])
        for i in range(j):
            if _has(joined, near[i]):
                for w in range(words):
                    changed[w] |= row[w] & around[near[i], w]
    for j in range(count):
        row = around[near[j]]
        for w in range(words):
            row[w] |= around[v, w]
        _clear(row, near[j])
        _clear(row, v)
    _clear(changed, v)
    for w in range(words):
        around[v, w] = np.uint64(0)


@njit(error_model="numpy")
def _entries(row, sizes):
    product = 1.0
    for w in range(row.shape[0]):
        word = row[w]
        while word != 0:
            product *= sizes[64 * w + _lowest(word)]
            word &= word - np.uint64(1)
    return product


@njit(error_model="numpy")
def _list(row, near):
    """Write the bits of ``row`` into ``near``; how many there are."""
    count = 0
    for w in range(row.shape[0]):
        word = row[w]
        while word != 0:
            near[count] = 64 * w + _lowest(word)
            count += 1
            word &= word - np.uint64(1)
    return count


@njit(error_model="numpy")
def _count(row):
    count = 0
    for w in range(row.shape[0]):
        count += _ones(row[w])
    return count


@njit(error_model="numpy")
def _lowest(word):
    return _ones((word & (~word + np.uint64(1))) - np.uint64(1))


@njit(error_model="numpy")
def _ones(word):
    """How many bits of a word are set (Warren 2012, section 5-1); the compiler makes it one instruction."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(error_model="numpy")
def _has(row, u):
    return (row[u >> 6] >> np.uint64(u & 63)) & np.uint64(1) != 0


@njit(error_model="numpy")
def _set(row, u):
    row[u >> 6] |= np.uint64(1) << np.uint64(u & 63)


@njit(error_model="numpy")
def _clear(row, u):
    row[u >> 6] &= ~(np.uint64(1) << np.uint64(u & 63))


@njit(error_model="numpy")
def _random(state):
    """The next state, and a number in [0, 1) (Marsaglia 2003, xorshift with shifts 13, 7, 17)."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    return state, np.float64(state >> np.uint64(11)) / 9007199254740992.0
