"""MADE sampling in one pass of work, for any number of hidden layers and any ordering.

A textbook program runs the whole network once per variable.  But a hidden unit of degree m sees only the
first m variables, so it is final once they are drawn: with units sorted by degree, each unit and each
output is computed once, and a whole sample costs one masked forward pass.

Letters: d variables in the order in which they are generated; layer l has units sorted by degree;
``first[l][t]`` is the number of units of layer l whose degree is at most t; relu activations.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange

from chainrule.models.kernels.interrupts import interruptible

__all__ = ["made_sample"]

_MATH: Any = {"contract", "reassoc", "nsz"}


@interruptible
@njit(parallel=True, cache=True, fastmath=_MATH)
def made_sample(uniforms, given, first, W_in, weights, biases, W_out, b_out):  # type: ignore[no-untyped-def]
    """Rows (n, d) in {0, 1} in sampling order: on where ``uniforms`` is below the conditional probability.

    ``W_in`` (d, h_1) is the first layer by input; ``weights[l]`` (h_{l+1}, h_l) the deeper ones, padded
    into one array (layers - 1, widest, widest); ``biases`` (layers, widest); ``W_out`` (d, h_last).
    ``first`` (layers, d + 1).  Entries of ``given`` (n, d) that are not NaN are taken as they are.
    """
    n, d = uniforms.shape
    layers, widest = biases.shape
    h_1, h_last = W_in.shape[1], W_out.shape[1]
    zero = W_in.dtype.type(0)
    x = np.empty((n, d), np.uint8)
    for r in prange(n):
        a = biases[0, :h_1].copy()
        hidden = np.zeros((layers, widest), W_in.dtype)
        for t in range(d + 1):
            # the units of degree t, whose inputs are all drawn
            for k in range(first[0, t - 1] if t else 0, first[0, t]):
                hidden[0, k] = a[k] if a[k] > zero else zero
            for layer in range(1, layers):
                below = hidden[layer - 1]
                for k in range(first[layer, t - 1] if t else 0, first[layer, t]):
                    w = weights[layer - 1, k]
                    s = biases[layer, k]
                    for j in range(first[layer - 1, t]):
                        s += w[j] * below[j]
                    hidden[layer, k] = s if s > zero else zero
            if t == d:
                break
            if math.isnan(given[r, t]):
                z = b_out[t]
                v, top = W_out[t], hidden[layers - 1]
                for k in range(min(first[layers - 1, t], h_last)):
                    z += v[k] * top[k]
                on = uniforms[r, t] * (1 + math.exp(-z)) < 1
            else:
                on = given[r, t] == 1
            x[r, t] = on
            if on:
                w = W_in[t]
                for k in range(first[0, t], h_1):
                    a[k] += w[k]
    return x
