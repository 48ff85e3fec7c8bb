"""Draws as compiled loops: from the tables, parents first, and from what messages say of what is above the known."""

from __future__ import annotations

import numpy as np
from numba import njit

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.models.bayesian_network.inference.layout_loops import (
    AXES,
    COUNT,
    FAMILY,
    ITEMS,
    SCOPE,
    SIZE,
    STRIDES,
    TABLE,
)
from chainrule.models.bayesian_network.inference.loops import SUM, upward
from chainrule.models.bayesian_network.inference.product_loops import room

__all__ = ["draw_above", "draw_below"]


@kernel
@loop(error_model="numpy")
def draw_below(nodes, members, below, drawn, rows, uniforms):
    """Fill the columns ``drawn``, parents first, of ``rows`` (n, d) in by ``uniforms`` (columns, n).

    ``below`` are the tables, cumulative along the states.
    """
    for j in range(drawn.shape[0]):
        v = drawn[j]
        first, last, k = nodes[v, FAMILY], nodes[v + 1, FAMILY] - 1, nodes[v, SIZE]
        for r in range(rows.shape[0]):
            at = nodes[v, TABLE]
            for t in range(first, last):
                at += rows[r, members[t, 0]] * members[t, 1]
            s = 0
            while s < k - 1 and uniforms[j, r] >= below[at + s]:
                s += 1
            rows[r, v] = s


@kernel
@loop(error_model="numpy")
def draw_above(laid, evidence, which, rows, uniforms, formed, masses, current):
    """Fill what a program sums out of ``rows`` (n, d) in by ``uniforms`` (steps, n), from the last step to the first.

    Row r knows ``evidence[which[r]]``, of which ``masses`` are the log-masses; rows where that is not finite stay as
    they are.  ``formed`` is what the evidence ``current[0]`` left, and goes from call to call.
    """
    nodes, steps = laid.nodes, laid.steps
    space, nothing, chances = room(laid), np.empty(1), np.empty(nodes[:, SIZE].max())
    for r in range(rows.shape[0]):
        e = which[r]
        if current[0] != e:
            masses[e] = upward(laid, evidence[e], SUM, formed, nothing, space)
            current[0] = e
        if np.isfinite(masses[e]):
            for i in range(steps.shape[0] - 2, -1, -1):
                u = uniforms[steps.shape[0] - 2 - i, r]
                _draw_step(laid, i, formed, rows[r], u, space.places, chances)


@njit(error_model="numpy")
def _draw_step(laid, i, formed, row, u, places, chances):
    """Draw the variable of step i given those of later steps; a state of probability zero never."""
    nodes, steps, pool = laid.nodes, laid.steps, laid.pool
    d, scope, last = nodes.shape[0] - 1, steps[i, SCOPE], steps[i, AXES] - 1
    v, total, stride = pool[scope + last], 0.0, steps[i, STRIDES]
    for k in range(steps[i, COUNT]):
        places[k, 0] = formed.bases[pool[steps[i, ITEMS] + k]]
        for a in range(last):
            places[k, 0] += row[pool[scope + a]] * pool[stride + a]
        places[k, 1] = pool[stride + last]
        stride += last + 1
    for s in range(nodes[v, SIZE]):
        p = 1.0
        for k in range(steps[i, COUNT]):
            source = formed.messages if pool[steps[i, ITEMS] + k] >= d else laid.values
            p *= source[places[k, 0] + s * places[k, 1]]
        total += p
        chances[s] = total
    s = 0
    while s < nodes[v, SIZE] - 1 and u * total >= chances[s]:
        s += 1
    while s > 0 and chances[s] == chances[s - 1]:  # u * total was rounded up to the total
        s -= 1
    row[v] = s
