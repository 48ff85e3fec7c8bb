"""The products of bucket elimination as compiled loops: what ``buckets`` does with logarithms, with scaled numbers.

Programs are those of ``layout_loops``.  A message is divided by its largest entry, whose logarithm is added up, so
products of thousands of tables do not underflow.  What one product may lose is known before: the least positive entries
of its items, multiplied.  Where that is below ``LOWEST`` the answer is nan, and the caller takes logarithms.

A bucket's table is never held: blocks of its entries (``product_loops``) are multiplied and summed out at once, so
that messages alone take memory.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.models.bayesian_network.inference.layout_loops import (
    AXES,
    COUNT,
    ENTRIES,
    FAMILY,
    ITEMS,
    MESSAGE,
    SCOPE,
    SIZE,
    STRIDES,
    TABLE,
)
from chainrule.models.bayesian_network.inference.product_loops import Formed, advance, multiply, prepare, room

__all__ = ["LOWEST", "MAXIMUM", "SUM", "answer", "least_product", "scale", "upward"]

SUM, MAXIMUM = 0, 1  # what is asked

LOWEST = -690.0  # nats: exp of it, and of a thousandth of it, is still a normal float64
TIE = 1e-9  # relative: as in ``buckets``


@kernel
@loop(error_model="numpy")
def answer(laid, rows, asked, table, states, unique):
    """The log-mass of what each of ``rows`` (n, d) knows, (n,): nan where it takes logarithms to say.

    MAXIMUM   the mass is that of a most probable state, written to ``states`` (n, d); ``unique`` says if it is alone
    SUM       ``table`` is that of what is kept, up to a factor
    """
    nodes, steps = laid.nodes, laid.steps
    d, n = nodes.shape[0] - 1, steps.shape[0] - 1
    messages, out = np.empty(max(1, steps[n, MESSAGE])), np.empty(rows.shape[0])
    formed, space = Formed(messages, np.empty(d + n, np.int64), np.empty(d + n)), room(laid)
    for r in range(rows.shape[0]):
        out[r] = upward(laid, rows[r], asked, formed, table, space)
        if out[r] > -np.inf and asked == MAXIMUM:
            unique[r] = _walk_back(nodes, laid.values, steps, laid.pool, formed.bases, messages, states[r])
    return out


@njit(error_model="numpy")
def upward(laid, row, asked, formed, table, space):
    """Form all messages up, and the ``table`` of what is kept; the log-mass of ``row``."""
    steps, low = laid.steps, formed.low
    d, n = laid.nodes.shape[0] - 1, steps.shape[0] - 1
    for i in range(n):
        formed.bases[d + i] = steps[i, MESSAGE]
    for v in range(d):
        low[v] = laid.least[v]
    out = _start(laid.nodes, laid.members, laid.values, laid.families, row, formed.bases)
    for i in range(n + 1):
        if out == -np.inf or (i == n and steps[n, AXES] == 0):
            return out  # of each message 1 is left
        if least_product(steps, laid.pool, i, low) < LOWEST:
            return np.nan
        to, begin = (formed.messages, steps[i, MESSAGE]) if i < n else (table, 0)
        done = _bucket(laid, i, formed, space, to, begin, asked)
        top, least_left = scale(to, begin, done)
        if i < n:
            low[d + i] = least_left
        out += math.log(top) if top > 0.0 else -np.inf
    return out


@njit(error_model="numpy")
def _start(nodes, members, values, families, row, bases):
    """Where the part of each table begins that agrees with ``row``; log of the product of those that it knows whole."""
    log_mass, product = 0.0, 1.0
    for k in range(families.shape[0]):
        v = families[k]
        at, is_whole = nodes[v, TABLE], True
        for t in range(nodes[v, FAMILY], nodes[v + 1, FAMILY]):
            u = members[t, 0]
            if row[u] > 0:
                at += row[u] * members[t, 1]
            elif row[u] < 0 and nodes[u, SIZE] > 1:
                is_whole = False
        bases[v] = at
        if is_whole:
            product *= values[at]
            if product < 1e-100:
                log_mass += math.log(product) if product > 0.0 else -np.inf
                product = 1.0
                if values[at] == 0.0:
                    return -np.inf
    return log_mass + math.log(product)


@njit(error_model="numpy")
def least_product(steps, pool, i, low):
    out = 0.0
    for k in range(steps[i, ITEMS], steps[i, ITEMS] + steps[i, COUNT]):
        out += low[pool[k]]
    return out


@njit(error_model="numpy")
def _bucket(laid, i, formed, space, to, begin, asked):
    """Multiply bucket i and sum its variable out into ``to[begin:]``; the number of entries there."""
    nodes, steps, pool, (block, offsets, places, strides, packed) = laid.nodes, laid.steps, laid.pool, space
    items = (places, offsets, strides, packed)
    length, axis = prepare(nodes, laid.values, steps, pool, i, formed.bases, *items)
    k = nodes[pool[steps[i, SCOPE] + steps[i, AXES] - 1], SIZE] if i < steps.shape[0] - 1 else 1
    at = begin
    for _ in range(steps[i, ENTRIES] // length):
        multiply(laid.values, formed.messages, packed, places, offsets, steps[i, COUNT], block, length)
        if asked == MAXIMUM:
            _take_maxima(block, length, k, to, at)
        else:
            _add_up(block, length, k, to, at)
        at += length // k
        advance(nodes, steps, pool, i, axis, places, strides)
    return at - begin


@njit(error_model="numpy", fastmath={"reassoc"})
def _add_up(block, length, k, to, at):
    """Sums of ``k`` entries each; for few states in one loop, which becomes one of vectors."""
    if k == 2:
        for s in range(length // 2):
            to[np.uintp(at + s)] = block[2 * s] + block[2 * s + 1]
    elif k == 3:
        for s in range(length // 3):
            to[np.uintp(at + s)] = block[3 * s] + block[3 * s + 1] + block[3 * s + 2]
    elif k == 4:
        for s in range(length // 4):
            to[np.uintp(at + s)] = (block[4 * s] + block[4 * s + 1]) + (block[4 * s + 2] + block[4 * s + 3])
    else:
        for s in range(length // k):
            total = 0.0
            for t in range(k):
                total += block[np.uintp(k * s + t)]
            to[at + s] = total


@njit(error_model="numpy")
def _take_maxima(block, length, k, to, at):
    for s in range(length // k):
        top = block[k * s]
        for t in range(k * s + 1, k * s + k):
            top = max(top, block[t])
        to[at + s] = top


@njit(error_model="numpy", fastmath={"nnan", "nsz"})
def scale(numbers, begin, count):
    """Divide ``count`` numbers by the largest; that, and the log of the least positive one that is left."""
    top, low = 0.0, np.inf
    for t in range(count):
        number = numbers[np.uintp(begin + t)]
        top = max(top, number)
        low = min(low, number if number > 0.0 else np.inf)
    if top == 0.0:
        return 0.0, 0.0
    for t in range(count):
        numbers[np.uintp(begin + t)] /= top
    return top, math.log(low / top)


@njit(error_model="numpy")
def _walk_back(nodes, values, steps, pool, bases, messages, states):
    """Fill in a most probable state of each variable given those summed out later; whether it is the only one."""
    d, unique = nodes.shape[0] - 1, True
    for i in range(steps.shape[0] - 2, -1, -1):
        scope, last = steps[i, SCOPE], steps[i, AXES] - 1
        v, top = pool[scope + last], 0.0
        for again in range(2):
            found, count = 0, 0
            for s in range(nodes[v, SIZE]):
                p, row = 1.0, steps[i, STRIDES]
                for k in range(steps[i, ITEMS], steps[i, ITEMS] + steps[i, COUNT]):
                    at = bases[pool[k]] + s * pool[row + last]
                    for a in range(last):
                        at += states[pool[scope + a]] * pool[row + a]
                    p *= messages[at] if pool[k] >= d else values[at]
                    row += last + 1
                if again and p >= top * (1.0 - TIE):
                    found = s if count == 0 else found
                    count += 1
                elif not again:
                    top = max(top, p)
        states[v] = found
        unique &= count == 1
    return unique
