"""MADE sampling of one row: each unit is a product of two vectors over the units below.

Words as in ``sampling_loops``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from chainrule.compiled.caching import loop
from chainrule.compiled.vectors import fma, get, lanes, load, pointer, put, registers, same, total

__all__ = ["draw_row"]


@loop
def draw_row(net, asked, r):
    """Draw row r.  ``states`` (units of all levels,) begins at zero."""
    x = pointer(asked.x, r * net.d)
    uniforms, known = pointer(asked.uniforms, r * asked.u_row), pointer(asked.known, r * asked.k_row)
    states, seen, bases, width = net.states, net.seen, net.bases, net.d + 2
    for m in range(net.d + 1):
        if m > 0:
            t = m - 1
            first, last = net.groups[t], net.groups[t + 1]
            for unit in range(first, last):
                states[unit] = _logit(net, t, unit)
            state = known[net.order[t] * asked.k_column] if asked.any_known else -1
            if state < 0:
                state = _drawn(states, first, last, uniforms[t * asked.u_column])
            for unit in range(first, last):
                states[unit] = unit - first + 1 == state
            x[net.order[t]] = state
        for level in range(1, net.levels):
            stride = net.strides[level - 1]
            for unit in range(seen[level * width + m], seen[level * width + m + 1]):
                a = net.biases[bases[level] + unit] + _dot(
                    pointer(net.weights, net.begins[level - 1] + unit * stride),
                    pointer(states, bases[level - 1]), seen[(level - 1) * width + m + 1],
                )  # fmt: skip
                states[bases[level] + unit] = max(a, 0)


@njit(forceinline=True)
def _logit(net, t, unit):
    """Of one indicator of variable t in a row whose units of degree at most t are final."""
    top = net.levels - 1
    z = net.biases[unit] + _dot(
        pointer(net.weights, net.begins[top] + unit * net.strides[top]),
        pointer(net.states, net.bases[top]), net.seen[top * (net.d + 2) + t + 1],
    )  # fmt: skip
    if net.direct:
        matrix = net.levels
        z += _dot(
            pointer(net.weights, net.begins[matrix] + unit * net.strides[matrix]), net.states, net.groups[t]
        )
    return z


@loop
def _drawn(z, first, last, uniform):
    """The state that a uniform stands for under the logits ``z[first:last]``."""
    if last - first == 1:
        return np.int64(uniform * (1.0 + math.exp(-np.float64(z[first]))) < 1.0)
    top = np.float64(0.0)
    for k in range(first, last):
        top = max(top, np.float64(z[k]))
    everything = math.exp(-top)
    for k in range(first, last):
        everything += math.exp(np.float64(z[k]) - top)
    so_far = 0.0
    for k in range(first, last):
        so_far += math.exp(np.float64(z[k]) - top)
        if so_far > uniform * everything:
            return np.int64(k - first + 1)
    return np.int64(0)


@njit(forceinline=True)
def _dot(w, x, n):
    """``w[:n] · x[:n]``, where both go on with zeros up to a whole number of vectors."""
    L = lanes(x)
    s = registers(x, 4)
    for k in range(4):
        put(s, k, same(x, 0.0))
    vectors = (n + L - 1) // L
    whole = vectors // 4 * 4
    for q in range(0, whole, 4):
        for k in range(4):
            put(s, k, fma(load(w, (q + k) * L), load(x, (q + k) * L), get(s, k)))
    for q in range(whole, vectors):
        put(s, 0, fma(load(w, q * L), load(x, q * L), get(s, 0)))
    return total((get(s, 0) + get(s, 1)) + (get(s, 2) + get(s, 3)))
