"""Products with a matrix of zeros and ones, as the sums that they are.

    (x · w)[r] = sum of w[t] over the ones t of row r          (xᵀ · g)[t] = sum of g[r] over the rows with x[r, t] = 1

Where ones are few, most of a matrix product multiplies by zero.  Here the ones are found once, by row and by
column, and both products read only what they add.  A stretch of a sum stays in registers while its terms go by.

The matrix w comes in bands, as in ``staircase.py``; each holds the first so many rows.  float32 and float64;
threads share no sum.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.vectors import (
    as_bits,
    get,
    lanes,
    load,
    load_first,
    lowest_bit,
    nonzero,
    numbers_at,
    pointer,
    put,
    registers,
    store,
    store_first,
)

__all__ = ["find_ones", "ones_gradient", "ones_product"]

STRETCH = 8  # vectors of a sum that share the look-up of its terms


class Sums(NamedTuple):
    """Sum i is ``start`` plus the rows ``terms[begins[i] : begins[i + 1]]``, rising, of ``source`` below ``limit``.

    Row t of the source begins at ``t * stride``, sum i in ``out`` at ``i * out_stride``.
    """

    begins: Any
    terms: Any
    limit: Any
    source: Any
    stride: Any
    start: Any
    out: Any
    out_stride: Any


@kernel
@loop
def find_ones(x):
    """The ones of ``x`` (n, d), contiguous: by row (begins (n + 1,), columns), by column (begins (d + 1,), rows).

    The last result says whether all other entries are zero.
    """
    n, d = x.shape
    row_begins, column_begins = np.zeros(n + 1, np.int64), np.zeros(d + 1, np.int64)
    columns = np.empty(n * d + 1, np.int32)
    flat, L, m, strange = x.reshape(-1), lanes(x), 0, False
    for r in range(n):
        for t in range(r * d, r * d + d // L * L, L):
            v = load(flat, t)
            bits = as_bits(nonzero(v))
            strange |= as_bits(nonzero(v * v - v)) != 0
            while bits:
                columns[m] = t - r * d + lowest_bit(bits)
                bits &= bits - 1
                m += 1
        for t in range(d // L * L, d):
            columns[m] = t
            m += flat[r * d + t] != 0
            strange |= flat[r * d + t] != 0 and flat[r * d + t] != 1
        row_begins[r + 1] = m
    for k in range(m):
        column_begins[columns[k] + 1] += 1
    for t in range(d):
        column_begins[t + 1] += column_begins[t]
    rows, following = np.empty(m, np.int32), column_begins.copy()
    for r in range(n):
        for k in range(row_begins[r], row_begins[r + 1]):
            t = columns[k]
            rows[following[t]] = r
            following[t] += 1
    return row_begins, columns[:m], column_begins, rows, not strange


@kernel
@loop(parallel=True)
def ones_product(begins, columns, bands, addresses, bias, threads):
    """``x · w + bias``, (n, units), from the ones by row."""
    n, units = begins.shape[0] - 1, bias.shape[0]
    z = np.empty(n * units, bias.dtype)
    for thread in prange(threads):
        for b in range(bands.shape[0]):
            first, width, _, kept = bands[b]
            sums = Sums(
                pointer(begins, 0), pointer(columns, 0), kept, numbers_at(addresses[b], bias), width,
                pointer(bias, first), pointer(z, first), units,
            )  # fmt: skip
            _sum_terms(sums, thread, n, threads, width)
    return z.reshape(n, units)


@kernel
@loop(parallel=True)
def ones_gradient(begins, rows, bands, addresses, g, threads):
    """``xᵀ · g``, from the ones by column and ``g`` (n, units), contiguous, written to the bands at ``addresses``."""
    n, units = g.shape
    flat, nothing = g.reshape(-1), np.zeros(units, g.dtype)
    for thread in prange(threads):
        for b in range(bands.shape[0]):
            first, width, _, kept = bands[b]
            sums = Sums(
                pointer(begins, 0), pointer(rows, 0), n, pointer(flat, first), units,
                pointer(nothing, 0), numbers_at(addresses[b], g), width,
            )  # fmt: skip
            _sum_terms(sums, thread, kept, threads, width)


@loop
def _sum_terms(sums, first, last, step, width):
    """Sums ``first``, ``first + step``, … below ``last``, of ``width`` numbers each."""
    L = lanes(sums.source)
    done = 0
    while width - done >= L:  # all sums over one stretch of units, then over the next
        left = (width - done) // L
        if left >= STRETCH:
            _sum_stretch(8, sums, done, first, last, step)
            done += 8 * L
        elif left >= 4:
            _sum_stretch(4, sums, done, first, last, step)
            done += 4 * L
        elif left >= 2:
            _sum_stretch(2, sums, done, first, last, step)
            done += 2 * L
        else:
            _sum_stretch(1, sums, done, first, last, step)
            done += L
    if done < width:
        _sum_end(width - done, sums, done, first, last, step)


@njit(forceinline=True)
def _sum_stretch(k, sums, q, first, last, step):
    """The same for ``k`` vectors, a constant, from unit ``q`` on."""
    begins, terms, limit, source, stride, start, out, out_stride = sums
    L = lanes(source)
    s = registers(source, STRETCH)
    for i in range(first, last, step):
        for v in range(k):
            put(s, v, load(start, q + v * L))
        for m in range(begins[i], begins[i + 1]):
            t = np.int64(terms[m])
            if t >= limit:
                break
            for v in range(k):
                put(s, v, get(s, v) + load(source, t * stride + q + v * L))
        for v in range(k):
            store(out, i * out_stride + q + v * L, get(s, v))


@njit(forceinline=True)
def _sum_end(n, sums, q, first, last, step):
    """The same for the ``n`` units from ``q`` on, fewer than a vector holds."""
    begins, terms, limit, source, stride, start, out, out_stride = sums
    for i in range(first, last, step):
        s = load_first(start, q, n)
        for m in range(begins[i], begins[i + 1]):
            t = np.int64(terms[m])
            if t >= limit:
                break
            s = s + load_first(source, t * stride + q, n)
        store_first(out, i * out_stride + q, s, n)
