"""The logits of MADE and their gradient, band by band: one differentiable operation, written by hand.

Everything here is in sorted arrangement: variables by place in the order, units by degree.  Each layer is a
list of bands of units, see ``made_staircase``.  In all layers but the last a band is a group of outputs that
see the first so many inputs; in the last it is a group of inputs that are seen by the last so many outputs:

    z[:, units] = x[:, kept] · w + bias         w (kept inputs, units of the band)
    z[:, kept] += h[:, units] · wᵀ              w (kept outputs, units of the band)

Autograd would form and add a full matrix of zeros for each slice; hence the backward pass written by hand,
which is tested against it.  The products are torch's, on any device, but for those with the rows themselves:
where ones are few, they are sums (``kernels/binary_rows.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from chainrule.models.kernels.binary_rows import find_ones, ones_gradient, ones_product
from chainrule.models.kernels.calls import use_threads
from chainrule.models.networks.made_staircase import StaircaseWeight

__all__ = ["bernoulli_rows", "staircase_logits"]

# Of ones among the entries: with more, products cost less than sums.  They break even at a share of a half on a
# machine where products reach 40 % of the peak, and at a quarter where they reach 85 %.
_FEW_ONES = 0.25


def staircase_logits(
    x: Tensor,
    layers: Sequence[StaircaseWeight],
    biases: Sequence[Tensor],
    direct: StaircaseWeight | None = None,
) -> Tensor:
    """Logits (n, d) from rows ``x`` (n, d) of the weights' dtype, all in sorted arrangement.

    ``direct`` (d, d) leads from the inputs straight to the outputs.  Differentiable once, in the blocks and
    the biases; not in ``x``.
    """
    every = [*layers, direct] if direct is not None else list(layers)
    for weight in every:
        weight.pad()
    blocks = [block for weight in every for block in weight.blocks]
    return _Logits.apply(x, every, len(layers), *blocks, *biases)  # type: ignore[return-value]


def bernoulli_rows(x: Tensor, logits: Tensor) -> Tensor:
    """Log-probability of each row ``x`` (n, d) of 0 and 1 in nats, (n,), from log-odds of the same dtype.

    The sum of ``likelihood.bernoulli_terms``; in two passes instead of six.  Differentiable once, in ``logits``.
    """
    return _BernoulliRows.apply(x, logits)  # type: ignore[return-value]


class _BernoulliRows(torch.autograd.Function):
    """log p = x z - log(1 + exp z), summed over a row; its gradient in z is x - sigmoid(z)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, logits: Tensor) -> Tensor:
        ctx.kept = (x, logits)
        return (x * logits).sub_(torch.nn.functional.softplus(logits, threshold=100.0)).sum(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_rows: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, logits = ctx.kept
        p = torch.sigmoid(logits)
        return None, torch.sub(x, p, out=p).mul_(d_rows[:, None])


class _Logits(torch.autograd.Function):
    """``staircase_logits`` with the blocks of all layers, then the biases, as arguments."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, every: list[StaircaseWeight], depth: int, *parameters: Tensor) -> Tensor:
        biases = parameters[len(parameters) - depth :]
        rows = _Ones.of(x) or _Rows(x)
        h = [x]
        for layer, bias in zip(every[: depth - 1], biases, strict=False):
            h.append((_up(h[-1], layer, bias) if len(h) > 1 else rows.up(layer, bias)).relu_())
        if len(every) > depth:
            logits = rows.up(every[-1], biases[-1])
        else:
            logits = biases[-1].repeat(len(x), 1)
        _add_last_up(logits, h[-1], every[depth - 1])
        ctx.kept = (every, depth, h, rows)
        return logits

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_logits: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        every, depth, h, rows = ctx.kept
        dz = d_logits
        d_biases = [dz.sum(0)]
        gradients = [_last_gradient(dz, h[-1], every[depth - 1])]
        if depth > 1:
            dh = _last_down(dz, h[-1], every[depth - 1])
        for k in range(depth - 2, -1, -1):
            dz = torch.ops.aten.threshold_backward(dh, h[k + 1], 0)  # zero where relu was off
            d_biases.insert(0, dz.sum(0))
            gradients.insert(0, _gradient(dz, h[k], every[k]) if k else rows.gradient(dz, every[k]))
            if k:
                dh = _down(dz, h[k], every[k])
        if len(every) > depth:
            gradients.append(rows.gradient(d_logits, every[-1]))
        return None, None, None, *(g for layer in gradients for g in layer), *d_biases


class _Rows:
    """The rows that come in, and their products with the weights of the layers that they go into."""

    def __init__(self, x: Tensor) -> None:
        self.x = x

    def up(self, layer: StaircaseWeight, bias: Tensor) -> Tensor:
        """What the layer makes of the rows."""
        return _up(self.x, layer, bias)

    def gradient(self, dz: Tensor, layer: StaircaseWeight) -> list[Tensor]:
        """With respect to the blocks of the layer, from that with respect to what it made."""
        return _gradient(dz, self.x, layer)


class _Ones:
    """The same for rows with few ones, on the CPU."""

    def __init__(self, by_row: tuple[Any, Any], by_column: tuple[Any, Any]) -> None:
        self.by_row, self.by_column = by_row, by_column

    @classmethod
    def of(cls, x: Tensor) -> _Ones | None:
        """``None`` where the products cost less, or where something else than zero and one is among the entries."""
        if x.device.type != "cpu" or x.dtype not in (torch.float32, torch.float64) or x.numel() == 0:
            return None
        row_begins, columns, column_begins, rows, is_binary = find_ones(np.ascontiguousarray(x.numpy()))
        if not is_binary or len(columns) > _FEW_ONES * x.numel():
            return None
        return cls((row_begins, columns), (column_begins, rows))

    def up(self, layer: StaircaseWeight, bias: Tensor) -> Tensor:
        blocks = [w.detach().contiguous() for w in layer.blocks]
        bias = bias.detach().contiguous()
        z = ones_product(*self.by_row, _bands(layer), _addresses(blocks), bias.numpy(), use_threads())
        return torch.from_numpy(z)

    def gradient(self, dz: Tensor, layer: StaircaseWeight) -> list[Tensor]:
        found = [torch.empty(w.shape, dtype=w.dtype) for w in layer.blocks]
        dz = dz.contiguous()
        ones_gradient(*self.by_column, _bands(layer), _addresses(found), dz.numpy(), use_threads())
        return _padded(layer, found)


def _bands(layer: StaircaseWeight) -> Any:
    return np.array(
        [(b.units.start, b.units.stop - b.units.start, b.kept.stop) for b in layer.bands], np.int64
    )


def _addresses(blocks: list[Tensor]) -> Any:
    return np.array([w.data_ptr() for w in blocks], np.int64)


def _up(x: Tensor, layer: StaircaseWeight, bias: Tensor) -> Tensor:
    z = x.new_empty(len(x), len(bias))
    for band, w in zip(layer.bands, layer.blocks, strict=True):
        torch.addmm(bias[band.units], x[:, band.kept], w, out=z[:, band.units])
    return z


def _add_last_up(z: Tensor, h: Tensor, layer: StaircaseWeight) -> None:
    for band, w in zip(layer.bands, layer.blocks, strict=True):
        z[:, band.kept].addmm_(h[:, band.units], w.t())


def _down(dz: Tensor, h: Tensor, layer: StaircaseWeight) -> Tensor:
    dh = torch.zeros_like(h)
    for band, w in zip(layer.bands, layer.blocks, strict=True):
        dh[:, band.kept].addmm_(dz[:, band.units], w.t())
    return dh


def _last_down(dz: Tensor, h: Tensor, layer: StaircaseWeight) -> Tensor:
    dh = torch.empty_like(h)
    for band, w in zip(layer.bands, layer.blocks, strict=True):
        torch.mm(dz[:, band.kept], w, out=dh[:, band.units])
    return dh


def _gradient(dz: Tensor, x: Tensor, layer: StaircaseWeight) -> list[Tensor]:
    return _padded(layer, [x[:, band.kept].t() @ dz[:, band.units] for band in layer.bands])


def _last_gradient(dz: Tensor, h: Tensor, layer: StaircaseWeight) -> list[Tensor]:
    return _padded(layer, [dz[:, band.kept].t() @ h[:, band.units] for band in layer.bands])


def _padded(layer: StaircaseWeight, gradients: list[Tensor]) -> list[Tensor]:
    for band, gradient, corner in zip(layer.bands, gradients, layer.corners, strict=True):
        gradient[band.padded].mul_(corner)
    return gradients
