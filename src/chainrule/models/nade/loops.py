"""NADE's likelihood and gradient at the speed of matrix multiplication.

    a_1 = c,   logit_t = b_t + V_t · relu(a_t),   a_{t+1} = a_t + W_t x_t

A textbook program walks through the variables one by one, on all rows, through memory.  Here the work is cut
so that sums stay in registers:

* Variables are taken in blocks of ``STEP``.  The state only moves where x is one, so in each block the rows
  are sorted by their pattern of ones, one of 16, and each pattern has a loop of its own without a branch.
  A block without ones costs a plain matrix product.
* Forward, 4 rows and 4 variables share 16 partial sums of logits, each a vector over hidden units: one vector
  of V serves 4 rows, one vector of state serves 4 variables.  Lists of rows are filled up to a multiple of 4
  with a spare row that nobody reads.
* Backward, the state walks back from its final value: what was added to it is subtracted again.  Only the
  derivative with respect to it travels along, so nothing is stored per variable.  For one vector of hidden
  units the states of a group of rows stay in the first-level cache while all blocks go by.  Threads take
  hidden units and share nothing; the result does not depend on their number.

Layouts, all flat.  Rows live in *slots*: groups of ``group`` rows, each followed by its spare slot.  Variables
are in the order in which they are generated.  A *tile* array is (blocks, slots, STEP): ``codes``, ``logits``
and ``residuals`` are tiles.  Packed weights are (blocks, vectors, STEP, lanes).  float32 and float64.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.elementary import bernoulli_parts, sigmoid
from chainrule.compiled.vectors import (
    add_quarters,
    aligned,
    fma,
    get,
    lanes,
    load,
    load_first,
    load_mask,
    pointer,
    positive,
    prefetch,
    put,
    registers,
    relu,
    same,
    select,
    spread,
    store,
    sums,
)

__all__ = [
    "GROUP",
    "RELU",
    "SIGMOID",
    "STEP",
    "nade_backward",
    "nade_forward",
    "nade_pack",
    "nade_terms",
]

STEP = 4  # variables in a block
ROWS = 4  # rows that share registers on the way forward
TILE = ROWS * STEP
PATTERNS = 2**STEP
BOUNDS = (
    3 * PATTERNS
)  # for each list: where it begins, how many rows it holds, and how many before first ones
GROUP = 256  # most rows in a group: forward, their states stay in the second-level cache
PIECE = (
    32  # most vectors of hidden units at once on the way forward: a block's weights stay in the first level
)
STRETCH = 16  # blocks that the gradient takes together: their lists and residuals stay in the second level
SHORT = 32  # blocks whose costs are summed in the dtype at hand before they join the float64 sum
# the length of a tuple is part of its type, so each activation gets loops of its own, compiled when needed
RELU, SIGMOID = (0,), (0, 0)
ONE, LIVE = 1, 2  # bits of a code: the variable is on; it is neither padding nor in a spare slot


@kernel
@loop(parallel=True)
def nade_pack(x, order, W, V, group):  # type: ignore[no-untyped-def]
    """Rows sorted by pattern, weights by block.

    ``x`` (n, d) uint8 in {0, 1}, ``order`` (d,), ``W`` and ``V`` (d, h), all contiguous.  Returns the tile
    ``codes``, the lists of rows (groups, blocks, group + PATTERNS * ROWS) by pattern, where they begin and
    how many they hold (groups, blocks, 3, 16), and the packed ``V`` and ``W``.
    """
    n, d = x.shape
    blocks = (d + STEP - 1) // STEP
    groups = (n + group - 1) // group
    slots = (groups * (group + 1) + ROWS - 1) // ROWS * ROWS
    room = group + PATTERNS * ROWS
    codes = np.zeros(blocks * slots * STEP, np.uint8)
    lists = np.empty(groups * blocks * room, np.int32)
    bounds = np.empty(groups * blocks * BOUNDS, np.int32)
    flat = x.reshape(-1)
    for g in prange(groups):
        first, count = g * group, min(group, n - g * group)
        key, begun = np.empty(count, np.uint8), np.zeros(count, np.uint8)
        for i in range(blocks):
            at, where = (i * slots + g * (group + 1)) * STEP, g * blocks + i
            inside = min(STEP, d - i * STEP)
            j0, j1 = order[i * STEP], order[i * STEP + min(1, inside - 1)]
            j2, j3 = order[i * STEP + min(2, inside - 1)], order[i * STEP + inside - 1]
            live1, live2, live3 = np.uint8(inside > 1), np.uint8(inside > 2), np.uint8(inside > 3)
            for r in range(count):
                row, code = pointer(flat, (first + r) * d), pointer(codes, at + r * STEP)
                x0, x1, x2, x3 = row[j0], row[j1] & live1, row[j2] & live2, row[j3] & live3
                pattern = x0 | x1 << 1 | x2 << 2 | x3 << 3
                key[r] = pattern | (pattern != 0 and begun[r] == 0) * PATTERNS
                begun[r] |= pattern
                code[0], code[1] = x0 | LIVE, x1 | live1 * LIVE
                code[2], code[3] = x2 | live2 * LIVE, x3 | live3 * LIVE
            _sort(key, pointer(lists, where * room), pointer(bounds, where * BOUNDS), group)
    packed_V, packed_W = pack_weights(order, W, V)
    return codes, lists, bounds, packed_V, packed_W


@loop(parallel=True)
def pack_weights(order, W, V):  # type: ignore[no-untyped-def]
    """``V`` and ``W`` (d, h), contiguous, as (blocks, vectors, STEP, lanes), with zeros where there is nothing."""
    d, h = W.shape
    L = lanes(W)
    blocks, vectors = (d + STEP - 1) // STEP, (h + L - 1) // L
    packed_V, packed_W = aligned(blocks * vectors * STEP * L, W), aligned(blocks * vectors * STEP * L, W)
    flat_V, flat_W = V.reshape(-1), W.reshape(-1)
    whole, zero = h // L, same(W, 0.0)
    for i in prange(blocks):
        for j in range(STEP):
            real = i * STEP + j < d
            row = order[i * STEP + j] * h if real else 0
            for q in range(vectors):
                p = ((i * vectors + q) * STEP + j) * L
                if not real:
                    store(packed_V, p, zero)
                    store(packed_W, p, zero)
                elif q < whole:
                    store(packed_V, p, load(flat_V, row + q * L))
                    store(packed_W, p, load(flat_W, row + q * L))
                else:
                    store(packed_V, p, load_first(flat_V, row + q * L, h - q * L))
                    store(packed_W, p, load_first(flat_W, row + q * L, h - q * L))
    return packed_V, packed_W


@loop
def _sort(key, rows, bounds, spare):  # type: ignore[no-untyped-def]
    """Row numbers by pattern: those of x are rows[begin : begin + count], with begin = bounds[x] and
    count = bounds[PATTERNS + x].  Each list is filled with the spare row up to a multiple of ``ROWS``.

    ``key`` is the pattern, plus PATTERNS where the row's first one is in this block: those come last, and
    before them are bounds[2 * PATTERNS + x].
    """
    following = np.zeros(2 * PATTERNS, np.int64)
    for r in range(key.shape[0]):
        following[key[r]] += 1
    end = 0
    for x in range(PATTERNS):
        begun, begin = following[x], end
        bounds[x], bounds[2 * PATTERNS + x] = begin, begun
        count = begun + following[PATTERNS + x]
        bounds[PATTERNS + x] = count
        end += (count + ROWS - 1) // ROWS * ROWS
        for k in range(begin + count, end):
            rows[k] = spare
        following[x], following[PATTERNS + x] = begin, begin + begun
    for r in range(key.shape[0]):
        rows[following[key[r]]] = r
        following[key[r]] += 1


@kernel
@loop(parallel=True)
def nade_forward(lists, bounds, V, W, b, c, n, group, threads, keep, kind):  # type: ignore[no-untyped-def]
    """The tile of logits of every conditional, and the final states (slots, stride), or none of them.

    ``b`` (blocks * STEP,) in the order of generation, padded; ``c`` (vectors * lanes,), padded; the rest from
    ``nade_pack``.
    """
    L = lanes(V)
    groups = (n + group - 1) // group
    slots = (groups * (group + 1) + ROWS - 1) // ROWS * ROWS
    blocks, vectors = b.shape[0] // STEP, c.shape[0] // L
    room = group + PATTERNS * ROWS
    stride = (vectors | 1) * L  # an odd number of cache lines, so that rows do not compete for the same ones
    logits = np.empty(blocks * slots * STEP, V.dtype)
    states = aligned((slots if keep else threads * (group + 1)) * stride, V)
    for i in prange(blocks):
        for s in range(slots):
            for j in range(STEP):
                logits[(i * slots + s) * STEP + j] = b[i * STEP + j]
    for thread in prange(threads):
        for g in range(thread, groups, threads):
            first = (g if keep else thread) * (group + 1) * stride
            for r in range(group + 1):
                for q in range(vectors):
                    store(states, first + r * stride + q * L, load(c, q * L))
            for q in range(0, vectors, PIECE):
                for i in range(blocks):
                    where = g * blocks + i
                    at = (i * vectors + q) * STEP * L
                    _forward_block(
                        pointer(lists, where * room), pointer(bounds, where * BOUNDS),
                        pointer(V, at), pointer(W, at), STEP * L, min(PIECE, vectors - q),
                        pointer(states, first + q * L), stride,
                        pointer(logits, (i * slots + g * (group + 1)) * STEP), kind,
                    )  # fmt: skip
    return logits, states


@kernel
@loop(parallel=True)
def nade_terms(codes, logits, blocks, threads):  # type: ignore[no-untyped-def]
    """``log p`` by slot in nats (float64), and ``x - p(x = 1)`` in place of the ``logits``.

    That difference is the derivative of log p with respect to the logit; it is zero where there is no
    variable or no row.
    """
    L = lanes(logits)
    slots = logits.shape[0] // (blocks * STEP)
    log_p = np.zeros(slots, np.float64)
    one, zero = same(logits, 1.0), same(logits, 0.0)
    for thread in prange(threads):
        begin, end = (
            slots * thread // (threads * ROWS) * ROWS,
            slots * (thread + 1) // (threads * ROWS) * ROWS,
        )
        costs = aligned((end - begin) * STEP, logits)
        for i in range(blocks):
            for k in range(0, (end - begin) * STEP, L):
                p = (i * slots + begin) * STEP + k
                z = load(logits, p)
                x, live = load_mask(codes, p, ONE, z), load_mask(codes, p, LIVE, z)
                cost, residual = bernoulli_parts(select(x, one, zero), z, logits)
                cost = select(live, cost, zero)
                store(logits, p, select(live, residual, zero))
                store(costs, k, cost if i % SHORT == 0 else load(costs, k) + cost)
            if i % SHORT == SHORT - 1 or i == blocks - 1:
                for k in range((end - begin) * STEP):
                    log_p[begin + k // STEP] -= costs[k]
    return log_p


@kernel
@loop(parallel=True)
def nade_backward(lists, bounds, V, W, c, states, residuals, weights, order, h, n, group, threads, kind):  # type: ignore[no-untyped-def]
    """Gradients (dW (d, h), dV (d, h), db (d,), dc (h,)) of ``sum_s weights[s] log p(slot s)``.

    ``residuals`` is the tile of derivatives with respect to the logits, zero where there is nothing;
    ``weights`` (slots,); ``c`` padded; ``states`` as ``nade_forward`` kept them, and left as they are.
    """
    L = lanes(V)
    d = order.shape[0]
    groups, slots = (n + group - 1) // group, weights.shape[0]
    blocks, vectors = (d + STEP - 1) // STEP, (h + L - 1) // L
    stride = (vectors | 1) * L
    room = group + PATTERNS * ROWS
    width = L // STEP  # slots in a vector
    spread_weights = np.repeat(weights, STEP)
    e = aligned(residuals.shape[0], V)
    db = np.zeros(d, V.dtype)
    for i in prange(blocks):
        total, parts = same(V, 0.0), np.empty(L, V.dtype)
        for s in range(0, slots, width):
            scaled = load(residuals, (i * slots + s) * STEP) * load(spread_weights, s * STEP)
            store(e, (i * slots + s) * STEP, scaled)
            total = total + scaled
        store(parts, 0, total)
        for j in range(min(STEP, d - i * STEP)):
            for k in range(j, L, STEP):
                db[order[i * STEP + j]] += parts[k]
    # gradients of one vector of hidden units lie together, so that the walk through the blocks is a walk
    # through memory
    packed_V, packed_W = aligned(vectors * blocks * STEP * L, V), aligned(vectors * blocks * STEP * L, V)
    dc = np.zeros(vectors * L, V.dtype)
    for thread in prange(threads):
        q0, q1 = vectors * thread // threads, vectors * (thread + 1) // threads
        size = (group + 1) * L  # of one vector of hidden units, for all rows of a group
        a, p = aligned((q1 - q0) * size, V), aligned((q1 - q0) * size, V)
        for g in range(groups if q1 > q0 else 0):
            count = min(group, n - g * group)
            for r in range(count):
                for q in range(q1 - q0):
                    source = (g * (group + 1) + r) * stride + (q0 + q) * L
                    store(a, q * size + r * L, load(states, source))
                    store(p, q * size + r * L, same(V, 0.0))
            # lists and residuals of one stretch of blocks serve all hidden units before the next
            for stretch in range((blocks - 1) // STRETCH, -1, -1):
                for q in range(q1 - q0):
                    for i in range(min(blocks, (stretch + 1) * STRETCH) - 1, stretch * STRETCH - 1, -1):
                        where, at = g * blocks + i, (i * vectors + q0 + q) * STEP * L
                        for j in range(STEP if i else 0):  # the hardware does not look that far ahead
                            prefetch(V, at - (vectors * STEP - j) * L)
                            prefetch(W, at - (vectors * STEP - j) * L)
                        to = ((q0 + q) * blocks + i) * STEP * L
                        _backward_block(
                            pointer(lists, where * room), pointer(bounds, where * BOUNDS),
                            pointer(V, at), pointer(W, at), pointer(c, (q0 + q) * L),
                            pointer(packed_V, to), pointer(packed_W, to), g == 0,
                            pointer(a, q * size), pointer(p, q * size),
                            pointer(e, (i * slots + g * (group + 1)) * STEP), kind,
                        )  # fmt: skip
            for q in range(q1 - q0):
                for r in range(count):
                    total = load(dc, (q0 + q) * L) + load(p, q * size + r * L)
                    store(dc, (q0 + q) * L, total)
    return _unpack(packed_W, order, h), _unpack(packed_V, order, h), db, dc[:h]


@loop(parallel=True)
def _unpack(packed, order, h):  # type: ignore[no-untyped-def]
    """(vectors, blocks, STEP, lanes) as (d, h), by variable."""
    L = lanes(packed)
    d = order.shape[0]
    blocks = (d + STEP - 1) // STEP
    w = np.empty(d * h, packed.dtype)
    for t in prange(d):
        for q in range(h // L):
            store(w, order[t] * h + q * L, load(packed, (q * blocks * STEP + t) * L))
        for k in range(h // L * L, h):
            w[order[t] * h + k] = packed[(k // L * blocks * STEP + t) * L + k % L]
    return w.reshape(d, h)


@njit(forceinline=True)
def activate(s, like, kind):  # type: ignore[no-untyped-def]
    return relu(s) if len(kind) == len(RELU) else sigmoid(s, like)


@njit(forceinline=True)
def _add_activated(sum, s, h, e, kind):  # type: ignore[no-untyped-def]
    """``sum + h * e``; with relu only the lanes where s is positive add, which spares one operation."""
    if len(kind) == len(RELU):
        return select(positive(s), fma(s, e, sum), sum)
    return fma(h, e, sum)


@njit(forceinline=True)
def _through(dh, s, h, like, kind):  # type: ignore[no-untyped-def]
    """The derivative with respect to the state ``s`` from that with respect to ``h``, its activation."""
    if len(kind) == len(RELU):
        return select(positive(s), dh, same(like, 0.0))
    return dh * h * (same(like, 1.0) - h)


@njit(forceinline=True)
def _forward_pattern(x, rows, bounds, V, W, step, vectors, a, stride, logits, kind):  # type: ignore[no-untyped-def]
    """Logits of one block for the rows whose ones are the bits of ``x``, a constant.

    ``step`` is STEP * lanes, passed on so that the compiler walks through V and a with two pointers.
    """
    L = lanes(V)
    z, s, h = registers(V, TILE), registers(V, ROWS), registers(V, ROWS)
    for u in range(bounds[x], bounds[x] + bounds[PATTERNS + x], ROWS):
        r0, r1, r2, r3 = (
            np.int64(rows[u]),
            np.int64(rows[u + 1]),
            np.int64(rows[u + 2]),
            np.int64(rows[u + 3]),
        )
        state = (r0 * stride, r1 * stride, r2 * stride, r3 * stride)
        for k in range(TILE):
            put(z, k, same(V, 0.0))
        p = 0
        for q in range(vectors):
            for r in range(ROWS):
                put(s, r, load(a, state[r] + q * L))
                put(h, r, activate(get(s, r), V, kind))
            for j in range(STEP):
                v = load(V, p + j * L)
                for r in range(ROWS):
                    put(z, ROWS * j + r, fma(get(h, r), v, get(z, ROWS * j + r)))
                if x & (1 << j):
                    w = load(W, p + j * L)
                    for r in range(ROWS):
                        put(s, r, get(s, r) + w)
                        put(h, r, activate(get(s, r), V, kind))
            if x != 0:
                for r in range(ROWS):
                    store(a, state[r] + q * L, get(s, r))
            p += step
        for j in range(0, STEP, L // ROWS):
            s4 = sums(z, ROWS * j)
            add_quarters(logits, logits, s4, r0 * STEP + j, r1 * STEP + j, r2 * STEP + j, r3 * STEP + j)


@njit(forceinline=True)
def _backward_pattern(x, rows, bounds, v, W, dv, dw, a, p, e, kind):  # type: ignore[no-untyped-def]
    """Adds to the gradients of one block and one vector of hidden units, ``dv`` and ``dw``, what comes from
    the rows of pattern ``x``, a constant.

    ``p`` is the derivative with respect to the state, summed over the later variables.
    """
    L = lanes(W)
    zero = same(W, 0.0)
    for u in range(bounds[x], bounds[x] + bounds[2 * PATTERNS + x]):
        r = np.int64(rows[u])
        s, ds = load(a, r * L), load(p, r * L)
        h, later = activate(s, W, kind), zero
        for j in range(STEP - 1, -1, -1):
            if x & (1 << j):
                ds = ds + _through(later, s, h, W, kind)
                put(dw, j, get(dw, j) + ds)
                s = s - load(W, j * L)
                h, later = activate(s, W, kind), zero
            de = spread(e, r * STEP + j)
            put(dv, j, _add_activated(get(dv, j), s, h, de, kind))
            later = fma(get(v, j), de, later)
        ds = ds + _through(later, s, h, W, kind)
        if x != 0:
            store(a, r * L, s)
        store(p, r * L, ds)


@njit(forceinline=True)
def _backward_first(rows, bounds, v, W, c, dv, dw, a, p, e, kind):  # type: ignore[no-untyped-def]
    """The same for rows whose first one is in this block: undone, it leaves ``c`` itself, without rounding.

    Each row comes here once.  Units that are exactly zero until then have the slope of zero, not one that
    rounding chose.
    """
    L = lanes(W)
    zero = same(W, 0.0)
    for x in range(1, PATTERNS):
        for u in range(bounds[x] + bounds[2 * PATTERNS + x], bounds[x] + bounds[PATTERNS + x]):
            r = np.int64(rows[u])
            s, ds = load(a, r * L), load(p, r * L)
            for j in range(STEP - 1, -1, -1):
                if x & (1 << j):
                    put(dw, j, get(dw, j) + ds)
                    s = load(c, 0) if x & ((1 << j) - 1) == 0 else s - load(W, j * L)
                de = spread(e, r * STEP + j)
                h = activate(s, W, kind)
                put(dv, j, fma(h, de, get(dv, j)))
                ds = ds + _through(fma(get(v, j), de, zero), s, h, W, kind)
            store(a, r * L, s)
            store(p, r * L, ds)


# One line per pattern: x must be a constant in each, so that its loop has no branches.


@loop
def _forward_block(*block):  # type: ignore[no-untyped-def]
    _forward_pattern(0, *block)
    _forward_pattern(1, *block)
    _forward_pattern(2, *block)
    _forward_pattern(3, *block)
    _forward_pattern(4, *block)
    _forward_pattern(5, *block)
    _forward_pattern(6, *block)
    _forward_pattern(7, *block)
    _forward_pattern(8, *block)
    _forward_pattern(9, *block)
    _forward_pattern(10, *block)
    _forward_pattern(11, *block)
    _forward_pattern(12, *block)
    _forward_pattern(13, *block)
    _forward_pattern(14, *block)
    _forward_pattern(15, *block)


@loop
def _backward_block(rows, bounds, V, W, c, dV, dW, first, a, p, e, kind):  # type: ignore[no-untyped-def]
    v, dv, dw = registers(V, STEP), registers(V, STEP), registers(V, STEP)
    for j in range(STEP):
        put(v, j, load(V, j * lanes(V)))
        put(dv, j, same(V, 0.0))
        put(dw, j, same(V, 0.0))
    _backward_pattern(0, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(1, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(2, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(3, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(4, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(5, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(6, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(7, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(8, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(9, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(10, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(11, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(12, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(13, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(14, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_pattern(15, rows, bounds, v, W, dv, dw, a, p, e, kind)
    _backward_first(rows, bounds, v, W, c, dv, dw, a, p, e, kind)
    for j in range(STEP):
        k = j * lanes(V)
        store(dV, k, get(dv, j) if first else load(dV, k) + get(dv, j))
        store(dW, k, get(dw, j) if first else load(dW, k) + get(dw, j))
