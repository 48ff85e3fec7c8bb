"""One step of training in two ways with the same numbers: by autograd, or by compiled loops.

``AutogradSteps`` works for any network and device.  ``CompiledSteps`` is for networks on the CPU that give gradients
themselves (``LikelihoodNetwork.gradient_loop``): gradient and AdamW are loops, and what autograd, its hooks and the
optimiser of torch cost beside them, several times as much for a small network, is not spent.  ``steps_for`` chooses,
once per fit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from chainrule.compiled.calls import has_loops, many_calls
from chainrule.core.time_limit import check_time
from chainrule.models.shared.adamw import BETAS, EPSILON, AdamW
from chainrule.models.shared.network import GradientLoop, LikelihoodNetwork
from chainrule.models.shared.own_torch import rows_to_torch

__all__ = [
    "NEGATIVE_LOG_LIKELIHOOD",
    "AutogradSteps",
    "CompiledSteps",
    "Data",
    "Loss",
    "Steps",
    "mean_loss",
    "steps_for",
]

_TOGETHER = 2048  # rows whose losses are computed together
# multiplications of a batch with all parameters, below which threads of the libraries cost more than they save
_WORTH_THREADS = 4e7


@dataclass(frozen=True)
class Loss:
    """What is minimised: ``by_row(network, rows, targets)`` (n,), differentiable; ``name`` carries the unit.

    ``in_step(network, rows, step)``, where there is one, is what step number ``step`` minimises in its place.
    """

    name: str
    by_row: Callable[[Any, Tensor, Tensor | None], Tensor]
    in_step: Callable[[Any, Tensor, int], Tensor] | None = None


NEGATIVE_LOG_LIKELIHOOD = Loss(
    "nll_nats",
    lambda network, rows, targets: -network.log_prob(rows),
    lambda network, rows, step: -network.log_prob_in_step(rows, step),
)


@dataclass(frozen=True)
class Data:
    """Rows (n, ...) with what belongs to each: weights (n,) of mean one, or none, and targets, or none."""

    rows: NDArray[Any]
    weights: NDArray[np.float64] | None = None
    targets: NDArray[Any] | None = None

    @classmethod
    def of(
        cls,
        rows: NDArray[Any],
        weights: NDArray[np.float64] | None = None,
        targets: NDArray[Any] | None = None,
    ) -> Data:
        """Without the rows of weight zero, and without weights where all are equal.

        >>> Data.of(np.arange(4), np.array([0.0, 2.0, 2.0, 0.0]))
        Data(rows=array([1, 2]), weights=None, targets=None)
        """
        if weights is None:
            return cls(rows, None, targets)
        used = weights > 0
        if not used.all():
            rows, weights = rows[used], weights[used]
            targets = None if targets is None else targets[used]
        return cls(rows, None if (weights == weights[0]).all() else weights / weights.mean(), targets)

    def __len__(self) -> int:
        return len(self.rows)

    def first(self, n: int) -> Data:
        """The first ``n`` rows."""
        return Data(
            self.rows[:n],
            None if self.weights is None else self.weights[:n],
            None if self.targets is None else self.targets[:n],
        )

    def tensors(self, device: torch.device) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Rows, weights in float32, and targets."""
        kept = [self.rows, None if self.weights is None else self.weights.astype(np.float32), self.targets]
        found = [None if a is None else rows_to_torch(a).to(device) for a in kept]
        return found[0], found[1], found[2]  # type: ignore[return-value]


@torch.no_grad()
def mean_loss(network: nn.Module, data: Data, loss: Loss = NEGATIVE_LOG_LIKELIHOOD) -> float:
    """The mean loss of the rows by weight, summed in float64."""
    rows, weights, targets = data.tensors(next(network.parameters()).device)
    total = torch.zeros((), dtype=torch.float64, device=rows.device)
    for begin in range(0, len(rows), _TOGETHER):
        check_time()
        part = slice(begin, begin + _TOGETHER)
        each = loss.by_row(network, rows[part], None if targets is None else targets[part]).double()
        total += each.sum() if weights is None else each @ weights[part].double()
    return float(total) / (len(rows) if data.weights is None else float(data.weights.sum()))


class Steps(ABC):
    """Steps of AdamW on batches of ``Data``.

    Weights decay, biases do not: a bias carries a variable's mean, which needs no shrinking.  ``taken`` is how many
    steps there were, and the number of the next one.
    """

    network: nn.Module
    device: torch.device
    taken: int = 0

    @abstractmethod
    def step(self, chosen: Tensor, learning_rate: float) -> None:
        """One step on the rows ``chosen``, which are where ``device`` is."""

    @property
    @abstractmethod
    def total(self) -> float:
        """The sum of the losses met since it was last taken; to ask a GPU for it is to wait for it."""

    @total.setter
    @abstractmethod
    def total(self, value: float) -> None: ...

    def take_total(self) -> float:
        """``total``, which then begins anew."""
        found, self.total = self.total, 0.0
        return found

    def threads(self, batch_size: int) -> AbstractContextManager[Any]:
        """Within it steps on so many rows take as many threads as pay."""
        return nullcontext()

    def parameters_norm(self) -> float:
        """The Euclidean norm of all parameters."""
        return float(sum(p.detach().double().square().sum() for p in self.network.parameters())) ** 0.5

    def parameters_are_finite(self) -> bool:
        """Whether no parameter has left the finite numbers; one answer of a device for all of them."""
        return bool(torch.stack([p.detach().isfinite().all() for p in self.network.parameters()]).all())

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, beside the network: ``step``, and the two moments by parameter."""

    @abstractmethod
    def set_state(self, state: dict[str, Tensor]) -> None:
        """Take over what ``state`` gave."""


def steps_for(network: nn.Module, data: Data, loss: Loss, weight_decay: float) -> Steps:
    """The compiled way where there is one, else autograd."""
    if (
        isinstance(network, LikelihoodNetwork)
        and loss is NEGATIVE_LOG_LIKELIHOOD
        and all(p.requires_grad and p.is_contiguous() and has_loops(p) for p in network.parameters())
        and (gradient_loop := network.gradient_loop()) is not None
    ):
        return CompiledSteps(network, gradient_loop, data, weight_decay)
    return AutogradSteps(network, data, loss, weight_decay)


class AutogradSteps(Steps):
    """By torch."""

    def __init__(self, network: nn.Module, data: Data, loss: Loss, weight_decay: float) -> None:
        self.network, self._loss = network, loss
        self._parameters = list(network.parameters())
        self.device = self._parameters[0].device
        self._rows, self._weights, self._targets = data.tensors(self.device)
        groups = [
            {"params": [p for p in self._parameters if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for p in self._parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self._optimizer = torch.optim.AdamW(groups, betas=BETAS, eps=EPSILON, fused=True)
        # on the device: to ask a GPU for a number after each step would keep it waiting
        self._total = torch.zeros((), dtype=torch.float64, device=self.device)

    def step(self, chosen: Tensor, learning_rate: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        targets = None if self._targets is None else self._targets[chosen]
        if self._loss.in_step is None:
            each = self._loss.by_row(self.network, self._rows[chosen], targets)
        else:
            each = self._loss.in_step(self.network, self._rows[chosen], self.taken)
        self.taken += 1
        mean = each.mean() if self._weights is None else (each * self._weights[chosen]).sum() / len(chosen)
        self._optimizer.zero_grad(set_to_none=True)
        mean.backward()
        # a parameter that this step does not read moves on as it does in the loops, and keeps count
        for p in self._parameters:
            if p.grad is None and p.requires_grad:
                p.grad = torch.zeros_like(p)
        self._optimizer.step()
        self._total += mean.detach().double() * len(chosen)

    def threads(self, batch_size: int) -> AbstractContextManager[Any]:
        work = batch_size * sum(p.numel() for p in self._parameters)
        small = self.device.type == "cpu" and work < _WORTH_THREADS
        return threadpool_limits(1) if small else nullcontext()

    @property
    def total(self) -> float:
        return float(self._total)

    @total.setter
    def total(self, value: float) -> None:
        self._total.fill_(value)

    def state(self) -> dict[str, Tensor]:
        found = [self._optimizer.state.get(p, {}) for p in self._parameters]
        # before the first step a parameter has no state
        out = {"step": torch.tensor(max(float(own.get("step", 0.0)) for own in found), dtype=torch.float32)}
        for i, (p, own) in enumerate(zip(self._parameters, found, strict=True)):
            for name in ("exp_avg", "exp_avg_sq"):
                out[f"{i}.{name}"] = own.get(name, torch.zeros_like(p)).detach()
        return out

    def set_state(self, state: dict[str, Tensor]) -> None:
        self.taken = int(state["step"])
        for i, p in enumerate(self._parameters):
            moments = {name: state[f"{i}.{name}"].to(p) for name in ("exp_avg", "exp_avg_sq")}
            # a count of its own for each, since torch adds to it in place
            self._optimizer.state[p] = {"step": state["step"].to(p.device).clone(), **moments}


class CompiledSteps(Steps):
    """By the loops of the network and those of ``AdamW``."""

    network: LikelihoodNetwork
    device = torch.device("cpu")

    def __init__(
        self, network: LikelihoodNetwork, gradient_loop: GradientLoop, data: Data, weight_decay: float
    ) -> None:
        self.network, self._log_prob_and_gradients, self._data = network, gradient_loop, data
        parameters = list(network.parameters())
        self._optimizer = AdamW(parameters, [weight_decay if p.ndim > 1 else 0.0 for p in parameters])
        self._total = 0.0

    @property
    def total(self) -> float:
        return self._total

    @total.setter
    def total(self, value: float) -> None:
        self._total = value

    def step(self, chosen: Tensor, learning_rate: float) -> None:
        picked = chosen.numpy()
        shares = np.full(len(picked), 1.0 / len(picked))
        if self._data.weights is not None:
            shares *= self._data.weights[picked]
        log_p, gradients = self._log_prob_and_gradients(self._data.rows[picked], -shares, self.taken)
        self.taken += 1
        self._optimizer.step(gradients, learning_rate)
        self._total -= float(log_p @ shares) * len(picked)

    def threads(self, batch_size: int) -> AbstractContextManager[Any]:
        return many_calls()  # each loop says how many it takes

    def state(self) -> dict[str, Tensor]:
        return self._optimizer.state()

    def set_state(self, state: dict[str, Tensor]) -> None:
        self.taken = int(state["step"])
        self._optimizer.set_state(state)
