"""Between numbers and states, for a tile of rows that MADE draws: uniforms, given states, logits, codes.

Words as in ``sampling_loops``.  An indicator and its logit share a row of the tile's states.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from chainrule.compiled.caching import loop
from chainrule.compiled.elementary import exp_of_negative, log_ratio
from chainrule.compiled.vectors import (
    lanes,
    load,
    load_shares,
    pointer,
    positive,
    same,
    select,
    spread,
    store,
)

__all__ = [
    "STRETCH",
    "Asked",
    "Net",
    "Tile",
    "begin_states",
    "choose_states",
    "fix_known",
    "some_known",
    "write_bits",
    "write_codes",
]

STRETCH = 64  # uniforms of a row that are read together: some cache lines, but little to keep
CERTAIN = 1e30  # a logit of what is given: beside it no other counts, and sums do not leave the numbers


class Net(NamedTuple):
    """A ``Layout`` as the inner functions read it, and the states of the units; all but the first four are pointers."""

    d: Any
    levels: Any
    direct: Any
    binary: Any  # whether every variable is
    order: Any
    slots: Any
    groups: Any
    seen: Any
    begins: Any
    strides: Any
    bases: Any
    weights: Any
    biases: Any
    states: Any


class Asked(NamedTuple):
    """The arguments of a call: where its rows go, and its uniforms and known states with their strides."""

    n: Any
    x: Any
    uniforms: Any
    u_row: Any
    u_column: Any
    any_known: Any
    known: Any
    k_row: Any
    k_column: Any


class Tile(NamedTuple):
    """Room for a tile: numbers 0, 1, ... of all units, those of indicators that are on in some row, which rows by
    indicator (bit r is row r), the uniforms (variables, rows) of what is not binary, and ``STRETCH`` of any."""

    every: Any
    active: Any
    on: Any
    uniforms: Any
    spare: Any


@loop
def write_bits(bits, r, d, x):
    """``x[i]`` is bit r of ``bits[i]``."""
    for i in range(d):
        x[i] = (bits[i] >> r) & np.uint32(1)


@loop
def write_codes(net, bits, r, x):
    """The state of each variable in row r, from the bits of its indicators."""
    for t in range(net.d):
        state = 0
        for k in range(net.groups[t], net.groups[t + 1]):
            if (bits[k] >> r) & np.uint32(1):
                state = k - net.groups[t] + 1
        x[net.order[t]] = state


@loop
def some_known(d, asked, first, count):
    """Whether any state of ``count`` rows from ``first`` on is given."""
    for r in range(first, first + count):
        found = 0
        for i in range(d):
            found += asked.known[r * asked.k_row + i * asked.k_column] >= 0
        if found:
            return True
    return False


@loop
def begin_states(net, own, asked, first_row, count):
    """Let the states of indicators begin at their bias; of a binary variable, less what its logit must exceed."""
    states, spare = net.states, own.spare
    L = lanes(states)
    R = 2 * L
    uniforms = pointer(asked.uniforms, first_row * asked.u_row)
    for start in range(0, net.d, STRETCH):
        stop = min(start + STRETCH, net.d)
        for t in range(start, stop):
            for r in range(count):
                spare[(t - start) * R + r] = uniforms[r * asked.u_row + t * asked.u_column]
        for t in range(start, stop):
            first, last = net.groups[t], net.groups[t + 1]
            if last - first == 1:
                for q in range(0, R, L):
                    u, rest = load_shares(spare, (t - start) * R + q, states)
                    store(states, first * R + q, spread(net.biases, first) - log_ratio(u, rest, states))
                continue
            for r in range(R if last > first else 0):
                own.uniforms[t * R + r] = spare[(t - start) * R + r]
            for k in range(first, last):
                store(states, k * R, spread(net.biases, k))
                store(states, k * R + L, spread(net.biases, k))


@loop
def fix_known(net, own, asked, first_row, count):
    """Known states as what no logit can change."""
    R = 2 * lanes(net.states)
    known = pointer(asked.known, first_row * asked.k_row)
    for r in range(count):
        for t in range(net.d):
            state = known[r * asked.k_row + net.order[t] * asked.k_column]
            first, last = net.groups[t], net.groups[t + 1]
            if state < 0:
                continue
            sure = math.inf if last - first == 1 else CERTAIN
            for k in range(first, last):
                net.states[k * R + r] = sure if k - first + 1 == state else -sure
            if last - first > 1:
                own.uniforms[t * R + r] = 0.5


@loop
def choose_states(first, last, uniforms, states):
    """Of one variable with several indicators, turn their logits into ones for the states drawn, and zeros.

    The first state up to which the shares add up to more than the uniform's part of all.
    """
    L = lanes(states)
    zero, one = same(states, 0.0), same(states, 1.0)
    for q in range(0, 2 * L, L):
        top = zero
        for k in range(first, last):
            z = load(states, 2 * k * L + q)
            top = select(positive(z - top), z, top)
        everything = _share(zero - top, states)
        for k in range(first, last):
            share = _share(load(states, 2 * k * L + q) - top, states)
            store(states, 2 * k * L + q, share)
            everything = everything + share
        goal = load(uniforms, q) * everything
        so_far, was = zero, zero
        for k in range(first, last):
            so_far = so_far + load(states, 2 * k * L + q)
            now = select(positive(so_far - goal), one, zero)
            store(states, 2 * k * L + q, now - was)
            was = now


@njit(forceinline=True)
def _share(z, like):
    """``e ** z`` of lanes at most 0, and nothing where it would be below 1e-37."""
    return select(positive(z + same(like, 86.0)), exp_of_negative(z, like), same(like, 0.0))
