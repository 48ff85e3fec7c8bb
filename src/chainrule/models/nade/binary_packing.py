"""Binary rows and weights as NADE's loops for binary variables read them.

* Variables are taken in blocks of ``STEP``.  The state only moves where x is one, so in each block the rows
  are sorted by their pattern of ones, one of 16, and each pattern has a loop of its own without a branch.
  A block without ones costs a plain matrix product.
* Rows are taken in groups whose states stay in the second-level cache.  Lists of rows are filled up to a multiple
  of 4 with a spare row that nobody reads.

Layouts, all flat.  Rows live in *slots*: groups of ``group`` rows, each followed by its spare slot.  Variables
are in the order in which they are generated.  A *tile* array is (blocks, slots, STEP): ``codes``, logits and
residuals are tiles.  Packed weights are (blocks, vectors, STEP, lanes).  float32 and float64.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.threads import WORTH_TWO
from chainrule.compiled.vectors import aligned, lanes, load, load_first, pointer, same, store

__all__ = [
    "BOUNDS",
    "GROUP",
    "LIVE",
    "ONE",
    "PATTERNS",
    "ROWS",
    "STEP",
    "Cut",
    "Packed",
    "group_of",
    "nade_pack",
    "pack_weights",
    "unpack",
]

STEP = 4  # variables in a block
ROWS = 4  # rows that share registers on the way forward
PATTERNS = 2**STEP
BOUNDS = 3 * PATTERNS  # for each list: where it begins, how many rows it holds, how many before first ones
GROUP, SHARED = (
    256,
    128,
)  # most rows in a group; and where there is work for several threads, which take groups
ONE, LIVE = 1, 2  # bits of a code: the variable is on; it is neither padding nor in a spare slot


class Cut(NamedTuple):
    """How so many rows are cut into groups, and how many threads share the work."""

    rows: int
    group: int
    threads: int


def group_of(n: int, work: float) -> int:
    """How many of ``n`` rows go into a group.

    Gradients add up by groups, so these follow from the work alone: with any number of threads they are the same.

    >>> group_of(100, 1e6), group_of(100, 1e8), group_of(1000, 1e8)
    (100, 50, 128)
    """
    most = min(GROUP, n) if work < WORTH_TWO else min(SHARED, -(-n // 2))
    return max(STEP, most)


class Packed(NamedTuple):
    """What ``nade_pack`` makes of rows and weights; all are flat."""

    codes: NDArray[Any]  # a tile
    lists: NDArray[Any]  # (groups, blocks, group + PATTERNS * ROWS): rows by pattern
    bounds: NDArray[Any]  # (groups, blocks, 3, PATTERNS): see ``_sort``
    V: NDArray[Any]
    W: NDArray[Any]


@kernel
@loop(parallel=True)
def nade_pack(x, order, W, V, group) -> Packed:
    """Rows sorted by pattern, weights by block.

    ``x`` (n, d) uint8 in {0, 1}, ``order`` (d,), ``W`` and ``V`` (d, h), all contiguous.
    """
    n, d = x.shape
    blocks = (d + STEP - 1) // STEP
    groups = (n + group - 1) // group
    slots = (groups * (group + 1) + ROWS - 1) // ROWS * ROWS
    room = group + PATTERNS * ROWS
    codes = np.zeros(blocks * slots * STEP, np.uint8)
    lists = np.empty(groups * blocks * room, np.int32)
    bounds = np.empty(groups * blocks * BOUNDS, np.int32)
    flat = x.reshape(-1)
    for g in prange(groups):
        first, count = g * group, min(group, n - g * group)
        key, begun = np.empty(count, np.uint8), np.zeros(count, np.uint8)
        for i in range(blocks):
            at, where = (i * slots + g * (group + 1)) * STEP, g * blocks + i
            inside = min(STEP, d - i * STEP)
            j0, j1 = order[i * STEP], order[i * STEP + min(1, inside - 1)]
            j2, j3 = order[i * STEP + min(2, inside - 1)], order[i * STEP + inside - 1]
            live1, live2, live3 = np.uint8(inside > 1), np.uint8(inside > 2), np.uint8(inside > 3)
            for r in range(count):
                row, code = pointer(flat, (first + r) * d), pointer(codes, at + r * STEP)
                x0, x1, x2, x3 = row[j0], row[j1] & live1, row[j2] & live2, row[j3] & live3
                pattern = x0 | x1 << 1 | x2 << 2 | x3 << 3
                key[r] = pattern | (pattern != 0 and begun[r] == 0) * PATTERNS
                begun[r] |= pattern
                code[0], code[1] = x0 | LIVE, x1 | live1 * LIVE
                code[2], code[3] = x2 | live2 * LIVE, x3 | live3 * LIVE
            _sort(key, pointer(lists, where * room), pointer(bounds, where * BOUNDS), group)
    packed_V, packed_W = pack_weights(order, W, V)
    return Packed(codes, lists, bounds, packed_V, packed_W)


@loop(parallel=True)
def pack_weights(order, W, V):
    """``V`` and ``W`` (d, h), contiguous, as (blocks, vectors, STEP, lanes), with zeros where there is nothing."""
    d, h = W.shape
    L = lanes(W)
    blocks, vectors = (d + STEP - 1) // STEP, (h + L - 1) // L
    packed_V, packed_W = aligned(blocks * vectors * STEP * L, W), aligned(blocks * vectors * STEP * L, W)
    flat_V, flat_W = V.reshape(-1), W.reshape(-1)
    whole, zero = h // L, same(W, 0.0)
    for i in prange(blocks):
        for j in range(STEP):
            real = i * STEP + j < d
            row = order[i * STEP + j] * h if real else 0
            for q in range(vectors):
                p = ((i * vectors + q) * STEP + j) * L
                if not real:
                    store(packed_V, p, zero)
                    store(packed_W, p, zero)
                elif q < whole:
                    store(packed_V, p, load(flat_V, row + q * L))
                    store(packed_W, p, load(flat_W, row + q * L))
                else:
                    store(packed_V, p, load_first(flat_V, row + q * L, h - q * L))
                    store(packed_W, p, load_first(flat_W, row + q * L, h - q * L))
    return packed_V, packed_W


@loop
def _sort(key, rows, bounds, spare):
    """Row numbers by pattern: those of x are rows[begin : begin + count], with begin = bounds[x] and
    count = bounds[PATTERNS + x].  Each list is filled with the spare row up to a multiple of ``ROWS``.

    ``key`` is the pattern, plus PATTERNS where the row's first one is in this block: those come last, and
    before them are bounds[2 * PATTERNS + x].
    """
    following = np.zeros(2 * PATTERNS, np.int64)
    for r in range(key.shape[0]):
        following[key[r]] += 1
    end = 0
    for x in range(PATTERNS):
        begun, begin = following[x], end
        bounds[x], bounds[2 * PATTERNS + x] = begin, begun
        count = begun + following[PATTERNS + x]
        bounds[PATTERNS + x] = count
        end += (count + ROWS - 1) // ROWS * ROWS
        for k in range(begin + count, end):
            rows[k] = spare
        following[x], following[PATTERNS + x] = begin, begin + begun
    for r in range(key.shape[0]):
        rows[following[key[r]]] = r
        following[key[r]] += 1


@loop(parallel=True)
def unpack(packed, order, h):
    """(vectors, blocks, STEP, lanes) as (d, h), by variable."""
    L = lanes(packed)
    d = order.shape[0]
    blocks = (d + STEP - 1) // STEP
    w = np.empty(d * h, packed.dtype)
    for t in prange(d):
        for q in range(h // L):
            store(w, order[t] * h + q * L, load(packed, (q * blocks * STEP + t) * L))
        for k in range(h // L * L, h):
            w[order[t] * h + k] = packed[(k // L * blocks * STEP + t) * L + k % L]
    return w.reshape(d, h)
