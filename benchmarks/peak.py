"""How fast this machine can multiply and add at all: fused operations on registers, no memory."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from chainrule.compiled.calls import use_threads
from chainrule.compiled.vectors import fma, get, lanes, put, registers, same, total

__all__ = ["PEAK_FLOP", "multiply_and_add"]

CHAINS = 12  # independent sums, enough to hide the latency of each
ROUNDS = 100_000
PEAK_FLOP = 2 * 16 * CHAINS * ROUNDS  # of one thread, in float32


def multiply_and_add() -> None:
    """``PEAK_FLOP`` floating-point operations on each thread of torch."""
    _multiply_and_add(np.zeros(16, np.float32), use_threads())


@njit(parallel=True, cache=True)
def _multiply_and_add(a, threads):  # type: ignore[no-untyped-def]
    out = np.zeros(threads, a.dtype)
    for thread in prange(threads):
        sums, x, y = registers(a, CHAINS), same(a, 0.5), same(a, 0.25)
        for k in range(CHAINS):
            put(sums, k, same(a, 0.0))
        for _ in range(ROUNDS * lanes(a) // 16):
            for k in range(CHAINS):
                put(sums, k, fma(get(sums, k), x, y))
        s = same(a, 0.0)
        for k in range(CHAINS):
            s = s + get(sums, k)
        out[thread] = total(s)  # so that nothing is left out
    return out
