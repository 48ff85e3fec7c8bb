"""The programs to compare with, written from the definitions as one would write them first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from chainrule.models.made.masks import build_masks
from chainrule.models.nade.network import NADENetwork
from chainrule.models.shared.likelihood import bernoulli_terms
from chainrule.models.shared.steps import NEGATIVE_LOG_LIKELIHOOD, Data, steps_for

__all__ = ["MaskedMADE", "compiled_step", "nade_log_prob", "nade_sample", "train_step"]


def nade_log_prob(net: NADENetwork, x: Tensor) -> Tensor:
    """NADE one variable at a time."""
    a, logits = net.c.expand(len(x), -1), []
    for i in range(x.shape[1]):
        logits.append(torch.relu(a) @ net.V[i] + net.b[i])
        a = a + x[:, i, None] * net.W[i]
    return bernoulli_terms(x, torch.stack(logits, 1)).sum(1)


@torch.no_grad()
def nade_sample(net: NADENetwork, u: Tensor) -> Tensor:
    """NADE one variable at a time: draw it, add its weights to the state."""
    a, x = net.c.expand(len(u), -1).clone(), torch.zeros(u.shape)
    for i in range(u.shape[1]):
        x[:, i] = (u[:, i] < torch.sigmoid(torch.relu(a) @ net.V[i] + net.b[i])).float()
        a += x[:, i, None] * net.W[i]
    return x


class MaskedMADE(nn.Module):
    """MADE as its paper writes it: every weight times its mask, in every pass."""

    def __init__(self, ordering: np.ndarray, degrees: list[np.ndarray]) -> None:
        super().__init__()
        masks = [torch.from_numpy(m).float() for m in build_masks(ordering, degrees)]
        self.weights = nn.ParameterList(torch.randn(m.shape) * 0.05 for m in masks)
        self.biases = nn.ParameterList(torch.zeros(len(m)) for m in masks)
        self.masks = masks

    def logits(self, x: Tensor) -> Tensor:
        """All conditionals in one pass."""
        for w, m, b in list(zip(self.weights, self.masks, self.biases, strict=True))[:-1]:
            x = torch.relu(nn.functional.linear(x, w * m, b))
        return nn.functional.linear(x, self.weights[-1] * self.masks[-1], self.biases[-1])

    def log_prob(self, x: Tensor) -> Tensor:
        """By row, in nats."""
        return bernoulli_terms(x, self.logits(x)).sum(1)


def train_step(net: nn.Module, x: Tensor) -> Callable[[], None]:
    """One step of fused AdamW on the mean of ``net.log_prob(x)``."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        (-net.log_prob(x).mean()).backward()  # type: ignore[operator]
        optimizer.step()

    return step


def compiled_step(net: NADENetwork, x: Tensor) -> Callable[[], None]:
    """The same step as training makes it for a network with gradients of its own."""
    steps = steps_for(net, Data(x.numpy()), NEGATIVE_LOG_LIKELIHOOD, 0.01)
    everything = torch.arange(len(x))
    return lambda: steps.step(everything, 1e-4)
