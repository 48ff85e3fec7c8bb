"""A model that is not of this package, as an audit asks it: log p of rows of codes, and what else it has."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import as_list, check_flag, check_instance, check_real
from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError, ShapeError
from chainrule.core.numerics import bernoulli_log_prob
from chainrule.core.text import as_written
from chainrule.evaluate.audit.subject import Codes, Scorer, Subject, as_numbers
from chainrule.graphs import DAG
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.ordering import variable_names
from chainrule.models.shared.states import Sizes, parse_sizes

__all__ = ["OtherModel"]


@dataclass(frozen=True, eq=False)
class OtherModel:
    """A model of discrete rows by whomever, for ``chainrule.audit``.

    ``log_prob(rows)`` takes rows of codes (n, d), int64 from 0 on, and gives their log-probabilities (n,) in nats as
    numbers of numpy or of torch.  ``sizes`` says how many states each variable has; an integer d means d binary ones.
    A module of torch is called; with ``as_tensor`` the rows come as a tensor of its parameters' type.

    All else is for what there is, and each brings its laws with it:

    * ``sample(n, rng)`` draws n rows of codes with a numpy generator (``sample(n)`` too, if it takes none), and
      ``sample_given(n, row, rng)`` those that agree with a row in which -1 is open;
    * ``state_log_probs(rows)`` gives log p of every state of every variable given what is before it, (n, Σ K_i), the
      states of a variable side by side; ``logits(rows)`` is a torch function for binary variables in its place;
    * ``factors`` is what they promise to read: an order of the columns, or a ``DAG`` (text too) on ``names``;
    * ``takes_missing`` says that -1 in a row is a missing value, which is summed out;
    * ``members`` are pairs (weight, log_prob) of which the model is said to be the average;
    * ``precision`` is "single" where it computes in float32; by default that is seen where all that it gives has
      this precision.

    >>> coin = OtherModel(lambda rows: np.log([0.25, 0.75])[rows[:, 0]], sizes=1)
    >>> coin.subject().scores(np.array([[1]])).round(3).tolist()
    [-0.288]
    """

    log_prob: Callable[..., Any]
    sizes: Sizes
    sample: Callable[..., Any] | None = None
    sample_given: Callable[..., Any] | None = None
    state_log_probs: Callable[..., Any] | None = None
    logits: Callable[..., Any] | None = None
    factors: DAG | str | Sequence[int] | None = None
    takes_missing: bool = False
    members: Sequence[tuple[float, Callable[..., Any]]] = ()
    names: Sequence[str] | None = None
    precision: str | None = None
    as_tensor: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        sizes = parse_sizes(self.sizes)
        if not sizes:
            raise InputError("sizes is empty; give the number of states of each variable")
        for what in ("log_prob", "sample", "sample_given", "state_log_probs", "logits"):
            value = getattr(self, what)
            if not callable(value) and not (value is None and what != "log_prob"):
                raise InputError(f"{what} must be a function of rows; got {as_written(value)}")
        if self.precision is not None:
            check_choice(self.precision, "precision", ("single", "double"))
        for what in ("takes_missing", "as_tensor"):
            check_flag(getattr(self, what), what)
        check_instance(self.name, str, "name", like="a text")
        if self.names is not None and len(named := as_list(self.names, "names", of="texts")) != len(sizes):
            raise InputError(f"names must name each of {len(sizes)} variables; got {len(named)}")
        for member in as_list(self.members, "members", of="pairs (weight, log_prob)"):
            if not isinstance(member, (tuple, list)) or len(member) != 2 or not callable(member[1]):
                raise InputError(f"a member is a pair (weight, log_prob); got {as_written(member)}")
            check_real(member[0], "the weight of a member")

    def subject(self) -> Subject:
        """The model as the laws of an audit see it; ``InputError`` where ``factors`` is none on its variables."""
        sizes = parse_sizes(self.sizes)
        names = tuple(variable_names(len(sizes)) if self.names is None else map(str, self.names))
        if self.logits is not None and set(sizes) != {2}:
            raise InputError("logits are of binary variables; pass state_log_probs for others")
        factors = None if self.factors is None else _factorization(self.factors, names)
        states = self.state_log_probs if self.logits is None else None
        return Subject(
            name=self.name or _called(self.log_prob),
            names=names,
            sizes=sizes,
            log_prob=self._asked(self.log_prob),
            sample=None if self.sample is None else _drawing(self.sample),
            sample_given=None if self.sample_given is None else _completing(self.sample_given),
            state_log_probs=self._by_logits() if states is None else self._asked(states),
            parents=None if factors is None else factors.parents,
            order=None if factors is None else factors.order,
            takes_holes=self.takes_missing,
            members=[(float(w), self._asked(f)) for w, f in self.members],
            logits=None if self.logits is None else _in_double(self.logits),
            is_network=_module(self.logits or self.log_prob) is not None,
            parameters=_parameters(self.log_prob),
            is_single=None if self.precision is None else self.precision == "single",
            takes_seed=self.sample is None or _n_arguments(self.sample) > 1,
        )

    def _asked(self, function: Callable[..., Any]) -> Scorer:
        if not self.as_tensor:
            return lambda codes: function(codes.astype(np.int64, copy=False))
        import torch

        module = _module(function)
        kinds = {p.dtype for p in module.parameters()} if module is not None else set()
        kind = kinds.pop() if len(kinds) == 1 else torch.get_default_dtype()

        def ask(codes: Codes) -> Any:
            with torch.no_grad():
                return function(torch.from_numpy(codes).to(kind))

        return ask

    def _by_logits(self) -> Scorer | None:
        """``state_log_probs`` of binary variables from the logits of a torch function."""
        if self.logits is None:
            return None
        ask = OtherModel(self.logits, self.sizes, as_tensor=True)._asked(self.logits)

        def states(codes: Codes) -> NDArray[np.float64]:
            z = as_numbers(ask(codes)).astype(np.float64)
            both = np.stack(
                [bernoulli_log_prob(np.zeros_like(z), z), bernoulli_log_prob(np.ones_like(z), z)], 2
            )
            return both.reshape(len(z), -1)

        return states


def _factorization(factors: DAG | str | Sequence[int], names: tuple[str, ...]) -> Factorization:
    if isinstance(factors, (DAG, str)):
        return Factorization.of_dag(factors, names)
    return Factorization.of_order(as_list(factors, "factors", of="columns, or a DAG"), names)


def _drawing(sample: Callable[..., Any]) -> Callable[[int, np.random.Generator], Codes]:
    takes = _n_arguments(sample)
    return lambda n, rng: _rows(sample(n, rng) if takes > 1 else sample(n), n)


def _completing(sample: Callable[..., Any]) -> Callable[[int, Codes, np.random.Generator], Codes]:
    return lambda n, row, rng: _rows(sample(n, row, rng), n)


def _rows(drawn: Any, n: int) -> Codes:
    rows = as_numbers(drawn)
    if rows.ndim != 2 or len(rows) != n:
        raise ShapeError(f"{n} draws must be an array ({n}, d); the shape is {rows.shape}")
    return rows


def _n_arguments(function: Callable[..., Any]) -> int:
    """How many arguments a function takes by place; two where that cannot be seen."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 2
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return 2
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def _module(function: Any) -> Any:
    """The module of torch that a function is, or is a method of; ``None`` without one."""
    owner = getattr(function, "__self__", function)
    return owner if callable(getattr(owner, "state_dict", None)) and hasattr(owner, "parameters") else None


def _in_double(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of tensors on a copy in float64 of the module that it is, or is a method of."""
    module = _module(function)
    if module is None:
        return function
    copied = copy.deepcopy(module).cpu().double()
    return copied if function is module else getattr(copied, function.__name__)


def _parameters(function: Any) -> Callable[[], dict[str, NDArray[Any]]] | None:
    module = _module(function)
    if module is None:
        return None
    return lambda: {name: as_numbers(value).copy() for name, value in module.state_dict().items()}


def _called(function: Any) -> str:
    owner = getattr(function, "__self__", function)
    return getattr(owner, "__name__", None) or type(owner).__name__
