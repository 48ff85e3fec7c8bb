"""NADE sampling: each variable of each row is drawn once, from a state that grows row by row.

    x_t = 1 where  b_t + V_t · act(a) > log(u_t / (1 - u_t)),   then a += W_t x_t

The right-hand side needs no state, so all logarithms come first (``thresholds``).

* Many rows: variables in blocks of ``STEP``.  The logits of a block are computed for all rows of a tile as if
  it held no ones, at the speed of a matrix product.  Then variable by variable: where one is on, the logits
  that are left in the block are computed anew.  States follow in the next block, on the way to its logits:
  rows with the same pattern of ones move by the same vector.  Rows without a one so far have the same state,
  hence the same logits, which are computed once for all of them.
* Few rows: one at a time, with several partial sums per logit, from the weights where they are.

Threads take rows, and a row's draws depend on its own uniforms alone.  float32 and float64.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.elementary import log_ratio
from chainrule.compiled.vectors import (
    add_quarters,
    aligned,
    as_bits,
    count_bits,
    fma,
    get,
    lanes,
    load,
    load_as,
    load_first_as,
    load_shares,
    lowest_bit,
    pointer,
    positive,
    prefetch,
    put,
    registers,
    same,
    store,
    sums,
    total,
)
from chainrule.models.nade.activations import activate
from chainrule.models.nade.binary_packing import PATTERNS, ROWS, STEP, pack_weights

__all__ = ["MANY", "nade_sample", "nade_sample_few"]

SUMS = 8  # partial sums of one logit, where rows go one at a time
# rows that walk through the blocks together: their states, of at most so many bytes, stay in the second-level
# cache; more rows than that gain nothing
TILE_BYTES, MOST_ROWS, LEAST_ROWS = 768 * 1024, 256, 16
CELLS = ROWS * STEP
_BITS = 64  # of a number
_ONE_IN_STEP = sum(1 << k for k in range(0, _BITS, STEP))
USUAL = 4  # at most so many of 16 rows are on, most of the time; no more than ROWS
MANY = 8  # from so many rows on, it pays to pack the weights


@kernel
@loop(parallel=True)
def nade_sample(uniforms, given, order, W, V, b, c, threads, kind):
    """Rows (n, d) in {0, 1}: variable ``order[t]`` is on where ``uniforms[:, t]`` is below its probability.

    ``W`` and ``V`` (d, h), all contiguous; ``given`` (n, d), or (0, 0) for none: entries that are not NaN are
    taken as they are.
    """
    n, d = uniforms.shape
    start, biases = _start_and_biases(order, b, c, W)
    x = np.empty((n, d), np.uint8)
    if n < MANY:
        workers = min(threads, n)
        if workers <= 1:  # no threads are woken for a single row
            _draw_one_by_one(0, n, uniforms, given, order, V, W, biases, start, x, kind)
        else:
            for thread in prange(workers):
                first, last = n * thread // workers, n * (thread + 1) // workers
                _draw_one_by_one(first, last, uniforms, given, order, V, W, biases, start, x, kind)
        return x
    packed_V, packed_W = pack_weights(order, W, V)
    for thread in prange(threads):
        first, last = n * thread // threads, n * (thread + 1) // threads
        _draw_tiles(first, last, uniforms, given, order, packed_V, packed_W, biases, start, x, kind)
    return x


@kernel
@loop
def nade_sample_few(uniforms, given, order, W, V, b, c, kind):
    """What ``nade_sample`` draws from the parameters made float64, for few rows; they are read where they are."""
    start, biases = _start_and_biases(order, b, c, np.empty(0, np.float64))
    x = np.empty(uniforms.shape, np.uint8)
    _draw_one_by_one(0, uniforms.shape[0], uniforms, given, order, V, W, biases, start, x, kind)
    return x


@loop
def _start_and_biases(order, b, c, like):
    """The state at first, and the biases in the order of generation, in whole vectors of the dtype of ``like``."""
    L, d, h = lanes(like), order.shape[0], c.shape[0]
    start = np.zeros((h + L - 1) // L * L, like.dtype)
    start[:h] = c
    biases = np.full((d + L - 1) // L * L, -np.inf).astype(like.dtype)
    biases[:d] = b[order]
    return start, biases


@loop
def _thresholds(uniforms, given, order, b, out):
    """What V_t · act(a) must exceed for the variables of one row to be on; given ones are decided already.

    ``b`` (a multiple of lanes,) in the order of generation, with minus infinity where it is padded.
    """
    L = lanes(out)
    d = order.shape[0]
    whole = d // L * L
    for t in range(0, whole, L):
        u, rest = load_shares(uniforms, t, out)
        store(out, t, log_ratio(u, rest, out) - load(b, t))
    if whole < d:
        shares = np.full(L, 0.5)
        for t in range(whole, d):
            shares[t - whole] = uniforms[t]
        u, rest = load_shares(shares, 0, out)
        store(out, whole, log_ratio(u, rest, out) - load(b, whole))
    for t in range(d if given.shape[0] else 0):
        if not np.isnan(given[order[t]]):
            out[t] = -np.inf if given[order[t]] == 1 else np.inf


@loop
def _draw_tiles(first, last, uniforms, given, order, V, W, b, start, x, kind):
    """Rows ``first`` to ``last`` of ``x``, in tiles of about one size."""
    L = lanes(V)
    d, vectors = order.shape[0], start.shape[0] // L
    blocks, width = (d + STEP - 1) // STEP, b.shape[0]
    stride = (vectors | 1) * L
    most = max(LEAST_ROWS, min(MOST_ROWS, TILE_BYTES // (stride * V.itemsize)))
    tiles = max(1, (last - first + most - 1) // most)
    size = max(1, (last - first + tiles - 1) // tiles)
    # behind the rows of a tile: one that stays at the start, and one that nobody reads
    states, thresholds = aligned((size + 2) * stride, V), aligned(size * width + L, V)
    # of a block: the thresholds with their signs changed, and how far each logit is above its own
    bars, margins = np.zeros((size + 2) * STEP + L, V.dtype), np.zeros((size + 2) * STEP + _BITS, V.dtype)
    moves = aligned(PATTERNS * stride, V)  # what each pattern of ones in a block adds, if a row has it
    moves[:stride] = 0
    ones = np.zeros(size + 2, np.int64)  # the pattern of each row in the block
    begun = np.empty(size, np.uint8)  # whether it has had a one
    moved, still = np.empty(size + ROWS, np.int32), np.empty(size + 1 + ROWS, np.int32)
    waiting, chosen = np.empty(size + ROWS, np.int32), np.empty(size + ROWS, np.int64)
    room = aligned(L, V)
    flat_x = x.reshape(-1)
    for tile in range(first, last, size):
        count = min(size, last - tile)
        at_start, spare = count, count + 1
        begun[:], ones[:] = 0, 0
        x[tile : tile + count] = 0
        for r in range(count + 2):
            for q in range(vectors):
                store(states, r * stride + q * L, load(start, q * L))
        _tile_thresholds(tile, count, uniforms, given, order, b, thresholds)
        for i in range(blocks):
            v, w = pointer(V, i * vectors * STEP * L), pointer(W, i * vectors * STEP * L)
            n_moved, n_still, n_waiting = _by_last_block(
                i, count, width, thresholds, bars, ones, begun, moved, still, waiting
            )
            _logits(
                still, n_still, pointer(ones, 0), pointer(moves, 0), v, vectors,
                pointer(states, 0), stride, pointer(bars, 0), pointer(margins, 0), kind,
            )  # fmt: skip
            _move_and_logits(
                moved, n_moved, pointer(ones, 0), pointer(moves, 0), v, vectors,
                pointer(states, 0), stride, pointer(bars, 0), pointer(margins, 0), kind,
            )  # fmt: skip
            _margins_alike(
                waiting, n_waiting, pointer(margins, at_start * STEP), pointer(bars, 0), pointer(margins, 0), room
            )  # fmt: skip
            ones[:] = 0
            for j in range(min(STEP, d - i * STEP)):
                m = _rows_that_are_on(j, count, margins, chosen)
                for k in range(ROWS - 1):
                    chosen[m + k] = spare
                patterns = 0
                for k in range(m):
                    r = chosen[k]
                    flat_x[(tile + r) * d + order[i * STEP + j]], begun[r] = 1, 1
                    ones[r] |= 1 << j
                    patterns |= 1 << ones[r]
                _add_up(j, patterns, w, vectors, pointer(moves, 0), stride)
                _turn_on(
                    j, chosen, m, pointer(ones, 0), pointer(moves, 0), v, vectors,
                    pointer(states, 0), stride, pointer(bars, 0), pointer(margins, 0), kind,
                )  # fmt: skip


@loop
def _by_last_block(i, count, width, thresholds, bars, ones, begun, moved, still, waiting):
    """Begin block ``i``: which rows had ones in the last block and move on, which did not, and which wait for
    their first, all alike; of these, only the row at the start is one of those that stand still.

    Fills the three lists, up to a multiple of ``ROWS`` with the spare row, and returns how many each holds.
    """
    at_start, spare = count, count + 1
    still[0], n_still, n_moved, n_waiting = at_start, 1, 0, 0
    for r in range(count):
        at = r * width + i * STEP
        prefetch(thresholds, at + STEP)
        # a whole vector; what is too much is set by the next row
        store(bars, r * STEP, same(bars, 0.0) - load(thresholds, at))
        moved[n_moved], still[n_still], waiting[n_waiting] = r, r, r
        n_moved += ones[r] != 0
        n_still += (ones[r] == 0) & begun[r]
        n_waiting += begun[r] ^ 1
    for j in range(STEP):
        bars[at_start * STEP + j] = 0
    for k in range(ROWS - 1):
        moved[n_moved + k] = still[n_still + k] = waiting[n_waiting + k] = spare
    return n_moved, n_still, n_waiting


@loop
def _tile_thresholds(tile, count, uniforms, given, order, b, out):
    """``_thresholds`` of the rows ``tile : tile + count``, one after the other."""
    width, none = b.shape[0], np.empty(0, np.float64)
    for r in range(count):
        own = given[tile + r] if given.shape[0] else none
        _thresholds(uniforms[tile + r], own, order, b, out[r * width : (r + 1) * width])


@loop
def _margins_alike(rows, n_rows, z, bars, margins, spread_z):
    """The margins of ``rows`` with the same ``STEP`` logits ``z``; ``spread_z`` is room for ``STEP`` * 4 numbers."""
    quarter = lanes(margins) // 4
    for j in range(0, STEP, quarter):
        for k in range(4 * quarter):
            spread_z[k] = z[j + k % quarter]
        v = load(spread_z, 0)
        for u in range(0, n_rows, ROWS):
            r0, r1 = np.int64(rows[u]), np.int64(rows[u + 1])
            r2, r3 = np.int64(rows[u + 2]), np.int64(rows[u + 3])
            add_quarters(margins, bars, v, r0 * STEP + j, r1 * STEP + j, r2 * STEP + j, r3 * STEP + j)


@njit(forceinline=True)
def _rows_that_are_on(j, count, margins, chosen):
    """Fill ``chosen`` with the rows whose variable j is on; returns how many.

    Which these are cannot be foreseen, so branches would cost much: the signs of as many margins as a number has
    bits become one number, and as many of those set as there usually are are taken whether they are there or not.
    """
    m = 0
    for r in range(0, count, _BITS // STEP):
        bits = np.int64(0)
        for k in range(0, _BITS, lanes(margins)):
            bits |= as_bits(positive(load(margins, r * STEP + k))) << k
        bits &= _ONE_IN_STEP << j
        if count - r < _BITS // STEP:  # what follows are no rows of the tile
            bits &= (1 << (count - r) * STEP) - 1
        after = m + count_bits(bits)
        for k in range(USUAL):
            chosen[m + k] = r + lowest_bit(bits) // STEP
            bits &= bits - 1
        m += USUAL
        while bits:
            chosen[m] = r + lowest_bit(bits) // STEP
            bits &= bits - 1
            m += 1
        m = after
    return m


@loop
def _logits(rows, n_rows, ones, moves, V, vectors, a, stride, bars, margins, kind):
    """The margins of one block of ``rows`` as if it held no ones."""
    _logits_after(False, rows, n_rows, ones, moves, V, vectors, a, stride, bars, margins, kind)


@loop
def _move_and_logits(rows, n_rows, ones, moves, V, vectors, a, stride, bars, margins, kind):
    """The same after the state of each row has moved by row ``ones[row]`` of ``moves``."""
    _logits_after(True, rows, n_rows, ones, moves, V, vectors, a, stride, bars, margins, kind)


@njit(forceinline=True)
def _logits_after(moving, rows, n_rows, ones, moves, V, vectors, a, stride, bars, margins, kind):
    """Either of the two; ``moving`` is a constant."""
    L = lanes(V)
    z, h = registers(V, CELLS), registers(V, ROWS)
    for u in range(0, n_rows, ROWS):
        r0, r1 = np.int64(rows[u]), np.int64(rows[u + 1])
        r2, r3 = np.int64(rows[u + 2]), np.int64(rows[u + 3])
        state = (r0 * stride, r1 * stride, r2 * stride, r3 * stride)
        move = (ones[r0] * stride, ones[r1] * stride, ones[r2] * stride, ones[r3] * stride)
        for k in range(CELLS):
            put(z, k, same(V, 0.0))
        p = 0
        for q in range(vectors):
            for r in range(ROWS):
                s = load(a, state[r] + q * L)
                if moving:
                    s = s + load(moves, move[r] + q * L)
                    store(a, state[r] + q * L, s)
                put(h, r, activate(s, V, kind))
            for j in range(STEP):
                v = load(V, p + j * L)
                for r in range(ROWS):
                    put(z, ROWS * j + r, fma(get(h, r), v, get(z, ROWS * j + r)))
            p += STEP * L
        for j in range(0, STEP, L // ROWS):
            add_quarters(
                margins, bars, sums(z, ROWS * j), r0 * STEP + j, r1 * STEP + j, r2 * STEP + j, r3 * STEP + j
            )


@loop
def _add_up(j, patterns, W, vectors, moves, stride):
    """What ``patterns`` of ones, a set of bits, add to a state.  ``j`` is the last one of each."""
    L = lanes(W)
    while patterns:
        at = lowest_bit(patterns) * stride
        patterns &= patterns - 1
        for q in range(0, vectors * L, L):
            store(moves, at + q, load(moves, at - (stride << j) + q) + load(W, q * STEP + j * L))


@loop
def _turn_on(j, rows, m, ones, moves, V, vectors, a, stride, bars, margins, kind):
    """Variable j of a block is on in the first ``m`` of ``rows``: the later margins of the block anew.

    ``ones`` holds the pattern of each row, j included.
    """
    if j == 0:
        _turn_on_at(0, rows, m, ones, moves, V, vectors, a, stride, bars, margins, kind)
    elif j == 1:
        _turn_on_at(1, rows, m, ones, moves, V, vectors, a, stride, bars, margins, kind)
    elif j == 2:
        _turn_on_at(2, rows, m, ones, moves, V, vectors, a, stride, bars, margins, kind)


@njit(forceinline=True)
def _turn_on_at(j, rows, m, ones, moves, V, vectors, a, stride, bars, margins, kind):
    """The same for ``j`` that is a constant; ``ROWS`` rows share the vectors of V."""
    L = lanes(V)
    v, z = registers(V, STEP), registers(V, CELLS)
    for u in range(0, m, ROWS):
        for k in range(CELLS):
            put(z, k, same(V, 0.0))
        for q in range(vectors):
            w = load(moves, stride + q * L)  # with j = 0, all rows have the pattern 1
            for k in range(j + 1, STEP):
                put(v, k, load(V, (q * STEP + k) * L))
            for r in range(ROWS):
                move = w if j == 0 else load(moves, ones[rows[u + r]] * stride + q * L)
                s = activate(load(a, rows[u + r] * stride + q * L) + move, V, kind)
                for k in range(j + 1, STEP):
                    put(z, ROWS * k + r, fma(s, get(v, k), get(z, ROWS * k + r)))
        for k in range(0, STEP, L // ROWS):
            add_quarters(
                margins, bars, sums(z, ROWS * k),
                rows[u] * STEP + k, rows[u + 1] * STEP + k, rows[u + 2] * STEP + k, rows[u + 3] * STEP + k,
            )  # fmt: skip


@loop
def _draw_one_by_one(first, last, uniforms, given, order, V, W, b, start, x, kind):
    """Rows ``first`` to ``last`` of ``x``, each on its own, in the dtype of ``start``."""
    L = lanes(start)
    d, h = V.shape
    flat_V, flat_W, whole, rest = V.reshape(-1), W.reshape(-1), h // L, h % L
    a = aligned(start.shape[0], start)
    thresholds, none = aligned((d + L - 1) // L * L, start), np.empty(0, np.float64)
    for r in range(first, last):
        _thresholds(uniforms[r], given[r] if given.shape[0] else none, order, b, thresholds)
        a[:] = start
        for t in range(d):
            i = order[t]
            v, w = pointer(flat_V, i * h), pointer(flat_W, i * h)
            following = pointer(flat_V, order[min(t + 1, d - 1)] * h)
            z = _dot(pointer(a, 0), v, following, whole, rest, kind)
            x[r, i] = z > thresholds[t]
            if x[r, i]:
                for q in range(0, whole * L, L):
                    store(a, q, load(a, q) + load_as(w, q, start))
                if rest:
                    store(a, whole * L, load(a, whole * L) + load_first_as(w, whole * L, rest, start))


@loop
def _dot(a, v, following, whole, rest, kind):
    """``V_i · act(a)`` over ``whole`` vectors and the ``rest`` of one, in ``SUMS`` partial sums; fetches the row of
    V that is next.

    Weights are used once, so their way from memory is what takes the time.
    """
    L = lanes(a)
    z, zero = registers(a, SUMS), same(a, 0.0)
    for k in range(SUMS):
        put(z, k, zero)
    for q in range(0, whole // SUMS * SUMS, SUMS):
        for k in range(SUMS):
            prefetch(following, (q + k) * L)
            put(z, k, fma(activate(load(a, (q + k) * L), a, kind), load_as(v, (q + k) * L, a), get(z, k)))
    s = zero
    for q in range(whole // SUMS * SUMS, whole):
        prefetch(following, q * L)
        s = fma(activate(load(a, q * L), a, kind), load_as(v, q * L, a), s)
    if rest:
        s = fma(activate(load(a, whole * L), a, kind), load_first_as(v, whole * L, rest, a), s)
    for k in range(SUMS):
        s = s + get(z, k)
    return total(s)
