"""Rows with holes, each with its own: answered together by compiled loops, or left to the network.

``DiscreteNetwork`` plans what it does for each set of variables that rows know.  Rows whose holes are in other places
would each need a plan, so they go through ``loops``.  The network answers complete rows, rows that are all alike, for
which one plan is enough, and what the loops leave: rows that need large tables or whose probabilities would underflow.
Where loops are off it answers all, but draws, whose twin in ``plain`` draws the same states.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.forks import cached_property
from chainrule.core.progress import track
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.bayesian_network.row_inference.layout import DRAW, MAXIMUM, SUM
from chainrule.models.bayesian_network.row_inference.plain import draw_plain
from chainrule.models.bayesian_network.row_inference.plan import RowPlan, plan_rows

__all__ = ["RowInference"]

_TOGETHER = 2**12  # rows of a call of the loops, between which the time is looked at
_MOST_ROOM = 2**24  # bytes

Rows = NDArray[np.int32]
Numbers = NDArray[np.float64]


class RowInference:
    """Answers of ``network`` about rows (n, d), -1 where unknown.

    >>> network = DiscreteNetwork([(), (0,)], [np.array([0.2, 0.8]), np.array([[0.9, 0.1], [0.5, 0.5]])], [0, 1])
    >>> rows = RowInference(network)
    >>> np.exp(rows.log_prob(np.array([[-1, 0], [0, -1]]))).round(2).tolist()
    [0.58, 0.2]
    >>> rows.maximum(np.array([[-1, 0], [0, -1]]))[0].tolist()
    [[1, 0], [0, 0]]
    """

    def __init__(self, network: DiscreteNetwork) -> None:
        self.network = network

    def log_prob(self, rows: NDArray[Any]) -> Numbers:
        """Log-probability in nats of what is known of each row, (n,)."""
        holes = np.flatnonzero((rows < 0).any(axis=1))
        if not self._suits(rows[holes]) or not _loops_are_on():
            return self.network.log_prob(rows)
        out = np.full(len(rows), np.nan)
        out[holes] = self._through_loops(_copied(rows[holes]), SUM)
        left = np.isnan(out)
        if left.any():
            out[left] = self.network.log_prob(rows[left])
        return out

    def maximum(self, rows: NDArray[Any]) -> tuple[Rows, Numbers]:
        """A most probable completion of each row, and its log-probability in nats."""
        if not self._suits(rows) or not _loops_are_on():
            return self.network.maximum(rows)[:2]
        states = _copied(rows)
        log_p = self._through_loops(states, MAXIMUM)
        left = np.isnan(log_p)
        if left.any():
            states[left], log_p[left], _ = self.network.maximum(rows[left])
        return states, log_p

    def draw(self, rows: NDArray[Any], generator: np.random.Generator) -> tuple[Rows, NDArray[np.bool_]]:
        """``rows`` (n, d) with what is unknown drawn, and which of them (n,) have probability zero."""
        if not self._suits(rows):
            return self.network.draw(rows, generator)
        filled, log_p, loops = _copied(rows), np.empty(len(rows)), _loops_are_on()
        for begin in track(range(0, len(rows), _TOGETHER), "drawing what is missing"):
            part = slice(begin, begin + _TOGETHER)
            uniforms = generator.random(int((rows[part] < 0).sum()))
            draw = self._draw_by_loops if loops else self._draw_plain
            log_p[part] = draw(filled[part], uniforms)
        bad, left = log_p == -np.inf, np.isnan(log_p)
        if left.any():
            filled[left], bad[left] = self.network.draw(rows[left], generator)
        return filled, bad

    def _suits(self, rows: NDArray[Any]) -> bool:
        """Whether these rows differ, and the network is one that the loops take."""
        if len(rows) < 2 or (rows == rows[0]).all():
            return False
        return self._plan.n_bytes <= min(self.network.max_bytes, _MOST_ROOM)

    def _through_loops(self, rows: Rows, asked: int) -> Numbers:
        out = np.empty(len(rows))
        for begin in track(range(0, len(rows), _TOGETHER), "rows with missing values"):
            part = slice(begin, begin + _TOGETHER)
            out[part] = self._call(rows[part], asked, np.empty(0))
        return out

    def _draw_by_loops(self, rows: Rows, uniforms: Numbers) -> Numbers:
        """Draw into ``rows``; nan where the plain twin could not either."""
        before = rows.copy()
        out = self._call(rows, DRAW, uniforms)
        left = np.isnan(out)
        if left.any():
            holes = before < 0
            drawn = before[left]
            out[left] = self._draw_plain(drawn, uniforms[np.repeat(left, holes.sum(axis=1))])
            rows[left] = drawn
        return out

    def _draw_plain(self, rows: Rows, uniforms: Numbers) -> Numbers:
        return draw_plain(self.network, self._plan.net.order.tolist(), rows, uniforms)

    def _call(self, rows: Rows, asked: int, uniforms: Numbers) -> Numbers:
        from chainrule.models.bayesian_network.row_inference.loops import answer_rows

        return answer_rows(self._plan.net, rows, asked, uniforms, *self._plan.room())

    @cached_property
    def _plan(self) -> RowPlan:
        return plan_rows(self.network)


def _loops_are_on() -> bool:
    from chainrule.compiled.calls import loops_are_on  # numba, which is slow to load, comes with it

    return loops_are_on()


def _copied(rows: NDArray[Any]) -> Rows:
    """A copy that the loops may write to."""
    return np.array(rows, np.int32, order="C")
