"""The frozen mixture: N components with tables of their own, and what complete rows are worth under it.

    p(x) = sum_n w_n p(x | n)

Everything is computed in float64 from the log-odds, which are the parameters, so that the probabilities of all rows
sum to one within rounding.  Work on n rows is a product (n, terms) · (terms, N), of which sparse rows read only what
they add, and n N exponentials.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from chainrule.compiled.calls import loops_are_on, use_threads
from chainrule.core.numerics import log_sum_exp
from chainrule.models.latent_mixture.layout import ForestLayout

__all__ = ["Components", "blocks", "sum_components"]

_NUMBERS = 2**20  # rows times components that are held at once
_SPARSE = 0.1  # share of ones below which adding them is quicker than multiplying all; measured on one core
_EXPONENTIAL = 20  # multiply-adds that an exponential is worth

Codes = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Components:
    """``log_odds`` (width, N) float32 of ``layout.with_odds``, and ``log_weights`` (N,) that sum to one as weights."""

    layout: ForestLayout
    log_odds: NDArray[np.float32]
    log_weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.log_weights)

    @cached_property
    def tables(self) -> NDArray[np.float64]:
        """Each entry ``log p(x_i = k | x_parent = u)`` under each component, (entries, N)."""
        out = np.zeros((self.layout.n_entries, len(self)))
        out[self.layout.with_odds] = self.log_odds
        for group in self.layout.groups:
            for part in blocks(group, len(self) * group.shape[1]):
                out[part] -= log_sum_exp(out[part], axis=1)[:, None]
        return out

    @cached_property
    def terms(self) -> NDArray[np.float64]:
        """The terms under each component, (terms, N); the first holds the component's log-weight too."""
        out = self.layout.signed_sums @ self.tables
        out[0] += self.log_weights
        return out

    def log_prob(self, codes: Codes) -> NDArray[np.float64]:
        """``log p(x)`` of complete rows (n, d) in nats, (n,)."""
        parts = list(blocks(codes, len(self)))
        room = np.empty((len(parts[0]), len(self)))  # memory that is new each time would cost a third more
        return np.concatenate([sum_components(self.log_joint(part, room[: len(part)])) for part in parts])

    def log_joint(self, codes: Codes, out: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """``log w_n p(x | n)`` of complete rows (n, d), (n, N), in ``out`` if that is given and serves."""
        ones = self.layout.indicators(codes)
        if np.count_nonzero(ones) < _SPARSE * ones.size:
            return csr_array(ones, dtype=np.float64) @ self.terms
        return np.matmul(ones.astype(np.float64), self.terms, out=out)

    def prefixes(self, codes: Codes) -> NDArray[np.float64]:
        """``log p`` of the first t variables in ``layout.order``, t = 0 ... d, of complete rows (n, d): (n, d + 1)."""
        out = np.zeros((len(codes), 1 + codes.shape[1]))
        entries = self.layout.entries(codes)
        begin = 0
        for part in blocks(entries, len(self)):
            joint = np.repeat(self.log_weights[None], len(part), axis=0)
            for t, i in enumerate(self.layout.order):
                joint += self.tables[part[:, i]]
                out[begin : begin + len(part), t + 1] = sum_components(joint)
            begin += len(part)
        return out


def sum_components(joint: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log of the sum of ``exp(joint)`` (n, N) over components, (n,), by a compiled loop where there may be one."""
    if loops_are_on():
        from chainrule.models.latent_mixture.loops import log_sums

        return log_sums(joint, use_threads(_EXPONENTIAL * joint.size))
    return log_sum_exp(joint, axis=1)


def blocks(rows: NDArray[Any], width: int) -> Iterator[NDArray[Any]]:
    """``rows`` in parts of which each makes about 2^20 numbers, ``width`` a row; one empty part of no rows."""
    together = max(1, _NUMBERS // max(width, 1))
    for begin in range(0, max(len(rows), 1), together):
        yield rows[begin : begin + together]
