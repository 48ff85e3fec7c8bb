"""NADE in several orders: the weights into the hidden units are shared, those out of them are each order's own.

What the hidden units add up does not tell which variables were read, since one in its first state adds nothing.  So the
weights out of them, V and b, are of one order, where what was read is known, and W and c are of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from chainrule.models.nade.network import NADENetwork
from chainrule.models.shared.network import GradientLoop
from chainrule.models.shared.orders_network import OrdersNetwork

__all__ = ["NADEOrdersNetwork"]


class NADEOrdersNetwork(OrdersNetwork):
    """``members``, a ``NADENetwork`` for each order, which from now on share ``W`` and ``c``, those of the first.

    >>> members = [NADENetwork(2, 4, np.array(order)) for order in ([0, 1], [1, 0])]
    >>> net = NADEOrdersNetwork(members)
    >>> sum(p.numel() for p in net.parameters()) == 2 * 4 + 4 + 2 * (2 * 4 + 2)
    True
    """

    def __init__(self, members: Sequence[NADENetwork]) -> None:
        super().__init__()
        for one in members[1:]:
            one.W, one.c = members[0].W, members[0].c
        self.members, self.n_orders = nn.ModuleList(members), len(members)

    def log_prob_in_order(self, x: Tensor, k: int) -> Tensor:
        """See ``OrdersNetwork``."""
        return self.in_order(k).log_prob(x)

    def log_prob_in_step(self, x: Tensor, step: int) -> Tensor:
        """See ``LikelihoodNetwork``."""
        return self._of_step(step).log_prob_in_step(x, step)

    def in_order(self, k: int) -> NADENetwork:
        """See ``OrdersNetwork``."""
        return self.members[k]  # type: ignore[return-value]

    def gradient_loop(self) -> GradientLoop | None:
        """See ``LikelihoodNetwork``."""
        loops = [self.in_order(k).gradient_loop() for k in range(self.n_orders)]
        every = list(self.parameters())
        place = {id(p): i for i, p in enumerate(every)}
        nothing = [np.zeros(tuple(p.shape), p.detach().numpy().dtype) for p in every]

        def log_prob_and_gradients(
            x: NDArray[np.integer[Any]], weights: NDArray[np.floating[Any]], step: int = 0
        ) -> tuple[NDArray[np.float64], list[NDArray[Any]]]:
            one, loop = self._of_step(step), loops[step % self.n_orders]
            assert loop is not None
            log_p, own = loop(x, weights, step)
            found = list(nothing)
            for p, gradient in zip(one.parameters(), own, strict=True):
                found[place[id(p)]] = gradient
            return log_p, found

        return None if any(loop is None for loop in loops) else log_prob_and_gradients

    def _of_step(self, step: int) -> NADENetwork:
        one = self.in_order(step % self.n_orders)
        one.dropout = self.dropout
        return one
