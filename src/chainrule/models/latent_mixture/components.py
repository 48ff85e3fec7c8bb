"""The frozen mixture: N components with tables of their own, and what complete rows are worth under it.

    p(x) = sum_n w_n p(x | n)

Everything is computed in float64 from the log-odds, which are the parameters, so that the probabilities of all rows
sum to one within rounding.  Work on n rows is a product (n, terms) · (terms, N), of which sparse rows read only what
they add, and n N exponentials.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from chainrule.compiled.calls import loops_are_on, use_threads
from chainrule.core.forks import cached_property
from chainrule.core.numerics import log_sum_exp
from chainrule.core.progress import track
from chainrule.models.latent_mixture.layout import Codes, Layout
from chainrule.models.shared.state_columns import state_begins

__all__ = ["Components", "blocks", "draw_from", "sum_components"]

_NUMBERS = 2**20  # rows times components that are held at once
_SPARSE = 0.1  # share of ones below which adding them is quicker than multiplying all; measured on one core
_WALKED = 8  # as many times fewer rows where sums grow variable by variable, so that they stay near
_EXPONENTIAL = 20  # multiply-adds that an exponential is worth


@dataclass(frozen=True, eq=False)
class Components:
    """``log_odds`` (width, N) float32 of ``layout.with_odds``, and ``log_weights`` (N,) that sum to one as weights."""

    layout: Layout
    log_odds: NDArray[np.float32]
    log_weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.log_weights)

    @cached_property
    def tables(self) -> NDArray[np.float64]:
        """Each entry ``log p(x_i = k | context)`` under each component, (entries, N)."""
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
        steps = track(parts, "scoring rows")
        return np.concatenate([sum_components(self.log_joint(part, room[: len(part)])) for part in steps])

    def log_joint(self, codes: Codes, out: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """``log w_n p(x | n)`` of complete rows (n, d), (n, N), in ``out`` if that is given and serves."""
        active, n_terms = self.layout.active(codes), self.layout.n_terms
        there = active < n_terms
        if np.count_nonzero(there) < _SPARSE * len(active) * n_terms:
            ends = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
            columns = active[there]
            ones = csr_array((np.ones(len(columns)), columns, ends), shape=(len(active), n_terms))
            return ones @ self.terms
        ones = np.zeros((len(active), n_terms + 1))
        np.put_along_axis(ones, active, 1.0, axis=1)
        return np.matmul(ones[:, :n_terms], self.terms, out=out)

    def prefixes(self, codes: Codes) -> NDArray[np.float64]:
        """``log p`` of the first t variables in ``layout.order``, t = 0 ... d, of complete rows (n, d): (n, d + 1)."""
        out = np.zeros((len(codes), 1 + codes.shape[1]))
        for begin, joint, entries in self._walks(codes):
            for t, i in enumerate(self.layout.order):
                joint += self.tables[entries[:, i]]
                out[begin : begin + len(joint), t + 1] = sum_components(joint)
        return out

    def state_scores(self, codes: Codes) -> NDArray[np.float64]:
        """``log p(x_i = k, what is before it in layout.order)`` of all states side by side, (n, Σ K_i)."""
        begins = state_begins(self.layout.sizes)
        out = np.empty((len(codes), int(begins[-1])))
        for begin, joint, entries in self._walks(codes):
            heads = entries - codes[begin : begin + len(joint)]
            for i in self.layout.order:
                for k in range(self.layout.sizes[i]):
                    scores = joint + self.tables[heads[:, i] + k]
                    out[begin : begin + len(joint), begins[i] + k] = sum_components(scores)
                joint += self.tables[entries[:, i]]
        return out

    def scores_in_turn(self, n: int) -> Generator[NDArray[np.float64], Any, None]:
        """``state_scores`` (n, K_i) of one variable after the other in ``layout.order``; wants to be sent its codes."""
        codes = np.zeros((n, len(self.layout.sizes)), np.int32)
        joint = np.repeat(self.log_weights[None], n, axis=0)
        for i in self.layout.order.tolist():
            heads, found = self.layout.heads(codes)[:, i], np.empty((n, self.layout.sizes[i]))
            for rows in blocks(np.arange(n), _WALKED * len(self)):
                for k in range(found.shape[1]):
                    found[rows, k] = sum_components(joint[rows] + self.tables[heads[rows] + k])
            codes[:, i] = yield found
            for rows in blocks(np.arange(n), _WALKED * len(self)):
                joint[rows] += self.tables[heads[rows] + codes[rows, i]]

    def _walks(self, codes: Codes) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.intp]]]:
        """Blocks of complete rows: the first, the log-weights (rows, N) to begin from, and the rows' entries."""
        begin = 0
        parts = list(blocks(self.layout.entries(codes), _WALKED * len(self)))
        for entries in track(parts, "scoring rows by variable"):
            yield begin, np.repeat(self.log_weights[None], len(entries), axis=0), entries
            begin += len(entries)


def draw_from(scores: NDArray[np.float64], uniforms: NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices (m,) drawn with probabilities in proportion to ``exp(scores)`` (n,), by ``uniforms`` (m,).

    >>> draw_from(np.log([1.0, 3.0]), np.array([0.2, 0.3])).tolist()
    [0, 1]
    """
    shares = np.exp(scores - scores.max()).cumsum()
    found = np.searchsorted(shares, uniforms * shares[-1], side="right")
    return np.minimum(found, len(scores) - 1)


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
