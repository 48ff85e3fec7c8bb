"""From log-odds to log-probabilities in torch: the one place, so that no softmax is applied twice."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from chainrule.models.shared.coding import Coding

__all__ = ["bernoulli_terms", "by_state_on", "categorical_terms"]


def bernoulli_terms(x: Tensor, logits: Tensor) -> Tensor:
    """``log p(x_i)`` elementwise in nats for x in {0, 1} from log-odds.

    >>> bernoulli_terms(torch.tensor([1.0, 0.0]), torch.zeros(2)).exp().tolist()
    [0.5, 0.5]
    """
    return -torch.nn.functional.binary_cross_entropy_with_logits(logits, x.to(logits.dtype), reduction="none")


@lru_cache(maxsize=64)
def by_state_on(coding: Coding, device: torch.device) -> Tensor:
    """``coding.by_state`` where ``device`` is, sent there once: to send it at each step would keep a GPU waiting."""
    return torch.from_numpy(coding.by_state).to(device)


def categorical_terms(x: Tensor, logits: Tensor, coding: Coding) -> Tensor:
    """``log p(x_i)`` (n, d) in nats of rows of codes (n, d) from log-odds (n, coding.width).

    >>> categorical_terms(torch.tensor([[2, 0]]), torch.zeros(1, 3), Coding((3, 2))).exp().round(decimals=4).tolist()
    [[0.33329999446868896, 0.5]]
    """
    if coding.is_binary:
        return bernoulli_terms(x, logits)
    n = len(logits)
    ends = torch.cat([logits.new_zeros(n, 1), logits.new_full((n, 1), -torch.inf)], 1)
    z = torch.cat([logits, ends], 1)[:, by_state_on(coding, logits.device)]  # (n, d, K)
    return torch.log_softmax(z, 2).gather(2, x.long()[:, :, None])[:, :, 0]
