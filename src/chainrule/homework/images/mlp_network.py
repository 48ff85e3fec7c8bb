"""A multilayer perceptron that scores a whole binary vector with one number, f(x) = sigmoid(logit(x)).

No factorisation makes the f(x) sum to one.  As a distribution it needs its partition function

    p(x) = f(x) / Z,   Z = sum of f over all 2^d states,

which is exact, and differentiable, only while 2^d states can be scored.  ``LOSSES`` are by row what f is regressed on
targets by: cross-entropy, or squared error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from chainrule.core.errors import TooLargeError
from chainrule.models.shared.likelihood import bernoulli_terms
from chainrule.models.shared.own_torch import PARAMETERS
from chainrule.models.shared.states import state_blocks
from chainrule.models.shared.steps import Loss

__all__ = ["LARGEST", "LOSSES", "LossName", "MLPNetwork", "check_enumerable"]

LossName = Literal["cross_entropy", "squared_error"]
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
        self.layers = nn.ModuleList(
            nn.utils.skip_init(nn.Linear, a, b, dtype=PARAMETERS) for a, b in pairwise(sizes)
        )
        self.d = d
        with torch.no_grad():
            for layer in self._linear():
                scale = (2.0 / layer.in_features) ** 0.5  # He et al. 2015: keeps the size of relu signals
                layer.weight.copy_(
                    torch.randn(layer.weight.shape, generator=generator, dtype=PARAMETERS) * scale
                )
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


def _cross_entropy(network: MLPNetwork, rows: Tensor, targets: Tensor | None) -> Tensor:
    assert targets is not None
    return -bernoulli_terms(targets, network(rows))


def _squared_error(network: MLPNetwork, rows: Tensor, targets: Tensor | None) -> Tensor:
    assert targets is not None
    return (torch.sigmoid(network(rows)) - targets).square()


LOSSES: dict[str, Loss] = {
    "cross_entropy": Loss("cross_entropy_nats", _cross_entropy),
    "squared_error": Loss("squared_error", _squared_error),
}
