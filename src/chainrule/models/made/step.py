"""The logits of MADE and their gradient, band by band: one differentiable operation, written by hand.

Everything here is in sorted arrangement: variables by place in the order, units by degree.  Each layer is a
list of bands of units, see ``made_staircase``.  In all layers but the last a band is a group of outputs that
see the first so many inputs; in the last it is a group of inputs that are seen by the last so many outputs:

    z[:, units] = x[:, kept] · w + bias         w (kept inputs, units of the band)
    z[:, kept] += h[:, units] · wᵀ              w (kept outputs, units of the band)

The way back swaps the two.  Autograd would form and add a full matrix of zeros for each slice; hence the
backward pass written by hand, which is tested against it.  On the CPU the products are compiled loops
(``staircase_loops.py``), or sums where the rows that come in have few ones (``ones_loops.py``);
elsewhere they are torch's.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from chainrule.compiled.bernoulli import bernoulli_log_prob
from chainrule.compiled.calls import has_loops, use_threads
from chainrule.models.made.ones_loops import find_ones, ones_gradient, ones_product
from chainrule.models.made.staircase import StaircaseWeight, addresses
from chainrule.models.made.staircase_loops import rows_to_units, units_to_rows, weight_gradient

__all__ = ["bernoulli_rows", "staircase_logits"]

# Of ones among the entries: with more, products cost less than sums, which break even between a fifth and a quarter.
_FEW_ONES = 0.2


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
    blocks = [list(layer.blocks) for layer in every]
    for layer, its_blocks in zip(every, blocks, strict=True):
        layer.clear(its_blocks)
    return _Logits.apply(x, every, len(layers), *chain(*blocks), *biases)  # type: ignore[return-value]


def bernoulli_rows(x: Tensor, logits: Tensor) -> Tensor:
    """Log-probability of each row ``x`` (n, d) of 0 and 1 in nats, (n,), from log-odds of the same dtype.

    The sum of ``likelihood.bernoulli_terms`` in one pass.  Differentiable once, in ``logits``.
    """
    return _BernoulliRows.apply(x, logits)  # type: ignore[return-value]


class _BernoulliRows(torch.autograd.Function):
    """log p = x z - log(1 + exp z), summed over a row; its gradient in z is x - sigmoid(z)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, logits: Tensor) -> Tensor:
        if has_loops(logits):
            log_p, residuals = bernoulli_log_prob(_array(x), _array(logits), use_threads())
            ctx.residuals = torch.from_numpy(residuals)
            return torch.from_numpy(log_p)
        ctx.residuals = x - torch.sigmoid(logits)
        return (x * logits).sub_(torch.nn.functional.softplus(logits, threshold=100.0)).sum(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_rows: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None, ctx.residuals * d_rows[:, None]


class _Logits(torch.autograd.Function):
    """``staircase_logits`` with the blocks of all layers, then the biases, as arguments."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, every: list[StaircaseWeight], depth: int, *parameters: Tensor) -> Tensor:
        blocks, biases = iter(parameters), parameters[len(parameters) - depth :]
        weights = [_Weight(layer, list(islice(blocks, len(layer.bands)))) for layer in every]
        rows = _Ones.of(x) or _Rows(x)
        h = [x]
        for weight, bias in zip(weights[: depth - 1], biases, strict=False):
            h.append((rows.to_units(weight, bias) if len(h) == 1 else weight.to_units(h[-1], bias)).relu_())
        straight = (
            rows.to_units(weights[-1], biases[-1]) if len(every) > depth else biases[-1].repeat(len(x), 1)
        )
        ctx.kept = (weights, depth, h, rows)
        return weights[depth - 1].to_rows(h[-1], straight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_logits: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        weights, depth, h, rows = ctx.kept
        last, dz = weights[depth - 1], d_logits
        d_biases = [dz.sum(0)]
        gradients = [last.gradient(dz, h[-1])]
        if depth > 1:
            dh = last.to_units(dz, h[-1].new_zeros(h[-1].shape[1]))
        for k in range(depth - 2, -1, -1):
            dz = torch.ops.aten.threshold_backward(dh, h[k + 1], 0)  # zero where relu was off
            d_biases.insert(0, dz.sum(0))
            gradients.insert(0, weights[k].gradient(h[k], dz) if k else rows.gradient(dz, weights[k]))
            if k:
                dh = weights[k].to_rows(dz, torch.zeros_like(h[k]))
        if len(weights) > depth:
            gradients.append(rows.gradient(d_logits, weights[-1]))
        return None, None, None, *(g for layer in gradients for g in layer), *d_biases


class _Weight:
    """A layer with its blocks as one step finds them: its products, from rows to units and back, and its gradient.

    In the last layer the outputs are its rows (``made_staircase``).
    """

    def __init__(self, layer: StaircaseWeight, blocks: list[Tensor]) -> None:
        self.layer, self.blocks = layer, [w.contiguous() for w in blocks]
        self.addresses = addresses(self.blocks)

    def to_units(self, x: Tensor, bias: Tensor) -> Tensor:
        """``x · w + bias`` (n, units) from ``x`` (n, rows)."""
        if has_loops(x):
            z = rows_to_units(_array(x), self.layer.extents, self.addresses, _array(bias), use_threads())
            return torch.from_numpy(z)
        z = x.new_empty(len(x), len(bias))
        for band, w in zip(self.layer.bands, self.blocks, strict=True):
            torch.addmm(bias[band.units], x[:, band.kept], w, out=z[:, band.units])
        return z

    def to_rows(self, h: Tensor, z: Tensor) -> Tensor:
        """Add ``h · wᵀ`` to ``z`` (n, rows), contiguous, which is returned; ``h`` (n, units)."""
        if has_loops(h):
            units_to_rows(_array(h), self.layer.extents, self.addresses, z.numpy(), use_threads())
            return z
        for band, w in zip(self.layer.bands, self.blocks, strict=True):
            z[:, band.kept].addmm_(h[:, band.units], w.t())
        return z

    def gradient(self, x: Tensor, h: Tensor) -> list[Tensor]:
        """``xᵀ · h`` for the blocks, from ``x`` (n, rows) and ``h`` (n, units)."""
        if has_loops(x):
            found = self.room()
            weight_gradient(_array(x), _array(h), self.layer.extents, addresses(found), use_threads())
        else:
            found = [x[:, band.kept].t() @ h[:, band.units] for band in self.layer.bands]
        self.layer.clear(found)
        return found

    def room(self) -> list[Tensor]:
        """For a gradient."""
        return [torch.empty_like(w) for w in self.blocks]


class _Rows:
    """The rows that come in, and their products with the layers that they go into."""

    def __init__(self, x: Tensor) -> None:
        self.x = x

    def to_units(self, weight: _Weight, bias: Tensor) -> Tensor:
        """What the layer makes of the rows."""
        return weight.to_units(self.x, bias)

    def gradient(self, dz: Tensor, weight: _Weight) -> list[Tensor]:
        """With respect to the blocks of the layer, from that with respect to what it made."""
        return weight.gradient(self.x, dz)


class _Ones:
    """The same for rows with few ones, on the CPU."""

    def __init__(self, by_row: tuple[Any, Any], by_column: tuple[Any, Any]) -> None:
        self.by_row, self.by_column = by_row, by_column

    @classmethod
    def of(cls, x: Tensor) -> _Ones | None:
        """``None`` where the products cost less, or where something else than zero and one is among the entries."""
        if not has_loops(x) or x.numel() == 0:
            return None
        row_begins, columns, column_begins, rows, is_binary = find_ones(np.ascontiguousarray(x.numpy()))
        if not is_binary or len(columns) > _FEW_ONES * x.numel():
            return None
        return cls((row_begins, columns), (column_begins, rows))

    def to_units(self, weight: _Weight, bias: Tensor) -> Tensor:
        extents = weight.layer.extents
        z = ones_product(*self.by_row, extents, weight.addresses, _array(bias), use_threads())
        return torch.from_numpy(z)

    def gradient(self, dz: Tensor, weight: _Weight) -> list[Tensor]:
        found = weight.room()
        ones_gradient(*self.by_column, weight.layer.extents, addresses(found), _array(dz), use_threads())
        weight.layer.clear(found)
        return found


def _array(x: Tensor) -> Any:
    return x.detach().contiguous().numpy()
