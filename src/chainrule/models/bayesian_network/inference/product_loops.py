"""The product of one bucket as compiled loops, block by block: up to ``BLOCK`` entries, over its last axes.

It is known of each item how a block of it is read.  A table whose axes come in another order than those of the bucket
is packed before: copied once in the order in which the bucket reads it many times.

Innermost loops have indices without a sign: one with a sign may count from the end, and numba asks at each entry, so
that the loop does not become one of vectors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from chainrule.models.bayesian_network.inference.layout_loops import (
    AXES,
    COUNT,
    ENTRIES,
    ITEMS,
    SCOPE,
    SIZE,
    STRIDES,
)

__all__ = [
    "ALONG",
    "BEGIN",
    "KIND",
    "RUN",
    "RUNS",
    "Formed",
    "Laid",
    "Room",
    "advance",
    "multiply",
    "prepare",
    "room",
]

BLOCK = 4096  # entries: with the offsets of a few items they stay in the second cache
# how an item is read in a block: one entry, entries in a row, in several runs, or any
SCALAR, ALONG, RUNS, GATHERED = 0, 1, 2, 3
LONG = 8  # entries of a run for which a loop over them alone pays
OFTEN = 4  # times that a table is read, from which on it is packed

BEGIN, KIND, RUN, SOURCE, COUNTER = (
    0,
    1,
    2,
    3,
    4,
)  # columns of places: of item k, but the last, which is of axis k
VALUES, MESSAGES, PACKED = 0, 1, 2  # where an item is


class Laid(NamedTuple):
    """A network and a program for it, as all loops read them."""

    nodes: NDArray[np.int64]
    members: NDArray[np.int64]
    values: NDArray[np.float64]  # of all tables
    least: NDArray[np.float64]  # log of the least positive entry of each table
    steps: NDArray[np.int64]
    pool: NDArray[np.int64]
    families: NDArray[np.int64]


class Formed(NamedTuple):
    """What a row leaves: messages up, where the part of each table and message begins, the log of its least entry."""

    messages: NDArray[np.float64]
    bases: NDArray[np.int64]
    low: NDArray[np.float64]


class Room(NamedTuple):
    """For the block of one bucket: its items' offsets, places and strides, and the tables that are packed."""

    block: NDArray[np.float64]
    offsets: NDArray[np.int64]
    places: NDArray[np.int64]
    strides: NDArray[np.int64]
    packed: NDArray[np.float64]


@njit(error_model="numpy")
def room(laid):
    """As much as the largest bucket needs."""
    nodes, steps, pool = laid.nodes, laid.steps, laid.pool
    length, numbers, offsets, strides, most = 1, 1, 1, 1, 1
    for i in range(steps.shape[0]):
        if steps[i, AXES]:
            last = nodes[pool[steps[i, SCOPE] + steps[i, AXES] - 1], SIZE]
            some = max(last, min(BLOCK, steps[i, ENTRIES]))
            length, offsets = max(length, some), max(offsets, steps[i, COUNT] * some)
            numbers = max(numbers, steps[i, COUNT], steps[i, AXES])
        if steps[i, ENTRIES] > BLOCK:
            strides, packed = max(strides, steps[i, COUNT] * steps[i, AXES]), 0
            for k in range(steps[i, COUNT]):
                packed += _packed_entries(nodes, steps, pool, i, k)
            most = max(most, packed)
    return Room(
        np.empty(length),
        np.empty(offsets, np.int64),
        np.empty((numbers, 5), np.int64),
        np.empty(strides, np.int64),
        np.empty(most),
    )


@njit(error_model="numpy")
def _packed_entries(nodes, steps, pool, i, k):
    """The entries of item k of bucket i where it is to be packed, else 0."""
    axes, size = steps[i, AXES], 1
    row = steps[i, STRIDES] + k * axes
    if pool[steps[i, ITEMS] + k] >= nodes.shape[0] - 1 or pool[row + axes - 1] < 2:
        return 0
    for a in range(axes):
        if pool[row + a]:
            size *= nodes[pool[steps[i, SCOPE] + a], SIZE]
    return size if OFTEN * size <= steps[i, ENTRIES] else 0


@njit(error_model="numpy")
def prepare(nodes, values, steps, pool, i, bases, places, offsets, strides, packed):
    """Set the items of bucket i to its first block; the block's length, and the number of axes outside it.

    It takes arrays one by one, since those of a record would have their references counted for each bucket.
    """
    scope, axes, is_long = steps[i, SCOPE], steps[i, AXES], steps[i, ENTRIES] > BLOCK
    axis, length = axes - 1, nodes[pool[scope + axes - 1], SIZE]
    while axis > 0 and length * nodes[pool[scope + axis - 1], SIZE] <= BLOCK:
        axis -= 1
        length *= nodes[pool[scope + axis], SIZE]
    for k in range(steps[i, COUNT]):
        item = pool[steps[i, ITEMS] + k]
        places[k, BEGIN], places[k, SOURCE] = bases[item], MESSAGES if item >= nodes.shape[0] - 1 else VALUES
    if is_long:
        _pack_tables(nodes, values, steps, pool, i, places, strides, packed)
    along, row = (strides, 0) if is_long else (pool, steps[i, STRIDES])
    for k in range(steps[i, COUNT]):
        is_scalar, run, inner = True, 1, axes
        for a in range(axis, axes):
            is_scalar &= along[row + a] == 0
        while inner > axis and along[row + inner - 1] == run:
            inner -= 1
            run *= nodes[pool[scope + inner], SIZE]
        places[k, KIND] = (
            SCALAR if is_scalar else (ALONG if run == length else (RUNS if run >= LONG else GATHERED))
        )
        if places[k, KIND] >= RUNS:
            run, inner = (run, inner) if run >= LONG else (1, axes)
            places[k, RUN], begin, count = run, k * length, 1
            offsets[begin] = 0
            for a in range(inner - 1, axis - 1, -1):
                stride, size = along[row + a], nodes[pool[scope + a], SIZE]
                for t in range(begin + count, begin + count * size):
                    offsets[t] = offsets[t - count] + stride
                count *= size
        row += axes
    for a in range(axis):
        places[a, COUNTER] = 0
    return length, axis


@njit(error_model="numpy")
def _pack_tables(nodes, values, steps, pool, i, places, strides, packed):
    """Write the strides of all items of bucket i, and pack what is to be packed."""
    axes, used = steps[i, AXES], 0
    for k in range(steps[i, COUNT]):
        for a in range(axes):
            strides[k * axes + a] = pool[steps[i, STRIDES] + k * axes + a]
        size = _packed_entries(nodes, steps, pool, i, k)
        if size:
            _pack(nodes, values, pool, steps[i, SCOPE], axes, k, places, strides, packed, used, size)
            used += size


@njit(error_model="numpy")
def _pack(nodes, values, pool, scope, axes, k, places, strides, packed, at, size):
    """Copy item k, a table, to ``packed[at:]`` in the order of the bucket's axes."""
    last, row = axes - 1, k * axes
    here, states, stride = places[k, BEGIN], nodes[pool[scope + last], SIZE], strides[row + last]
    for a in range(last):
        places[a, COUNTER] = 0
    for t in range(at, at + size, states):
        for s in range(states):
            packed[t + s] = values[here + s * stride]
        for a in range(last - 1, -1, -1):
            if strides[row + a]:
                places[a, COUNTER] += 1
                here += strides[row + a]
                if places[a, COUNTER] < nodes[pool[scope + a], SIZE]:
                    break
                here -= places[a, COUNTER] * strides[row + a]
                places[a, COUNTER] = 0
    run = 1
    for a in range(last, -1, -1):
        if strides[row + a]:
            strides[row + a] = run
            run *= nodes[pool[scope + a], SIZE]
    places[k, BEGIN], places[k, SOURCE] = at, PACKED


@njit(error_model="numpy")
def multiply(values, messages, packed, places, offsets, count, block, length):
    """The product of ``count`` items at the entries of the block."""
    factor, is_begun = 1.0, False
    for k in range(count):
        if places[k, KIND] == SCALAR:
            source = (
                packed
                if places[k, SOURCE] == PACKED
                else (messages if places[k, SOURCE] == MESSAGES else values)
            )
            factor *= source[places[k, BEGIN]]
    for k in range(count):
        if places[k, KIND] != SCALAR:
            if not is_begun:
                for t in range(length):
                    block[t] = factor
                is_begun = True
            source = (
                packed
                if places[k, SOURCE] == PACKED
                else (messages if places[k, SOURCE] == MESSAGES else values)
            )
            _multiply_by(
                source, places[k, BEGIN], places[k, KIND], places[k, RUN], offsets, k * length, block, length
            )
    if not is_begun:
        for t in range(length):
            block[t] = factor


@njit(error_model="numpy")
def _multiply_by(source, at, kind, run, offsets, begin, block, length):
    if kind == ALONG:
        for t in range(length):
            block[t] *= source[np.uintp(at + t)]
    elif kind == RUNS:
        for r in range(length // run):
            here, s = at + offsets[begin + r], r * run
            for t in range(run):
                block[np.uintp(s + t)] *= source[np.uintp(here + t)]
    else:
        for t in range(length):
            block[t] *= source[np.uintp(at + offsets[np.uintp(begin + t)])]


@njit(error_model="numpy")
def advance(nodes, steps, pool, i, axis, places, strides):
    """Go on to the next block: the states of the first ``axis`` axes count up, the last of them fastest."""
    for a in range(axis - 1, -1, -1):
        places[a, COUNTER] += 1
        step, size = 1, nodes[pool[steps[i, SCOPE] + a], SIZE]
        if places[a, COUNTER] == size:
            places[a, COUNTER], step = 0, 1 - size
        for k in range(steps[i, COUNT]):
            places[k, BEGIN] += step * strides[k * steps[i, AXES] + a]
        if step == 1:
            return
