"""A network's questions answered by the compiled ``loops``: its tables as flat arrays, and what is asked of them.

A *program* is what ``loops.lay_out`` makes of one pattern of evidence: which tables and messages meet in which bucket.
It serves all rows that know the same variables.  An answer is nan where probabilities would underflow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.bayesian_network.inference.loops import MARGINALS, MAXIMUM, SUM, answer, lay_out

__all__ = ["Program", "Sweeps"]

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


class Sweeps:
    """The tables of a network; ``parents``, ``tables`` and ``order`` are those of a ``DiscreteNetwork``."""

    def __init__(
        self, parents: Sequence[Sequence[int]], tables: Sequence[Numbers], order: Sequence[int]
    ) -> None:
        families = [(*above, v) for v, above in enumerate(parents)]
        self.nodes = np.zeros((len(tables) + 1, 4), np.int64)
        self.nodes[:-1, 0] = [table.shape[-1] for table in tables]
        self.nodes[1:, 1] = np.cumsum([len(family) for family in families])
        self.nodes[1:, 2] = np.cumsum([table.size for table in tables])
        self.nodes[:-1, 3] = order[::-1]
        strides = [_strides(table.shape) for table in tables]
        self.members = np.array([np.concatenate(families), np.concatenate(strides)], np.int64).T.copy()
        self.values = np.concatenate([table.ravel() for table in tables])
        self.least = np.array([np.log(table[table > 0].min()) for table in tables])

    def program(
        self,
        order: Integers,
        known: NDArray[np.bool_],
        wanted: NDArray[np.bool_],
        keep: Integers,
        most: float,
    ) -> Program:
        """As ``loops.lay_out`` says; of no use where ``entries`` are more than ``most``."""
        return Program(*lay_out(self.nodes, self.members, order, known, wanted, keep, float(most)))

    def log_mass(self, program: Program, rows: NDArray[np.int32]) -> Numbers:
        """The log-probability in nats of what each row knows, (n,)."""
        return self._answer(program, rows, SUM, np.empty(1))

    def table(self, program: Program, row: NDArray[np.int32]) -> tuple[Numbers, float]:
        """The table of what is kept, up to a factor, flat; and the log-mass."""
        out = np.ones(program.steps[-1, -1])
        return out, self._answer(program, row[None], SUM, out)[0]

    def marginals(self, program: Program, row: NDArray[np.int32]) -> tuple[dict[int, Numbers], float]:
        """p(v | row) of each variable that is summed out, and the log-mass."""
        order = program.order
        ends = np.cumsum(self.nodes[order, 0])
        out = np.empty(ends[-1] if len(ends) else 1)
        log_mass = self._answer(program, row[None], MARGINALS, out)[0]
        return dict(zip(order.tolist(), np.split(out, ends[:-1]), strict=False)), log_mass

    def maximum(
        self, program: Program, rows: NDArray[np.int32], states: NDArray[np.int32], unique: NDArray[np.bool_]
    ) -> Numbers:
        """Fill in what is unknown of ``states`` (n, d), and ``unique`` (n,); the log-probability in nats, (n,)."""
        return self._answer(program, rows, MAXIMUM, np.empty(1), states, unique)

    def _answer(
        self,
        program: Program,
        rows: NDArray[np.int32],
        asked: int,
        table: Numbers,
        states: Any = _NO_STATES,
        unique: Any = _NO_FLAGS,
    ) -> Numbers:
        flat = (
            self.nodes,
            self.members,
            self.values,
            self.least,
            program.steps,
            program.pool,
            program.families,
        )
        return answer(*flat, rows, asked, table, states, unique)


def _strides(shape: Sequence[int]) -> list[int]:
    """How far apart entries are along each axis of a table in C order.

    >>> _strides((2, 3, 4))
    [12, 4, 1]
    """
    return np.cumprod((1, *shape[:0:-1]))[::-1].tolist()
