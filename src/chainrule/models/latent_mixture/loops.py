"""Sums over components and over states as compiled loops, in one pass each where numpy takes one for each operation.

Most components say next to nothing of a row, and a vector of exponentials that cannot show in their sum is not taken.
Rows of numbers are for all components, so a vector holds the same thing of several of them.
"""

from __future__ import annotations

import math

import numpy as np
from numba import prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.elementary import exp_of_negative, softplus_parts
from chainrule.compiled.vectors import as_bits, lanes, load, positive, same, select, store, total

__all__ = ["add_entries", "add_sums", "log_sums"]

_SEEN = 60.0  # e ** -60 of the largest term, a million times, is a ten-thousandth of a rounding


@kernel
@loop(parallel=True)
def log_sums(joint, threads):
    """Log of the sum of ``exp(joint)`` over the second axis, (n,); ``joint`` (n, N) float64, contiguous."""
    n, size = joint.shape
    L = lanes(joint)
    out, flat = np.empty(n), joint.reshape(-1)
    for thread in prange(threads):
        few = np.empty(L)
        for r in range(n * thread // threads, n * (thread + 1) // threads):
            begin, end = r * size, (r + 1) * size
            last = begin + size // L * L
            top = _largest(flat, begin, last, end, few)
            sums, low, most = same(flat, 0.0), same(flat, _SEEN), same(flat, top)
            for t in range(begin, last, L):
                x = load(flat, t) - most
                if as_bits(positive(x + low)):
                    sums = sums + exp_of_negative(x, flat)
            found = total(sums)
            for t in range(last, end):
                found += math.exp(flat[t] - top)
            out[r] = top + math.log(found)
    return out


@loop
def _largest(flat, begin, last, end, few):
    """The largest of ``flat[begin:end]``, of which whole vectors go to ``last``; ``few`` is room for one."""
    top = -np.inf
    if last > begin:
        most = load(flat, begin)
        for t in range(begin, last, few.shape[0]):
            v = load(flat, t)
            most = select(positive(v - most), v, most)
        store(few, 0, most)
        for t in range(few.shape[0]):
            top = max(top, few[t])
    for t in range(last, end):
        top = max(top, flat[t])
    return top


@kernel
@loop(parallel=True)
def add_entries(tables, entries, into, at, threads):
    """Add the row ``entries[j]`` of ``tables`` (entries, N) to the row ``at[j]`` of ``into`` (rows, N), for every j.

    float64, contiguous; no row is added to twice.
    """
    n, size = entries.shape[0], tables.shape[1]
    L = lanes(tables)
    source, target = tables.reshape(-1), into.reshape(-1)
    for thread in prange(threads):
        for j in range(n * thread // threads, n * (thread + 1) // threads):
            a, b = entries[j] * size, at[j] * size
            for t in range(0, size // L * L, L):
                store(target, b + t, load(target, b + t) + load(source, a + t))
            for t in range(size // L * L, size):
                target[b + t] += source[a + t]


@kernel
@loop(parallel=True)
def add_sums(tables, heads, said, places, into, at, threads):
    """Add log sum_k exp(``tables[heads[j] + k] + said[k, places[j]]``) to the row ``at[j]`` of ``into``, for every j.

    ``tables`` (entries, N), ``said`` (K, places, N), ``into`` (rows, N): float64, contiguous; no row is added to twice.
    """
    n, size, n_states, n_places = heads.shape[0], tables.shape[1], said.shape[0], said.shape[1]
    L = lanes(tables)
    source, heard, target = tables.reshape(-1), said.reshape(-1), into.reshape(-1)
    for thread in prange(threads):
        for j in range(n * thread // threads, n * (thread + 1) // threads):
            a, b, c = heads[j] * size, at[j] * size, places[j] * size
            for t in range(0, size // L * L, L):
                sums = load(source, a + t) + load(heard, c + t)
                for k in range(1, n_states):
                    x = load(source, a + k * size + t) + load(heard, c + k * n_places * size + t)
                    less = sums - x
                    larger = positive(less)
                    gap = select(larger, x - sums, less)
                    sums = select(larger, sums, x) + softplus_parts(exp_of_negative(gap, tables), tables)[0]
                store(target, b + t, load(target, b + t) + sums)
            for t in range(size // L * L, size):
                one = source[a + t] + heard[c + t]
                for k in range(1, n_states):
                    y = source[a + k * size + t] + heard[c + k * n_places * size + t]
                    one = max(one, y) + math.log1p(math.exp(-abs(one - y)))
                target[b + t] += one
