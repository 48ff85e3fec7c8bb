"""Soft evidence: what is known of a variable without its state being known, in two meanings that are not one.

    likelihood   λ(k) = p(what was observed | variable in state k), up to a factor: a report, a sensor, a test that may
                 err.  It is combined with what the model holds, p'(x) ∝ p(x) λ(x_v), so the model's own opinion counts.
                 (*Virtual evidence*, Pearl 1988, chapter 2: a child of v was observed that is not in the model.)
    jeffrey      r(k), the probability that state k has *from now on*, whatever the model held; all else follows by
                 p'(x) = Σ_k p(x | x_v = k) r(k)  (*probability kinematics*, Jeffrey 1965).  Of several variables, p' is
                 the distribution nearest to p that has all these marginals.

Chan and Darwiche (2005) compare the two: Jeffrey's rule is the likelihood λ = r / p(v | evidence), which depends on the
model, and so does not commute.  Here everything that is known and every likelihood goes first, and ``jeffrey`` holds in
the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError, TooLargeError, ValuesError
from chainrule.core.text import as_written
from chainrule.models.shared.proportional_fitting import fit_marginals
from chainrule.tables.schema import Schema, Variable

__all__ = ["SoftEvidence", "check_reachable", "impossible_likelihood", "weighed"]

_SUM_TOLERANCE = 0.0005  # per state: probabilities written with three decimals

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SoftEvidence:
    """``likelihoods`` and new ``marginals`` (sums are one) by the place of the variable, an entry for each state."""

    likelihoods: dict[int, Numbers] = field(default_factory=dict)
    marginals: dict[int, Numbers] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        schema: Schema,
        known: NDArray[np.integer[Any]],
        likelihood: Mapping[str, Any] | None = None,
        jeffrey: Mapping[str, Any] | None = None,
    ) -> SoftEvidence:
        """What a user says by name, checked; a variable that is ``known`` (d,), -1 where not, has neither.

        >>> soft = SoftEvidence.of(Schema.of({"a": ["no", "yes"]}), np.array([-1]), {"a": {"yes": 3, "no": 1}})
        >>> soft.likelihoods[0].tolist()
        [1.0, 3.0]
        """
        found = cls(
            _by_place(schema, known, likelihood, "likelihood"), _by_place(schema, known, jeffrey, "jeffrey")
        )
        for v, values in found.likelihoods.items():
            if not values.any():
                raise ValuesError(
                    f"likelihood of {schema.names[v]!r} is 0 for every state, so nothing could have been observed; "
                    "give one state a number above 0"
                )
        for v, values in found.marginals.items():
            if abs(values.sum() - 1) > _SUM_TOLERANCE * len(values):
                raise ValuesError(
                    f"jeffrey gives the states of {schema.names[v]!r} probabilities that sum to {values.sum():.6g}; "
                    "they must sum to one (numbers that need not are a likelihood)"
                )
            found.marginals[v] = values / values.sum()
        return found

    def __bool__(self) -> bool:
        return bool(self.likelihoods or self.marginals)

    @property
    def places(self) -> list[int]:
        """The variables that have either, each once."""
        return list(dict.fromkeys([*self.likelihoods, *self.marginals]))

    def named(self, schema: Schema) -> dict[str, dict[str, dict[str, float]]]:
        """Both by name and state, as an answer tells them: ``{"likelihood": …, "jeffrey": …}``."""
        return {
            word: {
                schema.names[v]: dict(zip(schema.variables[v].states, map(float, p), strict=True))
                for v, p in given.items()
            }
            for word, given in (("likelihood", self.likelihoods), ("jeffrey", self.marginals))
        }


def weighed(
    schema: Schema, soft: SoftEvidence, ask: Callable[[list[int]], Numbers | None], wanted: Sequence[int]
) -> Numbers | None:
    """p(wanted | soft evidence) from a model that answers ``ask``: p(variables | what is known), joint, or ``None``.

    ``ask`` is asked for ``wanted`` and all that soft evidence is of, together.
    """
    if not soft:
        return ask(list(wanted))
    several = [*wanted, *(v for v in soft.places if v not in wanted)]
    try:
        joint = ask(several)
    except TooLargeError as e:
        raise TooLargeError(
            f"{e}; what is asked for and what has soft evidence are answered together, so give soft evidence to fewer "
            "variables, or fit a BayesianNetwork or a ChowLiu tree, which need not"
        ) from e
    if joint is None:
        return None
    for v, values in soft.likelihoods.items():
        axis = several.index(v)
        joint = joint * (values / values.max()).reshape([-1 if i == axis else 1 for i in range(joint.ndim)])
    if not joint.any():
        raise impossible_likelihood()
    joint = joint / joint.sum()
    if soft.marginals:
        axes = {several.index(v): r for v, r in soft.marginals.items()}
        for axis, r in axes.items():
            others = tuple(i for i in range(joint.ndim) if i != axis)
            check_reachable(schema.variables[several[axis]], r, joint.sum(axis=others))
        joint = fit_marginals(joint, axes).table
    return joint.sum(axis=tuple(range(len(wanted), len(several))))


def check_reachable(variable: Variable, wanted: Numbers, now: Numbers) -> None:
    """``InputError`` where a state that is impossible ``now`` is to have a probability."""
    bad = np.flatnonzero((wanted > 0) & (now == 0))
    if len(bad):
        raise InputError(
            f"jeffrey gives {variable.name}={variable.states[bad[0]]} the probability {wanted[bad[0]]:g}, but given "
            "the evidence it is impossible under the model; give it 0, leave some evidence out, or fit with a "
            "pseudocount above 0"
        )


def impossible_likelihood() -> InputError:
    """The error for likelihoods that are 0 wherever the evidence allows a state."""
    return InputError(
        "likelihood is 0 for every state that the model allows given the evidence; give one of them a number above 0, "
        "leave some evidence out, or fit with a pseudocount above 0"
    )


def _by_place(
    schema: Schema, known: NDArray[np.integer[Any]], given: Mapping[str, Any] | None, word: str
) -> dict[int, Numbers]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        first = schema.variables[0]
        raise InputError(
            f"{word} must map variables to a number for each state, as in {{{first.name!r}: "
            f"{dict.fromkeys(first.states[:3], 0.5)}}}; got {as_written(given)}"
        )
    found = {}
    for name, values in given.items():
        v = schema.index(name)
        if known[v] >= 0:
            raise InputError(
                f"{name!r} is in the evidence and has a {word}, though its state is known; leave one out"
            )
        found[v] = _numbers(schema.variables[v], values, word)
    return found


def _numbers(variable: Variable, values: Any, word: str) -> Numbers:
    """A number of at least 0 for each state, given in order or by state."""
    states = variable.states
    if isinstance(values, Mapping):
        by_code = {variable.code(state): number for state, number in values.items()}
        if len(by_code) < len(values):
            raise InputError(
                f"{word} of {variable.name!r} names a state twice: {values!r}; name each state once"
            )
        if len(by_code) < len(states):
            missing = next(s for k, s in enumerate(states) if k not in by_code)
            raise InputError(
                f"{word} of {variable.name!r} has no number for the state {missing!r}; name each state, 0 where it is "
                "impossible"
            )
        values = [by_code[k] for k in range(len(states))]
    try:
        found = np.array(values, np.float64)
    except (TypeError, ValueError) as e:
        raise ValuesError(f"{word} of {variable.name!r} must hold numbers; got {as_written(values)}") from e
    if found.shape != (len(states),) or not (np.isfinite(found).all() and (found >= 0).all()):
        raise ValuesError(
            f"{word} of {variable.name!r} must hold a finite number of at least 0 for each of its {len(states)} states "
            f"{', '.join(states[:5])}{', …' if len(states) > 5 else ''}; got {as_written(values)}"
        )
    return found
