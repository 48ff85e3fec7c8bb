"""A discrete Bayesian network over integers: p(x) = prod_v p(x_v | parents), and every exact question about it.

What a question depends on, and in which order that is summed out, is said by ``plans``.

What is multiplied is compiled (``sweeps``), with scaled probabilities; ``plain_answers`` is its plain twin, with
logarithms, which also answers where probabilities would underflow.  Evidence that is asked about often, or costs
little, is calibrated (``kept_rows``).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import isnan, prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.core.forks import cached_property
from chainrule.core.time_limit import check_time
from chainrule.models.bayesian_network.inference.buckets import cumulative, draw_states
from chainrule.models.bayesian_network.inference.elimination import (
    MOST_VARIABLES,
    Elimination,
    cheapest_order,
)
from chainrule.models.bayesian_network.inference.kept_rows import KeptRows
from chainrule.models.bayesian_network.inference.plain_answers import PlainAnswers
from chainrule.models.bayesian_network.inference.plans import (
    CHEAP,
    ENTRIES_PER_STEP,
    STOP,
    UP_AND_DOWN,
    Plans,
    is_dear,
    known_in,
    remember,
)
from chainrule.models.bayesian_network.inference.row_groups import (
    Members,
    by_pattern,
    distinct_evidence,
    put_back,
    stretches,
    zero_where_unknown,
)
from chainrule.models.shared.posterior import answer_shape

if TYPE_CHECKING:
    from chainrule.models.bayesian_network.inference.sweeps import Calibration, Program, Sweeps

__all__ = ["DiscreteNetwork"]

_FLOAT64 = 8  # bytes
_NONE = np.empty(0, np.int64)
_ENOUGH = 4000  # entries for each variable up to which one greedy order is good enough for one question
_KEPT_SHARE = 4  # what is kept between questions takes at most this part of max_bytes


class DiscreteNetwork:
    """``parents[v]`` of each variable v = 0..d-1 and ``tables[v]``, axes (parents..., v), rows summing to one.

    The tables lie one after the other in ``values``, of which ``tables`` are parts.  ``order`` is a topological order.
    ``max_bytes`` bounds the tables of one answer (``TooLargeError``).
    Rows of evidence are int32 (d,), -1 where unknown.

    >>> network = DiscreteNetwork([(), (0,)], [np.array([0.2, 0.8]), np.array([[0.9, 0.1], [0.5, 0.5]])], [0, 1])
    >>> evidence = np.array([-1, 0])
    >>> np.exp(network.log_prob(evidence[None])).round(2).tolist()
    [0.58]
    >>> network.posterior(evidence, [0]).round(2).tolist()
    [0.31, 0.69]
    """

    def __init__(
        self,
        parents: Sequence[Sequence[int]],
        tables: Sequence[NDArray[np.float64]],
        order: Sequence[int],
        *,
        max_bytes: int = 2**30,
    ) -> None:
        self.parents = [tuple(above) for above in parents]
        self.values = np.concatenate([table.reshape(-1) for table in tables])
        self.tables = _parts(self.values, [table.shape for table in tables])
        self.order = list(order)
        self.sizes = [table.shape[-1] for table in tables]
        self._plans = Plans(self.parents, self.sizes, max_bytes)
        self._plain = PlainAnswers(self._plans, self.tables)
        self._kept = KeptRows()
        self._own_orders: dict[tuple[bytes, ...], NDArray[np.int64]] = {}  # of questions
        self._is_new = True  # until a question was asked

    @property
    def max_bytes(self) -> int:
        """What the tables of one answer take at most."""
        return self._plans.max_bytes

    @max_bytes.setter
    def max_bytes(self, max_bytes: int) -> None:
        self._plans.max_bytes = max_bytes

    def extended(
        self, parents: Sequence[Sequence[int]], tables: Sequence[NDArray[np.float64]]
    ) -> DiscreteNetwork:
        """This network with more variables, numbered from d on, below its own: their ``parents`` and ``tables``.

        Where they have one parent each, no clique grows, and the order of elimination is found once for all of them.
        """
        d, new = len(self.sizes), range(len(self.sizes), len(self.sizes) + len(parents))
        out = DiscreteNetwork(
            [*self.parents, *parents],
            [*self.tables, *tables],
            [*self.order, *new],
            max_bytes=self.max_bytes,
        )
        if all(len(above) == 1 and above[0] < d for above in parents):
            out._plans = Plans(out.parents, out.sizes, self.max_bytes, base=self._plans)
            out._plain = PlainAnswers(out._plans, out.tables)
            out._is_new, self._is_new = self._is_new, False
        return out

    def log_prob(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Log-probability in nats of what is known of each row (n, d), (n,).

        Rows that know the same variables are answered together.
        """
        groups = by_pattern(rows < 0)
        if len(groups) > 1 and not _loops_are_on() and self._plain.is_cheaper_at_once(rows, groups):
            return self._plain.log_mass(rows)
        out = np.empty(len(rows))
        for same in groups:
            check_time()
            out[same] = self._log_mass(rows[same])
        return out

    def _log_mass(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """``log_prob`` of rows that know the same variables."""
        if not _loops_are_on() or not self._plans.hidden(rows[0]):
            return self._plain.log_mass(rows)
        program = self._program(rows[0] >= 0)
        return self._with_logarithms(self._sweeps.log_mass(program, _as_int32(rows)), rows)

    def _with_logarithms(self, out: NDArray[np.float64], rows: NDArray[Any]) -> NDArray[np.float64]:
        """``out`` with what would underflow, which is nan, computed anew."""
        lost = np.isnan(out)
        if lost.any():
            out[lost] = self._plain.log_mass(rows[lost])
        return out

    def posterior(self, row: NDArray[Any], wanted: Sequence[int]) -> NDArray[np.float64] | None:
        """p(wanted | row) in the shape that ``answer_shape`` says; ``None`` where the evidence is impossible."""
        several = [v for v in wanted if self.sizes[v] > 1]
        table, log_mass = self._compiled_table(row, several) if _loops_are_on() else (None, np.nan)
        if isnan(log_mass):
            table = self._plain.table(row, several)
        if table is None or log_mass == -np.inf:
            return None
        return (table / table.sum()).reshape(answer_shape([self.sizes[v] for v in wanted]))

    def _compiled_table(
        self, row: NDArray[Any], wanted: list[int]
    ) -> tuple[NDArray[np.float64] | None, float]:
        """p(wanted | row) up to a factor, flat, and the log-mass of ``row``: nan where it takes logarithms."""
        known, asked = row >= 0, np.zeros(len(row), bool)
        for v in wanted:
            asked[v] = True
        one = wanted[0] if len(wanted) == 1 else None
        if one is not None:
            found = self._calibrated(row)
            if found is not None:
                return found.marginal(one), found.log_mass
        program, is_two_way = self._question_program(known, asked, wanted)
        if program is None:
            return None, np.nan
        if one is not None and is_two_way:
            found = self._sweeps.calibration(program, _as_int32(row))
            return found.marginal(one), found.log_mass
        self._kept.spend(self._key(row), program.entries)
        return self._sweeps.table(program, _as_int32(row))

    def _question_program(
        self, known: NDArray[np.bool_], asked: NDArray[np.bool_], wanted: list[int]
    ) -> tuple[Program | None, bool]:
        """The cheaper program for what is ``wanted``, and whether it is one of messages up and down.

        ``None`` where both are too large; without what only scales the answer it may be smaller.
        """
        is_first = self._is_new
        try:
            program = self._program(known, asked, wanted, is_question=True)
            entries = program.entries
        except TooLargeError:
            program, entries = None, self.max_bytes / _FLOAT64
        if len(wanted) != 1 or entries <= (_ENOUGH * len(known) if is_first else CHEAP):
            return program, False
        order = self._question_order(known, asked, _NONE, np.inf) if is_first else self._plans.order
        two_way = self._sweeps.program(order, known, asked, _NONE, entries)
        free = np.inf if is_first else self._plans.free_entries
        if two_way.entries <= entries and (program is None or is_dear(entries, two_way.entries, free)):
            return two_way, True
        return program, False

    def _calibrated(self, row: NDArray[Any]) -> Calibration | None:
        """What is kept of ``row``; ``None`` where to calibrate it does not pay."""
        key = self._key(row)
        found = self._kept.calibration(key)
        if found is not None or self._is_new:
            return found
        share = self.max_bytes // _KEPT_SHARE
        most = min(share / _FLOAT64, max(CHEAP, UP_AND_DOWN * self._kept.spent(key)))
        known, everything = row >= 0, np.ones(len(row), bool)
        program = self._sweeps.program(self._plans.order, known, everything, _NONE, most)
        if program.entries > most and most > ENTRIES_PER_STEP * len(row):  # another order may do
            try:
                program = self._program(known, everything)
            except TooLargeError:
                return None
        if program.entries > most:
            return None
        self._kept.shrink(share - int(_FLOAT64 * program.entries))
        found = self._sweeps.calibration(program, _as_int32(row))
        self._kept.keep(key, found, share)
        return found

    def _key(self, row: NDArray[Any]) -> bytes:
        """What is kept of ``row`` under; what another limit allowed is not."""
        return b"%d " % self.max_bytes + row.tobytes()

    @property
    def log_tables(self) -> list[NDArray[np.float64]]:
        """The logarithms of the tables."""
        return self._plain.log_tables

    def full_plan(self, row: NDArray[Any]) -> Elimination:
        """What ``marginals`` and ``maximum`` will do, without doing it."""
        return self._plans.full(row)

    def posterior_plan(self, row: NDArray[Any], wanted: Sequence[int]) -> Elimination:
        """What ``posterior`` will do, without doing it."""
        return self._plans.question(row, [v for v in wanted if self.sizes[v] > 1])[-1]

    def marginals(self, row: NDArray[Any]) -> tuple[dict[int, NDArray[np.float64]], float]:
        """p(v | row) of every unknown variable v, and the log-probability of ``row`` in nats.

        Nothing is normalised where that is ``-inf``: the marginals are then left out.
        """
        found, log_mass = self._plain.marginals(row) if not _loops_are_on() else self._compiled_marginals(row)
        if log_mass == -np.inf:
            return {}, log_mass
        constant = {v: np.ones(1) for v in np.flatnonzero(row < 0).tolist() if self.sizes[v] == 1}
        return constant | found, float(log_mass)

    def _compiled_marginals(self, row: NDArray[Any]) -> tuple[dict[int, NDArray[np.float64]], float]:
        calibration = self._kept.calibration(self._key(row))
        if calibration is None:
            program = self._program(row >= 0, np.ones(len(row), bool))
            calibration = self._sweeps.calibration(program, _as_int32(row))
        found = calibration.marginals()
        return self._plain.marginals(row) if np.isnan(calibration.log_mass) else (found, calibration.log_mass)

    def log_conditionals(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """``log p(x_v | parents)`` in nats of each cell of complete rows (n, d)."""
        cells = [tuple(rows[:, u] for u in self._plans.family(v)) for v in range(len(self.sizes))]
        columns = [log_table[index] for log_table, index in zip(self.log_tables, cells, strict=True)]
        return np.stack(columns, axis=1)

    def log_states(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """``log p(v = k | parents)`` in nats of every state k of every v of complete rows (n, d), (n, Σ K_v)."""
        return np.concatenate([self.log_states_of(v, rows) for v in range(len(self.sizes))], axis=1)

    def log_states_of(self, v: int, rows: NDArray[Any]) -> NDArray[np.float64]:
        """``log p(v = k | parents)`` in nats of every state k of one v, (n, K_v); of ``rows`` only parents count."""
        found = self.log_tables[v][tuple(rows[:, u] for u in self.parents[v])]
        return np.broadcast_to(found, (len(rows), self.sizes[v]))

    def maximum(self, rows: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.bool_]]:
        """A most probable completion of each row, its log-probability in nats, and whether it is the only one."""
        states = zero_where_unknown(rows)
        log_p, unique = np.full(len(rows), np.nan), np.zeros(len(rows), bool)
        for same in by_pattern(rows < 0):
            if _loops_are_on():
                program = self._program(rows[same][0] >= 0, np.ones(rows.shape[1], bool))
                filled, only = states[same], unique[same]
                log_p[same] = self._sweeps.maximum(program, _as_int32(rows[same]), filled, only)
                states[same], unique[same] = filled, only
            lost = np.arange(len(rows))[same]
            lost = lost[np.isnan(log_p[lost])]
            if len(lost):
                self._plain.maximum(rows, lost, states, log_p, unique)
        return states, log_p, unique & (log_p > -np.inf)

    def draw(
        self, rows: NDArray[Any], generator: np.random.Generator
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """``rows`` (n, d) with what is unknown drawn, and which of them (n,) have probability zero.

        Ancestors of what is known are drawn from their joint posterior, all others from their tables.
        """
        filled, bad = zero_where_unknown(rows), np.zeros(len(rows), bool)
        for same in by_pattern(rows < 0):
            check_time()
            left = self._compiled_draw_above(rows, same, filled, bad, generator) if _loops_are_on() else same
            if isinstance(left, slice) or len(left):
                self._plain.draw_above(rows, left, filled, bad, generator)
            self._draw_below(rows[same][0], same, filled, generator)
        return filled, bad

    def _compiled_draw_above(
        self,
        rows: NDArray[Any],
        same: Members,
        filled: NDArray[np.int32],
        bad: NDArray[np.bool_],
        generator: np.random.Generator,
    ) -> NDArray[np.intp]:
        """Draw what is above the known of rows that know the ``same`` variables; those whose draws would underflow."""
        known = rows[same][0] >= 0
        if not known.any():
            return np.empty(0, np.intp)
        program, lost = self._program(known), []
        for block, which, members in distinct_evidence(rows, same, len(rows)):
            part = filled[members]
            masses = self._sweeps.draw_above(program, _as_int32(block), which, part, generator)[which]
            put_back(part, filled, members)
            places = np.arange(len(rows))[members]
            bad[places[masses == -np.inf]] = True
            lost.append(places[np.isnan(masses)])
        return np.concatenate(lost)

    def _draw_below(
        self, row: NDArray[Any], same: Members, filled: NDArray[np.int32], generator: np.random.Generator
    ) -> None:
        """Draw what is not above the known of rows that know the ``same`` variables as ``row`` does, parents first."""
        hidden, above = self._plans.hidden(row), self._plans.ancestors(known_in(row))
        drawn = [v for v in self.order if v in hidden and v not in above]
        part = filled[same]
        if _loops_are_on():
            self._sweeps.draw_below(self._flat_cumulative, np.array(drawn, np.int64), part, generator)
        else:
            for stretch in stretches(len(part), len(drawn)):
                some = part[stretch]
                for v in drawn:
                    below = self._cumulative_tables[v][tuple(some[:, u] for u in self.parents[v])]
                    some[:, v] = draw_states(below, len(some), generator)
        put_back(part, filled, same)

    @cached_property
    def _flat_cumulative(self) -> NDArray[np.float64]:
        return np.concatenate([table.reshape(-1) for table in self._cumulative_tables])

    @cached_property
    def _cumulative_tables(self) -> list[NDArray[np.float64]]:
        return [cumulative(log_table) for log_table in self.log_tables]

    @property
    def elimination_order(self) -> NDArray[np.int64]:
        """In which order variables are summed out where nothing is known; constants have no place in it."""
        return self._plans.order

    @cached_property
    def _sweeps(self) -> Sweeps:
        from chainrule.models.bayesian_network.inference.sweeps import Sweeps  # numba is slow to load

        return Sweeps(self.parents, self.values, self.sizes, self.order)

    def _program(
        self,
        known: NDArray[np.bool_],
        wanted: NDArray[np.bool_] | None = None,
        keep: Sequence[int] = (),
        *,
        is_question: bool = False,
    ) -> Program:
        """The program for rows that know these variables; ``TooLargeError`` above ``max_bytes``.

        The first question does without the order of the network, which would take longer than its answer.
        """
        asked = np.zeros(len(known), bool) if wanted is None else wanted
        kept, most = np.array(keep, np.int64), self.max_bytes / _FLOAT64
        self._kept.shrink(self.max_bytes // _KEPT_SHARE)
        program = None
        if is_question and self._is_new:
            self._is_new = False
            program = self._own_program(known, asked, kept, most)
        if program is None or program.entries > most:
            program = self._sweeps.program(self._plans.order, known, asked, kept, most)
            if program.entries > ENTRIES_PER_STEP * program.n_steps:
                program = min(program, self._own_program(known, asked, kept, most), key=lambda x: x.entries)
        if program.entries > most:
            hidden = self._plans.hidden(np.where(known, 0, -1))
            plan = self._plans.within_limit(self._plans.elimination(program.families.tolist(), hidden, keep))
            program = self._sweeps.program(np.array(plan.order, np.int64), known, asked, kept, most)
        self._kept.shrink(self.max_bytes - int(_FLOAT64 * program.entries))
        return program

    def _own_program(
        self, known: NDArray[np.bool_], asked: NDArray[np.bool_], keep: NDArray[np.int64], most: float
    ) -> Program:
        """The program in an order for one question, of what matters to it alone."""
        key = (known.tobytes(), asked.tobytes(), keep.tobytes())
        order = self._own_orders.get(key)
        if order is not None:
            return self._sweeps.program(order, known, asked, keep, most)
        if len(known) <= MOST_VARIABLES:
            order, program = self._sweeps.own_program(known, asked, keep, most, STOP, _ENOUGH)
        else:
            order = self._question_order(known, asked, keep, _ENOUGH)
            program = self._sweeps.program(order, known, asked, keep, most)
        remember(self._own_orders, key, order)
        return program

    def _question_order(
        self, known: NDArray[np.bool_], asked: NDArray[np.bool_], keep: NDArray[np.int64], enough: float
    ) -> NDArray[np.int64]:
        """An order for one question; ``enough`` as in ``cheapest_order``."""
        if len(known) <= MOST_VARIABLES:
            return self._sweeps.order(known, asked, keep, STOP, enough)
        families = self._plans.ancestors(np.flatnonzero(known | asked).tolist())
        scopes = self._plans.scopes(families, self._plans.hidden(np.where(known, 0, -1)))
        return cheapest_order(scopes, self.sizes, keep.tolist(), most=STOP, enough=enough)


def _parts(values: NDArray[np.float64], shapes: Sequence[tuple[int, ...]]) -> list[NDArray[np.float64]]:
    """``values`` as arrays of these ``shapes``, one after the other."""
    ends = [0, *accumulate(map(prod, shapes))]
    return [values[a:b].reshape(shape) for (a, b), shape in zip(pairwise(ends), shapes, strict=True)]


def _loops_are_on() -> bool:
    from chainrule.compiled.calls import loops_are_on  # numba, which is slow to load, comes with it

    return loops_are_on()


def _as_int32(rows: NDArray[Any]) -> NDArray[np.int32]:
    return np.ascontiguousarray(rows, np.int32)
