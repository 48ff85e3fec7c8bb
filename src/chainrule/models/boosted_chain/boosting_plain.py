"""Boosted trees for one variable, written from the definition: what ``boosting_loops`` does, in numpy and slowly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrule.models.boosted_chain.boosting_loops import LEAST, TIE, Limits, Rows
from chainrule.models.boosted_chain.trees import Codes, walk

__all__ = ["boost_plain"]

Tree = tuple[NDArray[np.int32], NDArray[np.float64]]  # nodes (T, 4) and values (T,)


def boost_plain(
    i: int,
    rows: Rows,
    held_out: Codes,
    held_weights: NDArray[np.float64],
    bias: NDArray[np.float64],
    use: NDArray[np.bool_],
    limits: Limits,
) -> tuple[list[list[Tree]], NDArray[np.float64]]:
    """The trees of variable i, by round and log-odds, and the loss of held-out rows after 0, 1, ... rounds."""
    z, vz = (np.repeat(bias[None], len(codes), axis=0) for codes in (rows.codes, held_out))
    curve, rounds = [_loss(held_out[:, i], held_weights, vz)], []
    for t in range(limits.rounds[i] if i > 0 and len(bias) else 0):
        p = _probabilities(z)
        rounds.append([])
        for k in range(len(bias)):
            g = rows.weights * ((rows.codes[:, i] == k + 1) - p[:, k + 1])
            h = rows.weights * p[:, k + 1] * (1 - p[:, k + 1])
            nodes, values = _tree(i, rows, g, h, use[t * len(bias) + k], limits)
            rounds[-1].append((nodes, values))
            z[:, k] += values[walk(nodes, 0, rows.codes)]
            vz[:, k] += values[walk(nodes, 0, held_out)]
        if len(held_out):
            curve.append(_loss(held_out[:, i], held_weights, vz))
            if len(curve) - 1 - int(np.argmin(curve)) >= limits.patience:
                break
    return rounds, np.array(curve)


def _probabilities(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of all states, (n, K), from log-odds against the first."""
    scores = np.concatenate([np.zeros((len(z), 1)), z], axis=1)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def _loss(x: Codes, weights: NDArray[np.float64], z: NDArray[np.float64]) -> float:
    return float(-(weights * np.log(_probabilities(z)[np.arange(len(x)), x])).sum())


def _tree(
    i: int,
    rows: Rows,
    g: NDArray[np.float64],
    h: NDArray[np.float64],
    use: NDArray[np.bool_],
    limits: Limits,
) -> Tree:
    nodes, members = [[-1, 0, 0, 0]], [np.arange(len(g))]
    best = [_best(i, rows, members[0], g, h, use, limits)]
    while len(nodes) < 2 * limits.leaves - 1:
        top, t = LEAST, -1
        for q, (gain, _) in enumerate(best):
            if nodes[q][0] < 0 and gain > top * TIE:
                top, t = gain, q
        if t < 0:
            break
        j, low, high = best[t][1]
        x = rows.codes[members[t], j]
        yes = (low <= x) & (x <= high)
        nodes[t] = [j, low, high, len(nodes)]
        for side in (~yes, yes):
            nodes.append([-1, 0, 0, 0])
            members.append(members[t][side])
            best.append(_best(i, rows, members[-1], g, h, use, limits))
    values = [limits.rate * g[m].sum() / (h[m].sum() + limits.ridge) for m in members]
    leaf = np.array(nodes)[:, 0] < 0
    return np.array(nodes, np.int32), np.where(leaf, values, 0.0)


def _best(
    i: int,
    rows: Rows,
    members: NDArray[np.intp],
    g: NDArray[np.float64],
    h: NDArray[np.float64],
    use: NDArray[np.bool_],
    limits: Limits,
) -> tuple[float, tuple[int, int, int]]:
    """The largest gain of a split, and which it is."""
    top, split = LEAST, (-1, 0, 0)
    g, h = g[members], h[members]
    for j in np.flatnonzero(use[:i]).tolist():
        size, x = int(rows.sizes[j]), rows.codes[members, j]
        splits = [(k, k) for k in range(size) if size != 2 or k]
        if rows.ordered[j] and size > 3:
            splits += [(k, size - 1) for k in range(size - 2, 1, -1)]
        for low, high in splits:
            yes = (low <= x) & (x <= high)
            sides = [(g[side].sum(), h[side].sum()) for side in (yes, ~yes)]
            if min(sides[0][1], sides[1][1]) < limits.least_hessian:
                continue
            worth = [a * a / (b + limits.ridge) for a, b in (*sides, (g.sum(), h.sum()))]
            gain = float(worth[0] + worth[1] - worth[2])
            if gain > top * TIE:
                top, split = gain, (j, low, high)
    return (top if split[0] >= 0 else 0.0), split
