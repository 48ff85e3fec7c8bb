"""From logits to log-probabilities in torch: the one place, so that no sigmoid is applied twice."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["bernoulli_terms"]


def bernoulli_terms(x: Tensor, logits: Tensor) -> Tensor:
    """``log p(x_i)`` elementwise in nats for x in {0, 1} from log-odds.

    >>> bernoulli_terms(torch.tensor([1.0, 0.0]), torch.zeros(2)).exp().tolist()
    [0.5, 0.5]
    """
    return -torch.nn.functional.binary_cross_entropy_with_logits(logits, x.to(logits.dtype), reduction="none")
