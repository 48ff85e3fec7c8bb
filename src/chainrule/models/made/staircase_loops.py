"""Products with a weight under a staircase mask, which read only what the mask keeps.

The weight comes in bands of units (``staircase``): band b, contiguous at ``addresses[b]``, holds
the rows ``first_row : end_row`` for the units ``first : first + width``; ``bands`` is (n_bands, 4), these four.
Rows that a band does not hold are zero, and so are its entries that the mask cuts (``clear``).

    rows_to_units    x · w + bias    for each unit a sum over the rows of its band
    units_to_rows    += g · wᵀ       for each row a sum over the units of the bands that hold it
    weight_gradient  xᵀ · g          for each entry of the bands a sum over the examples

All three are made of panels: 6 numbers of one matrix meet 4 vectors of the other in 24 sums that stay in
registers, one term after the other.  The vectors of ``DEPTH`` terms stay in the first-level cache while all
numbers go by.  ``units_to_rows`` needs vectors of what is far apart in the weight; it turns blocks of it over.
float32 and float64; threads share no sum, and no sum depends on their number.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.vectors import (
    aligned,
    fma,
    get,
    lanes,
    load,
    load_first,
    numbers_at,
    pointer,
    put,
    registers,
    same,
    spread,
    store,
    store_first,
    transpose,
)

__all__ = ["clear", "rows_to_units", "units_to_rows", "weight_gradient"]

NUMBERS, VECTORS = 6, 4  # that meet in a panel
CELLS = NUMBERS * VECTORS
DEPTH = 128  # terms
MOST_LANES = 16


class Left(NamedTuple):
    """The matrix whose numbers meet vectors: entry (i, k) is ``numbers[i * row + k * term]``."""

    numbers: Any
    row: Any
    term: Any


class Right(NamedTuple):
    """The matrix whose vectors are met: entry (k, j) is ``numbers[k * term + j]``."""

    numbers: Any
    term: Any


class Sums(NamedTuple):
    """Where sums begin and where they go, entry (i, j) at ``i * row + j`` of each, and how many j there are."""

    before: Any
    before_row: Any
    out: Any
    out_row: Any
    width: Any


@kernel
@loop(parallel=True)
def rows_to_units(x, bands, addresses, bias, threads):
    """``x · w + bias``: (n, units) from ``x`` (n, rows) and ``bias`` (units,), contiguous."""
    n, rows = x.shape
    units = bias.shape[0]
    flat, z = x.reshape(-1), np.empty(n * units, bias.dtype)
    for thread in prange(threads):
        begin, end = _share(thread, threads, n)
        for b in range(bands.shape[0]):
            first, width, first_row, end_row = bands[b]
            _panels(
                Left(pointer(flat, first_row), rows, 1), Right(numbers_at(addresses[b], bias), width),
                begin, end, end_row - first_row, pointer(bias, first), pointer(z, first), units, width,
            )  # fmt: skip
    return z.reshape(n, units)


@kernel
@loop(parallel=True)
def weight_gradient(x, g, bands, addresses, threads):
    """``xᵀ · g``, written to the bands at ``addresses``, from ``x`` (n, rows) and ``g`` (n, units), contiguous."""
    n, rows = x.shape
    units = g.shape[1]
    flat_x, flat_g, zeros = x.reshape(-1), g.reshape(-1), np.zeros(units, g.dtype)
    for thread in prange(threads):
        for b in range(bands.shape[0]):
            first, width, first_row, end_row = bands[b]
            begin, end = _share(thread, threads, end_row - first_row)
            _panels(
                Left(pointer(flat_x, first_row), 1, rows), Right(pointer(flat_g, first), units),
                begin, end, n, pointer(zeros, 0), numbers_at(addresses[b], g), width, width,
            )  # fmt: skip


@kernel
@loop(parallel=True)
def units_to_rows(g, bands, addresses, out, threads):
    """Add ``g · wᵀ`` to ``out`` (n, rows), from ``g`` (n, units); both contiguous."""
    n, units = g.shape
    rows, stripe = out.shape[1], VECTORS * lanes(g)
    flat_g, flat = g.reshape(-1), out.reshape(-1)
    for thread in prange(threads):
        begin, end = _share(thread, threads, n)
        turned = aligned(DEPTH * stripe, g)
        for t in range(0, rows if begin < end else 0, stripe):
            sums = pointer(flat, t)
            for b in range(bands.shape[0]):
                first, width, first_row, end_row = bands[b]
                if t + stripe <= first_row or end_row <= t:
                    continue
                for u in range(0, width, DEPTH):
                    _turn(numbers_at(addresses[b], g), width, t - first_row, end_row - first_row, u, turned)
                    _panel(
                        Left(pointer(flat_g, first + u), units, 1), Right(pointer(turned, 0), stripe),
                        begin, end, min(DEPTH, width - u), Sums(sums, rows, sums, rows, rows - t),
                    )  # fmt: skip


@kernel
@loop
def clear(addresses, begins, runs, like):
    """Set the padding of bands to zero: of band b ``runs[begins[b] : begins[b + 1]]``; numbers as in ``like``."""
    for b in range(addresses.shape[0]):
        w = numbers_at(addresses[b], like)
        for q in range(begins[b], begins[b + 1]):
            for k in range(runs[q, 0], runs[q, 1]):
                w[k] = 0


@loop
def _share(thread, threads, n):
    """Where the part of ``n`` that a thread takes begins and ends, in whole panels."""
    panels = (n + NUMBERS - 1) // NUMBERS
    return panels * thread // threads * NUMBERS, min(n, panels * (thread + 1) // threads * NUMBERS)


@loop
def _panels(left, right, begin, end, terms, start, out, out_row, width):
    """``out[i, :width] = start[:width] + sum over k < terms of left[i, k] right[k, :width]``, ``begin <= i < end``."""
    for j in range(0, width, VECTORS * lanes(right.numbers)):
        for k in range(0, max(terms, 1), DEPTH):
            _panel(
                Left(pointer(left.numbers, k * left.term), left.row, left.term),
                Right(pointer(right.numbers, k * right.term + j), right.term),
                begin, end, min(DEPTH, terms - k),
                Sums(
                    pointer(out, j) if k else pointer(start, j), out_row if k else 0,
                    pointer(out, j), out_row, width - j,
                ),
            )  # fmt: skip


@loop
def _panel(left, right, begin, end, terms, sums):
    """``out[i, j] = before[i, j] + sum over k of left[i, k] right[k, j]`` for a panel of j, or ``width``."""
    if sums.width >= VECTORS * lanes(right.numbers):
        _panel_of(True, left, right, begin, end, terms, sums)
    else:
        _panel_of(False, left, right, begin, end, terms, sums)


@njit(forceinline=True)
def _panel_of(whole, left, right, begin, end, terms, sums):
    """The same; ``whole`` is a constant and says whether no lane is left over."""
    a, a_row, a_term = left
    b, b_term = right
    before, before_row, out, out_row, width = sums
    L = lanes(b)
    z, v = registers(b, CELLS), registers(b, VECTORS)
    for i in range(begin, end, NUMBERS):
        # where fewer are left, the last one is taken more than once, to the same effect
        e = end - 1
        i1, i2, i3, i4, i5 = min(i + 1, e), min(i + 2, e), min(i + 3, e), min(i + 4, e), min(i + 5, e)
        rows = (i, i1, i2, i3, i4, i5)
        for r in range(NUMBERS):
            for q in range(VECTORS):
                at = rows[r] * before_row + q * L
                put(z, r * VECTORS + q, load(before, at) if whole else load_first(before, at, width - q * L))
        for k in range(terms):
            for q in range(VECTORS):
                at = k * b_term + q * L
                put(v, q, load(b, at) if whole else load_first(b, at, width - q * L))
            for r in range(NUMBERS):
                number = spread(a, rows[r] * a_row + k * a_term)
                for q in range(VECTORS):
                    put(z, r * VECTORS + q, fma(number, get(v, q), get(z, r * VECTORS + q)))
        for r in range(NUMBERS):
            for q in range(VECTORS):
                at = rows[r] * out_row + q * L
                if whole:
                    store(out, at, get(z, r * VECTORS + q))
                else:
                    store_first(out, at, get(z, r * VECTORS + q), width - q * L)


@loop
def _turn(w, width, t, held, u, turned):
    """Of a band (held, width): ``DEPTH`` columns from ``u`` on become rows, as wide as a panel, from row ``t`` on.

    Rows that the band does not hold are zero.
    """
    L = lanes(turned)
    block = registers(turned, MOST_LANES)
    for k in range(0, min(DEPTH, width - u), L):
        for j in range(0, VECTORS * L, L):
            for i in range(L):
                row = t + j + i
                v = same(turned, 0.0)
                if row >= 0 and row < held:
                    at = row * width + u + k
                    v = load(w, at) if u + k + L <= width else load_first(w, at, width - u - k)
                put(block, i, v)
            transpose(block)
            for i in range(L):
                store(turned, (k + i) * VECTORS * L + j, get(block, i))
