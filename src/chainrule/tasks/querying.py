"""Exact answers to questions about a model: posteriors, single probabilities, effects of actions, most probable states.

``do(x=v)`` sets x from outside (``models/shared/interventions``).  It is answered by models with a DAG; where that was
learned from rows and nobody stands for its arrows, the answer says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.core.checks import check_instance
from chainrule.core.errors import InputError
from chainrule.core.records import to_plain
from chainrule.models.auto.estimator import Auto
from chainrule.models.bayesian_network.estimator import BayesianNetwork
from chainrule.models.bayesian_network.ranked_states import RankedStates, ranked_of_table
from chainrule.models.bayesian_network.sensitivity import Sensitivity
from chainrule.models.bayesian_network.tree_estimator import ChowLiu
from chainrule.models.contract import DiscreteModel
from chainrule.models.shared.interventions import LEARNED
from chainrule.models.shared.posterior import Posterior
from chainrule.tasks.models import ModelOrPath, loaded
from chainrule.tasks.questions import Question, parse_question

__all__ = ["Answer", "Asked", "most_probable", "query", "sensitivity"]

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
        known = self.posterior.condition_text()
        if self.probability is not None:
            soft = known if self.posterior.likelihood or self.posterior.jeffrey else ""
            return f"{self.question} = {self.probability:.6g}{soft}"
        _, *lines = self.posterior.text().splitlines()
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
    *,
    likelihood: Mapping[str, Any] | None = None,
    jeffrey: Mapping[str, Any] | None = None,
) -> Answer:
    """The answer of ``model``, or of the model in that file, to "P(smoker | age=60+)"; ``evidence`` adds to it.

    States go by name; a number also names the interval that holds it.  ``do(x=v)`` needs a model with a DAG.  Soft
    evidence has a number for each state of a variable: ``likelihood`` that of what was observed of it, ``jeffrey`` its
    new marginal.  Raises ``ParseError``, ``UnknownNameError``, ``InputError``, ``TooLargeError``.

    >>> from chainrule.models import BayesianNetwork
    >>> network = BayesianNetwork("rain -> wet").fit({"rain": ["no", "yes"] * 20, "wet": ["no", "yes"] * 20})
    >>> query(network, "P(wet=yes | rain=yes)").probability
    1.0
    >>> query(network, "P(rain=yes | do(wet=yes))").probability  # to wet the grass makes no rain
    0.5
    >>> query(network, "P(rain=yes)", likelihood={"wet": [1, 3]}).probability  # it looks wet, three to one
    0.75
    """
    asked = Asked.of(model, question, evidence)
    posterior = asked.model.query(list(asked.variables), asked.known, likelihood=likelihood, jeffrey=jeffrey)
    probability = None
    if asked.states and len(asked.states) == len(set(asked.variables)):
        probability = posterior.probability(**asked.states)
    elif asked.states:
        posterior = posterior.where(asked.states)
    return Answer(asked.question, posterior, probability, asked.done, asked.note, asked.latent)


def most_probable(
    model: ModelOrPath,
    question: str | Question,
    k: int = 1,
    evidence: Mapping[str, Any] | None = None,
    *,
    likelihood: Mapping[str, Any] | None = None,
    jeffrey: Mapping[str, Any] | None = None,
) -> RankedStates:
    """The ``k`` most probable states, together, of the variables of a ``question``, which ``query`` reads.

    >>> from chainrule.models import BayesianNetwork
    >>> network = BayesianNetwork("rain -> wet").fit({"rain": ["no", "yes", "no"], "wet": ["no", "yes", "yes"]})
    >>> most_probable(network, "P(rain | wet=yes)").states
    ({'rain': 'no'},)
    """
    asked = Asked.of(model, question, evidence)
    if asked.states:
        raise InputError(
            f"{asked.question!r} names states, and the most probable ones are asked for; name variables alone"
        )
    soft: dict[str, Any] = {"likelihood": likelihood, "jeffrey": jeffrey}
    network = _network(asked.model)
    if network is not None:
        return network.most_probable(asked.known, k=k, over=list(asked.variables), **soft)
    return ranked_of_table(asked.model.query(list(asked.variables), asked.known, **soft), k)


def sensitivity(
    model: ModelOrPath,
    question: str | Question,
    evidence: Mapping[str, Any] | None = None,
    *,
    likelihood: Mapping[str, Any] | None = None,
    jeffrey: Mapping[str, Any] | None = None,
) -> Sensitivity:
    """How the answer to a ``question`` about a state, "P(smoker=yes | age=60+)", depends on each entry of each table.

    Of a Bayesian network, one that was learned too; ``InputError`` for models without tables.
    """
    asked = Asked.of(model, question, evidence)
    if len(asked.states) < len(set(asked.variables)):
        raise InputError(
            f"{asked.question!r} asks for no single probability; name a state of each variable, as in "
            "'P(smoker=yes | age=60+)'"
        )
    network = asked.network("sensitivity is of the entries of a network's tables")
    return network.sensitivity(asked.states, asked.known, likelihood=likelihood, jeffrey=jeffrey)


@dataclass(frozen=True, eq=False)
class Asked:
    """A question that fits its ``model``, in which what is done has been done; all states are labels."""

    question: str
    model: DiscreteModel
    variables: tuple[str, ...]
    states: dict[str, str]
    known: dict[str, str]
    done: dict[str, str]
    note: str
    latent: tuple[str, ...]

    @classmethod
    def of(cls, model: ModelOrPath, question: str | Question, evidence: Mapping[str, Any] | None) -> Asked:
        fitted = loaded(model)
        asked = parse_question(question) if isinstance(question, str) else question
        check_instance(asked, Question, "question", like="a text such as 'P(a | b=yes)'")
        if evidence is not None:
            check_instance(evidence, Mapping, "evidence", like="a dict of states by name")
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
        named = {*asked.variables, *known}
        latent = tuple(v for v in schema.names if v in named and v not in fitted.schema_)
        note = " ".join(filter(None, (note, _LATENT.format(", ".join(latent)) if latent else "")))
        shown = question if isinstance(question, str) else str(question)
        return cls(shown.strip(), fitted, asked.variables, states, known, done, note, latent)

    def network(self, why: str) -> BayesianNetwork:
        """The Bayesian network of the model; ``InputError`` where it has no tables, which are needed ``why``."""
        found = _network(self.model)
        if found is None:
            raise InputError(
                f"{why}, and {type(self.model).__name__} has none; fit a Bayesian network, as in chainrule fit … "
                "--model chowliu or --model bayesnet --dag 'a -> b'"
            )
        return found


def _network(model: DiscreteModel) -> BayesianNetwork | None:
    """The Bayesian network that ``model`` is, holds or has chosen; ``None`` where it has no tables."""
    if isinstance(model, Auto):
        return _network(model.model_)
    if isinstance(model, ChowLiu):
        return model.bayesian_network_
    return model if isinstance(model, BayesianNetwork) else None


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
