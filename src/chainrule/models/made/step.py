"""The logits of MADE and their gradient, band by band: one differentiable operation, written by hand.

Everything here is in sorted arrangement: variables by place in the order, units by degree.  Each layer is a
list of bands of units, see ``staircase``.  In all layers but the last a band is a group of outputs that
see the first so many inputs; in the last it is a group of inputs that are seen by the last so many outputs:

    z[:, units] = x[:, kept] · w + bias         w (kept inputs, units of the band)
    z[:, kept] += h[:, units] · wᵀ              w (kept outputs, units of the band)

The way back swaps the two.  Autograd would form and add a full matrix of zeros for each slice; hence the
backward pass written by hand, which is tested against it.  How the products are computed is in ``products``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from chainrule.models.made.products import Weight, products
from chainrule.models.made.staircase import StaircaseWeight

__all__ = ["Walk", "staircase_logits"]


def staircase_logits(
    x: Tensor,
    layers: Sequence[StaircaseWeight],
    biases: Sequence[Tensor],
    direct: StaircaseWeight | None = None,
    scales: Sequence[Tensor] = (),
) -> Tensor:
    """Logits (n, outputs) from rows ``x`` (n, inputs) of the weights' dtype, all in sorted arrangement.

    ``direct`` (inputs, outputs) leads from the inputs straight to the outputs; ``scales`` (n, units), one for each
    hidden layer, multiply its units (``dropout``).  Differentiable once, in the blocks and the biases; not in ``x``.
    """
    every = [*layers, direct] if direct is not None else list(layers)
    blocks = chain.from_iterable(layer.blocks for layer in every)
    return _Logits.apply(x, every, len(layers), scales, *blocks, *biases)  # type: ignore[return-value]


class Walk:
    """One way through the layers and back: ``logits``, then ``gradients`` from those with respect to them."""

    def __init__(
        self,
        x: Tensor,
        every: Sequence[StaircaseWeight],
        depth: int,
        parameters: Sequence[Tensor],
        scales: Sequence[Tensor] = (),
    ) -> None:
        """``every`` layer, of which ``depth`` are not direct; ``parameters`` are all blocks, then the biases.

        ``scales`` multiply the units of each hidden layer; of none, nothing does.
        """
        self.scales = scales
        self.way = way = products(x)
        blocks, biases = iter(parameters), parameters[len(parameters) - depth :]
        self.weights = []
        for layer in every:
            its_blocks = list(islice(blocks, len(layer.bands)))
            way.clear(layer, its_blocks)
            self.weights.append(Weight(layer, its_blocks))
        self.depth, self.rows, self.h = depth, way.read(x), [x]
        for weight, bias in zip(self.weights[: depth - 1], biases, strict=False):
            first = len(self.h) == 1
            z = self.rows.to_units(weight, bias) if first else way.to_units(weight, self.h[-1], bias)
            self.h.append(z.relu_().mul_(scales[len(self.h) - 1]) if scales else z.relu_())
        if len(every) > depth:
            straight = self.rows.to_units(self.weights[-1], biases[-1])
        else:
            straight = biases[-1].repeat(len(x), 1)
        self.logits = way.to_rows(self.weights[depth - 1], self.h[-1], straight)

    def gradients(self, d_logits: Tensor) -> list[Tensor]:
        """With respect to all blocks, then the biases."""
        way, weights, depth, h, rows = self.way, self.weights, self.depth, self.h, self.rows
        last, dz = weights[depth - 1], d_logits
        d_biases = [dz.sum(0)]
        found = [way.gradient(last, dz, h[-1])]
        if depth > 1:
            dh = way.to_units(last, dz, h[-1].new_zeros(h[-1].shape[1]))
        for k in range(depth - 2, -1, -1):
            dz = torch.ops.aten.threshold_backward(dh, h[k + 1], 0)  # zero where relu was off
            dz = dz.mul_(self.scales[k]) if self.scales else dz
            d_biases.insert(0, dz.sum(0))
            found.insert(0, way.gradient(weights[k], h[k], dz) if k else rows.gradient(weights[k], dz))
            if k:
                dh = way.to_rows(weights[k], dz, torch.zeros_like(h[k]))
        if len(weights) > depth:
            found.append(rows.gradient(weights[-1], d_logits))
        return [*chain.from_iterable(found), *d_biases]


class _Logits(torch.autograd.Function):
    """``staircase_logits`` with the blocks of all layers, then the biases, as arguments."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        every: list[StaircaseWeight],
        depth: int,
        scales: Sequence[Tensor],
        *parameters: Tensor,
    ) -> Tensor:
        ctx.walk = Walk(x, every, depth, parameters, scales)
        return ctx.walk.logits

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_logits: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None, None, None, None, *ctx.walk.gradients(d_logits)
