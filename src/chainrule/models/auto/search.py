"""Families tried one after another on the same rows, small ones first, until the time is over.

What can be cut short gets an equal part of what is left, and cuts its epochs or rounds to it.  While there is time,
chains are fitted in random orders as well; then chains of one order are stacked, and everything is averaged
(``combining``).  What cannot be fitted is left out, with its reason.  Ctrl-C ends the search; what is done by then is
kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import ChainruleError, InputError
from chainrule.core.progress import note
from chainrule.models.auto.combining import averaged, stacked
from chainrule.models.auto.leaderboard import Trial
from chainrule.models.families import Family, OutOfTimeError, Request, working_seconds
from chainrule.models.shared.scoring_parts import log_prob_in_parts
from chainrule.tables.table import Table

__all__ = ["Search", "search"]

_LEAST_COMPLETE = 20  # validation rows without holes that can judge a model which does not sum out holes
_LEAST_SECONDS = 1.0  # that a network is begun for
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
    try:
        for i, one in enumerate(families):
            seconds = run.share(families[i:]) if one.takes_time else None
            run.try_one(one, one.name, Request(table, valid, seed, seconds, dag), alone=len(families) == 1)
        if combine:
            run.try_orders(families)
            run.combine()
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
        self.deadline = None if budget is None else working_seconds() + budget
        self.trials: list[Trial] = []
        self.skipped: list[tuple[str, str]] = []
        self.chains: dict[int, list[Trial]] = {}  # by the number of their order
        self.stopped = False

    def share(self, to_come: Sequence[Family]) -> float | None:
        """The seconds for the first of these families."""
        if self.deadline is None:
            return None
        return (self.deadline - working_seconds()) / max(1, sum(f.takes_time for f in to_come))

    def try_one(
        self, one: Family, name: str, request: Request, *, order: int = 0, alone: bool = False
    ) -> None:
        """Fit and judge it, or note why not; where it is ``alone`` that is an error."""
        try:
            trial = _tried(one, name, request, self.judges)
        except ChainruleError as e:
            if alone:
                raise
            self.skipped.append((name, str(e)))
            note(f"{name} is left out: {e}")
            return
        self.trials.append(trial)
        note(_heard(trial))
        if one.is_chain:
            self.chains.setdefault(order, []).append(trial)

    def try_orders(self, families: Sequence[Family]) -> None:
        """The chains that could be fitted once more in random orders, while there is time for all of them."""
        done = {t.name for t in self.chains.get(0, [])}
        chains = [one for one in families if one.name in done]
        d, rng = len(self.table.schema), np.random.default_rng(self.seed)
        if len(families) == 1 or d < _LEAST_COLUMNS:
            return
        took = sum(t.seconds for t in self.chains.get(0, []))
        for k in range(1, _ORDERS if chains else 1):
            order = tuple(rng.permutation(d).tolist())
            if self.deadline is not None and self.deadline - working_seconds() < _SLACK * took:
                note(f"no time is left for {'another' if k > 1 else 'a random'} order")
                return
            for i, one in enumerate(chains):
                request = Request(
                    self.table, self.valid, self.seed + k, self.share(chains[i:]), self.dag, order
                )
                self.try_one(one, f"{one.name} {k + 1}", request, order=k)

    def combine(self) -> None:
        """Stacks of the chains of each order, and an average of all."""
        singles = len(self.trials)
        for k, chains in self.chains.items():
            self._keep(
                stacked(chains, self.valid, self.judges, self.seed, f"stack {k + 1}" if k else "stack")
            )
        if singles > 1:
            self._keep(averaged(self.trials, self.valid, self.judges, self.seed))

    def _keep(self, trial: Trial | None) -> None:
        if trial is not None:
            self.trials.append(trial)
            note(_heard(trial))

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
    model = one.fit(request)
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
