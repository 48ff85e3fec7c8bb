"""A multilayer perceptron that scores a whole binary vector with one number, f(x) = sigmoid(logit(x)).

No factorisation makes the f(x) sum to one.  As a distribution it needs its partition function

    p(x) = f(x) / Z,   Z = sum of f over all 2^d states,

which is exact, and differentiable, only while 2^d states can be scored.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from chainrule.core.errors import TooLargeError
from chainrule.core.progress import track
from chainrule.models.shared.likelihood import bernoulli_terms
from chainrule.models.shared.states import state_blocks
from chainrule.models.shared.training import TrainingError

__all__ = ["LARGEST", "Loss", "MLPNetwork", "Regression", "check_enumerable", "regress"]

Loss = Literal["cross_entropy", "squared_error"]
_SMALL_STEP = (
    10**8
)  # multiplications of a batch with all weights, below which threads cost more than they save
LARGEST = 20  # binary variables: 2^20 = 1.05 million forward passes for the partition function


class MLPNetwork(nn.Module):
    """Linear layers with relu between them, from d inputs to one logit; f(x) = sigmoid(logit).

    ``hidden`` holds the sizes of the hidden layers, so that there are ``len(hidden) + 1`` layers of
    weights.  ``start`` is the value of f that the network starts from on every input, near enough.

    >>> net = MLPNetwork(3, [8], generator=torch.Generator().manual_seed(0))
    >>> net(torch.zeros(2, 3)).shape
    torch.Size([2])
    """

    def __init__(
        self, d: int, hidden: Sequence[int], *, generator: torch.Generator, start: float | None = None
    ) -> None:
        super().__init__()
        sizes = [d, *hidden, 1]
        # not initialised by torch, which would draw from its global generator
        self.layers = nn.ModuleList(nn.utils.skip_init(nn.Linear, a, b) for a, b in pairwise(sizes))
        self.d = d
        with torch.no_grad():
            for layer in self._linear():
                scale = (2.0 / layer.in_features) ** 0.5  # He et al. 2015: keeps the size of relu signals
                layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) * scale)
                layer.bias.zero_()
            if start is not None:
                last = self._linear()[-1]
                last.weight.mul_(0.1)  # so that the bias decides where training starts
                last.bias.fill_(math.log(start) - math.log1p(-start))

    def _linear(self) -> list[Any]:
        return list(self.layers)

    def forward(self, x: Tensor) -> Tensor:
        """The logit of f for each row of x (n, d), (n,); ``sigmoid`` of it, once, is f."""
        *inner, last = self._linear()
        h = x.to(last.weight.dtype)
        for layer in inner:
            h = layer(h).relu_()
        return last(h).squeeze(1)

    def log_partition(self) -> Tensor:
        """``log Z`` in nats by scoring all 2^d states; raises ``TooLargeError`` above 20 variables."""
        check_enumerable(self.d)
        device = self._linear()[-1].weight.device
        sums = [
            torch.logsumexp(logsigmoid(self(torch.from_numpy(block).to(device))), dim=0)
            for block in state_blocks(self.d)
        ]
        return torch.logsumexp(torch.stack(sums), dim=0)

    def log_prob(self, x: Tensor) -> Tensor:
        """``log f(x) - log Z`` in nats, (n,), differentiable; each call costs 2^d forward passes."""
        return logsigmoid(self(x)) - self.log_partition()


def check_enumerable(d: int) -> None:
    """Raise ``TooLargeError`` where the partition function of d variables is out of reach.

    >>> check_enumerable(9)
    """
    if d > LARGEST:
        raise TooLargeError(
            f"the partition function of {d} binary variables takes 2^{d} (about 10^{d * math.log10(2):.0f}) "
            f"forward passes, at most 2^{LARGEST} are made; use log_unnormalized, or estimate the sum with "
            "chainrule.homework.images.partition.estimate_partition"
        )


@dataclass(frozen=True)
class Regression:
    """How to train: the settings that decide the result, as ``models.shared.training.Recipe`` has them."""

    loss: Loss
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int


def regress(network: MLPNetwork, x: Tensor, targets: Tensor, recipe: Regression) -> dict[str, Any]:
    """Fit f to ``targets`` (n,) in [0, 1] in place, with AdamW and a cosine schedule; what happened, as plain data.

    The loss by epoch is the mean over rows, met on the way: cross-entropy in nats, or squared error.  Raises
    ``TrainingError`` where it, or in the end a score, is no number.
    """
    batches = -(-len(x) // recipe.batch_size)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, recipe.epochs * batches))
    shuffle = torch.Generator().manual_seed(recipe.seed)
    history: list[float] = []
    small = recipe.batch_size * sum(w.numel() for w in network.parameters()) < _SMALL_STEP
    started = time.perf_counter()
    epochs = track(range(1, recipe.epochs + 1), "training MLP")
    # On a busy machine, threads that wait for each other after each tiny product take 40 times as long.
    with threadpool_limits(1 if small else None):
        for epoch in epochs:
            history.append(_one_epoch(network, x, targets, optimizer, schedule, shuffle, recipe, epoch))
            epochs.detail = f"{recipe.loss} {history[-1]:.4g}"
    with torch.no_grad():
        if not bool(torch.isfinite(network(x)).all()):  # what the last step did shows in no loss
            raise _diverged("after training the scores of the training rows are not finite", recipe)
    return {
        "epochs": recipe.epochs,
        f"mean_{recipe.loss}": history,
        "seconds": time.perf_counter() - started,
    }


def _one_epoch(
    network: MLPNetwork,
    x: Tensor,
    targets: Tensor,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    shuffle: torch.Generator,
    recipe: Regression,
    epoch: int,
) -> float:
    """One pass over the rows in a new order; the mean loss met on the way."""
    total = 0.0
    for chosen in torch.randperm(len(x), generator=shuffle).to(x.device).split(recipe.batch_size):
        value = _loss(network(x[chosen]), targets[chosen], recipe.loss)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        optimizer.step()
        schedule.step()
        total += float(value.detach()) * len(chosen)
    mean = total / len(x)
    if not math.isfinite(mean):
        raise _diverged(f"the training loss became {mean} in epoch {epoch}", recipe)
    return mean


def _diverged(what: str, recipe: Regression) -> TrainingError:
    return TrainingError(f"{what}; lower the learning rate (it is {recipe.learning_rate:g})")


def _loss(logits: Tensor, targets: Tensor, loss: Loss) -> Tensor:
    if loss == "cross_entropy":
        return -bernoulli_terms(targets, logits).mean()
    return (torch.sigmoid(logits) - targets).square().mean()
