"""Findings: tables over some variables that multiply p(x), as part of the network.

A *finding* is a table λ over the variables of its scope, p'(x) ∝ p(x) λ(x_scope).  It becomes a node of two states
below these variables, observed in state 0, with p(0 | scope) = λ / max λ (virtual evidence, Pearl 1988).  So whatever
answers questions about a network answers them under findings too, and at a cost that is known as ever.

New marginals (Jeffrey 1965) become findings.  That of one variable v alone is λ = r / p(v | evidence) (Chan and
Darwiche 2005).  Of several variables the scales of iterative proportional fitting are one for each: they are found on
the joint table of these variables where it is small, else by asking the network for one marginal after the other.
Where no finite scales give the distribution, the finding is the ratio of the two joint tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.progress import track
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.shared.proportional_fitting import TOLERANCE, fit_marginals, no_convergence

__all__ = ["Finding", "findings_of_marginals", "with_findings"]

_JOINT_BYTES = 2**24  # of the joint table of the variables that get new marginals
_MOST_AXES = 64  # of a numpy array
_MOST_STEPS = 1000  # through all of them, where each asks the network

Numbers = NDArray[np.float64]
Reachable = Callable[
    [int, Numbers], None
]  # raises where a variable, whose marginal is this, cannot get the new one


@dataclass(frozen=True, eq=False)
class Finding:
    """``values`` >= 0 with an axis for each variable of ``scope``."""

    scope: tuple[int, ...]
    values: Numbers


def with_findings(
    network: DiscreteNetwork, row: NDArray[Any], findings: Sequence[Finding]
) -> tuple[DiscreteNetwork, NDArray[np.int32]]:
    """The network with a node for each finding, and ``row`` (d,) with them observed; variables keep their numbers.

    >>> coin = DiscreteNetwork([()], [np.array([0.5, 0.5])], [0])
    >>> network, row = with_findings(coin, np.array([-1]), [Finding((0,), np.array([1.0, 3.0]))])
    >>> network.posterior(row, [0]).tolist()
    [0.25, 0.75]
    """
    if not findings:
        return network, np.asarray(row, np.int32)
    shares = [finding.values / finding.values.max() for finding in findings]
    extended = network.extended(
        [finding.scope for finding in findings], [np.stack([p, 1 - p], axis=-1) for p in shares]
    )
    return extended, np.concatenate([row, np.zeros(len(findings))]).astype(np.int32)


def findings_of_marginals(
    network: DiscreteNetwork, row: NDArray[Any], wanted: dict[int, Numbers], check: Reachable
) -> list[Finding] | None:
    """Findings under which each variable of ``wanted`` has that marginal; ``None`` where ``row`` is impossible.

    ``check(v, marginal)`` is called for the marginals before.  Raises ``InputError`` where there are no such findings.
    """
    variables = tuple(wanted)
    joint = _small_joint(network, row, variables)
    if joint is None:
        return (
            _one_by_one(network, row, wanted, check) if np.isfinite(network.log_prob(row[None])[0]) else None
        )
    if not joint.size:
        return None
    for axis, v in enumerate(variables):
        check(v, joint.sum(axis=tuple(i for i in range(joint.ndim) if i != axis)))
    fitted = fit_marginals(joint, dict(enumerate(wanted.values())))
    if fitted.scales is None:
        ratio = np.divide(fitted.table, joint, out=np.zeros_like(joint), where=joint > 0)
        return [Finding(variables, ratio)]
    return [Finding((v,), fitted.scales[axis]) for axis, v in enumerate(variables)]


def _small_joint(network: DiscreteNetwork, row: NDArray[Any], variables: tuple[int, ...]) -> Numbers | None:
    """p(variables | row), of no size where ``row`` is impossible; ``None`` where it is large."""
    most = min(_JOINT_BYTES, network.max_bytes)
    if len(variables) > 1 and (
        len(variables) > _MOST_AXES or network.posterior_plan(row, variables).total_bytes > most
    ):
        return None
    found = network.posterior(row, variables)
    return np.empty(0) if found is None else found


def _one_by_one(
    network: DiscreteNetwork, row: NDArray[Any], wanted: dict[int, Numbers], check: Reachable
) -> list[Finding]:
    """The scales of iterative proportional fitting, each from the marginal of one variable under all others."""
    scales = {v: np.ones(len(r)) for v, r in wanted.items()}
    difference = np.inf
    steps = track(range(_MOST_STEPS), "proportional fitting")
    for step in steps:
        worst = 0.0
        for v, r in wanted.items():
            findings = [Finding((u,), scale) for u, scale in scales.items()]
            now = _marginal(*with_findings(network, row, findings), v)
            if not step:
                check(v, now)
            worst = max(worst, float(np.abs(now - r).max()))
            scale = scales[v] * np.divide(r, now, out=np.zeros_like(r), where=now > 0)
            scales[v] = scale / scale.max()
        difference = worst
        steps.detail = f"marginals miss by {difference:.1e}"
        if difference <= TOLERANCE:
            return [Finding((v,), scale) for v, scale in scales.items()]
    raise no_convergence(_MOST_STEPS, difference)


def _marginal(network: DiscreteNetwork, row: NDArray[Any], v: int) -> Numbers:
    found = network.posterior(row, [v])
    return np.zeros(network.sizes[v]) if found is None else found
