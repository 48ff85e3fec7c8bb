"""Every answer by ``buckets``, with logarithms: the plain twin of ``sweeps``, and what answers where they underflow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.forks import cached_property
from chainrule.models.bayesian_network.inference.buckets import Buckets, Factor
from chainrule.models.bayesian_network.inference.elimination import Elimination
from chainrule.models.bayesian_network.inference.plans import Plans, known_in
from chainrule.models.bayesian_network.inference.row_groups import (
    Members,
    blocks,
    distinct_evidence,
    put_back,
    rows_at_once,
    zero_where_unknown,
)

__all__ = ["PlainAnswers"]

_LOWEST = np.finfo(np.float64).min  # instead of -inf, which cannot be subtracted from itself
_ENTRIES_PER_STEP = (
    2000  # table entries computed, with logarithms, in the time that it takes to set one step up
)


class PlainAnswers:
    """Of a network with these ``tables``, as ``DiscreteNetwork`` has them."""

    def __init__(self, plans: Plans, tables: Sequence[NDArray[np.float64]]) -> None:
        self.tables, self._plans = tables, plans

    @cached_property
    def log_tables(self) -> list[NDArray[np.float64]]:
        """The logarithms of the tables."""
        with np.errstate(divide="ignore"):  # log 0 = -inf is what an impossible state means
            return [np.log(table) for table in self.tables]

    def log_mass(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Log-probability in nats of what rows know, in one pass.

        What any row misses is summed out, over one state where a row knows it.
        """
        relevant = self._plans.ancestors(known_in(rows.max(axis=0)))
        hidden = self._plans.hidden(rows.min(axis=0)) & relevant
        complete = [v for v in sorted(relevant) if not hidden.intersection(self._plans.family(v))]
        out = np.zeros(len(rows))
        for v in complete:
            out += self.log_tables[v][tuple(rows[:, u] for u in self._plans.family(v))]
        if not hidden:
            return out
        partial = sorted(relevant.difference(complete))
        plan = self._plans.within_limit(self._plans.elimination(partial, hidden))
        for start, stop in blocks(len(rows), plan):
            block = slice(start, stop)
            out[block] += self._buckets(partial, hidden, plan, rows[block], holds="nothing").log_remainder
        return out

    def table(self, row: NDArray[Any], wanted: list[int]) -> NDArray[np.float64] | None:
        """p(wanted | row) up to a factor; ``None`` where ``row`` is impossible."""
        asked, others, hidden, plan = self._plans.question(row, wanted)
        self._plans.within_limit(plan)
        if plan.keep == tuple(wanted):
            log_table = self._buckets(asked, hidden, plan, row[None], holds="nothing").log_remainder[0]
            table = np.exp(log_table - max(log_table.max(), _LOWEST))
        else:
            buckets = self._buckets(asked, hidden, plan, row[None])
            is_possible = buckets.log_remainder[0] > -np.inf
            table = buckets.marginals([wanted])[0][0] if is_possible else np.zeros(1)
        return table if table.any() and self._is_possible(others, hidden, row) else None

    def _is_possible(self, families: list[int], hidden: set[int], row: NDArray[Any]) -> bool:
        """Whether the product of these tables has any mass; certain where no entry is zero."""
        factors = self._factors(families, hidden, row[None], place={v: v for v in hidden})
        if all(factor.log_values.min() > -np.inf for factor in factors):
            return True
        plan = self._plans.within_limit(self._plans.elimination(families, hidden))
        remainder = self._buckets(families, hidden, plan, row[None], holds="nothing").log_remainder
        return bool(remainder[0] > -np.inf)

    def marginals(self, row: NDArray[Any]) -> tuple[dict[int, NDArray[np.float64]], float]:
        """Those of all hidden variables, and the log-mass of ``row``, where it is above -inf."""
        hidden, plan = self._plans.hidden(row), self._plans.within_limit(self._plans.full(row))
        buckets = self._buckets(range(len(row)), hidden, plan, row[None])
        log_mass = float(buckets.log_remainder[0])
        if log_mass == -np.inf:
            return {}, log_mass
        return {v: p[0] for v, p in zip(buckets.order, buckets.marginals(), strict=True)}, log_mass

    def maximum(
        self,
        rows: NDArray[Any],
        same: NDArray[np.intp],
        states: NDArray[np.int32],
        log_p: NDArray[np.float64],
        unique: NDArray[np.bool_],
    ) -> None:
        """A most probable completion of rows that know the ``same`` variables, written where it belongs."""
        row = rows[same][0]
        hidden, plan = self._plans.hidden(row), self._plans.within_limit(self._plans.full(row))
        for block, which, members in distinct_evidence(rows, same, rows_at_once(plan)):
            every = range(len(self._plans.sizes))
            buckets = self._buckets(every, hidden, plan, block, maximise=True)
            found = zero_where_unknown(block)
            only = buckets.maximum(found)
            log_p[members] = np.broadcast_to(buckets.log_remainder, len(block))[which]
            states[members], unique[members] = found[which], only[which]

    def draw_above(
        self,
        rows: NDArray[Any],
        same: Members,
        filled: NDArray[np.int32],
        bad: NDArray[np.bool_],
        generator: np.random.Generator,
    ) -> None:
        """Draw what is above the known of rows that know the ``same`` variables, and mark those that are ``bad``."""
        row = rows[same][0]
        hidden, above = self._plans.hidden(row), self._plans.ancestors(known_in(row))
        plan = self._plans.within_limit(self._plans.elimination(above, hidden))
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

    def is_cheaper_at_once(self, rows: NDArray[Any], groups: list[Members]) -> bool:
        """Whether one pass over what any row misses takes less than one for each group: it is larger, but one only."""
        plan = self._plans.elimination(range(len(self._plans.sizes)), self._plans.hidden(rows.min(axis=0)))
        steps = sum(len(self._plans.hidden(rows[same][0])) for same in groups)
        affordable = plan.total_bytes <= self._plans.max_bytes
        return affordable and len(rows) * plan.total_entries <= steps * _ENTRIES_PER_STEP

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

    def _factors(
        self, families: Iterable[int], hidden: set[int], rows: NDArray[Any], place: dict[int, int]
    ) -> Iterator[Factor]:
        """The log-tables of ``families`` at what ``rows`` (n, d) know, axes sorted as ``Buckets`` wants them."""
        for v in families:
            family = self._plans.family(v)
            axes = {u: i for i, u in enumerate(family)}
            scope = tuple(sorted(hidden.intersection(family), key=place.__getitem__, reverse=True))
            known = [u for u in family if u not in hidden]
            table = self.log_tables[v].transpose([axes[u] for u in (*known, *scope)])
            # a constant that is not given is at -1, which is its only state, too
            values = table[tuple(rows[:, u] for u in known)] if known else table[None]
            yield Factor(scope, values)

    def _indicators(self, variables: Iterable[int], rows: NDArray[Any]) -> Iterator[Factor]:
        """For variables that some of the rows know: 1 for the state they know or, where unknown, for each."""
        for v in variables:
            state = rows[:, v, None]
            if (state >= 0).any():
                possible = (state < 0) | (state == np.arange(self._plans.sizes[v]))
                yield Factor((v,), np.where(possible, 0.0, -np.inf))
