"""One set of weights read in several orders: K distributions that share what they have learned, and their average.

In the order k the weights are the conditionals of a distribution p_k; what the network stands for is

    p(x) = 1/K Σ_k p_k(x),

an average of probabilities, exact whatever the orders are.  Steps of training take turns: step t maximises the
likelihood in the order t mod K.

Uria, Murray & Larochelle, "A Deep and Tractable Density Estimator", ICML 2014 (training in many orders, and ensembles
of orders); Germain et al. 2015, section 4.1 (the masks of MADE taken from a list, in turn).
"""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor

from chainrule.models.shared.network import AutoregressiveNetwork, LikelihoodNetwork

__all__ = ["OrdersNetwork"]


class OrdersNetwork(LikelihoodNetwork):
    """Base of the networks of ``NADE`` and ``MADE`` over ``n_orders`` orders."""

    n_orders: int

    @abstractmethod
    def log_prob_in_order(self, x: Tensor, k: int) -> Tensor:
        """``log p_k`` of each row of codes in nats, (n,), differentiable in the parameters."""

    @abstractmethod
    def in_order(self, k: int) -> AutoregressiveNetwork:
        """A network that is ``p_k`` alone, with the present parameters."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-probability of each row under the average of all orders, in nats, (n,)."""
        each = torch.stack([self.log_prob_in_order(x, k) for k in range(self.n_orders)])
        return torch.logsumexp(each, 0) - math.log(self.n_orders)
