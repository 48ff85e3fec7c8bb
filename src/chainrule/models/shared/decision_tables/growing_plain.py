"""All trees grown together, written from the definition: what ``growing_loops`` does, in numpy and slowly."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from math import lgamma, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.time_limit import check_time
from chainrule.models.shared.decision_tables.growing_loops import STEPS, Rows, Score

__all__ = ["grow_plain"]


def grow_plain(
    rows: Rows,
    score: Score,
    place: NDArray[np.intp],
    most_splits: int,
    is_over: Callable[[], bool] = lambda: False,
) -> NDArray[np.int32]:
    """The nodes (T, 4) of the trees that best splits, taken one by one, give; ``is_over`` says that time is."""
    grower = _Grower(rows, score, place)
    for t in range(len(rows.sizes)):
        check_time()
        if not is_over():
            grower.look(t)
    splits = 0
    while grower.queue and splits < most_splits and not is_over():
        check_time()
        _, t, split = heappop(grower.queue)
        if split[0] in grower.barred(grower.variable[t]):
            grower.look(t)
            continue
        grower.split(t, split)
        splits += 1
    return np.array(grower.nodes, np.int32)


class _Grower:
    """The trees so far: for each node what it asks, whose it is, and the rows that come to it."""

    def __init__(self, rows: Rows, score: Score, place: NDArray[np.intp]) -> None:
        d, n = rows.columns.shape
        self.data, self.score, self.place = rows, score, place
        self.nodes = [[-1, 0, 0, -1] for _ in range(d)]
        self.variable = list(range(d))
        self.rows: list[NDArray[np.intp]] = [np.arange(n)] * d
        self.asks: list[set[int]] = [set() for _ in range(d)]
        self.queue: list[tuple[float, int, tuple[int, int, int]]] = []

    def barred(self, i: int) -> set[int]:
        """The variables that the tree of i may not ask for: itself, and what would close a cycle."""
        if len(self.place):
            return {j for j, p in enumerate(self.place) if p >= self.place[i]}
        below = {i}
        while True:
            more = {k for k, asked in enumerate(self.asks) if asked & below} - below
            if not more:
                return below
            below |= more

    def look(self, t: int) -> None:
        """Queue the best split of leaf t, if it gains anything."""
        i, barred = self.variable[t], self.barred(self.variable[t])
        total = self._counts(t, np.ones(len(self.rows[t]), bool))
        if (total > 0).sum() < 2 or total.sum() < 2 * self.score.least:
            return
        now = self._worth(i, total) + self.score.prices[i]
        top, best = 0.0, (-1, 0, 0)
        for split in self._splits(barred):
            on = self._counts(t, self._answers(t, split))
            if min(on.sum(), (total - on).sum()) >= self.score.least:
                gain = round((self._both(i, on, total - on) - now) * STEPS) / STEPS
                if gain > top:
                    top, best = gain, split
        if top > 0.0:
            heappush(self.queue, (-top, t, best))

    def split(self, t: int, split: tuple[int, int, int]) -> None:
        """Give leaf t two children."""
        yes, i = self._answers(t, split), self.variable[t]
        self.asks[i].add(split[0])
        self.nodes[t] = [*split, len(self.nodes)]
        for side in (~yes, yes):
            self.nodes.append([-1, 0, 0, -1])
            self.variable.append(i)
            self.rows.append(self.rows[t][side])
        for child in (len(self.nodes) - 2, len(self.nodes) - 1):
            self.look(child)

    def _splits(self, barred: set[int]) -> list[tuple[int, int, int]]:
        found = []
        for j, size in enumerate(self.data.sizes.tolist()):
            if j in barred or size < 2:
                continue
            found += [(j, k, k) for k in range(1 if size == 2 else 0, size)]
            if self.data.ordered[j] and size > 3:
                found += [(j, k, size - 1) for k in range(size - 2, 1, -1)]
        return found

    def _answers(self, t: int, split: tuple[int, int, int]) -> NDArray[np.bool_]:
        x = self.data.columns[split[0], self.rows[t]]
        return (split[1] <= x) & (x <= split[2])

    def _counts(self, t: int, which: NDArray[np.bool_]) -> NDArray[np.float64]:
        i, rows = self.variable[t], self.rows[t][which]
        found = np.bincount(self.data.columns[i, rows], self.data.weights[rows], self.data.sizes[i])
        return found.astype(np.float64)

    def _worth(self, i: int, counts: NDArray[np.float64]) -> float:
        worth = -self._whole(i, float(counts.sum()))
        for c in counts.tolist():
            worth += self._cell(c)
        return worth

    def _both(self, i: int, on: NDArray[np.float64], off: NDArray[np.float64]) -> float:
        worth = -self._whole(i, float(on.sum())) - self._whole(i, float(off.sum()))
        for a, b in zip(on.tolist(), off.tolist(), strict=True):
            worth += self._cell(a) + self._cell(b)
        return worth

    def _cell(self, c: float) -> Any:
        if len(self.score.cells):
            return self.score.cells[int(c)]
        a = self.score.a
        return (c * log(c) if c > 0 else 0.0) if a == 0 else lgamma(c + a) - lgamma(a)

    def _whole(self, i: int, c: float) -> Any:
        if len(self.score.cells):
            return self.score.wholes[self.score.kind[i], int(c)]
        a = self.score.a * self.data.sizes[i]
        return (c * log(c) if c > 0 else 0.0) if a == 0 else lgamma(c + a) - lgamma(a)
