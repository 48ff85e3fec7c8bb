"""Expectation and maximisation (Dempster, Laird and Rubin 1977) for tables of a network from rows with holes.

    E:  n_jk = Σ_rows w P(variable = k, parents = j | what the row knows), exactly    (Lauritzen 1995)
    M:  p(k | j) = (n_jk + α) / (n_j + Kα)

Of a row only what matters is completed (``inference.components``): what is below all that it knows is left out of both
steps, which loses nothing of the likelihood and less of the speed.  The log-posterior, Σ w log p(what a row knows) +
Σ α log p(k | j), never falls; with α = 0 that is the log-likelihood.  A fall beyond rounding is an error.

Between steps lies a *leap* (SQUAREM, Varadhan and Roland 2008, steplength S3): tables are extrapolated along the last
two steps, by a length that is cut after a leap that failed, and taken where the log-posterior is no lower for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from chainrule.core.numerics import xlogy
from chainrule.core.progress import track
from chainrule.models.bayesian_network.conditional_tables import Prior, Unseen, estimate_table
from chainrule.models.bayesian_network.incomplete_counts import IncompleteCounts
from chainrule.models.bayesian_network.inference.components import Families
from chainrule.models.bayesian_network.inference.expectation import Expectation

__all__ = ["Ascent", "Point", "Run", "Tables", "climb"]

Tables = list[NDArray[np.float64]]  # one for each variable, axes (parents..., variable)

_ROUNDING = 1e-10  # of a log-posterior, relative
_FIRST_LENGTH, _LENGTH_FACTOR = 4.0, 4.0  # of leaps
_LEAST = 0.1  # of what a step of EM gives an entry, that a leap leaves it: none becomes 0 by extrapolation


@dataclass(frozen=True)
class Point:
    """Tables, the counts expected under them, the log-likelihood of the rows and the log-posterior, in nats."""

    tables: Tables
    counts: Tables
    log_likelihood: float
    log_posterior: float


@dataclass
class Run:
    """One climb: where it is ``at``, and the log-likelihood and log-posterior in nats of each point on its way."""

    start: int
    at: Point | None = None
    steps: int = 0
    log_likelihoods: list[float] = field(default_factory=list)
    log_posteriors: list[float] = field(default_factory=list)
    converged: bool = False

    def go_to(self, point: Point) -> None:
        """Take ``point``, at which the log-posterior must not be lower than where the run is."""
        if self.at is not None:
            least = self.at.log_posterior - _ROUNDING * (1 + abs(self.at.log_posterior))
            if not point.log_posterior >= least:
                raise RuntimeError(
                    f"EM never goes down, but went from {self.at.log_posterior!r} to {point.log_posterior!r} nats; "
                    "this is an error of chainrule, please report it with the rows"
                )
        self.at = point
        self.log_likelihoods.append(point.log_likelihood)
        self.log_posteriors.append(point.log_posterior)


class Ascent:
    """The two steps of EM on ``counts``, with the prior and the policy for unseen configurations of a network."""

    def __init__(
        self, counts: IncompleteCounts, *, pseudocount: float, prior: Prior, unseen: Unseen, max_bytes: int
    ) -> None:
        self.names = counts.schema.names
        self.weight = counts.weight
        self.needs_steps = bool(counts.components)
        self.complete = counts.complete
        self._complete = [counts.complete.tables[v] for v in self.names]
        self._latent = [
            not set(counts.dag.latent).isdisjoint((v, *counts.dag.parents(v))) for v in self.names
        ]
        self._pseudocount = pseudocount
        self._prior: Prior = prior
        self._unseen: Unseen = unseen
        # in an order of their own: what is summed may not depend on which rows came first
        self._expectation = Expectation(
            Families.of(counts.dag, counts.schema),
            dict(sorted(counts.components.items(), key=lambda item: item[0])),
            max_bytes=max_bytes,
        )

    def expected(self, tables: Tables) -> Point:
        """The E step at ``tables``."""
        counts = [table.astype(np.float64) for table in self._complete]
        known = sum(float(xlogy(n, p).sum()) for n, p in zip(counts, tables, strict=True))
        log_likelihood = known + self._expectation.add_to(counts, tables)
        log_prior = sum(float(xlogy(self._added(p), p).sum()) for p in tables)
        return Point(tables, counts, log_likelihood, log_likelihood + log_prior)

    def maximised(self, counts: Sequence[NDArray]) -> Tables:
        """The M step: the tables that ``counts`` make most probable."""
        unseen: Unseen = (
            "uniform" if self._unseen == "refuse" else self._unseen
        )  # refused where the climb ends
        return [
            estimate_table(n, pseudocount=self._pseudocount, prior=self._prior, unseen=unseen)[0]
            for n in counts
        ]

    def with_prior(self, counts: Sequence[NDArray[np.float64]]) -> Tables:
        """``counts`` and what the prior adds to each cell."""
        return [n + self._added(n) for n in counts]

    def n_unseen(self, counts: Sequence[NDArray[np.float64]]) -> dict[str, int]:
        """The configurations of the parents of each variable without any count; ``InputError`` where refused."""
        found = {
            v: estimate_table(
                n, node=v, pseudocount=self._pseudocount, prior=self._prior, unseen=self._unseen
            )[1]
            for v, n in zip(self.names, counts, strict=True)
        }
        return {v: n for v, n in found.items() if n}

    def closed_form(self) -> Tables:
        """The tables where every row knows each family that matters whole."""
        return self.maximised(self._complete)

    def start(self, k: int, seed: int) -> Tables:
        """Where climb ``k`` begins: inside, since an entry that is 0 stays so, and off the symmetric point.

        The first begins at the counts of what rows know whole, and one of each state.  In families with a latent node,
        and for the other climbs in all, entries are multiplied by independent draws of the unit exponential law
        (Dirichlet(1, …, 1) where nothing is known), or all states of a latent node would stay alike.
        """
        generator = np.random.default_rng([seed, k])
        out = []
        for counts, latent in zip(self._complete, self._latent, strict=True):
            table = counts + 1.0
            if latent or k:
                table = table * generator.exponential(size=table.shape)
            out.append(table / table.sum(axis=-1, keepdims=True))
        return out

    def _added(self, table: NDArray[np.float64]) -> float:
        return self._pseudocount if self._prior == "cell" else self._pseudocount / table.size


def climb(run: Run, ascent: Ascent, tables: Tables, *, max_steps: int, tolerance: float, label: str) -> None:
    """Climb from ``tables`` until a step of EM gains at most ``tolerance`` nats for each unit of weight.

    ``run`` holds the best point so far at any time.  A step reads the rows twice: for EM, and for the leap after it.
    """
    run.go_to(ascent.expected(tables))
    longest = _FIRST_LENGTH
    steps = track(range(max_steps), label)
    for _ in steps:
        here = run.at
        assert here is not None
        there = ascent.expected(ascent.maximised(here.counts))
        run.go_to(there)
        run.steps += 1
        steps.detail = f"{there.log_likelihood / ascent.weight:.6f} nats a row"
        if there.log_posterior - here.log_posterior <= tolerance * ascent.weight:
            run.converged = True
            return
        length, far = _leapt(here.tables, there.tables, ascent.maximised(there.counts), longest)
        if length > 1:
            point = ascent.expected(far)
            if point.log_posterior >= there.log_posterior:
                run.go_to(point)
                longest *= _LENGTH_FACTOR if length == longest else 1
            else:
                longest = max(length / _LENGTH_FACTOR, _FIRST_LENGTH)


def _leapt(first: Tables, second: Tables, third: Tables, longest: float) -> tuple[float, Tables]:
    """How far to leap along the way from ``first`` through ``second``, and the tables there; 1 is at ``third``."""
    ways = [b - a for a, b in zip(first, second, strict=True)]
    bends = [(c - b) - way for b, c, way in zip(second, third, ways, strict=True)]
    way, bend = (float(np.sqrt(sum((x * x).sum() for x in each))) for each in (ways, bends))
    length = min(way / bend, longest) if bend > 0 else longest
    out = []
    for a, r, s, c in zip(first, ways, bends, third, strict=True):
        table = np.maximum(a + 2 * length * r + length**2 * s, _LEAST * c)
        out.append(table / table.sum(axis=-1, keepdims=True))
    return length, out
