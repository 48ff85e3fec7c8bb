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

from chainrule.models.made.products import Products, Weight, products
from chainrule.models.made.staircase import StaircaseWeight

__all__ = ["staircase_logits"]


def staircase_logits(
    x: Tensor,
    layers: Sequence[StaircaseWeight],
    biases: Sequence[Tensor],
    direct: StaircaseWeight | None = None,
) -> Tensor:
    """Logits (n, outputs) from rows ``x`` (n, inputs) of the weights' dtype, all in sorted arrangement.

    ``direct`` (inputs, outputs) leads from the inputs straight to the outputs.  Differentiable once, in the
    blocks and the biases; not in ``x``.
    """
    way = products(x)
    every = [*layers, direct] if direct is not None else list(layers)
    blocks = [list(layer.blocks) for layer in every]
    for layer, its_blocks in zip(every, blocks, strict=True):
        way.clear(layer, its_blocks)
    return _Logits.apply(x, way, every, len(layers), *chain(*blocks), *biases)  # type: ignore[return-value]


class _Logits(torch.autograd.Function):
    """``staircase_logits`` with the blocks of all layers, then the biases, as arguments."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, way: Products, every: list[StaircaseWeight], depth: int, *parameters: Tensor
    ) -> Tensor:
        blocks, biases = iter(parameters), parameters[len(parameters) - depth :]
        weights = [Weight(layer, list(islice(blocks, len(layer.bands)))) for layer in every]
        rows = way.read(x)
        h = [x]
        for weight, bias in zip(weights[: depth - 1], biases, strict=False):
            z = rows.to_units(weight, bias) if len(h) == 1 else way.to_units(weight, h[-1], bias)
            h.append(z.relu_())
        straight = (
            rows.to_units(weights[-1], biases[-1]) if len(every) > depth else biases[-1].repeat(len(x), 1)
        )
        ctx.kept = (way, weights, depth, h, rows)
        return way.to_rows(weights[depth - 1], h[-1], straight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_logits: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        way, weights, depth, h, rows = ctx.kept
        last, dz = weights[depth - 1], d_logits
        d_biases = [dz.sum(0)]
        gradients = [way.gradient(last, dz, h[-1])]
        if depth > 1:
            dh = way.to_units(last, dz, h[-1].new_zeros(h[-1].shape[1]))
        for k in range(depth - 2, -1, -1):
            dz = torch.ops.aten.threshold_backward(dh, h[k + 1], 0)  # zero where relu was off
            d_biases.insert(0, dz.sum(0))
            gradients.insert(0, way.gradient(weights[k], h[k], dz) if k else rows.gradient(weights[k], dz))
            if k:
                dh = way.to_rows(weights[k], dz, torch.zeros_like(h[k]))
        if len(weights) > depth:
            gradients.append(rows.gradient(weights[-1], d_logits))
        return None, None, None, None, *(g for layer in gradients for g in layer), *d_biases
