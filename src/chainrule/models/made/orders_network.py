"""MADE under the masks of several orders: one set of weights, of which each order cuts others.

Germain et al. 2015, sections 4.1 and 4.2: orders, and degrees of units, come from a list, and training goes through it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from chainrule.models.made.network import MADENetwork
from chainrule.models.made.row_likelihood import indicator_rows, row_log_prob
from chainrule.models.shared.orders_network import OrdersNetwork

__all__ = ["MADEOrdersNetwork"]


class MADEOrdersNetwork(OrdersNetwork):
    """``weights``, matrices (out, in), and ``biases`` as of a ``MADENetwork``, with ``masks(k)`` for each order.

    Whole matrices are kept, since what one order cuts another reads.  It begins with those of the first of ``members``.

    >>> generator = torch.Generator().manual_seed(0)
    >>> net = MADEOrdersNetwork([MADENetwork(order, [[1, 1]], generator=generator) for order in ([0, 1], [1, 0])])
    >>> float(net(torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])).detach().exp().sum().round(decimals=6))
    1.0
    """

    def __init__(self, members: Sequence[MADENetwork]) -> None:
        """``members`` have the same layers and one order each; what is learned comes to them by ``in_order``."""
        super().__init__()
        self.members, self.n_orders = list(members), len(members)
        first = members[0]
        self.coding, self.direct, self.depth = first.coding, first.direct, len(first.degrees) + 1
        self.weights = nn.ParameterList([w.detach().clone() for w in first.weights])
        self.biases = nn.ParameterList([b.detach().clone() for b in first.biases])
        for k, one in enumerate(members):
            for layer, mask in enumerate(one.masks):
                self.register_buffer(f"mask_{k}_{layer}", mask.clone(), persistent=False)

    def masks(self, k: int) -> list[Tensor]:
        """The masks of the order k, one per layer, (out, in) booleans."""
        return [self.get_buffer(f"mask_{k}_{layer}") for layer in range(len(self.weights))]

    @property
    def masks_in_use(self) -> list[Tensor]:
        """What some order reads, one per layer, (out, in) booleans."""
        return [torch.stack(each).any(0) for each in zip(*map(self.masks, range(self.n_orders)), strict=True)]

    def log_prob_in_order(self, x: Tensor, k: int) -> Tensor:
        """See ``OrdersNetwork``."""
        codes, indicators = self._read(x)
        return row_log_prob(codes, self._logits(indicators, k), self.coding)

    def log_prob_in_step(self, x: Tensor, step: int) -> Tensor:
        """See ``LikelihoodNetwork``; each row is without other units and inputs."""
        codes, indicators = self._read(x)
        scales: list[Tensor] = []
        if self.dropout is not None:
            n, dtype, device = len(x), indicators.dtype, indicators.device
            inputs = self.dropout.input_scales(step, (n, len(self.coding.sizes)), dtype)
            indicators = indicators * inputs[:, torch.from_numpy(self.coding.owner)].to(device)
            for layer, weight in enumerate(self.weights[: self.depth - 1]):
                found = self.dropout.hidden_scales(step, (n, len(weight)), dtype, layer)
                scales.append(found.to(device))
        logits = self._logits(indicators, step % self.n_orders, scales)
        return row_log_prob(codes, logits, self.coding)

    def in_order(self, k: int) -> MADENetwork:
        """See ``OrdersNetwork``."""
        one = self.members[k]
        state = one.state_dict()
        state |= {f"weights.{layer}": w.detach() for layer, w in enumerate(self.weights)}
        state |= {f"biases.{layer}": b.detach() for layer, b in enumerate(self.biases)}
        one.load_state_dict(state)
        return one

    def _read(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Rows as ``row_log_prob`` wants them, and their indicators as numbers of the weights' type."""
        dtype = self.weights[0].dtype
        if self.coding.is_binary:
            x = x.to(dtype)
            return x, x
        codes = x.to(torch.int32)
        return codes, indicator_rows(codes, self.coding, dtype)

    def _logits(self, h: Tensor, k: int, scales: Sequence[Tensor] = ()) -> Tensor:
        """Log-odds (n, coding.width) from indicators; ``scales`` multiply the units of each hidden layer."""
        masked = [weight * mask for weight, mask in zip(self.weights, self.masks(k), strict=True)]
        linear = nn.functional.linear(h, masked[-1]) if self.direct else 0.0
        for layer in range(self.depth - 1):
            h = torch.relu(nn.functional.linear(h, masked[layer], self.biases[layer]))
            h = h * scales[layer] if scales else h
        return nn.functional.linear(h, masked[self.depth - 1], self.biases[-1]) + linear
