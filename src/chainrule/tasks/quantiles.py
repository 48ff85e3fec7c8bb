"""How unusual rows are: compared with rows that the model itself draws, the same cells hidden.

Where what is known of a row has no more states than there are draws to compare with, its quantile is exact: the
probability of all states that are at most as probable.  Else it is the share of N draws, (1 + k) / (1 + N).  Each
pattern of holes needs the marginals of the draws under that pattern, so that patterns share the work: N falls where
there are many of them or a marginal is costly, down to 20.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.core.progress import track
from chainrule.models.contract import DiscreteModel
from chainrule.models.shared.states import states_between
from chainrule.tables.missing import MISSING, hole_patterns
from chainrule.tables.table import Table
from chainrule.tasks.cells import answering

__all__ = ["Quantiles", "quantiles_of"]

_WORK = 1_000_000  # rows scored for all patterns of holes together, completions of a row among them
_LEAST, _MOST = 20, 1_000  # draws for a pattern of holes
_TOGETHER = 20_000  # rows scored together
_SAME = 1e-9  # nats, relative: below that a row and a draw are equally probable


@dataclass(frozen=True, eq=False)
class Quantiles:
    """``shares`` (n,) and the number of ``draws`` (n,) that each is from, 0 where it is exact.

    NaN where the model refuses draws with the holes of a row, though it answered the row.
    """

    shares: NDArray[np.float64]
    draws: NDArray[np.int64]


def quantiles_of(
    model: DiscreteModel, table: Table, nats: NDArray[np.float64], draws: int, seed: int
) -> Quantiles:
    """How probable it is that a row of the model is at most as probable as each row, by at most ``draws`` of them.

    Rows are compared with draws of the model that answered them, where there are two.
    """
    found = Quantiles(np.full(len(nats), np.nan), np.zeros(len(nats), np.int64))
    for answerer, rows in answering(model, table):
        drawn = Table.read(answerer.sample(draws, rng=seed), schema=answerer.schema_).codes.astype(np.int32)
        part = _of_one(answerer, table[rows], nats[rows], drawn)
        found.shares[rows], found.draws[rows] = part.shares, part.draws
    return found


def _of_one(
    model: DiscreteModel, table: Table, nats: NDArray[np.float64], drawn: NDArray[np.int32]
) -> Quantiles:
    patterns, which = hole_patterns(table.missing)
    references = [_Reference.of(model, holes, len(patterns), len(drawn)) for holes in patterns]
    out = Quantiles(np.full(len(nats), np.nan), np.array([r.draws for r in references], np.int64)[which])
    by_pattern = np.split(np.argsort(which, kind="stable"), np.cumsum(np.bincount(which))[:-1])
    for places, log_p in _scored(model, references, drawn):
        for p, found in zip(places, log_p, strict=True):
            out.shares[by_pattern[p]] = references[p].shares(-found, nats[by_pattern[p]])
    return out


@dataclass(frozen=True, eq=False)
class _Reference:
    """What rows with these ``holes`` (d,) are compared with: so many ``draws``, or 0 for all states of the rest."""

    sizes: tuple[int, ...]
    holes: NDArray[np.bool_]
    draws: int

    @classmethod
    def of(cls, model: DiscreteModel, holes: NDArray[np.bool_], n_patterns: int, most: int) -> _Reference:
        sizes = model.schema_.sizes
        if holes.any():
            fair = _WORK // (n_patterns * _completions(model, holes))
            most = min(most, max(_LEAST, min(fair, _MOST)))
        every = cls(sizes, holes, 0)
        return every if every.n_rows <= most else cls(sizes, holes, most)

    @property
    def n_rows(self) -> int:
        """The number of rows to score."""
        return self.draws or _joint_states(self.sizes, ~self.holes)

    def rows(self, drawn: NDArray[np.int32]) -> NDArray[np.int32]:
        """The rows to score, (N, d)."""
        if self.draws:
            return np.where(self.holes, MISSING, drawn[: self.draws]).astype(np.int32)
        known = np.flatnonzero(~self.holes)
        out = np.full((self.n_rows, len(self.sizes)), MISSING, np.int32)
        if len(known):
            out[:, known] = states_between(0, len(out), [self.sizes[i] for i in known])
        return out

    def shares(self, reference: NDArray[np.float64], nats: NDArray[np.float64]) -> NDArray[np.float64]:
        """The quantiles of rows with ``nats``, from those of the rows they are compared with."""
        order = np.argsort(reference)
        slack = _SAME * (1 + np.abs(np.where(np.isinf(nats), 0.0, nats)))
        begin = np.searchsorted(reference[order], nats - slack, side="left")
        if self.draws:
            return (1 + len(reference) - begin) / (1 + len(reference))
        mass = np.append(
            np.exp(-reference[order][::-1]).cumsum()[::-1], 0.0
        )  # of each state and less probable ones
        return np.minimum(mass[begin] / mass[0], 1.0)


def _completions(model: DiscreteModel, holes: NDArray[np.bool_]) -> int:
    """How many rows a row with these holes is scored as."""
    if model.marginalises_ == "any":
        return 1
    factors = model.factors_
    summed = holes if factors is None else holes & factors.needed(~holes)
    return _joint_states(model.schema_.sizes, summed)


def _joint_states(sizes: tuple[int, ...], which: NDArray[np.bool_]) -> int:
    return prod(k for k, inside in zip(sizes, which.tolist(), strict=True) if inside)


def _scored(
    model: DiscreteModel, references: list[_Reference], drawn: NDArray[np.int32]
) -> Iterator[tuple[list[int], list[NDArray[np.float64]]]]:
    """The places of references, and log p of the rows of each; those that the model refuses are left out."""
    block = np.cumsum([r.n_rows for r in references]) // _TOGETHER
    parts = np.split(np.arange(len(references)), np.flatnonzero(np.diff(block)) + 1)
    for places in track([part.tolist() for part in parts], "comparing with draws"):
        try:
            yield places, _log_prob(model, [references[p].rows(drawn) for p in places])
        except TooLargeError:
            for p in places:
                try:
                    yield [p], _log_prob(model, [references[p].rows(drawn)])
                except TooLargeError:
                    continue


def _log_prob(model: DiscreteModel, rows: list[NDArray[np.int32]]) -> list[NDArray[np.float64]]:
    found = model.log_prob(Table(model.schema_, np.concatenate(rows)))
    return np.split(found, np.cumsum([len(part) for part in rows])[:-1])
