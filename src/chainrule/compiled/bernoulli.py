"""Log-probabilities of rows of zeros and ones from log-odds, and their derivative, in one pass."""

from __future__ import annotations

import numpy as np
from numba import prange

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel
from chainrule.compiled.elementary import bernoulli_parts
from chainrule.compiled.vectors import lanes, load, load_first, same, store, store_first, total

__all__ = ["bernoulli_log_prob"]

SHORT = 32  # vectors of costs that are summed in the dtype at hand before they join the float64 sum


@kernel
@loop(parallel=True)
def bernoulli_log_prob(x, logits, threads):
    """``log p`` (n,) in nats, and ``x - p(x = 1)`` (n, d): its derivative with respect to the logits.

    ``x`` and ``logits`` (n, d), contiguous, of one dtype, float32 or float64.
    """
    n, d = logits.shape
    L = lanes(logits)
    log_p, residuals = np.empty(n, logits.dtype), np.empty(n * d, logits.dtype)
    flat_x, flat_z = x.reshape(-1), logits.reshape(-1)
    for thread in prange(threads):
        last = np.zeros(L, logits.dtype)  # the costs of the last variables, which do not fill a vector
        for r in range(n * thread // threads, n * (thread + 1) // threads):
            cost = 0.0
            for begin in range(0, d, SHORT * L):
                costs = same(logits, 0.0)
                for t in range(begin, min(begin + SHORT * L, d // L * L), L):
                    part, residual = bernoulli_parts(load(flat_x, r * d + t), load(flat_z, r * d + t), logits)
                    costs = costs + part
                    store(residuals, r * d + t, residual)
                cost += total(costs)
            rest = d % L
            if rest:
                at = r * d + d - rest
                part, residual = bernoulli_parts(
                    load_first(flat_x, at, rest), load_first(flat_z, at, rest), logits
                )
                store_first(residuals, at, residual, rest)
                store_first(last, 0, part, rest)
                cost += total(load(last, 0))
            log_p[r] = -cost
    return log_p, residuals.reshape(n, d)
