"""The k best completions of a row, one after the other, from buckets whose tables hold maxima.

Walking back through the buckets, the variables are decided one after the other, and the table of each says how good the
best completion of what is decided so far is: its value, plus the entry of a state, less the largest entry.  So a *best*
row is read off, and so is the best row that agrees with it before some variable and differs there.  Those rows, one for
each variable, split what is left into parts of which the best is known (Lawler 1972; Nilsson 1998 in junction trees):
the next row is the best of all parts, and splits its own part in the same way.

After one elimination a row costs one look at each table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.bayesian_network.inference.buckets import Buckets, Factor

__all__ = ["ranked_rows"]

States = NDArray[np.int32]


def ranked_rows(buckets: Buckets, row: NDArray[Any]) -> Iterator[tuple[float, States]]:
    """Every possible completion of ``row`` (d,), best first, with the logarithm of its value.

    ``buckets`` maximise, and hold tables.  Of completions that are equally good within rounding, any comes first.

    >>> tables = [Factor((0,), np.log([[0.3, 0.7]])), Factor((0, 1), np.log([[[0.5, 0.5], [0.1, 0.9]]]))]
    >>> found = ranked_rows(Buckets(tables, (1, 0), maximise=True), np.array([-1, -1]))
    >>> [(states.tolist(), round(float(np.exp(value)), 3)) for value, states in found]
    [([1, 1], 0.63), ([0, 0], 0.15), ([0, 1], 0.15), ([1, 0], 0.07)]
    """
    top = float(buckets.log_remainder[0])
    if top == -np.inf:
        return
    turns = list(zip(reversed(buckets.order), reversed(buckets.tables), strict=True))
    parts = _Parts(turns)
    best = np.maximum(row, 0).astype(np.int32)
    parts.complete(best, top, 0)
    yield top, best
    while parts:
        yield parts.take()


class _Parts:
    """What is left, in parts: rows like ``parent`` before one turn, and there of all states but the ``rank`` best."""

    def __init__(self, turns: Sequence[tuple[int, Factor]]) -> None:
        self._turns = turns
        self._heap: list[tuple[float, int, int, int, States]] = []
        self._n_pushed = 0  # decides between equals, so that rows are never compared

    def __len__(self) -> int:
        return len(self._heap)

    def take(self) -> tuple[float, States]:
        """The best row of all parts, which splits its part."""
        below, _, turn, rank, parent = heappop(self._heap)
        states, values, best = parent.copy(), *self._sorted(turn, parent)
        states[self._turns[turn][0]] = best[rank]
        self._push(-below - values[rank], turn, rank + 1, parent, values)
        self.complete(states, -below, turn + 1)
        return -below, states

    def complete(self, states: States, value: float, start: int) -> None:
        """Decide, in place, the turns from ``start`` on as well as can be, and push the parts that differ there."""
        for turn in range(start, len(self._turns)):
            values, best = self._sorted(turn, states)
            states[self._turns[turn][0]] = best[0]
            self._push(value - values[0], turn, 1, states, values)

    def _push(self, base: float, turn: int, rank: int, parent: States, values: NDArray[np.float64]) -> None:
        if rank < len(values) and values[rank] > -np.inf:
            self._n_pushed += 1
            heappush(self._heap, (-(base + values[rank]), self._n_pushed, turn, rank, parent))

    def _sorted(self, turn: int, states: States) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """The entries of a table at what is decided, largest first, and the states that have them."""
        table = self._turns[turn][1]
        values = table.log_values[(0, *(states[u] for u in table.scope[:-1]))]
        best = np.argsort(-values, kind="stable")
        return values[best], best
