"""Rows down decision trees: the leaf of each cell, what stands there, how often rows come by, and draws.

``nodes`` (T, 4) int32 hold for each node the column that it asks (-1: a leaf), the lowest and the highest state for
which the answer is yes, and the child for no; the child for yes follows that one.  Node i < d is the root of
variable i.
"""

from __future__ import annotations

from numba import njit, prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel

__all__ = ["count_nodes", "draw_rows", "find_leaves", "read_terms", "read_totals"]


@njit(forceinline=True)
def _leaf(nodes, codes, r, root):
    t = root
    while nodes[t, 0] >= 0:
        x = codes[r, nodes[t, 0]]
        t = nodes[t, 3] + (nodes[t, 1] <= x and x <= nodes[t, 2])
    return t


@kernel
@loop(parallel=True)
def find_leaves(nodes, codes, out, threads):
    """``out`` (n, d): the leaf of each cell of complete rows ``codes`` (n, d)."""
    n, d = codes.shape
    for thread in prange(threads):
        for r in range(n * thread // threads, n * (thread + 1) // threads):
            for i in range(d):
                out[r, i] = _leaf(nodes, codes, r, i)


@kernel
@loop(parallel=True)
def read_terms(nodes, values, codes, out, threads):
    """``out`` (n, d): ``values[leaf, x_i]`` of each cell; ``values`` is (T, K)."""
    n, d = codes.shape
    for thread in prange(threads):
        for r in range(n * thread // threads, n * (thread + 1) // threads):
            for i in range(d):
                out[r, i] = values[_leaf(nodes, codes, r, i), codes[r, i]]


@kernel
@loop(parallel=True)
def read_totals(nodes, values, codes, out, threads):
    """``out`` (n,): the sum over the row of ``values[leaf, x_i]``."""
    n, d = codes.shape
    for thread in prange(threads):
        for r in range(n * thread // threads, n * (thread + 1) // threads):
            total = 0.0
            for i in range(d):
                total += values[_leaf(nodes, codes, r, i), codes[r, i]]
            out[r] = total


@kernel
@loop
def count_nodes(nodes, codes, weights, out):
    """Fill zeros ``out`` (T, K): the weight of the rows with each state that pass a node; no weights are ones."""
    n, d = codes.shape
    weighted = weights.shape[0] > 0
    for r in range(n):
        w = weights[r] if weighted else 1.0
        for i in range(d):
            out[_leaf(nodes, codes, r, i), codes[r, i]] += w
    for t in range(nodes.shape[0] - 1, -1, -1):  # children come after their parents
        if nodes[t, 0] >= 0:
            for k in range(out.shape[1]):
                out[t, k] += out[nodes[t, 3], k] + out[nodes[t, 3] + 1, k]


@kernel
@loop(parallel=True)
def draw_rows(nodes, below, sizes, order, uniforms, rows, threads):
    """Fill in each -1 of ``rows`` (n, d), in ``order``: the first state whose ``below`` exceeds its uniform.

    ``below`` (T, K) are cumulative probabilities.
    """
    n, d = rows.shape
    for thread in prange(threads):
        for r in range(n * thread // threads, n * (thread + 1) // threads):
            for c in range(d):
                i = order[c]
                if rows[r, i] < 0:
                    t, k = _leaf(nodes, rows, r, i), 0
                    while k < sizes[i] - 1 and uniforms[r, i] >= below[t, k]:
                        k += 1
                    rows[r, i] = k
