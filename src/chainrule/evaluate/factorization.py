"""Does a model respect the factorisation it promises?  Which inputs can move which conditional, exactly.

A model promises p(x) = prod_i p(x_i | parents(x_i)).  Two independent looks at what it really does:

    Jacobian       d logit_i / d x_j by automatic differentiation, with every parameter replaced by a random
                   positive number: then no two paths cancel and no unit is switched off, so an entry is zero
                   exactly where no path leads from x_j to logit i
    perturbation   flip x_j in many rows and see which conditionals change, with the fitted parameters as
                   they are; finds no edge that happens to have no effect, but asks nothing of the model

A forbidden entry must be exactly zero: "small" would mean that the model is not the distribution it claims.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from chainrule.core.checks import check_integer
from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.randomness import RandomState, as_generator
from chainrule.models.shared.ordering import variable_names

__all__ = [
    "FactorizationReport",
    "allowed_dependence",
    "check_factorization",
    "jacobian_dependence",
    "perturbation_dependence",
]

Method = Literal["jacobian", "perturbation"]

_ROUNDING = 1e-9  # of a conditional that had to be computed as a difference of two log-probabilities


@dataclass(frozen=True)
class FactorizationReport:
    """What each conditional was found to depend on, beside what its parents allow.

    ``dependence`` (d, d): row i, column j holds the largest effect of x_j on the conditional of x_i that was
    seen; ``allowed`` (d, d): whether x_j is a parent of x_i.  ``tolerance`` is 0 (exact) except where
    conditionals had to be formed by subtraction.
    """

    method: str
    n_points: int
    dependence: NDArray[np.float64]
    allowed: NDArray[np.bool_]
    tolerance: float = 0.0

    @property
    def violations(self) -> list[tuple[str, str]]:
        """Pairs (variable, input): the conditional of the first moves with the second, which is no parent."""
        names = variable_names(len(self.allowed))
        found = np.argwhere((self.dependence > self.tolerance) & ~self.allowed)
        return [(names[i], names[j]) for i, j in found]

    @property
    def unused(self) -> list[tuple[str, str]]:
        """Pairs (variable, parent) where no effect was seen: allowed, but not used."""
        names = variable_names(len(self.allowed))
        found = np.argwhere((self.dependence <= self.tolerance) & self.allowed)
        return [(names[i], names[j]) for i, j in found]

    @property
    def respected(self) -> bool:
        """Whether no conditional moves with anything but its parents."""
        return not self.violations


def check_factorization(
    model: Any, *, method: Method | None = None, n_points: int = 8, rng: RandomState = None
) -> FactorizationReport:
    """Hold a fitted model to its ``factorization_``.

    ``method`` defaults to the Jacobian where the model has a torch ``network_``, else to perturbation of
    ``n_points`` rows that the model draws itself.  Raises ``InputError`` for a model that promises nothing.

    >>> from chainrule.models.made.estimator import MADE
    >>> model = MADE(hidden=4, epochs=0, ordering="x2,x1", random_state=0).fit([[0, 1], [1, 1]])
    >>> report = check_factorization(model, rng=0)
    >>> report.respected, report.allowed.astype(int).tolist()
    (True, [[0, 1], [0, 0]])
    """
    n_points = check_integer(n_points, "n_points")
    d = model.n_features_in_
    allowed = allowed_dependence(_promise(model), d)
    network = getattr(model, "network_", None)
    has_logits = callable(getattr(network, "logits", None))
    chosen = method or ("jacobian" if has_logits else "perturbation")
    generator = as_generator(rng)
    if chosen == "jacobian":
        if not has_logits:
            raise InputError(
                f"{type(model).__name__} has no network_ with logits to differentiate; "
                "use method='perturbation'"
            )
        found = jacobian_dependence(network, d, n_points=n_points, rng=generator)
        return FactorizationReport("jacobian", n_points, found, allowed)
    if chosen != "perturbation":
        raise InputError(
            f"method must be 'jacobian' or 'perturbation'; got {method!r}; choose one of the two"
        )
    rows = model.sample(n_points, rng=generator)
    if callable(getattr(model, "conditional_probabilities", None)):
        found = perturbation_dependence(model.conditional_probabilities, rows)
        return FactorizationReport("perturbation", n_points, found, allowed)
    order = [variable_names(d).index(node) for node in model.factorization_.topological_order()]
    found = perturbation_dependence(lambda x: _conditionals_by_subtraction(model, x, order), rows)
    return FactorizationReport("perturbation", n_points, found, allowed, tolerance=_ROUNDING)


def allowed_dependence(dag: Any, d: int) -> NDArray[np.bool_]:
    """What a DAG over x1..xd allows, (d, d): row i, column j is whether xj is a parent of xi.

    >>> from chainrule.graphs import DAG
    >>> allowed_dependence(DAG.parse("x2 -> x1"), 2).astype(int).tolist()
    [[0, 1], [0, 0]]
    """
    names = variable_names(d)
    column = {name: i for i, name in enumerate(names)}
    allowed = np.zeros((d, d), bool)
    for node in dag.nodes:
        if node not in column:
            raise UnknownNameError.of("variable", node, names)
        for parent in dag.parents(node):
            allowed[column[node], column[parent]] = True
    return allowed


def jacobian_dependence(
    network: Any, d: int, *, n_points: int = 8, generic: bool = True, rng: RandomState = None
) -> NDArray[np.float64]:
    """Largest |d logit_i / d x_j| over random points, (d, d), row i and column j.

    ``network`` is a torch module with ``logits(x)``, a module that returns the logits, or any function from
    a tensor (n, d) to logits (n, d).  A module is copied to float64, and with ``generic`` its parameters
    become random positive numbers: zero then means that there is no path at all.  That presumes masks that
    are applied at each call; pass ``generic=False`` for a network whose masks live in its weights.  Points
    are positive reals, so that relu units stay on.  Cost: d backward passes over ``n_points`` rows.

    >>> jacobian_dependence(lambda x: torch.stack([0 * x[:, 0], 3 * x[:, 0]], 1), 2, rng=0).tolist()
    [[0.0, 0.0], [3.0, 0.0]]
    """
    d, generator = check_integer(d, "the number of variables"), as_generator(rng)
    logits: Callable[[torch.Tensor], torch.Tensor] = network
    if isinstance(network, torch.nn.Module):
        network = copy.deepcopy(network).cpu().double()
        if generic:
            _make_generic(network, generator)
        logits = getattr(network, "logits", network)
    x = torch.from_numpy(generator.uniform(0.5, 1.5, (check_integer(n_points, "n_points"), d)))
    x.requires_grad_(True)
    outputs = logits(x)
    if tuple(outputs.shape) != tuple(x.shape):
        raise InputError(
            f"the network must give one logit per variable, {tuple(x.shape)}; it gave "
            f"{tuple(outputs.shape)}; pass a function from rows to logits"
        )
    found = np.zeros((d, d))
    if outputs.requires_grad:
        for i in range(d):
            # rows do not mix, so the gradient of the sum over rows is the gradient of each row
            (gradient,) = torch.autograd.grad(outputs[:, i].sum(), x, retain_graph=True, allow_unused=True)
            if gradient is not None:
                found[i] = gradient.abs().amax(0).numpy()
    return found


def perturbation_dependence(
    conditionals: Callable[[NDArray[Any]], NDArray[np.float64]], rows: NDArray[Any]
) -> NDArray[np.float64]:
    """Largest change of conditional i when x_j is flipped, (d, d), over binary ``rows`` (n, d).

    ``conditionals(rows)`` gives p(x_i = 1 | its parents in the row), (n, d); NaN where undefined, which is
    left out.  Bit-equal conditionals count as no change.  Cost: d + 1 calls.

    >>> found = perturbation_dependence(lambda x: np.stack([x[:, 1] / 2, 0 * x[:, 0]], 1), np.eye(2))
    >>> found.tolist()
    [[0.0, 0.5], [0.0, 0.0]]
    """
    rows = np.asarray(rows)
    before = conditionals(rows)
    d = rows.shape[1]
    found = np.zeros((d, d))
    for j in range(d):
        flipped = rows.copy()
        flipped[:, j] = 1 - flipped[:, j]
        change = np.abs(conditionals(flipped) - before)
        found[:, j] = np.where(np.isnan(change), 0.0, change).max(0, initial=0.0)
    return found


def _promise(model: Any) -> Any:
    dag = model.factorization_
    if dag is None:
        raise InputError(
            f"{type(model).__name__} promises no factorisation (factorization_ is None), so there is nothing "
            "to check; use a model with a DAG"
        )
    return dag


def _make_generic(network: torch.nn.Module, generator: np.random.Generator) -> None:
    """Random positive parameters, small enough in sum that a sigmoid does not saturate to slope zero."""
    with torch.no_grad():
        for parameter in network.parameters():
            values = generator.uniform(0.5, 1.5, tuple(parameter.shape)) / max(parameter.shape, default=1)
            parameter.copy_(torch.from_numpy(np.asarray(values)))


def _conditionals_by_subtraction(model: Any, rows: NDArray[Any], order: list[int]) -> NDArray[np.float64]:
    """p(x_i = 1 | everything before i in ``order``) from marginals; NaN where the condition is impossible."""
    known = np.full(rows.shape, np.nan)
    out = np.full(rows.shape, np.nan)
    condition = np.zeros(len(rows))
    for i in order:
        with_one = known.copy()
        with_one[:, i] = 1.0
        possible = condition > -np.inf
        out[possible, i] = np.exp(model.log_prob(with_one)[possible] - condition[possible])
        known[:, i] = rows[:, i]
        condition = model.log_prob(known)
    return out
