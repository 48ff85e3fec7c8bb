"""Families tried one after another on the same rows, small ones first, until the time is over.

A network gets an equal part of what is left, and cuts its epochs to it.  What cannot be fitted is left out, with its
reason.  Ctrl-C ends the search; what is done by then is kept.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.errors import ChainruleError, InputError
from chainrule.core.progress import note
from chainrule.models.auto.leaderboard import Trial
from chainrule.models.families import Family, OutOfTimeError, Request
from chainrule.models.shared.scoring_parts import log_prob_in_parts
from chainrule.tables.table import Table

__all__ = ["Search", "search"]

_LEAST_COMPLETE = 20  # validation rows without holes that can judge a model which does not sum out holes
_LEAST_SECONDS = 1.0  # that a network is begun for


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
) -> Search:
    """Fit each family to ``table``, with ``valid`` to choose its epoch, and judge it on ``judges`` (default ``valid``).

    ``budget`` is in seconds.

    Raises ``InputError`` where no family could be fitted.
    """
    trials: list[Trial] = []
    skipped: list[tuple[str, str]] = []
    stopped, deadline = False, None if budget is None else time.monotonic() + budget
    for i, one in enumerate(families):
        try:
            share = None if deadline is None else _share(families[i:], deadline)
            request = Request(table, valid, seed, share if one.takes_time else None, dag)
            trials.append(_tried(one, request, valid if judges is None else judges))
            note(_heard(trials[-1]))
            if deadline is not None:  # compiling is not counted, see ``families``
                deadline += trials[-1].model.fit_info_.get("warm_up_seconds", 0.0)
        except KeyboardInterrupt:
            if not trials:
                raise
            stopped = True
            skipped += [(later.name, "the search was stopped") for later in families[i:]]
            break
        except ChainruleError as e:
            if len(families) == 1:
                raise
            skipped.append((one.name, str(e)))
            note(f"{one.name} is left out: {e}")
    if not trials:
        raise InputError(f"no model could be fitted ({'; '.join(f'{name}: {why}' for name, why in skipped)})")
    return Search(tuple(trials), tuple(skipped), stopped)


def _share(to_come: Sequence[Family], deadline: float) -> float:
    """The seconds for the first of these families."""
    return (deadline - time.monotonic()) / max(1, sum(f.takes_time for f in to_come))


def _tried(one: Family, request: Request, judges: Table) -> Trial:
    judged = np.ones(judges.n_rows, bool)
    if one.sums_out != "any":
        judged &= ~judges.missing.any(axis=1)
    if not judged.all() and judged.sum() < _LEAST_COMPLETE:
        raise InputError(
            f"it is judged on complete rows, and {judged.sum()} of {judges.n_rows} held-out rows are complete "
            f"(at least {_LEAST_COMPLETE})"
        )
    if request.seconds is not None and request.seconds < _LEAST_SECONDS:
        raise OutOfTimeError("no time is left")
    began = time.monotonic()
    model = one.fit(request)
    if model.schema_.names != request.table.schema.names:
        raise InputError("its graph does not have all columns; name each column as a node")
    seconds = time.monotonic() - began
    return Trial(one.name, model, log_prob_in_parts(model, judges, judged), seconds)


def _heard(trial: Trial) -> str:
    asked = trial.log_prob[~np.isnan(trial.log_prob)]
    return f"{trial.name}: {0.0 - asked.mean():.4f} nats a row on {len(asked):,} held-out rows, {trial.seconds:.1f} s"
