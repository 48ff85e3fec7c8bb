"""Back through the buckets of a row: each free variable gets a state given those that were summed out later.

By draws, or by a most probable state; what is barren is drawn from its table, parents first.
"""

from __future__ import annotations

from chainrule.compiled.caching import loop
from chainrule.models.bayesian_network.row_inference.layout import MAXIMUM, SUM

__all__ = ["draw_barren", "over_states", "scope_of", "walk_back"]

TIE = 1e-9  # relative: as in ``inference.buckets``


@loop(error_model="numpy")
def walk_back(net, room, row, asked, uniforms, first):
    """Choose the states of all that is free; the first uniform that is left."""
    for i in range(net.n - 1, -1, -1):
        v = net.order[i]
        if not room.free[v]:
            continue
        k, item = net.sizes[v], room.heads[i]
        for s in range(k):
            room.shares[s] = room.own[net.owns[i] + s]
        while item >= 0:
            at, step = _place_in(net, room, row, item, v)
            for s in range(k):
                room.shares[s] *= net.values[at] if item < net.d else room.messages[at]
                at += step
            item = room.nexts[item]
        if asked == MAXIMUM:
            row[v] = _first_largest(room.shares, k)
        else:
            row[v] = _drawn(room.shares, 0, k, uniforms[first])
            first += 1
    return first


@loop(error_model="numpy")
def draw_barren(net, room, row, uniforms, first):
    """Draw what does not matter."""
    for j in range(net.d - 1, -1, -1):
        v = net.upward[j]
        if not room.matters[v]:
            at = net.tables[v]
            for t in range(net.families[v], net.families[v + 1]):
                at += row[net.members[t]] * net.strides[t]
            row[v] = _drawn(net.values, at, net.sizes[v], uniforms[first])
            first += 1


@loop(error_model="numpy")
def scope_of(net, room, item):
    """Where the variables of an item begin and end: of a family in ``members``, of a message in ``scopes``."""
    if item < net.d:
        return net.families[item], net.families[item + 1]
    begin = net.begins[item - net.d]
    return begin, begin + room.axes[item - net.d] - 1


@loop(error_model="numpy")
def over_states(numbers, begin, count, asked):
    """The sum of ``count`` numbers, or the largest of them."""
    out = numbers[begin]
    for s in range(begin + 1, begin + count):
        out = max(out, numbers[s]) if asked == MAXIMUM else out + numbers[s]
    return out


@loop(error_model="numpy")
def _place_in(net, room, row, item, v):
    """Where an item is read at the states of ``row``, which has v at 0, and how far apart the states of v are."""
    first, last = scope_of(net, room, item)
    if item >= net.d:
        at = 0
        for t in range(first, last):
            at = at * net.sizes[room.scopes[t]] + row[room.scopes[t]]
        return room.bases[item] + at, 1
    at, step = net.tables[item], 0
    for t in range(first, last):
        at += row[net.members[t]] * net.strides[t]
        if net.members[t] == v:
            step = net.strides[t]
    return at, step


@loop(error_model="numpy")
def _first_largest(shares, k):
    top = over_states(shares, 0, k, MAXIMUM)
    for s in range(k):
        if shares[s] >= top * (1.0 - TIE):
            return s
    return 0


@loop(error_model="numpy")
def _drawn(shares, begin, k, uniform):
    """The first state up to which shares add up to more than ``uniform`` of all: never one whose share is zero."""
    below, total = uniform * over_states(shares, begin, k, SUM), 0.0
    for s in range(k):
        total += shares[begin + s]
        if total > below:
            return s
    return k - 1
