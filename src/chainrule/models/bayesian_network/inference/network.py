"""A discrete Bayesian network over integers: p(x) = prod_v p(x_v | parents), and every exact question about it.

Before tables are multiplied, what cannot matter is left out:

- a *barren* variable, not observed and above nothing that is observed or asked for, sums to one;
- given the evidence, tables fall into components that share no unknown variable.  Those without a variable
  that is asked for are a factor of the answer's scale alone: their variables are d-separated from it.

(Shachter 1988; Lauritzen et al. 1990: separation in the moral graph of the ancestors.)

One order of elimination is found for the whole network, and serves any evidence: without what is known its cliques
are parts of what they were, so evidence never makes them larger.  Where a question is dear all the same, orders are
tried on what is left of the graph, and the cheapest is taken.  So it is for the first question too, since the order of
the whole takes longer than most answers.  A question about one variable may be answered with that variable in the last
table, or from messages up and down the tree of the order, whichever is cheaper: but for the first, it never costs more
than the marginals of all variables without evidence.

Evidence that only scales the answer is looked at no further than to say whether it is possible.

What is multiplied is compiled (``sweeps``), with scaled probabilities; ``buckets`` is its plain twin, with logarithms,
which also answers where probabilities would underflow.  Evidence that is asked about often, or costs little, is
calibrated (``kept_rows``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.core.time_limit import check_time
from chainrule.models.bayesian_network.inference.buckets import Buckets, Factor, cumulative, draw_states
from chainrule.models.bayesian_network.inference.elimination import (
    MOST_VARIABLES,
    Elimination,
    best_order,
    cheapest_order,
    follow_order,
    interaction_graph,
)
from chainrule.models.bayesian_network.inference.kept_rows import KeptRows
from chainrule.models.bayesian_network.inference.row_groups import (
    Members,
    blocks,
    by_pattern,
    distinct_evidence,
    put_back,
    rows_at_once,
    stretches,
)
from chainrule.models.shared.posterior import answer_shape

if TYPE_CHECKING:
    from chainrule.models.bayesian_network.inference.sweeps import Calibration, Program, Sweeps

__all__ = ["DiscreteNetwork"]

_FLOAT64 = 8  # bytes
_LOWEST = np.finfo(np.float64).min  # instead of -inf, which cannot be subtracted from itself
_NONE = np.empty(0, np.int64)
_ENTRIES_PER_STEP = 10_000  # table entries computed in the time that it takes to choose one step of an order
_ENOUGH = 4000  # entries for each variable up to which one greedy order is good enough for one question
_PLAIN_ENTRIES_PER_STEP = 2000  # the same, with logarithms, in the time that it takes to set one step up
_STOP = 2**40  # entries of all tables at which the order of the whole network is no longer chosen with care
_CHEAP = 2**13  # entries of all tables up to which evidence is calibrated at once
_UP_AND_DOWN = 2  # how many times each table is formed for marginals
_MOST_KEPT = 256  # orders
_KEPT_SHARE = 4  # what is kept between questions takes at most this part of max_bytes


class DiscreteNetwork:
    """``parents[v]`` of each variable v = 0..d-1 and ``tables[v]``, axes (parents..., v), rows summing to one.

    ``order`` is a topological order.  ``max_bytes`` bounds the tables of one answer (``TooLargeError``).
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
        self.tables = list(tables)
        self.order = list(order)
        self.max_bytes = max_bytes
        self.sizes = [table.shape[-1] for table in tables]
        self._kept = KeptRows()
        self._own_orders: dict[tuple[bytes, ...], NDArray[np.int64]] = {}  # of questions
        self._is_new = True  # until a question was asked
        self._base: DiscreteNetwork | None = (
            None  # whose order serves this network, after the variables that are new
        )

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
            out._base, out._is_new, self._is_new = self, self._is_new, False
        return out

    @cached_property
    def log_tables(self) -> list[NDArray[np.float64]]:
        """The logarithms of the tables."""
        with np.errstate(divide="ignore"):  # log 0 = -inf is what an impossible state means
            return [np.log(table) for table in self.tables]

    def log_prob(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Log-probability in nats of what is known of each row (n, d), (n,).

        Rows that know the same variables are answered together.
        """
        groups = by_pattern(rows < 0)
        if len(groups) > 1 and not _loops_are_on() and self._is_cheaper_at_once(rows, groups):
            return self._plain_log_mass(rows)
        out = np.empty(len(rows))
        for same in groups:
            check_time()
            out[same] = self._log_mass(rows[same])
        return out

    def _is_cheaper_at_once(self, rows: NDArray[Any], groups: list[Members]) -> bool:
        """Whether one pass over what any row misses takes less than one for each group: it is larger, but one only."""
        plan = self._elimination(range(len(self.sizes)), self._hidden(rows.min(axis=0)))
        steps = sum(len(self._hidden(rows[same][0])) for same in groups)
        affordable = plan.total_bytes <= self.max_bytes
        return affordable and len(rows) * plan.total_entries <= steps * _PLAIN_ENTRIES_PER_STEP

    def _log_mass(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """``log_prob`` of rows that know the same variables."""
        if not _loops_are_on() or not self._hidden(rows[0]):
            return self._plain_log_mass(rows)
        program = self._program(rows[0] >= 0)
        return self._with_logarithms(self._sweeps.log_mass(program, _as_int32(rows)), rows)

    def _with_logarithms(self, out: NDArray[np.float64], rows: NDArray[Any]) -> NDArray[np.float64]:
        """``out`` with what would underflow, which is nan, computed anew."""
        lost = np.isnan(out)
        if lost.any():
            out[lost] = self._plain_log_mass(rows[lost])
        return out

    def _plain_log_mass(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """``log_prob`` in one pass: what any row misses is summed out, over one state where a row knows it."""
        relevant = self._ancestors(_known(rows.max(axis=0)))
        hidden = self._hidden(rows.min(axis=0)) & relevant
        complete = [v for v in sorted(relevant) if not hidden.intersection(self._family(v))]
        out = np.zeros(len(rows))
        for v in complete:
            out += self.log_tables[v][tuple(rows[:, u] for u in self._family(v))]
        if not hidden:
            return out
        partial = sorted(relevant.difference(complete))
        plan = self._within_limit(self._elimination(partial, hidden))
        for start, stop in blocks(len(rows), plan):
            block = slice(start, stop)
            out[block] += self._buckets(partial, hidden, plan, rows[block], holds="nothing").log_remainder
        return out

    def posterior(self, row: NDArray[Any], wanted: Sequence[int]) -> NDArray[np.float64] | None:
        """p(wanted | row) in the shape that ``answer_shape`` says; ``None`` where the evidence is impossible."""
        several = [v for v in wanted if self.sizes[v] > 1]
        table, log_mass = self._compiled_table(row, several) if _loops_are_on() else (None, np.nan)
        if isnan(log_mass):
            table = self._plain_table(row, several)
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
        if len(wanted) != 1 or entries <= (_ENOUGH * len(known) if is_first else _CHEAP):
            return program, False
        order = self._question_order(known, asked, _NONE, np.inf) if is_first else self._order
        two_way = self._sweeps.program(order, known, asked, _NONE, entries)
        free = np.inf if is_first else self._free_entries
        if two_way.entries <= entries and (program is None or _is_dear(entries, two_way.entries, free)):
            return two_way, True
        return program, False

    @cached_property
    def _free_entries(self) -> int:
        """What all marginals take where nothing is known."""
        return self.full_plan(np.full(len(self.sizes), -1)).total_entries

    def _calibrated(self, row: NDArray[Any]) -> Calibration | None:
        """What is kept of ``row``; ``None`` where to calibrate it does not pay."""
        key = self._key(row)
        found = self._kept.calibration(key)
        if found is not None or self._is_new:
            return found
        share = self.max_bytes // _KEPT_SHARE
        most = min(share / _FLOAT64, max(_CHEAP, _UP_AND_DOWN * self._kept.spent(key)))
        known, everything = row >= 0, np.ones(len(row), bool)
        program = self._sweeps.program(self._order, known, everything, _NONE, most)
        if program.entries > most and most > _ENTRIES_PER_STEP * len(row):  # another order may do
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

    def _plain_table(self, row: NDArray[Any], wanted: list[int]) -> NDArray[np.float64] | None:
        asked, others, hidden, plan = self._question(row, wanted)
        self._within_limit(plan)
        if plan.keep == tuple(wanted):
            log_table = self._buckets(asked, hidden, plan, row[None], holds="nothing").log_remainder[0]
            table = np.exp(log_table - max(log_table.max(), _LOWEST))
        else:
            buckets = self._buckets(asked, hidden, plan, row[None])
            is_possible = buckets.log_remainder[0] > -np.inf
            table = buckets.marginals([wanted])[0][0] if is_possible else np.zeros(1)
        return table if table.any() and self._is_possible(others, hidden, row) else None

    def posterior_plan(self, row: NDArray[Any], wanted: Sequence[int]) -> Elimination:
        """What ``posterior`` will do, without doing it."""
        return self._question(row, [v for v in wanted if self.sizes[v] > 1])[-1]

    def _question(
        self, row: NDArray[Any], wanted: list[int]
    ) -> tuple[list[int], list[int], set[int], Elimination]:
        """What ``_requisite`` says, and the cheaper plan: without ``keep`` where it is one of messages up and down."""
        asked, others, hidden = self._requisite(row, wanted)
        plan = self._elimination(asked, hidden, wanted)
        if len(wanted) == 1 and plan.total_entries > _CHEAP:
            two_way = self._elimination(asked, hidden)
            entries = plan.total_entries, two_way.total_entries
            if entries[1] <= entries[0] and _is_dear(*entries, self._free_entries):
                plan = two_way
        return asked, others, hidden, plan

    def _requisite(self, row: NDArray[Any], wanted: Sequence[int]) -> tuple[list[int], list[int], set[int]]:
        """Families that the answer depends on, families that only scale it, and what is not known."""
        hidden = self._hidden(row)
        relevant = self._ancestors([*_known(row), *wanted])
        around = interaction_graph(self._scopes(relevant, hidden))
        reached, stack = set(wanted), list(wanted)
        while stack:
            new = around[stack.pop()] - reached
            reached |= new
            stack += new
        asked = [v for v in sorted(relevant) if reached.intersection(self._family(v))]
        return asked, sorted(relevant.difference(asked)), hidden

    def _is_possible(self, families: list[int], hidden: set[int], row: NDArray[Any]) -> bool:
        """Whether the product of these tables has any mass; certain where no entry is zero."""
        factors = self._factors(families, hidden, row[None], place={v: v for v in hidden})
        if all(factor.log_values.min() > -np.inf for factor in factors):
            return True
        plan = self._within_limit(self._elimination(families, hidden))
        remainder = self._buckets(families, hidden, plan, row[None], holds="nothing").log_remainder
        return bool(remainder[0] > -np.inf)

    def marginals(self, row: NDArray[Any]) -> tuple[dict[int, NDArray[np.float64]], float]:
        """p(v | row) of every unknown variable v, and the log-probability of ``row`` in nats.

        Nothing is normalised where that is ``-inf``: the marginals are then left out.
        """
        found, log_mass = self._plain_marginals(row) if not _loops_are_on() else self._compiled_marginals(row)
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
        return self._plain_marginals(row) if np.isnan(calibration.log_mass) else (found, calibration.log_mass)

    def _plain_marginals(self, row: NDArray[Any]) -> tuple[dict[int, NDArray[np.float64]], float]:
        hidden, plan = self._hidden(row), self._within_limit(self.full_plan(row))
        buckets = self._buckets(range(len(row)), hidden, plan, row[None])
        log_mass = float(buckets.log_remainder[0])
        if log_mass == -np.inf:
            return {}, log_mass
        return {v: p[0] for v, p in zip(buckets.order, buckets.marginals(), strict=True)}, log_mass

    def full_plan(self, row: NDArray[Any]) -> Elimination:
        """What ``marginals`` and ``maximum`` will do, without doing it."""
        return self._elimination(range(len(row)), self._hidden(row))

    def log_conditionals(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """``log p(x_v | parents)`` in nats of each cell of complete rows (n, d)."""
        cells = [tuple(rows[:, u] for u in self._family(v)) for v in range(len(self.sizes))]
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
        states = _zero_where_unknown(rows)
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
                self._plain_maximum(rows, lost, states, log_p, unique)
        return states, log_p, unique & (log_p > -np.inf)

    def _plain_maximum(
        self,
        rows: NDArray[Any],
        same: NDArray[np.intp],
        states: NDArray[np.int32],
        log_p: NDArray[np.float64],
        unique: NDArray[np.bool_],
    ) -> None:
        """``maximum`` of those rows, which know the ``same`` variables, written where it belongs."""
        row = rows[same][0]
        hidden, plan = self._hidden(row), self._within_limit(self.full_plan(row))
        for block, which, members in distinct_evidence(rows, same, rows_at_once(plan)):
            every = range(len(self.sizes))
            buckets = self._buckets(every, hidden, plan, block, maximise=True)
            found = _zero_where_unknown(block)
            only = buckets.maximum(found)
            log_p[members] = np.broadcast_to(buckets.log_remainder, len(block))[which]
            states[members], unique[members] = found[which], only[which]

    def draw(
        self, rows: NDArray[Any], generator: np.random.Generator
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """``rows`` (n, d) with what is unknown drawn, and which of them (n,) have probability zero.

        Ancestors of what is known are drawn from their joint posterior, all others from their tables.
        """
        filled, bad = _zero_where_unknown(rows), np.zeros(len(rows), bool)
        for same in by_pattern(rows < 0):
            check_time()
            left = self._compiled_draw_above(rows, same, filled, bad, generator) if _loops_are_on() else same
            if isinstance(left, slice) or len(left):
                self._plain_draw_above(rows, left, filled, bad, generator)
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

    def _plain_draw_above(
        self,
        rows: NDArray[Any],
        same: Members,
        filled: NDArray[np.int32],
        bad: NDArray[np.bool_],
        generator: np.random.Generator,
    ) -> None:
        """The same, by buckets."""
        row = rows[same][0]
        hidden, above = self._hidden(row), self._ancestors(_known(row))
        plan = self._within_limit(self._elimination(above, hidden))
        for block, which, members in distinct_evidence(rows, same, rows_at_once(plan)):
            buckets = self._buckets(above, hidden, plan, block)
            impossible = np.broadcast_to(buckets.log_remainder == -np.inf, len(block))
            if impossible.any():  # from which nothing can be drawn
                members, lost = np.arange(len(rows))[members], impossible[which]
                bad[members[lost]] = True
                members, which = members[~lost], which[~lost]
            part = filled[members]
            buckets.draw(part, which, generator)
            put_back(part, filled, members)

    def _draw_below(
        self, row: NDArray[Any], same: Members, filled: NDArray[np.int32], generator: np.random.Generator
    ) -> None:
        """Draw what is not above the known of rows that know the ``same`` variables as ``row`` does, parents first."""
        hidden, above = self._hidden(row), self._ancestors(_known(row))
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
        return self._order

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """In which order to sum variables out where nothing is known, of all that have several states."""
        if self._base is not None:
            new = np.arange(len(self._base.sizes), len(self.sizes))
            return np.concatenate([new, self._base.elimination_order])
        scopes = self._scopes(range(len(self.sizes)), self._hidden(np.full(len(self.sizes), -1)))
        return cheapest_order(scopes, self.sizes, most=_STOP)

    def _elimination(
        self, families: Iterable[int], hidden: set[int], keep: Sequence[int] = ()
    ) -> Elimination:
        """How to sum what is hidden out of ``families``: in the order of the network or, if that pays, in another."""
        scopes = self._scopes(families, hidden)
        plan = follow_order(self._order.tolist(), scopes, self.sizes, keep)
        if plan.total_entries <= _ENTRIES_PER_STEP * len(plan.order):
            return plan
        key = (tuple(plan.order), frozenset(map(frozenset, scopes)), tuple(keep))
        found = self._orders.get(key)
        if found is None:
            found = min(plan, best_order(scopes, self.sizes, keep), key=lambda x: x.total_entries)
            _keep(self._orders, key, found)
        return found

    @cached_property
    def _orders(self) -> dict[Any, Elimination]:
        return {}

    @cached_property
    def _sweeps(self) -> Sweeps:
        from chainrule.models.bayesian_network.inference.sweeps import Sweeps  # numba is slow to load

        return Sweeps(self.parents, self.tables, self.sizes, self.order)

    def _program(
        self,
        known: NDArray[np.bool_],
        wanted: NDArray[np.bool_] | None = None,
        keep: Sequence[int] = (),
        *,
        is_question: bool = False,
    ) -> Program:
        """The program for rows that know these variables; ``TooLargeError`` as ``_within_limit`` says.

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
            program = self._sweeps.program(self._order, known, asked, kept, most)
            if program.entries > _ENTRIES_PER_STEP * program.n_steps:
                program = min(program, self._own_program(known, asked, kept, most), key=lambda x: x.entries)
        if program.entries > most:
            hidden = self._hidden(np.where(known, 0, -1))
            plan = self._within_limit(self._elimination(program.families.tolist(), hidden, keep))
            program = self._sweeps.program(np.array(plan.order, np.int64), known, asked, kept, most)
        self._kept.shrink(self.max_bytes - int(_FLOAT64 * program.entries))
        return program

    def _own_program(
        self, known: NDArray[np.bool_], asked: NDArray[np.bool_], keep: NDArray[np.int64], most: float
    ) -> Program:
        """The program in an order for one question, of what matters to it alone."""
        key = (known.tobytes(), asked.tobytes(), keep.tobytes())
        order = self._own_orders.get(key)
        if order is None:
            order = self._question_order(known, asked, keep, _ENOUGH)
            _keep(self._own_orders, key, order)
        return self._sweeps.program(order, known, asked, keep, most)

    def _question_order(
        self, known: NDArray[np.bool_], asked: NDArray[np.bool_], keep: NDArray[np.int64], enough: float
    ) -> NDArray[np.int64]:
        """An order for one question; ``enough`` as in ``cheapest_order``."""
        if len(known) <= MOST_VARIABLES:
            return self._sweeps.order(known, asked, keep, _STOP, enough)
        families = self._ancestors(np.flatnonzero(known | asked).tolist())
        scopes = self._scopes(families, self._hidden(np.where(known, 0, -1)))
        return cheapest_order(scopes, self.sizes, keep.tolist(), most=_STOP, enough=enough)

    def _within_limit(self, plan: Elimination) -> Elimination:
        if plan.total_bytes > self.max_bytes:
            raise TooLargeError(
                f"this answer needs tables of {plan.total_entries:,} entries ({plan.total_bytes:,} bytes, induced "
                f"width {plan.induced_width}), at most {self.max_bytes:,} bytes are allowed; give more "
                "evidence, ask for fewer variables, or raise max_bytes"
            )
        return plan

    def _family(self, v: int) -> tuple[int, ...]:
        return (*self.parents[v], v)

    def _hidden(self, row: NDArray[Any]) -> set[int]:
        """Unknown variables; one that has a single state is known."""
        return {int(v) for v in np.flatnonzero(row < 0) if self.sizes[v] > 1}

    def _ancestors(self, start: Iterable[int]) -> set[int]:
        """``start`` and everything above it."""
        seen = set(start)
        stack = list(seen)
        while stack:
            new = set(self.parents[stack.pop()]) - seen
            seen |= new
            stack += new
        return seen

    def _scopes(self, families: Iterable[int], hidden: set[int]) -> list[set[int]]:
        return [hidden.intersection(self._family(v)) for v in families]

    def _factors(
        self, families: Iterable[int], hidden: set[int], rows: NDArray[Any], place: dict[int, int]
    ) -> Iterator[Factor]:
        """The log-tables of ``families`` at what ``rows`` (n, d) know, axes sorted as ``Buckets`` wants them."""
        for v in families:
            family = self._family(v)
            axes = {u: i for i, u in enumerate(family)}
            scope = tuple(sorted(hidden.intersection(family), key=place.__getitem__, reverse=True))
            known = [u for u in family if u not in hidden]
            table = self.log_tables[v].transpose([axes[u] for u in (*known, *scope)])
            # a constant that is not given is at -1, which is its only state, too
            values = table[tuple(rows[:, u] for u in known)] if known else table[None]
            yield Factor(scope, values)

    def _buckets(
        self,
        families: Iterable[int],
        hidden: set[int],
        plan: Elimination,
        rows: NDArray[Any],
        **settings: Any,
    ) -> Buckets:
        place = {v: i for i, v in enumerate((*plan.order, *reversed(plan.keep)))}
        factors = chain(self._factors(families, hidden, rows, place), self._indicators(plan.order, rows))
        return Buckets(factors, plan.order, plan.keep, **settings)

    def _indicators(self, variables: Iterable[int], rows: NDArray[Any]) -> Iterator[Factor]:
        """For variables that some of the rows know: 1 for the state they know or, where unknown, for each."""
        for v in variables:
            state = rows[:, v, None]
            if (state >= 0).any():
                possible = (state < 0) | (state == np.arange(self.sizes[v]))
                yield Factor((v,), np.where(possible, 0.0, -np.inf))


def _known(row: NDArray[Any]) -> list[int]:
    return np.flatnonzero(row >= 0).tolist()


def _is_dear(entries: float, two_way: float, free: float) -> bool:
    """Whether a question whose last table is of its variable, with so many entries, had better go two ways."""
    return entries > min(_UP_AND_DOWN * two_way, free)


def _loops_are_on() -> bool:
    from chainrule.compiled.calls import loops_are_on  # numba, which is slow to load, comes with it

    return loops_are_on()


def _keep(kept: dict[Any, Any], key: Any, value: Any) -> Any:
    """Remember ``value``, and forget all others where there are too many."""
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    kept[key] = value
    return value


def _as_int32(rows: NDArray[Any]) -> NDArray[np.int32]:
    return np.ascontiguousarray(rows, np.int32)


def _zero_where_unknown(rows: NDArray[Any]) -> NDArray[np.int32]:
    return np.maximum(rows, 0).astype(np.int32, copy=False)
