"""A fit by EM: several climbs (``em``), of which the highest is kept, and what there is to say of them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_integer, check_real
from chainrule.core.errors import InputError
from chainrule.core.randomness import RandomState, as_generator
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.em import Ascent, Run, Tables, climb
from chainrule.models.bayesian_network.family_counts import info_of_counts
from chainrule.tables.schema import Schema

__all__ = ["Climbs", "EMSettings", "tables_to_go_on_from"]


@dataclass(frozen=True)
class EMSettings:
    """The settings of a network that concern EM alone, checked; raises ``InputError``."""

    n_starts: int
    max_steps: int
    tolerance: float
    seed: int

    @classmethod
    def checked(cls, n_starts: Any, max_steps: Any, tolerance: Any, random_state: RandomState) -> EMSettings:
        """From what the user has set; a seed is drawn from a generator, or anew."""
        return cls(
            check_integer(n_starts, "n_starts"),
            check_integer(max_steps, "max_steps"),
            check_real(tolerance, "tolerance"),
            int(as_generator(random_state).integers(2**31)),
        )


class Climbs:
    """The climbs of one fit, from ``warm`` tables alone where these are given; ``best`` is the highest so far."""

    def __init__(self, ascent: Ascent, settings: EMSettings, warm: Tables | None = None) -> None:
        self.ascent, self.settings, self._warm = ascent, settings, warm
        several = settings.n_starts if ascent.needs_steps and warm is None else 1
        self.runs = [Run(k) for k in range(several)]
        self._began = time.perf_counter()

    @property
    def best(self) -> Run | None:
        """The first of the runs that are highest, within the tolerance; ``None`` before the first has begun."""
        begun = [run for run in self.runs if run.at is not None]
        top = max((run.log_posteriors[-1] for run in begun), default=0.0)
        enough = top - self.settings.tolerance * self.ascent.weight
        return next((run for run in begun if run.log_posteriors[-1] >= enough), None)

    def climb_all(self) -> None:
        """Climb from every start; rows that any network must explain in one way need no climb."""
        for run in self.runs:
            if not self.ascent.needs_steps:
                run.go_to(self.ascent.expected(self.ascent.closed_form()))
                run.converged = True
                return
            start = self.ascent.start(run.start, self.settings.seed) if self._warm is None else self._warm
            if self._warm is not None and self.ascent.expected(start).log_likelihood == -np.inf:
                raise InputError(
                    "a row has probability zero under the tables that warm_start=True is to go on from, and EM leaves "
                    "such zeros as they are; set warm_start=False, or fit before with a pseudocount above 0"
                )
            climb(
                run,
                self.ascent,
                start,
                max_steps=self.settings.max_steps,
                tolerance=self.settings.tolerance,
                label="EM" if len(self.runs) == 1 else f"EM, start {run.start + 1} of {len(self.runs)}",
            )

    def result(self) -> tuple[Tables, dict[str, Any]]:
        """The best tables so far, and what ``fit_info_`` says of the fit, as plain data."""
        best = self.best
        assert best is not None
        assert best.at is not None
        unseen = self.ascent.n_unseen(best.at.counts)
        return best.at.tables, info_of_counts(self.ascent.complete, unseen) | {
            "seed": self.settings.seed,
            "converged": best.converged,
            "best_start": best.start,
            "steps": best.steps,
            "log_likelihood_nats": best.log_likelihoods,
            "log_posterior_nats": best.log_posteriors,
            "starts": [
                {
                    "start": run.start,
                    "steps": run.steps,
                    "converged": run.converged,
                    "log_likelihood_nats": run.log_likelihoods[-1],
                    "log_posterior_nats": run.log_posteriors[-1],
                }
                for run in self.runs
                if run.log_likelihoods
            ],
            "seconds": time.perf_counter() - self._began,
        }


def tables_to_go_on_from(
    dag: DAG,
    states: Mapping[str, Sequence[str]],
    tables: Mapping[str, NDArray[np.float64]],
    now: DAG,
    schema: Schema,
) -> Tables:
    """``tables`` in the order of ``schema``; ``InputError`` unless the DAG is the one ``now``, and the states too."""
    if dag != now or any(dag.parents(v) != now.parents(v) for v in dag.nodes) or states != schema.states:
        raise InputError(
            "warm_start=True goes on from tables of another DAG or of other states; set warm_start=False, or name the "
            "states ahead with schema=…"
        )
    return [tables[v] for v in schema.names]
