"""What rows with holes are expected to hold of each pair of states, given a tree: exactly, by messages (Pearl 1988).

With the evidence e of a row, λ_v(k) = p(e below v | x_v = k) comes up the tree, and p(x_v | e) and

    p(x_v | x_u, e) = p(x_v | x_u) λ_v(x_v) / Σ        for the parent u of v

go down.  Of two variables i and j the joint is the product of their marginals and their covariance, which travels along
the tree as a matrix, cov(i, v) = cov(i, u) p(x_v | x_u, e), and ends where a variable is known: what the product of
marginals says of all pairs is one product of matrices, and little is left to add.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Forest", "expected_pairs"]

_BLOCK_BYTES = 2**26

Covariance = tuple[NDArray[np.intp], NDArray[np.float64]]  # rows, and (rows, K_i, K_v) of each


@dataclass(frozen=True)
class Forest:
    """Variables in an ``order`` with parents first, the ``parent`` of each (-1: none), and p(x_v | parent) of each."""

    order: tuple[int, ...]
    parent: tuple[int, ...]
    tables: tuple[NDArray[np.float64], ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of states."""
        return tuple(table.shape[-1] for table in self.tables)


def expected_pairs(
    forest: Forest, codes: NDArray[np.integer[Any]], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Expected counts (S, S) of all pairs of states in rows of ``codes`` (m, d), -1 unknown, and their log-likelihood.

    Rows count their weight.  The log-likelihood of what they know is in nats; ``-inf`` where one is impossible.

    >>> forest = Forest((0, 1), (-1, 0), (np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.1, 0.9]])))
    >>> counts, log_likelihood = expected_pairs(forest, np.array([[-1, 0]]), np.array([10.0]))
    >>> counts.round(9).tolist()[0], round(float(np.exp(log_likelihood / 10)), 9)
    ([9.0, 0.0, 9.0, 0.0], 0.5)
    """
    n_states = sum(forest.sizes)
    counts, total = np.zeros((n_states, n_states)), 0.0
    step = max(1, _BLOCK_BYTES // (8 * n_states**2))
    for start in range(0, len(codes), step):
        block = slice(start, start + step)
        rows = _Rows(forest, codes[block], weights[block])
        counts += rows.pairs()
        total += float(weights[block] @ rows.log_prob)
    return counts, total


class _Rows:
    """Some rows under a forest: ``log_prob`` (m,) of what they know, marginals, and how what they do not know hangs."""

    def __init__(self, forest: Forest, codes: NDArray[np.integer[Any]], weights: NDArray[np.float64]) -> None:
        self._forest, self._codes, self._weights = forest, codes, weights
        self._starts = np.cumsum([0, *forest.sizes])
        self._up, self._to_parent, self.log_prob = self._messages()
        self._marginals = self._posteriors()

    def _messages(self) -> tuple[list[NDArray], list[NDArray], NDArray[np.float64]]:
        """λ of each variable, divided by its largest entry, what it sends to its parent, and the mass of each row."""
        forest, codes = self._forest, self._codes
        up = [
            np.where(codes[:, [v]] < 0, 1.0, codes[:, [v]] == np.arange(k))
            for v, k in enumerate(forest.sizes)
        ]
        sent: list[NDArray] = [np.empty(0)] * len(up)
        log_mass = np.zeros(len(codes))
        with np.errstate(divide="ignore", invalid="ignore"):  # an impossible row is -inf, and then all is
            for v in reversed(forest.order):
                scale = up[v].max(axis=1, keepdims=True)
                up[v] = up[v] / scale
                sent[v] = up[v] @ forest.tables[v].T if forest.parent[v] >= 0 else up[v] @ forest.tables[v]
                log_mass += np.log(scale[:, 0])
                if forest.parent[v] >= 0:
                    up[forest.parent[v]] = up[forest.parent[v]] * sent[v]
                else:
                    log_mass += np.log(sent[v])
        return up, sent, np.where(np.isnan(log_mass), -np.inf, log_mass)

    def _given_parent(self, v: int, rows: Any) -> NDArray[np.float64]:
        """p(x_v | x_u, e) of its parent u, (rows, K_u, K_v); 0 where x_u is impossible."""
        up, sent = self._up[v][rows], self._to_parent[v][rows]
        joint = self._forest.tables[v] * up[:, None, :]
        return np.divide(joint, sent[:, :, None], out=np.zeros_like(joint), where=sent[:, :, None] > 0)

    def _posteriors(self) -> list[NDArray[np.float64]]:
        """p(x_v | e) of each variable, (m, K_v)."""
        out: list[NDArray] = [np.empty(0)] * len(self._up)
        for v in self._forest.order:
            u = self._forest.parent[v]
            if u < 0:
                out[v] = self._forest.tables[v] * self._up[v]
                out[v] = out[v] / np.maximum(out[v].sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
            else:
                out[v] = np.einsum("mu,muv->mv", out[u], self._given_parent(v, slice(None)))
        return out

    def pairs(self) -> NDArray[np.float64]:
        """Expected counts (S, S) of all pairs of states."""
        shown = np.concatenate(self._marginals, axis=1)
        counts = (shown * self._weights[:, None]).T @ shown
        around: dict[int, dict[int, Covariance]] = {}
        for v in self._forest.order:
            around[v] = {v: self._variance(v)}
            for i, (rows, covariance) in list(around.get(self._forest.parent[v], {}).items()):
                open_rows = self._codes[rows, v] < 0
                if open_rows.any():
                    rows = rows[open_rows]
                    found = covariance[open_rows] @ self._given_parent(v, rows)
                    around[v][i], around[i][v] = (rows, found), (rows, found.transpose(0, 2, 1))
            for i, (rows, covariance) in around[v].items():
                self._add(counts, i, v, np.tensordot(self._weights[rows], covariance, axes=1))
        return counts

    def _variance(self, v: int) -> Covariance:
        rows = np.flatnonzero(self._codes[:, v] < 0)
        p = self._marginals[v][rows]
        return rows, p[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])

    def _add(self, counts: NDArray[np.float64], i: int, v: int, block: NDArray[np.float64]) -> None:
        here, there = (slice(self._starts[j], self._starts[j + 1]) for j in (i, v))
        counts[here, there] += block
        if i != v:
            counts[there, here] += block.T
