"""How tables and messages meet in buckets, laid out by compiled loops for one set of known variables: a program.

    nodes       (d + 1, 5): states of each variable, where its family begins in members and its table in values, the
                variables from children to parents, and whether the table has a zero
    members     variables of all families (parents..., v), and their strides in the table
    steps       (n + 1, 8): what a bucket is made of, for each variable that is summed out and then for what is kept
    pool        what ``steps`` point into: scopes, items, and strides of each item
    item        what is multiplied in a bucket: the table of family v is item v, the message of step i item d + i

Axes of a clique are sorted as in ``buckets``: its own variable is the last.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.models.bayesian_network.inference.greedy_loops import FILL, order_of_scopes

__all__ = [
    "AXES",
    "COUNT",
    "ENTRIES",
    "FAMILY",
    "INTO",
    "ITEMS",
    "MESSAGE",
    "SCOPE",
    "SIZE",
    "STRIDES",
    "TABLE",
    "flatten",
    "lay_out",
    "lay_out_own",
    "own_order",
]

SIZE, FAMILY, TABLE, UPWARD, ZERO = 0, 1, 2, 3, 4  # columns of nodes
SCOPE, AXES, ITEMS, COUNT, STRIDES, MESSAGE, INTO, ENTRIES = 0, 1, 2, 3, 4, 5, 6, 7  # columns of steps


@kernel
@loop(error_model="numpy")
def flatten(d, shape, values):
    """Nodes, members and the log of the least positive entry of each table.

    ``shape`` has the numbers of states of the ``d`` variables, their order, how many parents each has, and the parents
    of all one after the other; ``values`` are all tables.
    """
    sizes, order, counts, parents = shape[:d], shape[d : 2 * d], shape[2 * d : 3 * d], shape[3 * d :]
    last = 0
    nodes, members, least = (
        np.zeros((d + 1, 5), np.int64),
        np.empty((parents.shape[0] + d, 2), np.int64),
        np.empty(d),
    )
    for v in range(d):
        end, table, size = nodes[v, FAMILY] + counts[v], nodes[v, TABLE], sizes[v]
        members[end, 0], members[end, 1] = v, 1
        last += counts[v]
        for t in range(1, counts[v] + 1):
            u = parents[last - t]
            members[end - t, 0], members[end - t, 1] = u, size
            size *= sizes[u]
        low, has_zero = _least_positive(values, table, table + size)
        nodes[v, SIZE], nodes[v, UPWARD], nodes[v, ZERO], least[v] = (
            sizes[v],
            order[d - 1 - v],
            has_zero,
            math.log(low),
        )
        nodes[v + 1, FAMILY], nodes[v + 1, TABLE] = end + 1, table + size
    return nodes, members, least


@njit(error_model="numpy", fastmath={"nnan", "nsz"})
def _least_positive(values, begin, end):
    """The least positive one of ``values[begin:end]``, and whether one is zero."""
    low, least = np.inf, np.inf
    for t in range(begin, end):
        low = min(low, values[t] if values[t] > 0.0 else np.inf)
        least = min(least, values[t])
    return low, least == 0.0


@kernel
@loop(error_model="numpy")
def own_order(nodes, members, known, wanted, keep, is_scale_free, measure, most, seed):
    """A ``greedy_order`` for one question, on what ``lay_out`` would join for it; and the entries of its tables."""
    families = _families(nodes, members, known, wanted, keep, is_scale_free)[0]
    return _order_of(nodes, members, families, known, keep, measure, most, seed)


@kernel
@loop(error_model="numpy")
def lay_out(nodes, members, order, known, wanted, keep, most, is_scale_free):
    """Steps, pool, families that matter and entries of all tables, for variables that are ``known`` (d,).

    A variable matters that is known, ``wanted`` (d,) or above one of these.  All that matter and are not known are
    summed out in ``order``, but ``keep``.  Where there are more than ``most`` entries the answer is of no use.  If it
    ``is_scale_free``, what would only scale the table of ``keep`` is left out, unless it may be zero.
    """
    families, matters = _families(nodes, members, known, wanted, keep, is_scale_free)
    steps, pool, entries = _laid_out(nodes, members, order, families, matters, known, keep, most)
    return steps, pool, families, entries


@kernel
@loop(error_model="numpy")
def lay_out_own(nodes, members, known, wanted, keep, most, is_scale_free, stop, enough):
    """``own_order`` by "fill", its entries, and ``lay_out`` in it; of no use above ``enough`` entries a variable."""
    families, matters = _families(nodes, members, known, wanted, keep, is_scale_free)
    order, cost = _order_of(nodes, members, families, known, keep, FILL, stop, 0)
    limit = most if cost <= enough * order.shape[0] else -1.0
    steps, pool, entries = _laid_out(nodes, members, order, families, matters, known, keep, limit)
    return order, cost, steps, pool, families, entries


@njit(error_model="numpy")
def _families(nodes, members, known, wanted, keep, is_scale_free):
    """Families that a question depends on, and which variables then matter."""
    families, matters = _that_matter(nodes, members, known, wanted)
    if is_scale_free:
        families = _that_shape(nodes, members, families, known, keep, matters)
    return families, matters


@njit(error_model="numpy")
def _order_of(nodes, members, families, known, keep, measure, most, seed):
    """A greedy order of what is not known of ``families``, and the entries of its tables."""
    count, ends = 0, np.empty(families.shape[0], np.int64)
    scopes = np.empty(members.shape[0], np.int64)
    for k in range(families.shape[0]):
        for t in range(nodes[families[k], FAMILY], nodes[families[k] + 1, FAMILY]):
            if not known[members[t, 0]] and nodes[members[t, 0], SIZE] > 1:
                scopes[count] = members[t, 0]
                count += 1
        ends[k] = count
    sizes, kept = nodes[:-1, SIZE].astype(np.float64), np.zeros(nodes.shape[0] - 1, np.bool_)
    kept[keep] = True
    return order_of_scopes(scopes[:count], ends, sizes, kept, measure, most, seed)


@njit(error_model="numpy")
def _laid_out(nodes, members, order, families, matters, known, keep, most):
    """Steps, pool and entries of all tables."""
    d = nodes.shape[0] - 1
    place, n = _places(nodes, order, known, keep, matters)
    steps, nexts = np.zeros((n + 1, 8), np.int64), np.empty(d + n, np.int64)
    heads = _first_buckets(nodes, members, families, place, nexts, n)
    pool, entries = np.empty(16 * (d + 1), np.int64), 0.0
    used, message = 0, 0
    room, stamp, along = np.empty(d, np.int64), np.full(d, -1, np.int64), np.full(d, -1, np.int64)
    for i in range(n + 1):
        axes, count = _meet(members, nodes, steps, pool, i, place, heads, nexts, stamp, room)
        needed = used + axes + count * (1 + axes)
        if needed > pool.shape[0]:
            longer = np.empty(2 * needed, np.int64)
            for t in range(used):
                longer[t] = pool[t]
            pool = longer
        size = 1.0
        for j in range(axes):
            pool[used + j] = room[j]
            size *= nodes[room[j], SIZE]
        entries += size
        if entries > most:
            break
        into = n if axes < 2 else min(n, place[room[axes - 2]])
        steps[i, SCOPE], steps[i, AXES], steps[i, ITEMS], steps[i, COUNT] = used, axes, used + axes, count
        steps[i, STRIDES], steps[i, MESSAGE] = used + axes + count, message
        steps[i, INTO], steps[i, ENTRIES] = into, np.int64(size)
        _set_items(nodes, members, steps, pool, i, heads[i], nexts, along)
        used = needed
        if i < n:
            message += np.int64(size) // nodes[room[axes - 1], SIZE]
            nexts[d + i], heads[into] = heads[into], d + i
    return steps, pool, entries


@njit(error_model="numpy")
def _that_matter(nodes, members, known, wanted):
    """Families of all variables that matter, from children to parents; and which of the variables do."""
    d, count = nodes.shape[0] - 1, 0
    families, matters = np.empty(d, np.int64), np.zeros(d, np.bool_)
    for i in range(d):
        v = nodes[i, UPWARD]
        if known[v] or wanted[v] or matters[v]:
            families[count], matters[v] = v, True
            count += 1
            for t in range(nodes[v, FAMILY], nodes[v + 1, FAMILY]):
                matters[members[t, 0]] = True
    return families[:count], matters


@njit(error_model="numpy")
def _that_shape(nodes, members, families, known, keep, matters):
    """Of ``families`` those that the table of ``keep`` depends on, or that may forbid the evidence.

    The former are joined to ``keep`` through variables that are not known.  Of the others a table without a zero
    forbids nothing, so what has one is left: of what is known, and above it through such tables.

    ``matters`` is of these after the call.
    """
    shapes, begin, step = np.zeros(matters.shape[0], np.bool_), 0, 1
    for j in range(keep.shape[0]):
        shapes[keep[j]] = True
    grows = True
    while grows:  # up and down in turns, so that the end of a path is soon reached
        grows = False
        for k in range(families.shape[0]):
            v = families[begin + step * k]
            some, every = _are_marked(nodes, members, v, known, shapes)
            if some and not every:
                grows = True
                _mark(nodes, members, v, known, shapes)
        begin, step = families.shape[0] - 1 - begin, -step
    decides = np.zeros(matters.shape[0], np.bool_)
    count, out = 0, np.empty_like(families)
    for k in range(families.shape[0]):
        v = families[k]
        is_joined = _are_marked(nodes, members, v, known, shapes)[0]
        if is_joined or (nodes[v, ZERO] > 0 and (known[v] or decides[v])):
            out[count] = v
            count += 1
            if not is_joined:
                _mark(nodes, members, v, known, decides)
    for v in range(matters.shape[0]):
        matters[v] &= shapes[v] or decides[v]
    return out[:count]


@njit(error_model="numpy")
def _are_marked(nodes, members, v, known, marks):
    """Whether some, and whether all, of what is not known of the family of ``v`` have a mark; constants have no say."""
    some, every = False, True
    for t in range(nodes[v, FAMILY], nodes[v + 1, FAMILY]):
        u = members[t, 0]
        if not known[u] and nodes[u, SIZE] > 1:
            some |= marks[u]
            every &= marks[u]
    return some, every


@njit(error_model="numpy")
def _mark(nodes, members, v, known, marks):
    for t in range(nodes[v, FAMILY], nodes[v + 1, FAMILY]):
        marks[members[t, 0]] |= not known[members[t, 0]]


@njit(error_model="numpy")
def _places(nodes, order, known, keep, matters):
    """The place of each variable that has an axis, -1 for others; and how many are summed out."""
    d, n = nodes.shape[0] - 1, 0
    place = np.full(d, -1, np.int64)
    for j in range(keep.shape[0]):
        matters[keep[j]] = False
    for i in range(order.shape[0]):
        v = order[i]
        if matters[v] and not known[v] and nodes[v, SIZE] > 1:
            place[v] = n
            n += 1
    for j in range(keep.shape[0]):
        place[keep[j]] = n + keep.shape[0] - 1 - j
    return place, n


@njit(error_model="numpy")
def _first_buckets(nodes, members, families, place, nexts, n):
    """Heads of the chains of items that begin with the families in each bucket."""
    heads, last = np.full(n + 1, -1, np.int64), nexts.shape[0]
    for k in range(families.shape[0]):
        v, first = families[k], last
        for t in range(nodes[v, FAMILY], nodes[v + 1, FAMILY]):
            p = place[members[t, 0]]
            if p >= 0:
                first = min(first, p)
        if first < last:
            bucket = min(first, n)
            nexts[v], heads[bucket] = heads[bucket], v
    return heads


@njit(error_model="numpy")
def _meet(members, nodes, steps, pool, i, place, heads, nexts, stamp, room):
    """Write the scope of bucket i into ``room``, last places first; its length, and the number of items."""
    d, axes, count, item = nodes.shape[0] - 1, 0, 0, heads[i]
    while item >= 0:
        is_family = item < d
        if is_family:
            first, last = nodes[item, FAMILY], nodes[item + 1, FAMILY]
        else:
            first = steps[item - d, SCOPE]
            last = first + steps[item - d, AXES] - 1
        for t in range(first, last):
            u = members[t, 0] if is_family else pool[t]
            if place[u] >= 0 and stamp[u] != i:
                stamp[u] = i
                j = axes
                while j > 0 and place[room[j - 1]] < place[u]:
                    room[j] = room[j - 1]
                    j -= 1
                room[j] = u
                axes += 1
        count += 1
        item = nexts[item]
    return axes, count


@njit(error_model="numpy")
def _set_items(nodes, members, steps, pool, i, item, nexts, along):
    """Write the items of bucket i, and their strides, into the pool; ``along[u]`` is where that of u is written."""
    d, axes, at = nodes.shape[0] - 1, steps[i, AXES], steps[i, ITEMS]
    row = steps[i, STRIDES]
    while item >= 0:
        pool[at] = item
        at += 1
        for a in range(axes):
            along[pool[steps[i, SCOPE] + a]] = row + a
            pool[row + a] = 0
        if item < d:
            for t in range(nodes[item, FAMILY], nodes[item + 1, FAMILY]):
                if along[members[t, 0]] >= row:  # an earlier place is one of another item
                    pool[along[members[t, 0]]] = members[t, 1]
        else:
            stride, first = 1, steps[item - d, SCOPE]
            for t in range(first + steps[item - d, AXES] - 2, first - 1, -1):
                pool[along[pool[t]]] = stride
                stride *= nodes[pool[t], SIZE]
        row += axes
        item = nexts[item]
