"""Boosted trees for the log-odds of every variable given those before it.

Trees are added one by one, each a Newton step on the log-likelihood (Friedman, Hastie and Tibshirani 2000; Chen and
Guestrin 2016).  With p_k the probability of state k of a row of weight w under the trees so far,

    g = w ([x_i = k] - p_k),   h = w p_k (1 - p_k),

a leaf adds rate * sum g / (sum h + ridge) to the log-odds of its rows, and a split in rows A and B gains
G_A^2 / (H_A + ridge) + G_B^2 / (H_B + ridge) - G^2 / (H + ridge) for the sums G and H over rows.  A round is one tree
for each of the K - 1 log-odds.  Equal rows are one row with a weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.compiled.calls import loops_are_on, use_threads
from chainrule.core.checks import check_size
from chainrule.core.progress import track
from chainrule.models.boosted_chain.boosting_loops import Found, Limits, Rows, boost_variables
from chainrule.models.boosted_chain.boosting_plain import boost_plain
from chainrule.models.boosted_chain.trees import BoostedTrees, Codes
from chainrule.models.shared.coding import Coding

__all__ = ["Boosted", "Problem", "assembled", "boost", "different_rows"]

_PRIOR = 0.5  # added to the count of each state before boosting starts, so that no state is impossible


@dataclass(frozen=True, eq=False)
class Problem:
    """Rows (n, d) with weights, the ``order`` of their variables and which of them are ``ordered``."""

    sizes: tuple[int, ...]
    order: NDArray[np.intp]
    ordered: NDArray[np.bool_]
    codes: Codes
    weights: NDArray[np.float64]
    seed: int
    column_share: float

    def by_place(self, codes: Codes) -> NDArray[np.int32]:
        """Rows with their columns in the order of generation."""
        return np.ascontiguousarray(codes[:, self.order], np.int32)

    def bias(self, i: int) -> NDArray[np.float64]:
        """The log-odds (K - 1,) of the variable at place i by how often it has each state."""
        c = self.order[i]
        counts = np.bincount(self.codes[:, c], self.weights, self.sizes[c]) + _PRIOR
        return np.log(counts[1:]) - np.log(counts[0])

    def use(self, i: int, n_trees: int) -> NDArray[np.bool_]:
        """Which variables before place i each tree may ask for, (n_trees, d); at least one."""
        rng = np.random.default_rng([self.seed, i])
        out = np.zeros((n_trees, len(self.order)), np.bool_)
        if i:
            out[:, :i] = rng.random((n_trees, i)) < self.column_share
            out[np.arange(n_trees), rng.integers(i, size=n_trees)] = True
        return out


@dataclass(frozen=True, eq=False)
class Boosted:
    """The trees of the variable at one place: ``nodes`` (rounds, K - 1, nodes, 4), ``values`` (rounds, K - 1, nodes).

    Nodes that a tree does not have are marked by -2.  ``curve`` is the loss of held-out rows by rounds.
    """

    nodes: NDArray[np.int32]
    values: NDArray[np.float64]
    curve: NDArray[np.float64]


def boost(
    problem: Problem, limits: Limits, held_out: Codes, held_weights: NDArray[np.float64], label: str
) -> list[Boosted]:
    """Trees for the variable at each place, at most ``limits.rounds`` of them (d,)."""
    rows, other = _rows(problem), problem.by_place(held_out)
    d = len(problem.order)
    check_size(
        _bytes_of_trees(rows, limits, d), "boosting one variable", instead="set fewer rounds or leaves"
    )
    if not loops_are_on():
        return [_plain(i, problem, rows, other, held_weights, limits) for i in track(range(d), label)]
    threads = use_threads(float(limits.rounds.sum()) * (len(rows.others) + len(rows.codes)) * d)
    blocks = [np.arange(d)[first : first + threads] for first in range(0, d, threads)]
    return [
        found
        for block in track(blocks, label)
        for found in _boost_block(block, problem, rows, other, held_weights, limits, threads)
    ]


def _boost_block(
    block: NDArray[np.intp],
    problem: Problem,
    rows: Rows,
    other: NDArray[np.int32],
    held_weights: NDArray[np.float64],
    limits: Limits,
    threads: int,
) -> list[Boosted]:
    widest = max(int(rows.sizes[block].max()) - 1, 1)
    rounds, n_nodes = int(limits.rounds[block].max()), 2 * limits.leaves - 1
    bias = np.zeros((len(block), widest))
    use = np.zeros((len(block), rounds * widest, len(problem.order)), bool)
    for b, i in enumerate(block):
        own = problem.bias(i)
        bias[b, : len(own)] = own
        trees = _trees_of(
            i, rows, limits
        )  # of its own, so that nothing depends on what is in a block with it
        use[b, :trees] = problem.use(i, trees)
    found = Found(
        np.zeros((len(block), rounds * widest, n_nodes, 4), np.int32),
        np.zeros((len(block), rounds * widest, n_nodes)),
        np.zeros((len(block), rounds + 1)),
        np.zeros(len(block), np.int64),
    )
    boost_variables(block, rows, other, held_weights, bias, use, limits, found, threads)
    out = []
    for b, i in enumerate(block):
        width, done = int(rows.sizes[i]) - 1, int(found.done[b])
        shape = (done, width, n_nodes)
        nodes = found.nodes[b, : done * width].reshape(*shape, 4).copy()
        values = found.values[b, : done * width].reshape(shape).copy()
        out.append(Boosted(nodes, values, found.curves[b, : done + 1].copy()))
    return out


def _plain(
    i: int,
    problem: Problem,
    rows: Rows,
    other: NDArray[np.int32],
    held_weights: NDArray[np.float64],
    limits: Limits,
) -> Boosted:
    width, n_nodes = int(rows.sizes[i]) - 1, 2 * limits.leaves - 1
    use = problem.use(i, _trees_of(i, rows, limits))
    rounds, curve = boost_plain(i, rows, other, held_weights, problem.bias(i), use, limits)
    nodes = np.full((len(rounds), width, n_nodes, 4), -2, np.int32)
    values = np.zeros((len(rounds), width, n_nodes))
    for t, trees in enumerate(rounds):
        for k, (of_tree, at) in enumerate(trees):
            nodes[t, k, : len(of_tree)], values[t, k, : len(of_tree)] = of_tree, at
    return Boosted(nodes, values, curve)


def _bytes_of_trees(rows: Rows, limits: Limits, d: int) -> int:
    """Of the largest variable: what its trees may ask for, their nodes and values."""
    trees = max(_trees_of(i, rows, limits) for i in range(d))
    return trees * (d + (2 * limits.leaves - 1) * (4 * 4 + 8))


def _trees_of(i: int, rows: Rows, limits: Limits) -> int:
    """Most trees of the variable at place ``i``: one each round for each of its states but the first."""
    return int(limits.rounds[i]) * max(int(rows.sizes[i]) - 1, 1)


def _rows(problem: Problem) -> Rows:
    codes = problem.by_place(problem.codes)
    sizes = np.array(problem.sizes, np.int64)[problem.order]
    begins = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    usual = np.array(
        [int(np.bincount(x, problem.weights, k).argmax()) for x, k in zip(codes.T, sizes, strict=True)]
    )
    r, j = np.nonzero(codes != usual)
    starts = np.concatenate([[0], np.cumsum(np.bincount(r, minlength=len(codes)))]).astype(np.int64)
    others = (begins[j] + codes[r, j]).astype(np.int32)
    ordered = problem.ordered[problem.order]
    return Rows(codes, problem.weights, starts, others, sizes, begins, usual, ordered)


def different_rows(codes: Codes, weights: NDArray[np.float64] | None) -> tuple[Codes, NDArray[np.float64]]:
    """The different rows, and how much each weighs; rows of weight 0 are left out.

    >>> different_rows(np.array([[0, 1], [1, 1], [0, 1]]), None)[1].tolist()
    [2.0, 1.0]
    """
    if weights is not None:
        codes, weights = codes[weights > 0], weights[weights > 0]
    whole = np.ascontiguousarray(codes)
    key = whole.view(np.dtype((np.void, whole.itemsize * whole.shape[1]))).ravel()
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    return whole[first], np.bincount(which.reshape(-1), weights, len(first)).astype(np.float64)


def assembled(problem: Problem, found: Sequence[Boosted], keep: NDArray[np.int64]) -> BoostedTrees:
    """The first ``keep`` rounds of the variable at each place as one value, by columns of the table."""
    coding = Coding(problem.sizes)
    place = np.empty(len(problem.order), np.intp)
    place[problem.order] = np.arange(len(problem.order))
    nodes: list[NDArray[Any]] = [np.empty((0, 4), np.int32)]
    values, lengths, ends = [np.empty(0)], [np.empty(0, np.int64)], [0]
    for column in range(len(place)):
        i = place[column]
        kept = found[i].nodes[: keep[i]].swapaxes(0, 1)  # (K - 1, rounds, nodes, 4)
        there = kept[..., 0] != -2
        lengths.append(there.sum(axis=-1).ravel())
        nodes.append(kept[there])
        values.append(found[i].values[: keep[i]].swapaxes(0, 1)[there])
        ends += [ends[-1] + kept.shape[1] * (k + 1) for k in range(len(kept))]
    length = np.concatenate(lengths)
    roots = np.cumsum(length) - length
    all_nodes = np.concatenate(nodes)
    inner = all_nodes[:, 0] >= 0
    all_nodes[inner, 3] += np.repeat(roots, length)[inner].astype(np.int32)
    all_nodes[inner, 0] = problem.order[all_nodes[inner, 0]]
    bias = [problem.bias(int(i)) for i in place]
    return BoostedTrees(
        coding,
        all_nodes,
        np.concatenate(values),
        roots.astype(np.int64),
        np.array(ends, np.int64),
        np.concatenate(bias),
    )
