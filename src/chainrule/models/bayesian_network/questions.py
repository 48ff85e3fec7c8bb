"""Questions about a Bayesian network, with names: what is asked for, what is known, and how sure that is.

``inference`` answers over integers; soft evidence reaches it as findings, which are tables more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_integer, check_size
from chainrule.core.errors import InputError
from chainrule.core.progress import track
from chainrule.core.text import as_written
from chainrule.models.bayesian_network.answers import InferenceCost, MostProbable
from chainrule.models.bayesian_network.inference.elimination import Elimination
from chainrule.models.bayesian_network.inference.findings import (
    Finding,
    findings_of_marginals,
    with_findings,
)
from chainrule.models.bayesian_network.inference.maximising import plan_maximisation
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.bayesian_network.ranked_states import RankedStates, first_of_ties
from chainrule.models.bayesian_network.sensitivity import Sensitivity
from chainrule.models.bayesian_network.term_lines import term_lines
from chainrule.models.shared.posterior import Posterior, impossible, places
from chainrule.models.shared.soft_evidence import SoftEvidence, check_reachable, impossible_likelihood
from chainrule.tables.schema import Schema

__all__ = ["Known", "Questions"]

_BYTES_A_STATE = 128  # that is listed with its name
_MOST_STATES = 2**62  # no memory holds a list as long

States = Mapping[str, Any] | None  # by name
Numbers = Mapping[str, Any] | None  # soft evidence, by name


@dataclass(frozen=True, eq=False)
class Known:
    """What is known: states ``row`` (d,) of the variables, and ``soft`` evidence.

    ``network`` and ``under`` are the network and the row in which soft evidence is observed.
    """

    row: NDArray[np.int32]
    soft: SoftEvidence
    network: DiscreteNetwork
    under: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Questions:
    """The ``network`` of ``nodes``, whose numbers are their places."""

    network: DiscreteNetwork
    nodes: Schema

    def known(self, evidence: States, likelihood: Numbers = None, jeffrey: Numbers = None) -> Known:
        """What is known, checked; ``InputError`` where it is impossible in a way that is seen on the way."""
        row = self.nodes.known(evidence)
        soft = SoftEvidence.of(self.nodes, row, likelihood, jeffrey)
        network, under = self._under_likelihoods(row, soft)
        if not soft.marginals:
            return Known(row, soft, network, under)
        variables = self.nodes.variables
        new = findings_of_marginals(
            network,
            under,
            soft.marginals,
            lambda v, now: check_reachable(variables[v], soft.marginals[v], now),
        )
        if new is None:
            raise self.impossible(row, soft)
        return Known(row, soft, *with_findings(self.network, row, [*_likelihoods(soft), *new]))

    def _under_likelihoods(
        self, row: NDArray[np.int32], soft: SoftEvidence
    ) -> tuple[DiscreteNetwork, NDArray[np.int32]]:
        return with_findings(self.network, row, _likelihoods(soft))

    def impossible(self, row: NDArray[np.int32], soft: SoftEvidence) -> Exception:
        """The error for what is known but cannot be."""
        if soft.likelihoods and self.network.log_prob(row[None])[0] > -np.inf:
            return impossible_likelihood()
        return impossible("evidence", self.nodes.labels(row))

    def posterior(self, variables: str | Iterable[str], known: Known) -> Posterior:
        """p(variables | known)."""
        wanted = places(self.nodes, variables, unknown_in=known.row)
        table = known.network.posterior(known.under, wanted)
        if table is None:
            raise self.impossible(known.row, known.soft)
        return self._posterior(wanted, table, known, self.nodes.labels(known.row))

    def marginals(self, known: Known) -> dict[str, Posterior]:
        """p(v | known) of every v that is not known."""
        found, log_mass = known.network.marginals(known.under)
        if log_mass == -np.inf:
            raise self.impossible(known.row, known.soft)
        evidence = self.nodes.labels(known.row)
        return {self.nodes.names[v]: self._posterior([v], found[v], known, evidence) for v in sorted(found)}

    def maximum(self, known: Known) -> MostProbable:
        """A most probable state of all variables, for which no soft evidence is known."""
        states, log_prob, unique = known.network.maximum(known.under[None])
        if log_prob[0] == -np.inf:
            raise self.impossible(known.row, known.soft)
        labels = self.nodes.labels
        return MostProbable(labels(states[0]), float(log_prob[0]), bool(unique[0]), labels(known.row))

    def ranked(self, known: Known, k: int, over: str | Iterable[str] | None) -> RankedStates:
        """The ``k`` most probable states of ``over``, or of all that is not known."""
        wanted = self._wanted(over, known.row)
        n = min(check_integer(k, "k"), prod(self.nodes.sizes[v] for v in wanted), _MOST_STATES)
        check_size(
            _BYTES_A_STATE * n * len(wanted), f"the list of {n:,} states", instead="ask for a smaller k"
        )
        log_mass = float(known.network.log_prob(known.under[None])[0])
        if log_mass == -np.inf:
            raise self.impossible(known.row, known.soft)
        plan = plan_maximisation(known.network, known.under, None if over is None else wanted)
        rows, values, tied = first_of_ties(iter(track(plan.ranked(), "most probable states", n)), n, wanted)
        variables = [self.nodes.variables[v] for v in wanted]
        named = [{v.name: v.states[row[i]] for i, v in zip(wanted, variables, strict=True)} for row in rows]
        largest = [np.log(values.max()) for values in known.soft.likelihoods.values()]
        return RankedStates(
            tuple(v.name for v in variables),
            tuple(named),
            np.array(values) - log_mass,
            self.nodes.labels(known.row),
            None if known.soft.marginals else log_mass + float(sum(largest)),
            tied,
            **known.soft.named(self.nodes),
        )

    def _wanted(self, over: str | Iterable[str] | None, row: NDArray[np.int32]) -> list[int]:
        if over is None:
            unknown = np.flatnonzero(row < 0).tolist()
            if not unknown:
                raise InputError(
                    "every variable is in the evidence, so nothing is left to ask; leave some out"
                )
            return unknown
        return places(self.nodes, over, "over", unknown_in=row)

    def sensitivity(self, states: States, known: Known, fixed: Iterable[str]) -> Sensitivity:
        """How p(states | known) depends on the entries of all tables but those of ``fixed`` nodes.

        Two passes over the network, with new marginals two for each joint state of their variables.
        """
        answer = self.nodes.known(states)
        if not (answer >= 0).any():
            raise InputError(f"states must name a state of at least one variable; got {as_written(states)}")
        places(self.nodes, list(states or ()), "states", unknown_in=known.row)
        asked = {int(v): int(answer[v]) for v in np.flatnonzero(answer >= 0)}
        network, under = self._under_likelihoods(known.row, known.soft)
        found = term_lines(network, under, asked, known.soft.marginals, len(self.nodes))
        if found is None:
            raise self.impossible(known.row, known.soft)
        slopes = found.weights.slopes(found.parts, found.masses)
        names, left_out = self.nodes.names, set(fixed)
        functions = {
            names[v]: lines
            for v, lines in found.lines.items()
            if names[v] not in left_out and self.nodes.sizes[v] > 1
        }
        return Sensitivity(
            self.nodes.labels(answer),
            self.nodes.labels(known.row),
            found.weights.mean(found.parts, found.masses),
            functions,
            {v: slopes.of(lines[..., 1], lines[..., 3]) for v, lines in functions.items()},
            dict(zip(names, self.network.tables, strict=True)),
            {v: tuple(names[u] for u in self.network.parents[i]) for i, v in enumerate(names)},
            self.nodes,
            found.parts,
            found.masses,
            found.weights,
            **known.soft.named(self.nodes),
        )

    def cost(
        self, variables: str | Iterable[str] | None, names: Iterable[str], *, most_probable: bool
    ) -> InferenceCost:
        """What a question takes where the states of ``names`` are known."""
        row = np.full(len(self.nodes), -1, np.int32)
        row[places(self.nodes, names, "evidence")] = 0
        wanted = None if variables is None else places(self.nodes, variables, unknown_in=row)
        if most_probable:
            return self._named(plan_maximisation(self.network, row, wanted).plan)
        plan = self.network.full_plan(row) if wanted is None else self.network.posterior_plan(row, wanted)
        return self._named(plan)

    def _named(self, plan: Elimination) -> InferenceCost:
        order = tuple(self.nodes.names[v] for v in plan.order)
        return InferenceCost(order, plan.induced_width, plan.largest_entries, plan.total_entries)

    def _posterior(
        self, wanted: list[int], table: NDArray[np.float64], known: Known, evidence: dict[str, str]
    ) -> Posterior:
        asked = [self.nodes.variables[v] for v in wanted]
        names, states = tuple(v.name for v in asked), tuple(v.states for v in asked)
        return Posterior(names, states, table, dict(evidence), **known.soft.named(self.nodes))


def _likelihoods(soft: SoftEvidence) -> list[Finding]:
    return [Finding((v,), values) for v, values in soft.likelihoods.items()]
