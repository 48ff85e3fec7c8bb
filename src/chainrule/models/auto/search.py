"""Families tried one after another on the same rows, small ones first, until the time is over.

What can be cut short gets an equal part of what is left, and cuts its epochs, rounds or splits to it.  Chains of one
order are then stacked; while there is time for as much again, chains are fitted and stacked in random orders as well;
in the end everything is averaged (``combining``).  What cannot be fitted is left out, with its reason.  Work that runs
past its part is stopped (``core.time_limit``), and so is all work a tenth of the budget past its end; only the first
model, a small one, has as long as it takes.  Ctrl-C ends the search; what is done by then is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import ChainruleError, InputError
from chainrule.core.progress import note
from chainrule.core.time_limit import OutOfTimeError, time_limit
from chainrule.models.auto.combining import averaged, stacked
from chainrule.models.auto.leaderboard import Trial
from chainrule.models.families import Family, Request, fitted_in_time, working_seconds
from chainrule.models.shared.scoring_parts import log_prob_in_parts
from chainrule.tables.table import Table

__all__ = ["Search", "search"]

_LEAST_COMPLETE = 20  # validation rows without holes that can judge a model which does not sum out holes
_LEAST_SECONDS = 0.1  # that a fit is begun for
_LATE = 0.1  # of the budget, after whose end all work is stopped
_ORDERS = 8  # of chains, the columns' own included
_LEAST_COLUMNS = 3  # that have more than one order to speak of
_SLACK = 1.3  # of the time that the same chains took in another order


@dataclass(frozen=True, eq=False)
class Search:
    """What was tried, what was not and why, and whether someone stopped it."""

    trials: tuple[Trial, ...]
    skipped: tuple[tuple[str, str], ...]
    stopped: bool


def search(
    families: Sequence[Family],
    table: Table,
    valid: Table,
    *,
    judges: Table | None = None,
    seed: int = 0,
    budget: float | None = None,
    dag: Any = None,
    combine: bool = False,
) -> Search:
    """Fit each family to ``table``, with ``valid`` to choose its epoch, and judge it on ``judges`` (default ``valid``).

    ``budget`` is in seconds.  With ``combine`` chains are fitted in other orders too, stacked, and all is averaged.

    Raises ``InputError`` where no family could be fitted.
    """
    run = _Run(table, valid, valid if judges is None else judges, seed, budget, dag)
    several = len(families) > 1
    try:
        for i, one in enumerate(families):
            request = Request(table, valid, seed, run.share(families[i:], combine and several), dag)
            run.try_one(one, one.name, request, alone=not several)
        if combine and several:
            run.stack(0)
            run.try_orders(families)
            run.average()
    except KeyboardInterrupt:
        if not run.trials:
            raise
        run.stop(families)
    if not run.trials:
        reasons = "; ".join(f"{name}: {why}" for name, why in run.skipped)
        raise InputError(f"no model could be fitted ({reasons})")
    return Search(tuple(run.trials), tuple(run.skipped), run.stopped)


class _Run:
    """A search under way: its rows, its deadline, and what has been tried."""

    def __init__(
        self, table: Table, valid: Table, judges: Table, seed: int, budget: float | None, dag: Any
    ) -> None:
        self.table, self.valid, self.judges, self.seed, self.dag = table, valid, judges, seed, dag
        self.budget, self.began = budget, working_seconds()
        self.trials: list[Trial] = []
        self.skipped: list[tuple[str, str]] = []
        self.chains: dict[int, list[Trial]] = {}  # by the number of their order
        self.spent: dict[int, float] = {}  # seconds for all of an order
        self.stopped = False

    @property
    def left(self) -> float | None:
        """The seconds that are left."""
        return None if self.budget is None else self.budget - (working_seconds() - self.began)

    def share(self, to_come: Sequence[Family], combine: bool) -> float | None:
        """The seconds for the first of these families; chains that are combined need a part more."""
        if self.left is None or not to_come[0].takes_time:
            return None
        if to_come[0].uses_torch:  # loaded once for all, at nobody's part
            import_module("torch")
        parts = sum(f.takes_time for f in to_come) + (combine and any(f.is_chain for f in to_come))
        return self.left / parts

    def try_one(
        self, one: Family, name: str, request: Request, *, order: int = 0, alone: bool = False
    ) -> None:
        """Fit and judge it, or note why not; where it is ``alone`` that is an error."""
        began = working_seconds()
        small = not self.trials and not one.takes_time
        try:
            with nullcontext() if small else self._in_time():
                trial = _tried(one, name, request, self.judges)
        except ChainruleError as e:
            if alone:
                raise
            self._leave_out(name, e)
            return
        self._keep(trial)
        if one.is_chain and not (one.takes_dag and self.dag is not None):
            self.chains.setdefault(order, []).append(trial)
            self.spent[order] = self.spent.get(order, 0.0) + working_seconds() - began

    def try_orders(self, families: Sequence[Family]) -> None:
        """The chains that could be fitted once more in random orders, while there is time for all of them."""
        done = {t.name for t in self.chains.get(0, [])}
        chains = [one for one in families if one.name in done]
        d, rng = len(self.table.schema), np.random.default_rng(self.seed)
        if d < _LEAST_COLUMNS:
            return
        for k in range(1, _ORDERS if chains else 1):
            order = tuple(rng.permutation(d).tolist())
            if self.left is not None and self.left < _SLACK * self.spent[0]:
                note(f"no time is left for {'another' if k > 1 else 'a random'} order")
                return
            for i, one in enumerate(chains):
                seconds = self.share(chains[i:], True)
                request = Request(self.table, self.valid, self.seed + k, seconds, self.dag, order)
                self.try_one(one, f"{one.name} {k + 1}", request, order=k)
            self.stack(k)

    def stack(self, order: int) -> None:
        """A stack of the chains of one order."""
        began, name = working_seconds(), f"stack {order + 1}" if order else "stack"
        chains = self.chains.get(order, [])
        self._combine(name, lambda: stacked(chains, self.valid, self.judges, self.seed, name))
        self.spent[order] = self.spent.get(order, 0.0) + working_seconds() - began

    def average(self) -> None:
        """An average of all."""
        trials = list(self.trials)
        self._combine("average", lambda: averaged(trials, self.valid, self.judges, self.seed))

    def _combine(self, name: str, make: Callable[[], Trial | None]) -> None:
        try:
            with self._in_time():
                trial = make()
        except ChainruleError as e:  # too large to hold the factors of all rows, or too long
            self._leave_out(name, e)
            return
        if trial is not None:
            self._keep(trial)

    def _in_time(self) -> AbstractContextManager[None]:
        left = self.left
        return (
            nullcontext()
            if left is None
            else time_limit(left + _LATE * (self.budget or 0.0), working_seconds)
        )

    def _keep(self, trial: Trial) -> None:
        self.trials.append(trial)
        note(_heard(trial))

    def _leave_out(self, name: str, why: ChainruleError) -> None:
        self.skipped.append((name, str(why)))
        note(f"{name} is left out: {why}")

    def stop(self, families: Sequence[Family]) -> None:
        """Someone has stopped the search."""
        self.stopped = True
        reached = {t.name for t in self.trials} | {name for name, _ in self.skipped}
        self.skipped += [(one.name, "the search was stopped") for one in families if one.name not in reached]


def _tried(one: Family, name: str, request: Request, judges: Table) -> Trial:
    judged = _asked(one, judges)
    if not judged.all() and judged.sum() < _LEAST_COMPLETE:
        raise InputError(
            f"it is judged on complete rows, and {judged.sum()} of {judges.n_rows} held-out rows are complete "
            f"(at least {_LEAST_COMPLETE})"
        )
    if request.seconds is not None and request.seconds < _LEAST_SECONDS:
        raise OutOfTimeError("no time is left")
    began = working_seconds()
    model = fitted_in_time(one, request)
    if model.schema_.names != request.table.schema.names:
        raise InputError("its graph does not have all columns; name each column as a node")
    seconds = working_seconds() - began
    valid = request.valid
    weighed = (
        None if valid is None or valid is judges else log_prob_in_parts(model, valid, _asked(one, valid))
    )
    return Trial(name, model, log_prob_in_parts(model, judges, judged), seconds, weighed)


def _asked(one: Family, rows: Table) -> NDArray[np.bool_]:
    """The rows that it can be asked: complete ones, where it does not sum out any holes."""
    return np.ones(rows.n_rows, bool) if one.sums_out == "any" else np.logical_not(rows.missing.any(axis=1))


def _heard(trial: Trial) -> str:
    asked = trial.log_prob[~np.isnan(trial.log_prob)]
    return f"{trial.name}: {0.0 - asked.mean():.4f} nats a row on {len(asked):,} held-out rows, {trial.seconds:.1f} s"
