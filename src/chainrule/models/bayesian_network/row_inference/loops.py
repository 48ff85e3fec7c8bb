"""Bucket elimination of rows with holes, a row after the other, each laid out for its own holes.

As in ``inference.buckets``, but in one order of elimination for all rows:

    matters     what a row knows and all that is above it; the rest is *barren* and sums to one (Shachter 1988)
    free        variables that matter and are not known: these are summed out, or chosen
    item        what is multiplied in a bucket: the tables of families, and messages of earlier buckets
    own         of a bucket, the product of the items over its variable alone, such as the tables of known children

What is known picks an entry along each axis of a table, and an item goes to the first bucket of its free variables.
So a row costs what its own holes cost, and nothing is planned for a pattern of holes.

Probabilities are scaled: a message is divided by its largest entry, whose logarithm is added up.  What a product
may lose is known before, from the least positive entries of its items; where it may be one that matters the answer is
nan, as for a row that needs more than ``MOST`` entries.
"""

from __future__ import annotations

import math

import numpy as np

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.vectors import pointer
from chainrule.models.bayesian_network.row_inference.layout import DRAW, MAXIMUM, MOST, SUM, Net
from chainrule.models.bayesian_network.row_inference.room import make_room
from chainrule.models.bayesian_network.row_inference.walking import (
    draw_barren,
    over_states,
    scope_of,
    walk_back,
)

__all__ = ["answer_rows"]

SMALL = 1e-290  # a product that is not below has lost nothing
FAR = 2**40  # entries that are not counted further


@kernel
@loop(error_model="numpy")
def answer_rows(net, rows, asked, uniforms, integers, numbers):
    """The log-mass of what each of ``rows`` (n, d) knows, (n,): nan where it is not answered.

    SUM       that alone
    MAXIMUM   the mass is that of a most probable completion, which is written into the row
    DRAW      what a row lacks is drawn into it; ``uniforms`` hold one for each hole of the first row, of the second, …

    ``integers`` and ``numbers`` are room, see ``room_sizes``.  Rows whose answer is nan or ``-inf`` are spoilt.
    """
    d, out, flat, taken, most = net.d, np.empty(rows.shape[0]), rows.reshape(-1), 0, 1
    for v in range(d):
        most = max(most, net.sizes[v])
    inside = Net(
        d, net.n, net.widest, pointer(net.sizes, 0), pointer(net.families, 0), pointer(net.tables, 0),
        pointer(net.places, 0), pointer(net.members, 0), pointer(net.strides, 0), pointer(net.values, 0),
        pointer(net.least, 0), pointer(net.upward, 0), pointer(net.order, 0), pointer(net.cliques, 0),
        pointer(net.begins, 0), pointer(net.owns, 0),
    )  # fmt: skip
    room = make_room(inside, integers, numbers, net.owns[net.n], most)
    for r in range(rows.shape[0]):
        row, first = pointer(flat, r * d), taken
        for v in range(d):
            taken += row[v] < 0
        out[r] = _gather(inside, room, row, asked)
        if out[r] > -np.inf and asked != SUM:
            first = walk_back(inside, room, row, asked, pointer(uniforms, 0), first)
            if asked == DRAW:
                draw_barren(inside, room, row, pointer(uniforms, 0), first)
    return out


@loop(error_model="numpy")
def _gather(net, room, row, asked):
    """Sum out, or maximise, all that is free; the log-mass."""
    room.scale[0], room.scale[1] = 0.0, 1.0
    _find_free(net, room, row, asked)
    if not _deal(net, room, row):
        return -np.inf
    entries, begin = 0, 0
    for i in range(net.n):
        if not room.free[net.order[i]]:
            continue
        size, k = 1, net.sizes[net.order[i]]
        lossy = _take_own(net, room, i)
        if room.heads[i] < 0:
            top = over_states(room.own, net.owns[i], k, asked)
            if top == 0.0 and lossy:
                return np.nan
        else:
            size, low = _meet(net, room, i)
            entries += size * k
            if lossy or low < SMALL or entries > MOST:
                return np.nan
            top = _send(net, room, i, size, begin, asked)
            begin += size
        if top == 0.0:
            return -np.inf
        _scale_by(room.scale, top)
    return room.scale[0] + math.log(room.scale[1])


@loop(error_model="numpy")
def _find_free(net, room, row, asked):
    """Which variables matter and which are free; what is not known is set to its state 0."""
    for v in range(net.d):
        room.matters[v] = row[v] >= 0 or asked == MAXIMUM
    for k in range(net.d):
        v = net.upward[k]
        if room.matters[v]:
            for t in range(net.families[v], net.families[v + 1]):
                room.matters[net.members[t]] = 1
    for v in range(net.d):
        room.free[v] = room.matters[v] and row[v] < 0 and net.sizes[v] > 1
        row[v] = max(row[v], 0)


@loop(error_model="numpy")
def _deal(net, room, row):
    """Deal the tables that matter to their buckets; whether the entries that are known whole are positive."""
    for i in range(net.n):
        room.heads[i] = -1
    for v in range(net.d):
        if not room.matters[v]:
            continue
        at, bucket = net.tables[v], net.n
        for t in range(net.families[v], net.families[v + 1]):
            u = net.members[t]
            at += row[u] * net.strides[t]
            if room.free[u]:
                bucket = min(bucket, net.places[u])
        room.bases[v] = at
        if bucket < net.n:
            room.nexts[v] = room.heads[bucket]
            room.heads[bucket] = v
        elif net.values[at] == 0.0:
            return False
        else:
            _scale_by(room.scale, net.values[at])
    return True


@loop(error_model="numpy")
def _scale_by(scale, x):
    scale[1] *= x
    if not 1e-150 < scale[1] < 1e150:
        scale[0] += math.log(scale[1])
        scale[1] = 1.0


@loop(error_model="numpy")
def _take_own(net, room, i):
    """Multiply the items over the variable of bucket i alone, and leave the others in it.

    The product is scaled; whether an entry of it may have been lost.
    """
    v, begin, end = net.order[i], net.owns[i], net.owns[i + 1]
    for s in range(begin, end):
        room.own[s] = 1.0
    item, lossy = room.heads[i], False
    room.heads[i] = -1
    while item >= 0:
        after = room.nexts[item]
        step, is_alone = _step_of(net, room, item, v)
        if not is_alone:
            room.nexts[item] = room.heads[i]
            room.heads[i] = item
        else:
            at, top = room.bases[item], 0.0
            for s in range(begin, end):
                x = net.values[at] if item < net.d else room.messages[at]
                at += step
                product = room.own[s] * x
                lossy |= product < SMALL and room.own[s] > 0.0 and x > 0.0
                room.own[s] = product
                top = max(top, product)
            if 0.0 < top < 1e-100:
                for s in range(begin, end):
                    room.own[s] /= top
                _scale_by(room.scale, top)
        item = after
    return lossy


@loop(error_model="numpy")
def _step_of(net, room, item, v):
    """How far apart the entries of v's states are in an item, and whether no other variable of it is free."""
    if item >= net.d:  # the last axis of a message is the one that is summed out next
        return 1, room.axes[item - net.d] == 2
    step, is_alone = 0, True
    for t in range(net.families[item], net.families[item + 1]):
        if net.members[t] == v:
            step = net.strides[t]
        elif room.free[net.members[t]]:
            is_alone = False
    return step, is_alone


@loop(error_model="numpy")
def _meet(net, room, i):
    """Find the axes of bucket i and the strides of its items; entries of its message, and how low a product may be."""
    low, item = 1.0, room.heads[i]
    for s in range(net.owns[i], net.owns[i + 1]):
        low = min(low, room.own[s] if room.own[s] > 0.0 else low)
    while item >= 0:
        low *= room.low[item]
        first, last = scope_of(net, room, item)
        for t in range(first, last):
            room.met[net.members[t] if item < net.d else room.scopes[t]] = 1
        item = room.nexts[item]
    axes, size, begin = 0, 1, net.begins[i]
    for t in range(begin, net.begins[i + 1]):
        u = net.cliques[t]
        if room.met[u] and room.free[u]:
            room.scopes[begin + axes] = u
            room.along[u] = axes
            axes += 1
            if u != net.order[i]:
                size = min(size * net.sizes[u], FAR)
        room.met[u] = 0
    room.axes[i] = axes
    _set_steps(net, room, i)
    return size, low


@loop(error_model="numpy")
def _set_steps(net, room, i):
    """Where the items of bucket i are read at first, and how far apart along its axes."""
    k, item = 0, room.heads[i]
    while item >= 0:
        room.at[k] = room.bases[item]
        steps = k * net.widest
        for a in range(room.axes[i]):
            room.steps[steps + a] = 0
        first, last = scope_of(net, room, item)
        step = 1
        for t in range(last - 1, first - 1, -1):
            if item >= net.d:
                room.steps[steps + room.along[room.scopes[t]]] = step
                step *= net.sizes[room.scopes[t]]
            elif room.free[net.members[t]]:
                room.steps[steps + room.along[net.members[t]]] = net.strides[t]
        k, item = k + 1, room.nexts[item]


@loop(error_model="numpy")
def _send(net, room, i, size, begin, asked):
    """Multiply bucket i, sum its variable out, send the scaled message on; what it was divided by."""
    last, k, own = room.axes[i] - 1, net.sizes[net.order[i]], net.owns[i]
    top, least = 0.0, np.inf
    for a in range(last):
        room.count[a] = 0
    for t in range(begin, begin + size):
        for s in range(k):
            room.shares[s] = room.own[own + s]
        j, item = 0, room.heads[i]
        while item >= 0:
            at, step = room.at[j], room.steps[j * net.widest + last]
            for s in range(k):
                room.shares[s] *= net.values[at] if item < net.d else room.messages[at]
                at += step
            j, item = j + 1, room.nexts[item]
        total = over_states(room.shares, 0, k, asked)
        room.messages[t] = total
        top, least = max(top, total), min(least, total if total > 0.0 else least)
        _advance(net, room, i, j)
    for t in range(begin, begin + size):
        room.messages[t] /= top
    into, message = net.places[room.scopes[net.begins[i] + last - 1]], net.d + i
    room.bases[message], room.low[message] = begin, least / top
    room.nexts[message] = room.heads[into]
    room.heads[into] = message
    return top


@loop(error_model="numpy")
def _advance(net, room, i, items):
    """Go on to the next states of the axes before the last; the last of them is the fastest."""
    for a in range(room.axes[i] - 2, -1, -1):
        size, step = net.sizes[room.scopes[net.begins[i] + a]], 1
        room.count[a] += 1
        if room.count[a] == size:
            room.count[a] = 0
            step = 1 - size
        for j in range(items):
            room.at[j] += step * room.steps[j * net.widest + a]
        if step == 1:
            return
