"""Exact answers to questions about a model: posteriors, single probabilities, and effects of actions.

``do(x=v)`` sets x from outside (``models/shared/interventions``).  It is answered by models with a DAG; where that was
learned from rows and nobody stands for its arrows, the answer says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.core.errors import InputError
from chainrule.core.records import to_plain
from chainrule.models.auto.estimator import Auto
from chainrule.models.contract import DiscreteModel
from chainrule.models.shared.interventions import LEARNED
from chainrule.models.shared.posterior import Posterior, assignment_text
from chainrule.tasks.models import ModelOrPath, loaded
from chainrule.tasks.questions import Question, parse_question

__all__ = ["Answer", "query"]

_LATENT = "latent, so no row has it: {}; its states are classes that the fit found, in no order of their own"


@dataclass(frozen=True, eq=False)
class Answer:
    """The exact ``posterior`` of what was asked; ``probability`` where a state of each variable was named.

    ``done`` was set from outside, and ``latent`` is what the question names that no row has; ``note`` says what to keep
    in mind of either, or nothing.
    """

    question: str
    posterior: Posterior
    probability: float | None
    done: dict[str, str]
    note: str = ""
    latent: tuple[str, ...] = ()

    def text(self) -> str:
        """One line for a probability, else one for each combination of states."""
        if self.probability is not None:
            return f"{self.question} = {self.probability:.6g}"
        _, *lines = self.posterior.text().splitlines()
        known = f"  where {assignment_text(self.posterior.evidence)}" if self.posterior.evidence else ""
        return "\n".join([self.question + known, *lines])

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain data."""
        plain = {
            "question": self.question,
            "probability": self.probability,
            "do": self.done,
            "latent": self.latent,
            "note": self.note,
        }
        return to_plain(plain | self.posterior.to_plain())


def query(
    model: ModelOrPath,
    question: str | Question,
    evidence: Mapping[str, Any] | None = None,
) -> Answer:
    """The answer of ``model``, or of the model in that file, to "P(smoker | age=60+)"; ``evidence`` adds to it.

    States go by name; a number also names the interval that holds it.  ``do(x=v)`` needs a model with a DAG.
    Raises ``ParseError``, ``UnknownNameError``, ``InputError``, ``TooLargeError``.

    >>> from chainrule.models import BayesianNetwork
    >>> network = BayesianNetwork("rain -> wet").fit({"rain": ["no", "yes"] * 20, "wet": ["no", "yes"] * 20})
    >>> query(network, "P(wet=yes | rain=yes)").probability
    1.0
    >>> query(network, "P(rain=yes | do(wet=yes))").probability  # to wet the grass makes no rain
    0.5
    """
    fitted = loaded(model)
    asked = parse_question(question) if isinstance(question, str) else question
    schema = fitted.nodes_
    known = schema.labels(schema.known({**asked.evidence, **(evidence or {})}))
    states = schema.labels(schema.known(asked.states))
    for name in asked.variables:
        schema.index(name)
    done = schema.labels(schema.known(asked.done))
    note = ""
    if done:
        if both := [v for v in done if v in known or v in asked.variables]:
            raise InputError(f"{both[0]!r} is set by do() and named again; leave it out of one")
        fitted, known = intervened(fitted, done), {**known, **done}
        note = LEARNED if fitted.fit_info_.get("graph") == "learned" else ""
    posterior = fitted.query(list(asked.variables), known)
    probability = None
    if states and len(states) == len(set(asked.variables)):
        probability = posterior.probability(**states)
    elif states:
        posterior = posterior.where(states)
    shown = question if isinstance(question, str) else str(question)
    named = {*asked.variables, *known}
    latent = tuple(v for v in schema.names if v in named and v not in fitted.schema_)
    note = " ".join(filter(None, (note, _LATENT.format(", ".join(latent)) if latent else "")))
    return Answer(shown.strip(), posterior, probability, done, note, latent)


def intervened(model: DiscreteModel, done: Mapping[str, Any]) -> DiscreteModel:
    """The model in which these variables are set from outside; ``InputError`` where it has no DAG."""
    if isinstance(model, Auto):
        return intervened(model.model_, done)
    do = getattr(model, "do", None)
    if do is None:
        raise InputError(
            f"do() needs a DAG, and {type(model).__name__} has none that it can cut; state one, as in chainrule fit … "
            "--model bayesnet --dag 'a -> b', or ask without do() for what goes together"
        )
    return do(done)
