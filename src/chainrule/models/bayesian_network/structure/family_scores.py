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
        self._joint: dict[int, float] = {}
        self._margin: dict[tuple[int, int], float] = {}
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

    def _scored(self, child: int, parents: int) -> float:
        family, size = parents | 1 << child, self.sizes[child]
        n_states = self.counts.n_states(parents)
        if _BYTES * n_states * size > self.max_bytes:
            return -np.inf
        if family & self.counts.holed:
            return self._with_holes(child, parents, n_states)
        if family not in self._joint:
            self._joint[family] = self.score.joint(self.counts.cells(family), n_states * size)
        of_margin = (parents, size if self.score.adds_to_cells else 0)
        if of_margin not in self._margin:
            self._margin[of_margin] = self.score.margin(self.counts.cells(parents), n_states, size)
        return self._joint[family] - self._margin[of_margin] - self._price(child, parents, self.weight)

    def total(self, parents: list[int]) -> float:
        """The score of the graph in which each variable has these parents."""
        return sum(self.of(child, above) for child, above in enumerate(parents))

    def toggled(self, child: int, parents: int, others: list[int]) -> NDArray[np.float64]:
        """What the score gains where each of ``others`` becomes a parent, or is one no more."""
        self.counts.labels(parents | 1 << child)  # what all larger families begin with
        now = self.of(child, parents)
        return np.array([self.of(child, parents ^ 1 << j) - now for j in others])

    def _price(self, child: int, parents: int, weight: float) -> float:
        configurations = prod(self.states[j] for j in members(parents))
        return self.score.price((self.states[child] - 1) * configurations, weight)

    def _with_holes(self, child: int, parents: int, n_states: int) -> float:
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
