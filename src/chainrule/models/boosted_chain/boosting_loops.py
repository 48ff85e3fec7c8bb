"""Boosted trees for one variable after another, compiled: ``boosting`` says what is done.

Variables are numbered by their place in the order, and only smaller ones may be asked for.  States of all variables
stand one after another, those of variable j from ``begins[j]`` on.  A leaf's sums of gradients by state are sums over
what its rows hold besides each variable's usual state, which is what is left; of two children the smaller is summed, the
other is the difference.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel

__all__ = ["LEAST", "TIE", "Found", "Limits", "Rows", "boost_variables"]

TIE = 1 + 1e-9  # a gain must be larger by this factor, so that rounding does not choose between splits
LEAST = 1e-9  # and at least this much


class Rows(NamedTuple):
    """Different rows ``codes`` (n, d) int32 with ``weights`` (n,), by place in the order.

    ``others[starts[r] : starts[r + 1]]`` are the states of row r that are not ``usual``, rising.  ``sizes``,
    ``usual`` (states), ``ordered`` are (d,), ``begins`` (d + 1,).
    """

    codes: Any
    weights: Any
    starts: Any
    others: Any
    sizes: Any
    begins: Any
    usual: Any
    ordered: Any


class Limits(NamedTuple):
    """At most ``rounds[i]`` rounds of trees with ``leaves`` leaves; the rest as in the settings of the model."""

    rounds: Any
    leaves: Any
    rate: Any
    ridge: Any
    least_hessian: Any
    patience: Any


class Found(NamedTuple):
    """Of each variable of a block: nodes (b, trees, nodes, 4), values (b, trees, nodes), curves (b, rounds + 1).

    ``done`` (b,) counts rounds.
    """

    nodes: Any
    values: Any
    curves: Any
    done: Any


class Leaves(NamedTuple):
    """A tree while it grows: sums of each node, its best split, and the rows ``order[first : last]`` that it has."""

    sums: Any
    gradient: Any
    hessian: Any
    gain: Any
    split: Any
    first: Any
    last: Any
    order: Any
    spare: Any


@kernel
@loop(parallel=True)
def boost_variables(block, rows, held_out, held_weights, bias, use, limits, found, threads):
    """Fill ``found`` for the variables in ``block`` (b,).

    ``bias`` (b, K - 1) are where the log-odds begin; ``use`` (b, trees, d) the variables that each tree may ask for.
    """
    for thread in prange(threads):
        for b in range(len(block) * thread // threads, len(block) * (thread + 1) // threads):
            _boost(block[b], b, rows, held_out, held_weights, bias, use, limits, found)


@loop
def _boost(i, b, rows, held_out, held_weights, bias, use, limits, found):
    n, m, width = len(rows.codes), len(held_out), rows.sizes[i] - 1
    z, vz = np.empty((n, width)), np.empty((m, width))
    for k in range(width):
        z[:, k], vz[:, k] = bias[b, k], bias[b, k]
    p, g, h = np.empty((n, width)), np.empty(n), np.empty(n)
    n_nodes = 2 * limits.leaves - 1
    tree = Leaves(
        np.empty((n_nodes, max(rows.begins[i], 1), 2)), np.empty(n_nodes), np.empty(n_nodes), np.empty(n_nodes),
        np.empty((n_nodes, 3), np.int32), np.empty(n_nodes, np.int64), np.empty(n_nodes, np.int64),
        np.empty(n, np.int32), np.empty(n, np.int32),
    )  # fmt: skip
    curve, best = found.curves[b], 0
    curve[0] = _loss(i, held_out, held_weights, vz)
    for t in range(limits.rounds[i] if i > 0 and width > 0 else 0):
        _probabilities(z, p)
        for k in range(width):
            q = t * width + k
            for r in range(n):
                hit = 1.0 if rows.codes[r, i] == k + 1 else 0.0
                g[r] = rows.weights[r] * (hit - p[r, k])
                h[r] = rows.weights[r] * p[r, k] * (1.0 - p[r, k])
            _grow(i, rows, g, h, use[b, q], limits, tree, found.nodes[b, q], found.values[b, q])
            _add(i, k, found.nodes[b, q], found.values[b, q], tree, z, held_out, vz)
        found.done[b] = t + 1
        if m > 0:
            curve[t + 1] = _loss(i, held_out, held_weights, vz)
            if curve[t + 1] < curve[best]:
                best = t + 1
            elif t + 1 - best >= limits.patience:
                break


@loop
def _probabilities(z, p):
    """Of all states but the first, from log-odds (n, K - 1)."""
    for r in range(z.shape[0]):
        top = 0.0
        for k in range(z.shape[1]):
            top = max(top, z[r, k])
        total = math.exp(-top)
        for k in range(z.shape[1]):
            p[r, k] = math.exp(z[r, k] - top)
            total += p[r, k]
        for k in range(z.shape[1]):
            p[r, k] /= total


@loop
def _loss(i, codes, weights, z):
    """The sum of -log p(x_i) in nats by weight."""
    out = 0.0
    for r in range(len(codes)):
        top = 0.0
        for k in range(z.shape[1]):
            top = max(top, z[r, k])
        total = math.exp(-top)
        for k in range(z.shape[1]):
            total += math.exp(z[r, k] - top)
        x = codes[r, i]
        out += weights[r] * (top + math.log(total) - (z[r, x - 1] if x > 0 else 0.0))
    return out


@loop
def _add(i, k, nodes, values, tree, z, held_out, vz):
    """Add what the leaves of a tree say to the log-odds of training rows and of those held out."""
    for t in range(len(nodes)):
        if nodes[t, 0] == -1:
            for q in range(tree.first[t], tree.last[t]):
                z[tree.order[q], k] += values[t]
    for r in range(len(held_out)):
        t = 0
        while nodes[t, 0] >= 0:
            x = held_out[r, nodes[t, 0]]
            t = nodes[t, 3] + (nodes[t, 1] <= x and x <= nodes[t, 2])
        vz[r, k] += values[t]


@loop
def _grow(i, rows, g, h, use, limits, tree, nodes, values):
    """One tree; the nodes that it does not have are marked by -2."""
    n = len(g)
    nodes[:, 0], nodes[0, 0] = -2, -1
    tree.first[0], tree.last[0] = 0, n
    tree.gradient[0], tree.hessian[0] = 0.0, 0.0
    for r in range(n):
        tree.order[r] = r
        tree.gradient[0] += g[r]
        tree.hessian[0] += h[r]
    _sum(i, 0, rows, g, h, tree)
    _look(i, 0, rows, use, limits, tree)
    count = 1
    for splits in range(limits.leaves - 1):  # the leaf with the largest gain next
        top, t = LEAST, -1
        for q in range(count):
            if nodes[q, 0] == -1 and tree.gain[q] > top * TIE:
                top, t = tree.gain[q], q
        if t < 0:
            break
        _divide(t, count, rows, tree, nodes)
        small, large = count, count + 1
        if tree.last[small] - tree.first[small] > tree.last[large] - tree.first[large]:
            small, large = large, small
        count += 2
        _weigh(small, g, h, tree)
        tree.gradient[large] = tree.gradient[t] - tree.gradient[small]
        tree.hessian[large] = tree.hessian[t] - tree.hessian[small]
        if splits < limits.leaves - 2:
            _sum(i, small, rows, g, h, tree)
            tree.sums[large] = tree.sums[t] - tree.sums[small]
            _look(i, small, rows, use, limits, tree)
            _look(i, large, rows, use, limits, tree)
    for t in range(count):
        leaf = nodes[t, 0] == -1
        values[t] = limits.rate * tree.gradient[t] / (tree.hessian[t] + limits.ridge) if leaf else 0.0


@loop
def _weigh(t, g, h, tree):
    """The sums of all rows of a node."""
    tree.gradient[t], tree.hessian[t] = 0.0, 0.0
    for q in range(tree.first[t], tree.last[t]):
        tree.gradient[t] += g[tree.order[q]]
        tree.hessian[t] += h[tree.order[q]]


@loop
def _sum(i, t, rows, g, h, tree):
    """``sums[t, s]``: gradients and hessians of the rows of node t with state s of a variable before i."""
    sums, limit = tree.sums[t], rows.begins[i]
    sums[:] = 0.0
    for q in range(tree.first[t], tree.last[t]):
        r = tree.order[q]
        if h[r] > 0.0:
            for p in range(rows.starts[r], rows.starts[r + 1]):
                s = rows.others[p]
                if s >= limit:
                    break
                sums[s, 0] += g[r]
                sums[s, 1] += h[r]


@loop
def _look(i, t, rows, use, limits, tree):
    """The best split of leaf t; usual states are what is left of the leaf's own sums."""
    sums, all_g, all_h = tree.sums[t], tree.gradient[t], tree.hessian[t]
    now = all_g * all_g / (all_h + limits.ridge)
    top = LEAST
    tree.gain[t] = 0.0
    for j in range(i):
        if not use[j]:
            continue
        b, size, usual = rows.begins[j], rows.sizes[j], rows.usual[j]
        left_g, left_h = all_g, all_h
        for k in range(size):
            if k != usual:
                left_g -= sums[b + k, 0]
                left_h -= sums[b + k, 1]
        for k in range(size):
            if size == 2 and k == 0:
                continue
            on_g = left_g if k == usual else sums[b + k, 0]
            on_h = left_h if k == usual else sums[b + k, 1]
            gain = _gain(on_g, on_h, all_g, all_h, now, limits)
            if gain > top * TIE:
                top = gain
                tree.split[t, 0], tree.split[t, 1], tree.split[t, 2] = j, k, k
        if rows.ordered[j] and size > 3:  # at least state k
            on_g, on_h = 0.0, 0.0
            for k in range(size - 1, 1, -1):
                on_g += left_g if k == usual else sums[b + k, 0]
                on_h += left_h if k == usual else sums[b + k, 1]
                gain = _gain(on_g, on_h, all_g, all_h, now, limits) if k < size - 1 else 0.0
                if gain > top * TIE:
                    top = gain
                    tree.split[t, 0], tree.split[t, 1], tree.split[t, 2] = j, k, size - 1
    tree.gain[t] = top if top > LEAST else 0.0


@loop
def _gain(on_g, on_h, all_g, all_h, now, limits):
    off_g, off_h = all_g - on_g, all_h - on_h
    if on_h < limits.least_hessian or off_h < limits.least_hessian:
        return 0.0
    return on_g * on_g / (on_h + limits.ridge) + off_g * off_g / (off_h + limits.ridge) - now


@loop
def _divide(t, child, rows, tree, nodes):
    """Give leaf t its two children, and their rows in place."""
    j, low, high = tree.split[t, 0], tree.split[t, 1], tree.split[t, 2]
    order, spare, stop, on = tree.order, tree.spare, tree.first[t], 0
    for q in range(tree.first[t], tree.last[t]):
        r = order[q]
        if low <= rows.codes[r, j] and rows.codes[r, j] <= high:
            spare[on] = r
            on += 1
        else:
            order[stop] = r
            stop += 1
    for q in range(on):
        order[stop + q] = spare[q]
    nodes[t, 0], nodes[t, 1], nodes[t, 2] = j, low, high
    nodes[t, 3], nodes[child, 0], nodes[child + 1, 0] = child, -1, -1
    tree.first[child], tree.last[child] = tree.first[t], stop
    tree.first[child + 1], tree.last[child + 1] = stop, tree.last[t]
    tree.gain[child], tree.gain[child + 1] = 0.0, 0.0
