"""A network's questions answered by compiled loops: its tables as flat arrays, and what is asked of them.

A *program* is what ``layout_loops`` makes of one pattern of evidence: which tables and messages meet in which bucket.
It serves all rows that know the same variables.  An answer is nan where probabilities would underflow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.bayesian_network.inference.calibration_loops import collect, distribute
from chainrule.models.bayesian_network.inference.draw_loops import draw_above, draw_below
from chainrule.models.bayesian_network.inference.elimination import Measure, cheapest
from chainrule.models.bayesian_network.inference.greedy_loops import MEASURES
from chainrule.models.bayesian_network.inference.layout_loops import flatten, lay_out, lay_out_own, own_order
from chainrule.models.bayesian_network.inference.loops import MAXIMUM, SUM, answer
from chainrule.models.bayesian_network.inference.product_loops import Formed, Laid
from chainrule.models.bayesian_network.inference.row_groups import stretches

__all__ = ["Calibration", "Program", "Sweeps"]

Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]

_NO_STATES, _NO_FLAGS = np.empty((0, 0), np.int32), np.empty(0, np.bool_)


@dataclass(frozen=True, eq=False)
class Program:
    """Steps, pool and families as ``loops`` has them, and the entries of all tables."""

    steps: Integers
    pool: Integers
    families: Integers
    entries: float

    @property
    def n_steps(self) -> int:
        """How many variables are summed out."""
        return len(self.steps) - 1

    @property
    def message_entries(self) -> int:
        """Entries of all messages: what is held at once, and twice that where marginals are asked for."""
        return int(self.steps[-1, 5])

    @property
    def order(self) -> Integers:
        """The variable of each step."""
        return self.pool[self.steps[:-1, 0] + self.steps[:-1, 1] - 1]


class Calibration:
    """What is known of one row that a program without ``keep`` serves: messages up, and those down as they are needed.

    ``log_mass`` is the log-probability in nats of the row, nan where a message up or down would underflow.
    """

    def __init__(self, sweeps: Sweeps, program: Program, row: NDArray[np.int32]) -> None:
        self._sweeps, self._program = sweeps, program
        n, d = program.n_steps, len(sweeps.nodes) - 1
        order = program.order
        self._ends = np.cumsum(sweeps.nodes[order, 0])
        self._step = {v: i for i, v in enumerate(order.tolist())}
        self._formed = _unformed(program, d)
        self.log_mass = float(collect(sweeps.laid(program), row, self._formed))
        self._down, self._low_down = np.zeros(len(self._formed.messages)), np.zeros(n)
        self._done = np.zeros(n, np.bool_)
        self._marginals = np.empty(self._ends[-1] if n else 1)

    @property
    def n_bytes(self) -> int:
        """Of what is kept, most of it messages."""
        arrays = (*self._formed, self._down, self._low_down, self._marginals)
        return sum(array.nbytes for array in arrays)

    def marginal(self, v: int) -> Numbers | None:
        """p(v | row) of a variable that is not known; ``None`` where ``log_mass`` is, or becomes, not finite."""
        step = self._step[v]
        if np.isfinite(self.log_mass) and not self._done[step]:
            wanted = np.zeros(len(self._done), np.bool_)
            wanted[step] = True
            self._distribute(wanted)
        return self._part(step) if np.isfinite(self.log_mass) else None

    def marginals(self) -> dict[int, Numbers]:
        """Those of all variables that are summed out; of no use where ``log_mass`` is, or becomes, not finite."""
        if np.isfinite(self.log_mass):
            self._distribute(np.ones(len(self._done), np.bool_))
        return {v: self._part(i) for v, i in self._step.items()}

    def _part(self, step: int) -> Numbers:
        end = self._ends[step]
        begin = self._ends[step - 1] if step else 0
        return self._marginals[begin:end].copy()

    def _distribute(self, wanted: NDArray[np.bool_]) -> None:
        kept = (self._done, self._down, self._low_down, self._ends, self._marginals)
        self.log_mass += distribute(self._sweeps.laid(self._program), self._formed, wanted, *kept)


class Sweeps:
    """The tables of a network; its ``parents``, ``values``, ``sizes`` and ``order`` are as in ``DiscreteNetwork``."""

    def __init__(
        self,
        parents: Sequence[Sequence[int]],
        values: Numbers,
        sizes: Sequence[int],
        order: Sequence[int],
    ) -> None:
        self.values = values
        shape = np.array([*sizes, *order, *map(len, parents), *chain.from_iterable(parents)], np.int64)
        self.nodes, self.members, self.least = flatten(len(sizes), shape, self.values)

    def order(
        self, known: NDArray[np.bool_], wanted: NDArray[np.bool_], keep: Integers, most: float, enough: float
    ) -> Integers:
        """The cheapest order for one question, of what it joins alone; see ``cheapest`` for ``most`` and ``enough``."""
        question = (self.nodes, self.members, known, wanted, keep, len(keep) > 0)

        def choose(measure: Measure, seed: int) -> tuple[Integers, float]:
            return own_order(*question, MEASURES[measure], float(most), seed)

        return cheapest(choose, at_random=True, enough=enough)

    def own_program(
        self,
        known: NDArray[np.bool_],
        wanted: NDArray[np.bool_],
        keep: Integers,
        most: float,
        stop: float,
        enough: float,
    ) -> tuple[Integers, Program]:
        """``order``, which stops to choose at ``stop``, and ``program`` in it; in one call where the first will do."""
        flat = (self.nodes, self.members, known, wanted, keep)
        order, cost, *laid = lay_out_own(*flat, float(most), len(keep) > 0, float(stop), float(enough))
        if cost <= enough * len(order):
            return order, Program(*laid)
        order = self.order(known, wanted, keep, stop, enough)
        return order, self.program(order, known, wanted, keep, most)

    def program(
        self,
        order: Integers,
        known: NDArray[np.bool_],
        wanted: NDArray[np.bool_],
        keep: Integers,
        most: float,
    ) -> Program:
        """As ``lay_out`` says; of no use where ``entries`` are more than ``most``.

        What only scales the table of ``keep`` is left out.
        """
        flat = (self.nodes, self.members, order, known, wanted, keep)
        return Program(*lay_out(*flat, float(most), len(keep) > 0))

    def laid(self, program: Program) -> Laid:
        """What all loops read."""
        return Laid(
            self.nodes, self.members, self.values, self.least, program.steps, program.pool, program.families
        )

    def log_mass(self, program: Program, rows: NDArray[np.int32]) -> Numbers:
        """The log-probability in nats of what each row knows, (n,)."""
        return self._answer(program, rows, SUM, np.empty(1))

    def table(self, program: Program, row: NDArray[np.int32]) -> tuple[Numbers, float]:
        """The table of what is kept, up to a factor, flat; and -inf if ``row`` is impossible, nan if it underflows."""
        out = np.ones(program.steps[-1, -1])
        return out, self._answer(program, row[None], SUM, out)[0]

    def calibration(self, program: Program, row: NDArray[np.int32]) -> Calibration:
        """For marginals of any variables that are summed out."""
        return Calibration(self, program, row)

    def maximum(
        self, program: Program, rows: NDArray[np.int32], states: NDArray[np.int32], unique: NDArray[np.bool_]
    ) -> Numbers:
        """Fill in what is unknown of ``states`` (n, d), and ``unique`` (n,); the log-probability in nats, (n,)."""
        return self._answer(program, rows, MAXIMUM, np.empty(1), states, unique)

    def draw_above(
        self,
        program: Program,
        evidence: NDArray[np.int32],
        which: NDArray[np.intp],
        rows: NDArray[np.int32],
        generator: np.random.Generator,
    ) -> Numbers:
        """Draw what ``program`` sums out of ``rows`` (n, d), of which row r knows ``evidence[which[r]]``; n is above 0.

        Returns the log-mass of each of ``evidence``; where it is not finite nothing is drawn.
        """
        n, laid, masses = program.n_steps, self.laid(program), np.empty(len(evidence))
        state = (_unformed(program, len(self.nodes) - 1), masses, np.array([-1]))
        for part in stretches(len(rows), n):
            uniforms = generator.random((n, part.stop - part.start))
            draw_above(laid, evidence, which[part], rows[part], uniforms, *state)
        return masses

    def draw_below(
        self, below: Numbers, drawn: Integers, rows: NDArray[np.int32], generator: np.random.Generator
    ) -> None:
        """Draw the columns ``drawn``, parents first, of ``rows`` (n, d) from flat cumulative tables."""
        for part in stretches(len(rows), len(drawn)):
            uniforms = generator.random((len(drawn), part.stop - part.start))
            draw_below(self.nodes, self.members, below, drawn, rows[part], uniforms)

    def _answer(
        self,
        program: Program,
        rows: NDArray[np.int32],
        asked: int,
        table: Numbers,
        states: Any = _NO_STATES,
        unique: Any = _NO_FLAGS,
    ) -> Numbers:
        return answer(self.laid(program), rows, asked, table, states, unique)


def _unformed(program: Program, d: int) -> Formed:
    """Room for what a row leaves."""
    n = program.n_steps
    return Formed(np.empty(max(1, program.message_entries)), np.empty(d + n, np.int64), np.empty(d + n))
