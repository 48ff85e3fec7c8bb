"""Rows of codes and weights as NADE's loops for variables of any number of states read them.

A variable of K states has K - 1 *indicators*, each with a row of V (its log-odds) and a row of W (what it adds to
the state).  Between two variables the state does not change, so a variable costs one small matrix product and one
row of W for each row of the table; for a first state that is a row of zeros.

Layouts, all flat.  Variables are in the order in which they are generated, those of one state left out; variable t
has the indicators ``begins[t]`` to ``begins[t + 1]``.  Arrays over rows have ``slots`` of them, of which the last are
empty, and ``group`` rows are taken together.  float32 and float64.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.vectors import aligned, lanes, load, load_first, same, store
from chainrule.models.nade.binary_packing import Cut
from chainrule.models.shared.coding import Coding

__all__ = ["ALIKE", "GROUP", "CategoricalPacked", "Steps", "categorical_pack", "cut_of", "slots_of"]

GROUP = 256  # most rows in a group: their states stay in the second-level cache
ALIKE = 16  # groups and slots are multiples of it: the lanes of a vector of float32


class Steps(NamedTuple):
    """The variables in the order of generation, and what is where."""

    columns: NDArray[np.int64]  # (steps,) of the table
    places: NDArray[np.int64]  # (steps,) in the order, which counts variables of one state as well
    begins: NDArray[np.int64]  # (steps + 1,)
    indicators: NDArray[np.int64]  # (width,) the indicator of the coding that comes first, second, ...

    @classmethod
    def of(cls, coding: Coding, order: NDArray[np.integer[Any]]) -> Steps:
        """The steps of a coding in an order.

        >>> [a.tolist() for a in Steps.of(Coding((3, 1, 2)), np.array([2, 1, 0]))]
        [[2, 0], [0, 2], [0, 1, 3], [2, 0, 1]]
        """
        return _steps(coding, order.astype(np.int64, copy=False).tobytes())


@lru_cache(maxsize=16)  # the same in every step of a training
def _steps(coding: Coding, order: bytes) -> Steps:
    in_order, sizes = np.frombuffer(order, np.int64), np.array(coding.sizes, np.int64)
    places = np.flatnonzero(sizes[in_order] > 1).astype(np.int64)
    columns = in_order[places]
    begins = np.concatenate([[0], np.cumsum(sizes[columns] - 1)]).astype(np.int64)
    indicators = coding.order(columns).astype(np.int64) if len(columns) else begins[:0]
    return Steps(columns, places, begins, indicators)


class CategoricalPacked(NamedTuple):
    """What ``categorical_pack`` makes of rows and weights; all are flat."""

    # (steps + 1, slots): the row of W by which a state moves on its way to a step; none moves to the first
    moves: NDArray[np.int32]
    # (groups, group): rows by the step at which they first move, and (groups, steps + 2): where those of each begin
    firsts: NDArray[np.int32]
    first_begins: NDArray[np.int32]
    V: NDArray[Any]  # (width, stride)
    W: NDArray[Any]  # (width + 1, stride), the last row is zero


def slots_of(n: int) -> int:
    """The slots of ``n`` rows: an odd number of cache lines, so that the rows of a matrix do not compete for them.

    >>> slots_of(3), slots_of(33)
    (16, 48)
    """
    return (-(-n // ALIKE) | 1) * ALIKE


def cut_of(n: int, threads: int) -> Cut:
    """So many rows in groups that occupy all threads.

    >>> cut_of(100, 2)
    Cut(rows=100, group=64, threads=2)
    """
    each = -(-max(n, 1) // threads)
    return Cut(n, min(GROUP, -(-each // ALIKE) * ALIKE), threads)


@kernel
@loop(parallel=True)
def categorical_pack(x, steps, W, V, slots, cut) -> CategoricalPacked:
    """Moves, first moves and weights.  ``x`` (n, d) int32 codes, ``W`` and ``V`` (width, h), all contiguous."""
    columns, begins, indicators = steps.columns, steps.begins, steps.indicators
    n, group = cut.rows, cut.group
    d = x.shape[1]
    m, width = columns.shape[0], indicators.shape[0]
    flat = x.reshape(-1)
    groups = (n + group - 1) // group
    moves = np.empty((m + 1) * slots, np.int32)
    firsts, first_begins = np.empty(groups * group, np.int32), np.zeros(groups * (m + 2), np.int32)
    for s in range(slots):
        moves[s] = width
    for t in prange(m):
        at, last = (t + 1) * slots, begins[t] - 1
        for r in range(n):
            code = flat[r * d + columns[t]]
            moves[at + r] = width if code == 0 else last + code
        for r in range(n, slots):
            moves[at + r] = width
    for g in prange(groups):
        begin, count = g * group, min(group, n - g * group)
        first = np.full(count, m, np.int32)
        for t in range(m - 1, -1, -1):
            for r in range(count):
                if moves[(t + 1) * slots + begin + r] != width:
                    first[r] = t
        at = g * (m + 2)
        for r in range(count):
            first_begins[at + first[r] + 1] += 1
        for t in range(m + 1):
            first_begins[at + t + 1] += first_begins[at + t]
        following = first_begins[at : at + m + 1].copy()
        for r in range(count):
            firsts[begin + following[first[r]]] = r
            following[first[r]] += 1
    return CategoricalPacked(
        moves, firsts, first_begins, rows_of(V, indicators, 0), rows_of(W, indicators, 1)
    )


@loop(parallel=True)
def rows_of(weights, indicators, spare):
    """The rows of ``weights`` (width, h), contiguous, in another order, each filled with zeros up to whole vectors.

    ``spare`` rows of zeros follow.
    """
    L = lanes(weights)
    width, h = weights.shape
    vectors, zero = (h + L - 1) // L, same(weights, 0.0)
    flat, out = weights.reshape(-1), aligned((width + spare) * vectors * L, weights)
    for k in prange(width + spare):
        for q in range(vectors):
            p = (k * vectors + q) * L
            if k >= width:
                store(out, p, zero)
            elif q < h // L:
                store(out, p, load(flat, indicators[k] * h + q * L))
            else:
                store(out, p, load_first(flat, indicators[k] * h + q * L, h - q * L))
    return out
