"""The small protocol that every law of an audit sees: what is asked of a model, over rows of codes.

A subject is a log-probability of rows of codes (n, d), and whatever else there is: a sampler, conditionals, the graph
that they promise to respect, members that are averaged.  What there is not is ``None``, and the laws about it cannot be
told.  ``subject_of`` makes one of a model of this package, by its public methods only, so that what a user would get is
what is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.contract import packed
from chainrule.evaluate.enumeration import codes_of, given_of, rows_of
from chainrule.models.contract import DiscreteModel
from chainrule.models.shared.averaged import AveragedModel
from chainrule.models.shared.states import n_states

__all__ = ["Codes", "Scorer", "Subject", "as_numbers", "least_codes", "subject_of"]

Codes = NDArray[np.integer[Any]]
Scorer = Callable[[Codes], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Subject:
    """A model as laws see it.  Rows are codes (n, d), -1 where a value is missing.

    ``log_prob`` gives (n,) nats; ``sample(n, rng)`` and ``sample_given(n, row, rng)`` rows of codes;
    ``state_log_probs`` log p of each state given what comes before it, (n, Σ K_i); ``conditionals`` those of the states
    that rows have, (n, d).  ``parents`` (d, d) says whether the factor of i may read j, ``order`` (d,) is one in which
    parents come first.  ``members`` are weights and log-probabilities that are averaged.  ``logits`` is a torch
    function from binary rows (n, d) to a logit each; ``is_masked`` says that its masks are applied at each call.
    ``parameters`` gives what scoring must leave alone.
    """

    name: str
    names: tuple[str, ...]
    sizes: tuple[int, ...]
    log_prob: Scorer
    sample: Callable[[int, np.random.Generator], Codes] | None = None
    sample_given: Callable[[int, Codes, np.random.Generator], Codes] | None = None
    state_log_probs: Scorer | None = None
    conditionals: Scorer | None = None
    parents: NDArray[np.bool_] | None = None
    order: NDArray[np.intp] | None = None
    takes_holes: bool = False
    members: Sequence[tuple[float, Scorer]] = ()
    logits: Any = None
    is_masked: bool = False
    is_network: bool = False
    parameters: Callable[[], dict[str, NDArray[Any]]] | None = None
    is_single: bool | None = None
    takes_seed: bool = True

    @property
    def d(self) -> int:
        """The number of variables."""
        return len(self.sizes)

    @property
    def n_states(self) -> int:
        """How many rows there are."""
        return n_states(self.sizes)

    def scores(self, codes: Codes) -> NDArray[np.float64]:
        """``log_prob`` in float64; of a copy, since what a model does to its rows is for one law to tell."""
        return as_numbers(self.log_prob(codes.copy())).astype(np.float64)

    def state_scores(self, codes: Codes) -> NDArray[np.float64] | None:
        """``state_log_probs`` in float64."""
        return (
            None
            if self.state_log_probs is None
            else as_numbers(self.state_log_probs(codes.copy())).astype(float)
        )


def subject_of(model: DiscreteModel) -> Subject:
    """A fitted model of this package as a subject.

    >>> from chainrule.models import Independent
    >>> subject = subject_of(Independent().fit([[0, 1], [1, 1]]))
    >>> subject.sizes, subject.scores(np.array([[0, 1]])).round(3).tolist()
    ((2, 2), [-0.693])
    """
    schema, factors = model.schema_, model.factors_
    network = getattr(model, "network_", None)
    binary = set(schema.sizes) == {2}

    def read(codes: Codes) -> Any:
        return rows_of(model, least_codes(codes))

    one_order = factors is not None
    return Subject(
        name=type(model).__name__,
        names=schema.names,
        sizes=schema.sizes,
        log_prob=lambda codes: model.log_prob(read(codes)),
        sample=lambda n, rng: codes_of(model, model.sample(n, rng=rng)),
        sample_given=lambda n, row, rng: codes_of(
            model, model.sample(n, given=given_of(model, row), rng=rng)
        ),
        state_log_probs=(lambda codes: model.state_log_probs(read(codes))) if one_order else None,
        conditionals=(lambda codes: model.conditionals(read(codes))) if one_order else None,
        parents=None if factors is None else factors.parents,
        order=None if factors is None else factors.order,
        takes_holes=True,
        members=_members(model) if isinstance(model, AveragedModel) else (),
        logits=network if binary and one_order and callable(getattr(network, "logits", None)) else None,
        is_masked=True,
        is_network=network is not None,
        parameters=lambda: packed(model)[0],
        is_single=False,
    )


def _members(model: AveragedModel) -> list[tuple[float, Scorer]]:
    """Weights and log-probabilities of what is averaged; a member may have the columns in another order."""
    found = []
    for weight, member in zip(model.weights_, model.models_, strict=True):
        places = np.array([model.schema_.index(v) for v in member.schema_.names], np.intp)
        found.append((float(weight), _of_columns(member, places)))
    return found


def _of_columns(member: DiscreteModel, places: NDArray[np.intp]) -> Scorer:
    return lambda codes: member.log_prob(rows_of(member, least_codes(codes)[:, places]))


def least_codes(codes: Codes) -> Codes:
    """Codes in the type that a model reads fastest: unsigned bytes where they are complete and small enough."""
    if codes.dtype != np.uint8 and codes.size and codes.min() >= 0 and codes.max() < 2**8:
        return codes.astype(np.uint8)
    return codes


def as_numbers(values: Any) -> NDArray[Any]:
    """What a model gave as an array of numpy: tensors leave their graph and device."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = (values.float() if str(values.dtype) == "torch.bfloat16" else values).numpy()
    return np.asarray(values)
