"""Slow, obvious truths, each written straight from a definition and sharing no code with the package.

Letters: d variables, x a row of 0 and 1, order the columns as they are generated.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "enumerate_rows",
    "enumerate_states",
    "is_conditionally_independent",
    "joint_table",
    "log_of_marginal",
    "made_log_prob",
    "made_logits",
    "made_paths",
    "nade_log_prob",
]


def enumerate_rows(d: int) -> NDArray[np.float64]:
    """All 2^d rows of 0 and 1, (2^d, d), first column changing slowest."""
    return np.array(list(itertools.product([0.0, 1.0], repeat=d))).reshape(2**d, d)


def enumerate_states(sizes: Sequence[int]) -> NDArray[np.int64]:
    """All rows of variables with ``sizes`` states, first column changing slowest, (number, d)."""
    rows = list(itertools.product(*(range(k) for k in sizes)))
    return np.array(rows, np.int64).reshape(len(rows), len(sizes))


def nade_log_prob(
    x: Sequence[float],
    order: Sequence[int],
    W: NDArray[Any],
    V: NDArray[Any],
    b: NDArray[Any],
    c: NDArray[Any],
    activation: str,
) -> float:
    """log p(x) of one row under NADE, in nats (Larochelle & Murray 2011): W and V (d, h), b (d,), c (h,).

    a_1 = c;  h_t = act(a_t);  p(x_i = 1 | before) = sigmoid(b_i + V_i · h_t);  a_{t+1} = a_t + W_i x_i.
    """
    a = [float(v) for v in c]
    total = 0.0
    for i in order:
        if activation == "relu":
            h = [max(v, 0.0) for v in a]
        else:
            h = [1.0 / (1.0 + math.exp(-v)) for v in a]
        z = float(b[i]) + sum(float(v) * u for v, u in zip(V[i], h, strict=True))
        p = 1.0 / (1.0 + math.exp(-z))
        total += math.log(p if x[i] == 1 else 1.0 - p)
        a = [v + float(w) * float(x[i]) for v, w in zip(a, W[i], strict=True)]
    return total


def made_logits(
    x: Sequence[float],
    order: Sequence[int],
    degrees: Sequence[Sequence[int]],
    weights: Sequence[NDArray[Any]],
    biases: Sequence[NDArray[Any]],
    direct: NDArray[Any] | None = None,
) -> list[float]:
    """Logits of one row under MADE with relu layers (Germain et al. 2015), one connection at a time.

    ``direct`` (d, d) are weights straight from each variable to those after it.

    Input and output i carry the number t = place of i in the order, from 1; a hidden unit its degree.  A
    connection is there where the number above is at least (hidden) or greater than (output) the one below.
    """
    number = {i: t for t, i in enumerate(order, 1)}
    values, labels = [float(v) for v in x], [number[i] for i in range(len(x))]
    for layer, (w, bias) in enumerate(zip(weights, biases, strict=True)):
        last = layer == len(weights) - 1
        above = [number[i] for i in range(len(x))] if last else [int(m) for m in degrees[layer]]
        new = []
        for k, m in enumerate(above):
            s = float(bias[k])
            for j, t in enumerate(labels):
                if (m > t) if last else (m >= t):
                    s += float(w[k, j]) * values[j]
            new.append(s if last else max(s, 0.0))
        values, labels = new, above
    if direct is not None:
        for i, t in number.items():
            values[i] += sum(float(direct[i, j]) * float(x[j]) for j, u in number.items() if u < t)
    return values


def made_log_prob(x: Sequence[float], *network: Any) -> float:
    """log p(x) of one row under MADE, in nats; ``network`` as in ``made_logits``."""
    total = 0.0
    for value, z in zip(x, made_logits(x, *network), strict=True):
        p = 1.0 / (1.0 + math.exp(-z))
        total += math.log(p if value == 1 else 1.0 - p)
    return total


def made_paths(order: Sequence[int], degrees: Sequence[Sequence[int]]) -> list[list[int]]:
    """Number of paths from input j to output i, entry [i][j], by walking every path on its own."""
    d = len(order)
    number = {i: t for t, i in enumerate(order, 1)}
    paths = [[0] * d for _ in range(d)]
    for i, j in itertools.product(range(d), repeat=2):
        for route in itertools.product(*degrees):
            climb = [number[j], *(int(m) for m in route)]
            rises = all(below <= above for below, above in itertools.pairwise(climb))
            if rises and climb[-1] < number[i]:
                paths[i][j] += 1
    return paths


def joint_table(
    log_prob: Callable[[NDArray[Any]], NDArray[np.float64]], sizes: int | Sequence[int]
) -> NDArray[np.float64]:
    """The probabilities of all states, axis i for variable i; ``sizes`` or a number of binary variables."""
    shape = (2,) * sizes if isinstance(sizes, int) else tuple(sizes)
    return np.exp(log_prob(enumerate_states(shape))).reshape(shape)


def log_of_marginal(table: NDArray[np.float64], row: Sequence[float]) -> float:
    """Log-probability of the values of ``row`` that are neither NaN nor -1: the sum of the states that agree."""
    total = 0.0
    for state in itertools.product(*(range(k) for k in table.shape)):
        if all(math.isnan(v) or v == -1 or v == s for v, s in zip(row, state, strict=True)):
            total += float(table[state])
    return math.log(total) if total > 0 else -math.inf


def is_conditionally_independent(
    table: NDArray[np.float64],
    x: Sequence[int],
    y: Sequence[int],
    given: Sequence[int] = (),
    *,
    tolerance: float = 1e-12,
) -> bool:
    """Whether p(x, y, z) p(z) = p(x, z) p(y, z) for all states: x and y independent given z.

    ``table`` has one axis per variable (of any size); x, y and given are lists of axes.
    """
    axes = range(table.ndim)

    def keep(kept: Sequence[int]) -> NDArray[np.float64]:
        return table.sum(axis=tuple(a for a in axes if a not in kept), keepdims=True)

    z = list(given)
    left = keep([*x, *y, *z]) * keep(z)
    right = keep([*x, *z]) * keep([*y, *z])
    return bool(np.abs(left - right).max() <= tolerance)
