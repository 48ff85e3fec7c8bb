"""Does a model respect the factorisation it promises?  Which inputs can move which conditional, exactly.

A model promises p(x) = prod_i p(x_i | parents(x_i)).  Two independent looks at what it really does:

    Jacobian       d logit_i / d x_j by automatic differentiation, with every parameter replaced by a random
                   positive number: then no two paths cancel and no unit is switched off, so an entry is zero
                   exactly where no path leads from x_j to logit i
    perturbation   give x_j every other state in many rows and see which conditionals change, with the fitted
                   parameters as they are; finds no edge that happens to have no effect, but asks nothing of
                   the model

A forbidden entry must be exactly zero: "small" would mean that the model is not the distribution it claims.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import (
    MOST_LISTED,
    as_list,
    as_matrix,
    check_flag,
    check_instance,
    check_integer,
    check_size,
)
from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError, ShapeError, UnknownNameError, ValuesError
from chainrule.core.randomness import RandomState, as_generator
from chainrule.core.text import as_written
from chainrule.evaluate.enumeration import codes_of, rows_of, sizes_of
from chainrule.graphs import DirectedGraph
from chainrule.models.shared.ordering import variable_names
from chainrule.models.shared.states import Sizes, parse_sizes
from chainrule.tables.missing import MISSING

if TYPE_CHECKING:
    import torch

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
    conditionals had to be formed by subtraction.  ``names`` are the variables, x1 … xd by default.
    """

    method: str
    n_points: int
    dependence: NDArray[np.float64]
    allowed: NDArray[np.bool_]
    tolerance: float = 0.0
    names: tuple[str, ...] = ()

    @property
    def violations(self) -> list[tuple[str, str]]:
        """Pairs (variable, input): the conditional of the first moves with the second, which is no parent."""
        return self._pairs((self.dependence > self.tolerance) & ~self.allowed)

    @property
    def unused(self) -> list[tuple[str, str]]:
        """Pairs (variable, parent) where no effect was seen: allowed, but not used."""
        return self._pairs((self.dependence <= self.tolerance) & self.allowed)

    @property
    def respected(self) -> bool:
        """Whether no conditional moves with anything but its parents."""
        return not self.violations

    def _pairs(self, which: NDArray[np.bool_]) -> list[tuple[str, str]]:
        names = self.names or tuple(variable_names(len(which)))
        return [(names[i], names[j]) for i, j in np.argwhere(which)]


def check_factorization(
    model: Any,
    *,
    method: Method | None = None,
    n_points: int = 8,
    sizes: Sizes | None = None,
    rng: RandomState = None,
) -> FactorizationReport:
    """Hold a fitted model to its ``factorization_``.

    ``method`` defaults to the Jacobian for a model of binary variables that has a torch ``network_`` with
    ``logits``, else to perturbation of ``n_points`` rows that the model draws itself.  ``sizes`` is the number of
    states of each variable, as ``enumeration.sizes_of`` finds it where it is left out.  Raises ``InputError`` for
    a model that promises nothing.

    >>> from chainrule.models import MADE
    >>> model = MADE(hidden=4, epochs=0, ordering="x2,x1", random_state=0).fit([[0, 1], [1, 1]])
    >>> report = check_factorization(model, rng=0)
    >>> report.respected, report.allowed.astype(int).tolist()
    (True, [[0, 1], [0, 0]])
    """
    n_points, parsed = check_integer(n_points, "n_points"), sizes_of(model, sizes)
    if not hasattr(model, "factorization_"):
        raise InputError(f"model must have a factorization_ to be held to; got {as_written(model)}")
    names = _names(model, len(parsed))
    allowed = allowed_dependence(_promise(model), names)
    network = getattr(model, "network_", None)
    chosen = _chosen(
        method, type(model).__name__, callable(getattr(network, "logits", None)) and set(parsed) == {2}
    )
    generator = as_generator(rng)
    if chosen == "jacobian":
        found, tolerance = jacobian_dependence(network, len(parsed), n_points=n_points, rng=generator), 0.0
    else:
        rows = codes_of(model, model.sample(n_points, rng=generator))
        found, tolerance = _perturbed(model, rows, parsed, names)
    return FactorizationReport(chosen, n_points, found, allowed, tolerance, names)


def _chosen(method: Method | None, model: str, differentiable: bool) -> Method:
    """The method asked for, or the sharper one where none was."""
    if method is not None:
        check_choice(method, "method", ("jacobian", "perturbation"))
    if method == "jacobian" and not differentiable:
        raise InputError(
            f"{model} has no network_ with logits of binary variables to differentiate; "
            "use method='perturbation', or jacobian_dependence with the columns of each variable"
        )
    return method or ("jacobian" if differentiable else "perturbation")


def _names(model: Any, d: int) -> tuple[str, ...]:
    """What a model calls its variables, in the order of its columns."""
    named = getattr(model, "feature_names_in_", None)
    named = getattr(model, "variables_", None) if named is None else named
    return tuple(variable_names(d) if named is None else map(str, named))


def _perturbed(
    model: Any, rows: NDArray[Any], sizes: tuple[int, ...], names: tuple[str, ...]
) -> tuple[NDArray[np.float64], float]:
    """``perturbation_dependence`` of a model, and the tolerance that its conditionals ask for."""
    if callable(getattr(model, "conditionals", None)):
        found = perturbation_dependence(
            lambda x: np.exp(model.conditionals(rows_of(model, x))), rows, sizes=sizes
        )
        np.fill_diagonal(found, 0.0)  # each is of its variable's own state
        return found, 0.0
    order = [names.index(node) for node in model.factorization_.topological_order()]
    found = perturbation_dependence(
        lambda x: _conditionals_by_subtraction(model, x, order, sizes), rows, sizes=sizes
    )
    return found, _ROUNDING


def allowed_dependence(dag: Any, variables: int | Sequence[str]) -> NDArray[np.bool_]:
    """What a DAG allows, (d, d): row i, column j is whether variable j is a parent of variable i.

    ``variables`` are the names in the order of the columns, or d for x1 … xd.  Raises ``UnknownNameError`` for a
    node that is none of them.

    >>> from chainrule.graphs import DAG
    >>> allowed_dependence(DAG.parse("x2 -> x1"), 2).astype(int).tolist()
    [[0, 1], [0, 0]]
    """
    check_instance(dag, DirectedGraph, "dag", like="a DAG")
    if isinstance(variables, int):
        names = variable_names(check_integer(variables, "variables", most=MOST_LISTED))
    else:
        names = [
            check_instance(v, str, "variables", like="names")
            for v in as_list(variables, "variables", of="names")
        ]
    check_size(len(names) ** 2, f"a matrix of {len(names):,} variables")
    column = {name: i for i, name in enumerate(names)}
    allowed = np.zeros((len(names), len(names)), bool)
    for node in dag.nodes:
        if node not in column:
            raise UnknownNameError.of("variable", node, names)
        for parent in dag.parents(node):
            allowed[column[node], column[parent]] = True
    return allowed


def jacobian_dependence(
    network: Any,
    d: int,
    *,
    columns: Sequence[int] | None = None,
    n_points: int = 8,
    generic: bool = True,
    rng: RandomState = None,
) -> NDArray[np.float64]:
    """Largest |d logit_i / d x_j| over random points, (d, d), row i and column j.

    ``network`` is a torch module with ``logits(x)``, a module that returns the logits, or any function from
    a tensor (n, D) to logits (n, D).  ``columns`` says how many of the D columns, of inputs as of logits, each
    variable has: one for a binary variable (the default), one for each state where states are one-hot; an entry
    is then the largest over a variable's columns.  A module is copied to float64, and with ``generic`` its
    parameters become random positive numbers: zero then means that there is no path at all.  That presumes masks
    that are applied at each call; pass ``generic=False`` for a network whose masks live in its weights.  Points
    are positive reals, so that relu units stay on.  Cost: D backward passes over ``n_points`` rows.

    >>> import torch
    >>> jacobian_dependence(lambda x: torch.stack([0 * x[:, 0], 3 * x[:, 0]], 1), 2, rng=0).tolist()
    [[0.0, 0.0], [3.0, 0.0]]
    >>> jacobian_dependence(lambda x: x * torch.tensor([0, 0, 2]), 2, columns=[2, 1], rng=0).tolist()
    [[0.0, 0.0], [0.0, 2.0]]
    """
    import torch  # not before it is needed: rows of codes are audited without it

    d, generator = check_integer(d, "the number of variables"), as_generator(rng)
    if not callable(network):
        raise InputError(f"network must be a module or a function of rows; got {as_written(network)}")
    columns = None if columns is None else as_list(columns, "columns", of="numbers")
    starts = _starts(d, columns)
    logits = _logits_of(network, check_flag(generic, "generic"), generator)
    shape = check_integer(n_points, "n_points"), sum(columns) if columns is not None else d
    check_size(
        32 * shape[1] * max(shape), f"{shape[0]:,} points of {shape[1]:,} columns", instead="pass fewer"
    )
    x = torch.from_numpy(generator.uniform(0.5, 1.5, shape)).requires_grad_(True)
    outputs = logits(x)
    if tuple(outputs.shape) != tuple(x.shape):
        raise InputError(
            f"the network must give one logit per {'variable' if columns is None else 'column'}, "
            f"{tuple(x.shape)}; it gave {tuple(outputs.shape)}; pass a function from rows to logits"
        )
    found = _slopes(outputs, x)
    return np.maximum.reduceat(np.maximum.reduceat(found, starts, 0), starts, 1)


def _logits_of(
    network: Any, generic: bool, generator: np.random.Generator
) -> Callable[[torch.Tensor], torch.Tensor]:
    """What gives the logits: a copy of a module in float64, or the function itself."""
    import torch

    if not isinstance(network, torch.nn.Module):
        return network
    network = copy.deepcopy(network).cpu().double()
    if generic:
        _make_generic(network, generator)
    return getattr(network, "logits", network)


def _starts(d: int, columns: Sequence[int] | None) -> NDArray[np.intp]:
    """The first column of each of ``d`` variables."""
    widths = [1] * d if columns is None else [check_integer(w, "columns") for w in columns]
    if len(widths) != d:
        raise InputError(f"columns must name the columns of each of {d} variables; got {len(widths)} numbers")
    return np.concatenate([[0], np.cumsum(widths)[:-1]]).astype(np.intp)


def _slopes(outputs: torch.Tensor, x: torch.Tensor) -> NDArray[np.float64]:
    """Largest |d output_i / d x_j| over the rows, (D, D); zeros for outputs that do not depend on ``x``."""
    import torch

    found = np.zeros((x.shape[1], x.shape[1]))
    if outputs.requires_grad:
        for i in range(x.shape[1]):
            # rows do not mix, so the gradient of the sum over rows is the gradient of each row
            (gradient,) = torch.autograd.grad(outputs[:, i].sum(), x, retain_graph=True, allow_unused=True)
            if gradient is not None:
                found[i] = gradient.abs().amax(0).numpy()
    return found


def perturbation_dependence(
    conditionals: Callable[[NDArray[Any]], NDArray[np.float64]],
    rows: NDArray[Any],
    *,
    sizes: Sizes | None = None,
) -> NDArray[np.float64]:
    """Largest change of conditional i when x_j gets another state, (d, d), over ``rows`` of codes (n, d).

    ``conditionals(rows)`` gives the law of x_i given its parents in the row: p(x_i = 1 | …), (n, d), or the
    probability of each state, (n, d, most states).  NaN where undefined, which is left out.  Rows are binary
    unless ``sizes`` says otherwise.  Bit-equal conditionals count as no change.  Cost: a call for each other
    state of each variable, and one more.

    >>> found = perturbation_dependence(lambda x: np.stack([x[:, 1] / 2, 0 * x[:, 0]], 1), np.eye(2))
    >>> found.tolist()
    [[0.0, 0.5], [0.0, 0.0]]
    """
    rows = as_matrix(rows, name="rows")
    d = rows.shape[1]
    parsed = parse_sizes(d if sizes is None else sizes)
    if len(parsed) != d:
        raise ShapeError(f"rows have {d} columns and sizes {len(parsed)} numbers; give one for each column")
    check_size(16 * rows.size, "rows with their conditionals", instead="pass fewer rows")
    if not callable(conditionals):
        raise InputError(f"conditionals must be a function of rows; got {as_written(conditionals)}")
    bad = np.argwhere(~((rows >= MISSING) & (rows < np.array(parsed)) & (rows == np.floor(rows))))
    if len(bad):
        i, j = bad[0]
        raise ValuesError(
            f"rows must hold codes from 0 to {parsed[j] - 1} in column {j}, or -1, but row {i} has {rows[i, j]:g}; "
            "pass rows of codes, and sizes"
        )
    before = conditionals(rows)
    found = np.zeros((d, d))
    for j, size in enumerate(parsed):
        for step in range(1, size):
            moved = rows.copy()
            moved[:, j] = (rows[:, j].astype(np.int64) + step) % size
            change = np.abs(conditionals(moved) - before)
            change = np.where(np.isnan(change), 0.0, change).reshape(len(rows), d, -1)
            found[:, j] = np.maximum(found[:, j], change.max((0, 2), initial=0.0))
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
    import torch

    with torch.no_grad():
        for parameter in network.parameters():
            values = generator.uniform(0.5, 1.5, tuple(parameter.shape)) / max(parameter.shape, default=1)
            parameter.copy_(torch.from_numpy(np.asarray(values)))


def _conditionals_by_subtraction(
    model: Any, rows: NDArray[Any], order: list[int], sizes: tuple[int, ...]
) -> NDArray[np.float64]:
    """p(x_i = s | everything before i in ``order``), (n, d, most states), from marginals.

    NaN where the condition is impossible, and for states that a variable does not have.
    """
    known = np.full(rows.shape, MISSING)
    out = np.full((*rows.shape, max(sizes)), np.nan)
    condition = np.zeros(len(rows))
    for i in order:
        possible = condition > -np.inf
        for state in range(sizes[i]):
            known[:, i] = state
            out[possible, i, state] = np.exp(
                model.log_prob(rows_of(model, known))[possible] - condition[possible]
            )
        known[:, i] = rows[:, i]
        condition = model.log_prob(rows_of(model, known))
    return out
