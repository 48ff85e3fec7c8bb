"""The sum over components as a compiled loop: largest number, exponentials and their sum, without a pass for each.

Most components say next to nothing of a row, and a vector of exponentials that cannot show in the sum is not taken.
"""

from __future__ import annotations

import math

import numpy as np
from numba import prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.elementary import exp_of_negative
from chainrule.compiled.vectors import as_bits, lanes, load, positive, same, select, store, total

__all__ = ["log_sums"]

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
