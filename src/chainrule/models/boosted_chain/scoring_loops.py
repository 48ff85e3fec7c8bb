"""Sums of boosted trees, compiled: log-odds of rows, and draws.

Words as in ``trees``.  Rows are taken in stretches, and of a stretch one variable after another, so that the trees of a
variable stay in the cache.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel

__all__ = ["Forest", "add_trees", "draw_states"]

STRETCH = 256  # rows


class Forest(NamedTuple):
    """The arrays of ``BoostedTrees``, and where the log-odds of each variable begin (d + 1,)."""

    nodes: Any
    values: Any
    roots: Any
    ends: Any
    bias: Any
    begins: Any


@njit(forceinline=True)
def _log_odds(forest, codes, r, w):
    """Log-odds w of row r: the bias and what stands at the leaves that the row comes to."""
    z, nodes = forest.bias[w], forest.nodes
    for tree in range(forest.ends[w], forest.ends[w + 1]):
        t = forest.roots[tree]
        while nodes[t, 0] >= 0:
            x = codes[r, nodes[t, 0]]
            t = nodes[t, 3] + (nodes[t, 1] <= x and x <= nodes[t, 2])
        z += forest.values[t]
    return z


@kernel
@loop(parallel=True)
def add_trees(forest, codes, begin, out, threads):
    """``out`` (n, w): log-odds ``begin`` and those after it, of rows ``codes`` (n, d)."""
    n, width = out.shape
    for thread in prange(threads):
        first, last = n * thread // threads, n * (thread + 1) // threads
        for start in range(first, last, STRETCH):
            for w in range(width):
                for r in range(start, min(start + STRETCH, last)):
                    out[r, w] = _log_odds(forest, codes, r, begin + w)


@kernel
@loop(parallel=True)
def draw_states(forest, order, uniforms, rows, threads):
    """Fill in each -1 of ``rows`` (n, d), variable by variable; ``uniforms[:, t]`` are for the variable at place t."""
    n, d = rows.shape
    for thread in prange(threads):
        odds = np.empty(forest.bias.shape[0] + 1)
        first, last = n * thread // threads, n * (thread + 1) // threads
        for start in range(first, last, STRETCH):
            for t in range(d):
                for r in range(start, min(start + STRETCH, last)):
                    if rows[r, order[t]] < 0:
                        rows[r, order[t]] = _drawn(forest, rows, r, order[t], uniforms[r, t], odds)


@loop
def _drawn(forest, rows, r, i, uniform, odds):
    """The first of states 1, 2, ... up to which the probabilities add up to more than the uniform, else 0."""
    begin, end = forest.begins[i], forest.begins[i + 1]
    top = 0.0
    for w in range(begin, end):
        odds[w] = _log_odds(forest, rows, r, w)
        top = max(top, odds[w])
    total = math.exp(-top)
    for w in range(begin, end):
        odds[w] = math.exp(odds[w] - top)
        total += odds[w]
    below = 0.0
    for w in range(begin, end):
        below += odds[w]
        if below > uniform * total:
            return w - begin + 1
    return 0
