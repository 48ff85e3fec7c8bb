"""Messages down the tree of buckets, as compiled loops: marginals of some variables, and what is kept for others.

A *calibration* is what is known of one row: all messages up, and those down to the buckets that were asked for so far.
What goes down to a bucket comes through those on its way, so each new question costs the rest of its way alone.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.models.bayesian_network.inference.layout_loops import (
    AXES,
    COUNT,
    ENTRIES,
    INTO,
    ITEMS,
    MESSAGE,
    SCOPE,
    SIZE,
)
from chainrule.models.bayesian_network.inference.loops import LOWEST, SUM, least_product, scale, upward
from chainrule.models.bayesian_network.inference.product_loops import (
    ALONG,
    BEGIN,
    KIND,
    RUN,
    RUNS,
    advance,
    multiply,
    prepare,
    room,
)

__all__ = ["collect", "distribute"]


@kernel
@loop(error_model="numpy")
def collect(laid, row, formed):
    """Fill ``formed`` in: all messages up; the log-mass of ``row``, nan if it underflows."""
    return upward(laid, row, SUM, formed, np.empty(1), room(laid))


@kernel
@loop(error_model="numpy")
def distribute(laid, formed, wanted, done, down, low_down, ends, marginals):
    """Write the marginals of the ``wanted`` steps (n,), which end at ``ends`` in ``marginals``; nan if it underflows.

    ``done`` (n,) are steps that ``down`` and ``low_down`` have reached already.
    """
    steps, pool, d = laid.steps, laid.pool, laid.nodes.shape[0] - 1
    n = steps.shape[0] - 1
    needed = wanted & ~done
    for i in range(n):
        if needed[i] and steps[i, INTO] < n:
            needed[steps[i, INTO]] |= not done[steps[i, INTO]]
    space = room(laid)
    for i in range(n - 1, -1, -1):
        if needed[i]:
            if least_product(steps, pool, i, formed.low) + low_down[i] < LOWEST:
                return np.nan
            _send_down(laid, i, formed, down, space, marginals, ends[i])
            done[i] = True
            for t in range(steps[i, ITEMS], steps[i, ITEMS] + steps[i, COUNT]):
                c = pool[t] - d
                if c >= 0:
                    low_down[c] = _without(down, formed.messages, steps[c, MESSAGE], steps[c + 1, MESSAGE])
    return 0.0


@njit(error_model="numpy")
def _send_down(laid, i, formed, down, space, marginals, end):
    """The marginal of step i, ending at ``end``, and what goes down from it."""
    nodes, steps, pool, (block, offsets, places, strides, packed) = laid.nodes, laid.steps, laid.pool, space
    k = nodes[pool[steps[i, SCOPE] + steps[i, AXES] - 1], SIZE]
    said, is_root, begin = steps[i, MESSAGE], steps[i, INTO] == steps.shape[0] - 1, end - k
    for t in range(begin, end):
        marginals[t] = 0.0
    items = (places, offsets, strides, packed)
    length, axis = prepare(nodes, laid.values, steps, pool, i, formed.bases, *items)
    for _ in range(steps[i, ENTRIES] // length):
        multiply(laid.values, formed.messages, packed, places, offsets, steps[i, COUNT], block, length)
        for s in range(0, length, k):
            above = 1.0 if is_root else down[said]
            said += 1
            for t in range(k):
                block[np.uintp(s + t)] *= above
                marginals[np.uintp(begin + t)] += block[np.uintp(s + t)]
        _hand_down(nodes, steps, pool, i, down, block, offsets, places, length)
        advance(nodes, steps, pool, i, axis, places, strides)
    _scale_to_one(marginals, begin, k)


@njit(error_model="numpy")
def _hand_down(nodes, steps, pool, i, down, block, offsets, places, length):
    """Add the block to what goes down to those whose messages came into bucket i."""
    for k in range(steps[i, COUNT]):
        if pool[steps[i, ITEMS] + k] >= nodes.shape[0] - 1:
            at, begin = places[k, BEGIN], k * length
            if places[k, KIND] == ALONG:
                for t in range(length):
                    down[np.uintp(at + t)] += block[t]
            elif places[k, KIND] == RUNS:
                run = places[k, RUN]
                for r in range(length // run):
                    here, s = at + offsets[begin + r], r * run
                    for t in range(run):
                        down[np.uintp(here + t)] += block[np.uintp(s + t)]
            else:
                for t in range(length):
                    down[np.uintp(at + offsets[np.uintp(begin + t)])] += block[t]


@njit(error_model="numpy")
def _without(down, messages, begin, end):
    """Take the messages out of ``down[begin:end]`` again and scale; 0 / 0 is 0, for what is impossible stays so."""
    for t in range(begin, end):
        down[t] = down[t] / messages[t] if messages[t] > 0.0 else 0.0
    return scale(down, begin, end - begin)[1]


@njit(error_model="numpy")
def _scale_to_one(numbers, begin, count):
    total = 0.0
    for t in range(begin, begin + count):
        total += numbers[t]
    for t in range(begin, begin + count):
        numbers[t] /= total
