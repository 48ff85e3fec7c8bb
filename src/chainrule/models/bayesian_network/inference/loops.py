"""Bucket elimination as compiled loops: what ``buckets`` does with logarithms, here with scaled probabilities.

    nodes       (d + 1, 4): states of each variable, where its family begins in members and its table in values, and the
                variables from children to parents
    members     variables of all families (parents..., v), and their strides in the table
    steps       (n + 1, 8): what a bucket is made of, for each variable that is summed out and then for what is kept
    pool        what ``steps`` point into: scopes, items, and strides of each item
    item        what is multiplied in a bucket: the table of family v is item v, the message of step i item d + i

A message is divided by its largest entry, whose logarithm is added up, so products of thousands of tables do not
underflow.  What one product may lose is known before: the least positive entries of its items, multiplied.  Where that
is below ``LOWEST`` the answer is nan, and the caller takes logarithms.

A bucket's table is never held: stretches of up to ``BLOCK`` of its entries are multiplied and summed out at once, so
that messages alone take memory.  Axes of a clique are sorted as in ``buckets``: its own variable is the last.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel

__all__ = ["MARGINALS", "MAXIMUM", "SUM", "answer", "lay_out"]

SUM, MAXIMUM, MARGINALS = 0, 1, 2  # what is asked

BLOCK = 1024  # entries: with the offsets of a few items they stay in the first cache
LOWEST = -690.0  # nats: exp of it, and of a thousandth of it, is still a normal float64
TIE = 1e-9  # relative: as in ``buckets``
SCALAR, ALONG, GATHERED = 0, 1, 2  # how an item is read in a block: one entry, entries in a row, any

SIZE, FAMILY, TABLE, UPWARD = 0, 1, 2, 3  # columns of nodes
SCOPE, AXES, ITEMS, COUNT, STRIDES, MESSAGE, INTO, ENTRIES = 0, 1, 2, 3, 4, 5, 6, 7  # columns of steps


@kernel
@loop(error_model="numpy")
def lay_out(nodes, members, order, known, wanted, keep, most):
    """Steps, pool, families that matter and entries of all tables, for variables that are ``known`` (d,).

    A variable matters that is known, ``wanted`` (d,) or above one of these.  All that matter and are not known are
    summed out in ``order``, but ``keep``.  Where there are more than ``most`` entries the answer is of no use.
    """
    d = nodes.shape[0] - 1
    place, families, n = _places(nodes, members, order, known, wanted, keep)
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
    return steps, pool, families, entries


@njit(error_model="numpy")
def _places(nodes, members, order, known, wanted, keep):
    """The place of each variable that has an axis, -1 for others; the families that matter; what is summed out."""
    d, n, count = nodes.shape[0] - 1, 0, 0
    place, families, matters = np.full(d, -1, np.int64), np.empty(d, np.int64), np.zeros(d, np.bool_)
    for i in range(d):
        v = nodes[i, UPWARD]
        if known[v] or wanted[v] or matters[v]:
            families[count], matters[v] = v, True
            count += 1
            for t in range(nodes[v, FAMILY], nodes[v + 1, FAMILY]):
                matters[members[t, 0]] = True
    for j in range(keep.shape[0]):
        matters[keep[j]] = False
    for i in range(order.shape[0]):
        v = order[i]
        if matters[v] and not known[v] and nodes[v, SIZE] > 1:
            place[v] = n
            n += 1
    for j in range(keep.shape[0]):
        place[keep[j]] = n + keep.shape[0] - 1 - j
    return place, families[:count], n


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


@kernel
@loop(error_model="numpy")
def answer(nodes, members, values, least, steps, pool, families, rows, asked, table, states, unique):
    """The log-mass of what each of ``rows`` (n, d) knows, (n,): nan where it takes logarithms to say.

    MAXIMUM   the mass is that of a most probable state, written to ``states`` (n, d); ``unique`` says if it is alone
    SUM       ``table`` is that of what is kept, up to a factor
    MARGINALS ``table`` holds the marginals of all variables, in the order of ``steps``
    """
    d, n = nodes.shape[0] - 1, steps.shape[0] - 1
    messages, out = np.empty(max(1, steps[n, MESSAGE])), np.empty(rows.shape[0])
    bases, low = np.empty(d + n, np.int64), np.empty(d + n)
    block, offsets, places = _room(nodes, steps, pool)
    for i in range(n):
        bases[d + i] = steps[i, MESSAGE]
    for v in range(d):
        low[v] = least[v]
    for r in range(rows.shape[0]):
        out[r] = _start(nodes, members, values, families, rows[r], bases)
        for i in range(n + 1):
            if out[r] == -np.inf or (i == n and steps[n, AXES] == 0):
                break  # of each message 1 is left
            low_product = _least_product(steps, pool, i, low)
            if low_product < LOWEST:
                out[r] = np.nan
                break
            to, begin = (messages, steps[i, MESSAGE]) if i < n else (table, 0)
            done = _bucket(
                nodes, values, steps, pool, i, bases, messages, block, offsets, places, to, begin, asked
            )
            top, least_left = _scale(to, begin, done)
            if i < n:
                low[d + i] = least_left
            out[r] += math.log(top) if top > 0.0 else -np.inf
        if out[r] > -np.inf and asked == MAXIMUM:
            unique[r] = _walk_back(nodes, values, steps, pool, bases, messages, states[r])
        if out[r] > -np.inf and asked == MARGINALS:
            out[r] += _distribute(
                nodes, values, steps, pool, bases, messages, low, block, offsets, places, table
            )
    return out


@njit(error_model="numpy")
def _room(nodes, steps, pool):
    """Room for the block of one bucket, the offsets of its items, and where they and the block are."""
    length, numbers, offsets = 1, 1, 1
    for i in range(steps.shape[0]):
        if steps[i, AXES]:
            last = nodes[pool[steps[i, SCOPE] + steps[i, AXES] - 1], SIZE]
            some = max(last, min(BLOCK, steps[i, ENTRIES]))
            length, offsets = max(length, some), max(offsets, steps[i, COUNT] * some)
            numbers = max(numbers, steps[i, COUNT], steps[i, AXES])
    return np.empty(length), np.empty(offsets, np.int64), np.empty((numbers, 3), np.int64)


@njit(error_model="numpy")
def _start(nodes, members, values, families, row, bases):
    """Where the part of each table begins that agrees with ``row``; log of the product of those that it knows whole."""
    log_mass, product = 0.0, 1.0
    for k in range(families.shape[0]):
        v = families[k]
        at, is_whole = nodes[v, TABLE], True
        for t in range(nodes[v, FAMILY], nodes[v + 1, FAMILY]):
            u = members[t, 0]
            if row[u] > 0:
                at += row[u] * members[t, 1]
            elif row[u] < 0 and nodes[u, SIZE] > 1:
                is_whole = False
        bases[v] = at
        if is_whole:
            product *= values[at]
            if product < 1e-100:
                log_mass += math.log(product) if product > 0.0 else -np.inf
                product = 1.0
                if values[at] == 0.0:
                    return -np.inf
    return log_mass + math.log(product)


@njit(error_model="numpy")
def _least_product(steps, pool, i, low):
    out = 0.0
    for k in range(steps[i, ITEMS], steps[i, ITEMS] + steps[i, COUNT]):
        out += low[pool[k]]
    return out


@njit(error_model="numpy")
def _bucket(nodes, values, steps, pool, i, bases, messages, block, offsets, places, to, begin, asked):
    """Multiply bucket i and sum its variable out into ``to[begin:]``; the number of entries there."""
    length, axis = _prepare(nodes, steps, pool, i, bases, offsets, places)
    k = 1
    if i < steps.shape[0] - 1:
        k = nodes[pool[steps[i, SCOPE] + steps[i, AXES] - 1], SIZE]
    at = begin
    for _ in range(steps[i, ENTRIES] // length):
        _multiply(nodes, values, steps, pool, i, messages, block, offsets, places, length)
        for s in range(0, length, k):
            total = block[s]
            for t in range(s + 1, s + k):
                total = max(total, block[t]) if asked == MAXIMUM else total + block[t]
            to[at] = total
            at += 1
        _advance(nodes, steps, pool, i, axis, places)
    return at - begin


@njit(error_model="numpy")
def _prepare(nodes, steps, pool, i, bases, offsets, places):
    """Set the items of bucket i to its first block; the block's length, and the number of axes outside it."""
    scope, axes, row = steps[i, SCOPE], steps[i, AXES], steps[i, STRIDES]
    axis, length = axes - 1, nodes[pool[scope + axes - 1], SIZE]
    while axis > 0 and length * nodes[pool[scope + axis - 1], SIZE] <= BLOCK:
        axis -= 1
        length *= nodes[pool[scope + axis], SIZE]
    for a in range(axis):
        places[a, 2] = 0
    for k in range(steps[i, COUNT]):
        places[k, 0] = bases[pool[steps[i, ITEMS] + k]]
        run, is_scalar, is_along = 1, True, True
        for a in range(axes - 1, axis - 1, -1):
            is_scalar &= pool[row + a] == 0
            is_along &= pool[row + a] == run
            run *= nodes[pool[scope + a], SIZE]
        places[k, 1] = SCALAR if is_scalar else (ALONG if is_along else GATHERED)
        if places[k, 1] == GATHERED:
            begin, run = k * length, 1
            offsets[begin] = 0
            for a in range(axes - 1, axis - 1, -1):
                stride, size = pool[row + a], nodes[pool[scope + a], SIZE]
                for t in range(begin + run, begin + run * size):
                    offsets[t] = offsets[t - run] + stride
                run *= size
        row += axes
    return length, axis


@njit(error_model="numpy")
def _multiply(nodes, values, steps, pool, i, messages, block, offsets, places, length):
    """The product of all items of bucket i at the entries of the block."""
    d = nodes.shape[0] - 1
    for t in range(length):
        block[t] = 1.0
    for k in range(steps[i, COUNT]):
        source = messages if pool[steps[i, ITEMS] + k] >= d else values
        at, kind, begin = places[k, 0], places[k, 1], k * length
        if kind == SCALAR:
            for t in range(length):
                block[t] *= source[at]
        elif kind == ALONG:
            for t in range(length):
                block[t] *= source[at + t]
        else:
            for t in range(length):
                block[t] *= source[at + offsets[begin + t]]


@njit(error_model="numpy")
def _advance(nodes, steps, pool, i, axis, places):
    """Go on to the next block: the states of the first ``axis`` axes count up, the last of them fastest."""
    for a in range(axis - 1, -1, -1):
        places[a, 2] += 1
        step, size = 1, nodes[pool[steps[i, SCOPE] + a], SIZE]
        if places[a, 2] == size:
            places[a, 2], step = 0, 1 - size
        for k in range(steps[i, COUNT]):
            places[k, 0] += step * pool[steps[i, STRIDES] + k * steps[i, AXES] + a]
        if step == 1:
            return


@njit(error_model="numpy")
def _scale(numbers, begin, count):
    """Divide ``count`` numbers by the largest; that, and the log of the least positive one that is left."""
    top, low = 0.0, np.inf
    for t in range(begin, begin + count):
        top = max(top, numbers[t])
        low = min(low, numbers[t] if numbers[t] > 0.0 else np.inf)
    if top == 0.0:
        return 0.0, 0.0
    for t in range(begin, begin + count):
        numbers[t] /= top
    return top, math.log(low / top)


@njit(error_model="numpy")
def _walk_back(nodes, values, steps, pool, bases, messages, states):
    """Fill in a most probable state of each variable given those summed out later; whether it is the only one."""
    d, unique = nodes.shape[0] - 1, True
    for i in range(steps.shape[0] - 2, -1, -1):
        scope, last = steps[i, SCOPE], steps[i, AXES] - 1
        v, top = pool[scope + last], 0.0
        for again in range(2):
            found, count = 0, 0
            for s in range(nodes[v, SIZE]):
                p, row = 1.0, steps[i, STRIDES]
                for k in range(steps[i, ITEMS], steps[i, ITEMS] + steps[i, COUNT]):
                    at = bases[pool[k]] + s * pool[row + last]
                    for a in range(last):
                        at += states[pool[scope + a]] * pool[row + a]
                    p *= messages[at] if pool[k] >= d else values[at]
                    row += last + 1
                if again and p >= top * (1.0 - TIE):
                    found = s if count == 0 else found
                    count += 1
                elif not again:
                    top = max(top, p)
        states[v] = found
        unique &= count == 1
    return unique


@njit(error_model="numpy")
def _distribute(nodes, values, steps, pool, bases, messages, low, block, offsets, places, marginals):
    """Send to each bucket what it has not seen yet, read the marginals off; nan where it might underflow, else 0."""
    d, n, end = nodes.shape[0] - 1, steps.shape[0] - 1, marginals.shape[0]
    down, low_down = np.zeros(messages.shape[0]), np.zeros(n)
    for i in range(n - 1, -1, -1):
        if _least_product(steps, pool, i, low) + low_down[i] < LOWEST:
            return np.nan
        k, said, is_root = (
            nodes[pool[steps[i, SCOPE] + steps[i, AXES] - 1], SIZE],
            steps[i, MESSAGE],
            steps[i, INTO] == n,
        )
        end -= k
        for t in range(end, end + k):
            marginals[t] = 0.0
        length, axis = _prepare(nodes, steps, pool, i, bases, offsets, places)
        for _ in range(steps[i, ENTRIES] // length):
            _multiply(nodes, values, steps, pool, i, messages, block, offsets, places, length)
            for s in range(0, length, k):
                above = 1.0 if is_root else down[said]
                said += 1
                for t in range(k):
                    block[s + t] *= above
                    marginals[end + t] += block[s + t]
            _hand_down(nodes, steps, pool, i, down, block, offsets, places, length)
            _advance(nodes, steps, pool, i, axis, places)
        _scale_to_one(marginals, end, k)
        for t in range(steps[i, ITEMS], steps[i, ITEMS] + steps[i, COUNT]):
            if pool[t] >= d:
                c = pool[t] - d
                low_down[c] = _without(down, messages, steps[c, MESSAGE], steps[c + 1, MESSAGE])
    return 0.0


@njit(error_model="numpy")
def _hand_down(nodes, steps, pool, i, down, block, offsets, places, length):
    """Add the block to what goes down to those whose messages came into bucket i."""
    for k in range(steps[i, COUNT]):
        if pool[steps[i, ITEMS] + k] >= nodes.shape[0] - 1:
            at, begin = places[k, 0], k * length
            if places[k, 1] == ALONG:
                for t in range(length):
                    down[at + t] += block[t]
            else:
                for t in range(length):
                    down[at + offsets[begin + t]] += block[t]


@njit(error_model="numpy")
def _without(down, messages, begin, end):
    """Take the messages out of ``down[begin:end]`` again and scale; 0 / 0 is 0, for what is impossible stays so."""
    for t in range(begin, end):
        down[t] = down[t] / messages[t] if messages[t] > 0.0 else 0.0
    return _scale(down, begin, end - begin)[1]


@njit(error_model="numpy")
def _scale_to_one(numbers, begin, count):
    total = 0.0
    for t in range(begin, begin + count):
        total += numbers[t]
    for t in range(begin, begin + count):
        numbers[t] /= total
