"""Rows with holes as copies of which each has its holes filled: what a chain says of known cells, holes summed out.

A chain tells p(x_i | all before), and before x_i there may be a hole.  With copies c of a row, each with values for its
holes and the weight w_c = p(what the copy has so far),

    p(x_i | known before) = sum_c w_c p(x_i | copy c) / sum_c w_c.

Where a row has few completions there is a copy for each, and that is exact.  Where it has many, there are as many
copies as are allowed, each draws its holes from p(hole | copy) as it comes to them, and only known cells weigh: the
product over a row is then an unbiased estimate of its marginal (likelihood weighting; Fung and Chang 1990), and every
factor of it a distribution, so that it is a code.  Holes that nothing known depends on need no copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.contract import DiscreteModel, Turns
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.states import states_between
from chainrule.tables.missing import hole_patterns

__all__ = ["Copies", "turns_of_copies"]

_TOGETHER, _LEAST, _MOST = 2**16, 16, 2**10  # copies of all rows of a table, and of one row


@dataclass(frozen=True, eq=False)
class Copies:
    """The copies of the rows of a table with ``holes`` (n, d): ``counts`` (n,) of each row, part of the format.

    ``patterns`` (P, d) are the different rows of ``holes``, ``which`` (n,) says which of them a row has, and
    ``matter`` (P, d) which holes something known depends on.
    """

    sizes: tuple[int, ...]
    patterns: NDArray[np.bool_]
    which: NDArray[np.intp]
    matter: NDArray[np.bool_]
    counts: NDArray[np.int64]

    @classmethod
    def of(
        cls, holes: NDArray[np.bool_], factors: Factorization, sizes: tuple[int, ...], most: int
    ) -> Copies:
        """At most ``most`` copies of a row.

        >>> factors = Factorization.of_order([0, 1, 2])
        >>> holes = np.array([[True, False, True], [False, False, True]])
        >>> Copies.of(holes, factors, (3, 2, 2), 100).counts.tolist()
        [3, 1]
        """
        patterns, which = hole_patterns(holes)
        matter = np.array([pattern & factors.needed(~pattern) for pattern in patterns], np.bool_)
        matter &= np.array(sizes) > 1
        completions = [prod(np.array(sizes, object)[m]) for m in matter]
        several = np.array([c > 1 for c in completions])[which].sum()
        allowed = min(int(np.clip(_TOGETHER // max(several, 1), _LEAST, _MOST)), most)
        counts = np.array([min(c, allowed) for c in completions], np.int64)
        return cls(sizes, patterns, which, matter, counts[which])

    def filled(self, rows: slice) -> tuple[NDArray[np.intp], NDArray[np.int32], NDArray[np.bool_]]:
        """Of some rows: the row (from 0) of each copy, values for its holes (m, d), which of these are drawn (m, d).

        A known cell has -1; a hole that does not matter 0, and one that is drawn 0 until then.
        """
        counts, which = self.counts[rows], self.which[rows]
        row = np.repeat(np.arange(len(counts)), counts)
        begins = np.cumsum(counts) - counts
        values = np.where(self.patterns[which[row]], 0, -1).astype(np.int32)
        drawn = np.zeros(values.shape, np.bool_)
        for pattern in np.unique(which):
            members = np.flatnonzero(which == pattern)
            summed, n = np.flatnonzero(self.matter[pattern]), int(counts[members[0]])
            shape = [self.sizes[i] for i in summed]
            at = (begins[members][:, None] + np.arange(n)).ravel()
            if prod(shape) > n:
                drawn[np.ix_(at, summed)] = True
            elif len(summed):
                each = states_between(0, n, shape)
                values[np.ix_(at, summed)] = np.tile(each, (len(members), 1))
        return row, values, drawn


def turns_of_copies(model: DiscreteModel, copies: Copies, rows: slice) -> Turns:
    """The turns of some rows with holes, column by column; what is sent for a hole does not matter."""
    row, values, drawn = copies.filled(rows)
    n, everyone = len(copies.counts[rows]), np.arange(len(row))
    weighs = (values < 0) | (copies.matter[copies.which[rows]][row] & ~drawn)
    generator = np.random.default_rng(0)  # the decoder draws the same
    starts = np.searchsorted(row, np.arange(n))
    log_w, turns = np.zeros(len(row)), model.states_in_turn(len(row))
    states: Any = None  # a generator begins so
    while True:
        try:
            columns, found = turns.send(states)
        except StopIteration:
            return
        states = values[:, columns]
        for t, (i, log_p) in enumerate(zip(columns.tolist(), found, strict=True)):
            sent: Any = yield np.array([i]), [_averaged(log_w, log_p, row, starts)]
            own = np.where(values[:, i] < 0, sent[row, 0], values[:, i])
            if drawn[:, i].any():
                own[drawn[:, i]] = _drawn(log_p[drawn[:, i]], generator)
            states[:, t] = own
            log_w = log_w + np.where(weighs[:, i], log_p[everyone, own], 0.0)


def _averaged(
    log_w: NDArray[np.float64], log_p: NDArray[np.float64], row: NDArray[np.intp], starts: NDArray[np.intp]
) -> NDArray[np.float64]:
    """log of the average over copies, (n, K); all copies count alike after an impossible beginning."""
    top = np.maximum.reduceat(log_w, starts)
    lost = np.isneginf(top)[row]
    w = np.exp(np.where(lost, 0.0, log_w - np.where(lost, 0.0, top[row])))
    total = np.add.reduceat(w[:, None] * np.exp(log_p), starts, axis=0)
    with np.errstate(divide="ignore"):  # log 0 = -inf is an impossible state
        return np.log(total / np.add.reduceat(w, starts)[:, None])


def _drawn(log_p: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.intp]:
    """A state for each row of ``log_p`` (n, K)."""
    ends = np.cumsum(np.exp(log_p), axis=1)[:, :-1]
    ends[ends >= 1 - 1e-15] = np.inf  # rounding must not reach a state of probability zero
    return (generator.random(len(log_p))[:, None] >= ends).sum(axis=1)
