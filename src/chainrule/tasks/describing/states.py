"""How probable the states of columns, and of pairs of columns, are under a model: exact where that is cheap.

Three ways, in this order: all joint states are summed where they are few; a model that sums out any missing values is
asked for rows in which only one cell, or two, are known; else rows are drawn from the model and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.core.forks import cached_property
from chainrule.models.bayesian_network.pair_counts import PairCounts, count_pairs
from chainrule.models.contract import DiscreteModel
from chainrule.models.shared.states import n_states, states_between
from chainrule.tables.missing import MISSING
from chainrule.tables.table import Table

__all__ = ["ModelStates", "known_shares"]

_MOST_JOINT = 2**14  # joint states that are summed over
_MOST_ASKED = 20_000  # rows of one or two known cells that a model is asked for
_TOGETHER = 4_096


@dataclass(frozen=True)
class ModelStates:
    """The states of a model's columns: probabilities of single ones and of pairs, from ``n_draws`` draws if any."""

    model: DiscreteModel
    draws: int
    seed: int

    def singles(self) -> tuple[list[NDArray[np.float64]], int | None]:
        """p(x = k) of each state of each column, and how many draws it comes from (``None``: it is exact)."""
        sizes = self.model.schema_.sizes
        if self._is_small:
            return known_shares(self._joint), None
        if self.model.marginalises_ == "any" and sum(sizes) <= _MOST_ASKED:
            try:
                return self._asked_singles(), None
            except TooLargeError:
                pass  # its graph is too dense for that: its draws are still exact
        return known_shares(self._drawn), self.draws

    def pairs(self, columns: list[str]) -> tuple[PairCounts, int | None]:
        """The probabilities of all pairs of states of these columns, as counts that sum to one, or counts of draws."""
        if self._is_small:
            return count_pairs(self._joint.select(columns)), None
        size = sum(self.model.schema_[name].size for name in columns)
        if self.model.marginalises_ == "any" and size**2 / 2 <= _MOST_ASKED:
            try:
                return self._asked_pairs(columns), None
            except TooLargeError:
                pass
        return count_pairs(self._drawn.select(columns)), self.draws

    @property
    def _is_small(self) -> bool:
        return n_states(self.model.schema_.sizes) <= _MOST_JOINT

    @cached_property
    def _joint(self) -> Table:
        """Every row that there can be, weighing its probability."""
        schema = self.model.schema_
        every = states_between(0, n_states(schema.sizes), schema.sizes)
        return Table(schema, every, np.exp(self.model.log_prob(Table(schema, every))))

    @cached_property
    def _drawn(self) -> Table:
        model = self.model
        return Table.read(model.sample(self.draws, rng=self.seed), schema=model.schema_)

    def _asked_singles(self) -> list[NDArray[np.float64]]:
        sizes = self.model.schema_.sizes
        places = [((j, k),) for j, size in enumerate(sizes) for k in range(size)]
        p = np.fromiter(self._asked(places), np.float64, len(places))
        return np.split(p, np.cumsum(sizes)[:-1])

    def _asked_pairs(self, columns: list[str]) -> PairCounts:
        schema = self.model.schema_
        states = [(schema.index(name), k) for name in columns for k in range(schema[name].size)]
        upper = [(a, b) for a in range(len(states)) for b in range(a, len(states))]
        possible = [(a, b) for a, b in upper if a == b or states[a][0] != states[b][0]]
        counts = np.zeros((len(states), len(states)))
        asked = self._asked([(states[a], states[b]) for a, b in possible])
        for (a, b), p in zip(possible, asked, strict=True):
            counts[a, b] = counts[b, a] = p
        known = np.ones((len(columns), len(columns)), np.int64)
        return PairCounts(schema.select(columns), counts, known, 1)

    def _asked(self, known: list[tuple[tuple[int, int], ...]]) -> Iterator[float]:
        """The probability of each list of (column, state), all else unknown."""
        schema = self.model.schema_
        for start in range(0, len(known), _TOGETHER):
            part = known[start : start + _TOGETHER]
            codes = np.full((len(part), len(schema)), MISSING, np.int32)
            for row, cells in zip(codes, part, strict=True):
                for j, k in cells:
                    row[j] = k
            yield from np.exp(self.model.log_prob(Table(schema, codes))).tolist()


def known_shares(table: Table) -> list[NDArray[np.float64]]:
    """The share of each state among the known cells of each column, by weight; zeros where none is known."""
    weights = np.ones(table.n_rows) if table.weights is None else table.weights
    shares = []
    for j, size in enumerate(table.schema.sizes):
        codes = table.codes[:, j].astype(np.intp)
        there = codes >= 0
        counts = np.bincount(codes[there], weights[there], minlength=size)
        shares.append(counts / (counts.sum() or 1.0))
    return shares
