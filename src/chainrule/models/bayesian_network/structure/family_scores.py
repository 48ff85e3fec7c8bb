"""What each family of a table is worth: counted once, kept, and shared between families of the same variables.

A family with missing values is counted over the rows that know all of it, and rows that count for one family do not
for another.  So that likelihoods of different rows are not compared, such a family is worth what the variable is worth
alone, over all rows that know it, and what the parents add over the rows that know them all: the gain that
``chow_liu`` gives an edge.  Without missing values that is the score itself.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.bayesian_network.structure.scores import Score
from chainrule.models.bayesian_network.structure.set_counts import SetCounts, members
from chainrule.tables.table import Table

__all__ = ["FamilyScores"]

_BYTES = 8


class FamilyScores:
    """The families of the columns of ``table`` by ``score``; sets of parents are whole numbers, a bit for a column.

    A family whose full table needs more than ``max_bytes`` is worth -inf.  ``groups`` (n,) are those of "held-out".

    >>> from chainrule.tables.schema import Schema
    >>> table = Table(Schema.of({"a": 2, "b": 2}), np.array([[0, 0], [1, 1]] * 8))
    >>> scores = FamilyScores(table, Score("aic"))
    >>> round(scores.of(1, 0), 4), scores.of(1, 0b01)
    (-12.0904, -2.0)
    """

    def __init__(
        self,
        table: Table,
        score: Score,
        max_bytes: float = np.inf,
        groups: NDArray[np.intp] | None = None,
    ) -> None:
        self.score, self.max_bytes, self.counts = score, max_bytes, SetCounts(table, groups)
        self.sizes = self.counts.sizes
        occurring = [len(self.counts.cells(1 << j)) for j in range(len(self.sizes))]
        self.states = tuple(max(n, 1) for n in occurring)  # of each variable in the rows
        self.weight = float(self.counts.cells(0).sum())  # of all rows
        # by a set and the cells of the table for each joint state
        self._set: dict[tuple[int, int], float] = {}
        self._family: dict[tuple[int, int], float] = {}

    @property
    def n_variables(self) -> int:
        """The number of variables."""
        return len(self.sizes)

    def of(self, child: int, parents: int) -> float:
        """The score of the family in nats."""
        found = self._family.get((child, parents))
        if found is None:
            found = self._family[child, parents] = self._scored(child, parents)
        return found

    def fits(self, child: int, parents: int) -> bool:
        """Whether the full table of the family is within ``max_bytes``."""
        return _BYTES * self.counts.n_states(parents | 1 << child) <= self.max_bytes

    def _scored(self, child: int, parents: int) -> float:
        family = parents | 1 << child
        if not self.fits(child, parents):
            return -np.inf
        if family & self.counts.holed:
            return self._with_holes(child, parents)
        price = self._price(child, parents, self.weight)
        return self._worth_of(family, 1) - self._worth_of(parents, self._cells(child)) - price

    def _cells(self, child: int) -> int:
        """What tells apart how the score judges the parents of one child and of another: cells of the table."""
        return self.sizes[child] if self.score.adds_to_cells else 1

    def _worth_of(self, variables: int, cells: int) -> float:
        """Of a set without missing values, whose joint states have so many cells of a table each."""
        found = self._set.get((variables, cells))
        if found is None:
            n_states = self.counts.n_states(variables)
            found = self._set[variables, cells] = self.score.margin(
                self.counts.cells(variables), n_states, cells
            )
        return found

    def total(self, parents: list[int]) -> float:
        """The score of the graph in which each variable has these parents."""
        return sum(self.of(child, above) for child, above in enumerate(parents))

    def toggled(self, child: int, parents: int, others: list[int]) -> NDArray[np.float64]:
        """What the score gains where each of ``others`` becomes a parent, or is one no more."""
        new = [j for j in others if not parents >> j & 1 and (child, parents | 1 << j) not in self._family]
        if new:
            self._score_larger(child, parents, new)
        now = self.of(child, parents)
        return np.array([self.of(child, parents ^ 1 << j) - now for j in others])

    def _score_larger(self, child: int, parents: int, others: list[int]) -> None:
        """Score families with one parent more together, those that need no care: their tables share labels."""
        family, cells, known = parents | 1 << child, self._cells(child), self._set
        if family & self.counts.holed:
            return
        n_states, most = (
            self.counts.n_states(parents),
            self.max_bytes / (_BYTES * self.counts.n_states(family)),
        )
        others = [j for j in others if self.sizes[j] <= most and not self.counts.holed >> j & 1]
        todo = [j for j in others if (family | 1 << j, 1) not in known]
        for j, both, above in self.counts.beside(family, child, todo) if todo else ():
            n = n_states * self.sizes[j]
            known[family | 1 << j, 1] = self.score.margin(both, n * self.sizes[child], 1)
            if (parents | 1 << j, cells) not in known:
                known[parents | 1 << j, cells] = self.score.margin(above, n, cells)
        n_parameters = self._n_parameters(child, parents)
        for j in others:
            fit = self._worth_of(family | 1 << j, 1) - self._worth_of(parents | 1 << j, cells)
            price = self.score.price(n_parameters * self.states[j], self.weight)
            self._family[child, parents | 1 << j] = fit - price

    def _price(self, child: int, parents: int, weight: float) -> float:
        return self.score.price(self._n_parameters(child, parents), weight)

    def _n_parameters(self, child: int, parents: int) -> int:
        return (self.states[child] - 1) * prod(self.states[j] for j in members(parents))

    def _with_holes(self, child: int, parents: int) -> float:
        n_states = self.counts.n_states(parents)
        cells, above, alone = self.counts.family(child, parents)
        found = self._worth(child, parents, cells, above, n_states)
        if parents:
            found += self.of(child, 0) - self._worth(child, 0, alone, above.sum(axis=0, keepdims=True), 1)
        return found

    def _worth(self, child: int, parents: int, cells: Any, above: Any, n_states: int) -> float:
        """The score of the rows that these counts are of: cells of the family, configurations of the parents."""
        size = self.sizes[child]
        fit = self.score.joint(cells, n_states * size) - self.score.margin(above, n_states, size)
        return fit - self._price(child, parents, float(above.sum()))
