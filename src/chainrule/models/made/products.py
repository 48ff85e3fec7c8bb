"""The products that a step is made of, with a weight in bands, in two ways: torch's, and compiled loops.

``products`` chooses one way for the rows of a call.  ``Plain`` is written from the definition and takes any device
and dtype; ``Compiled`` gives the same numbers on the CPU, with loops over the bands (``staircase_loops``), or with
sums in place of products where the rows that come in have few ones (``ones_loops``).

    to_units    x · w + bias    (n, units) from rows (n, rows)
    to_rows     + h · wᵀ        (n, rows) from (n, units)
    gradient    xᵀ · h          for the blocks
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from chainrule.compiled.calls import has_loops, use_threads
from chainrule.models.made.ones_loops import find_ones, ones_gradient, ones_product
from chainrule.models.made.staircase import StaircaseWeight, addresses
from chainrule.models.made.staircase_loops import clear, rows_to_units, units_to_rows, weight_gradient

__all__ = ["Compiled", "Ones", "Plain", "Products", "Rows", "Weight", "array", "products"]

# Of ones among the entries: with more, products cost less than sums, which break even between a fifth and a quarter.
_FEW_ONES = 0.2
_LIKE = {torch.float32: np.empty(0, np.float32), torch.float64: np.empty(0, np.float64)}


class Weight:
    """A layer with its blocks as one step finds them.  In the last layer the outputs are its rows (``staircase``)."""

    def __init__(self, layer: StaircaseWeight, blocks: list[Tensor]) -> None:
        self.layer, self.blocks = layer, [w.contiguous() for w in blocks]
        self.addresses = addresses(self.blocks)

    def room(self) -> list[Tensor]:
        """For a gradient."""
        return [torch.empty_like(w) for w in self.blocks]


class Read(Protocol):
    """The rows that come in, and their products with the layers that they go into."""

    def to_units(self, weight: Weight, bias: Tensor) -> Tensor:
        """What the layer makes of the rows."""
        ...

    def gradient(self, weight: Weight, dz: Tensor) -> list[Tensor]:
        """With respect to the blocks of the layer, from that with respect to what it made."""
        ...


class Products(Protocol):
    """One way to multiply."""

    def clear(self, layer: StaircaseWeight, blocks: list[Tensor]) -> None:
        """Set the padding of ``blocks``, which are those of ``layer`` or of their shapes, to zero."""
        ...

    def read(self, x: Tensor) -> Read:
        """The rows that come in."""
        ...

    def to_units(self, weight: Weight, x: Tensor, bias: Tensor) -> Tensor:
        """``x · w + bias`` (n, units) from ``x`` (n, rows)."""
        ...

    def to_rows(self, weight: Weight, h: Tensor, z: Tensor) -> Tensor:
        """Add ``h · wᵀ`` to ``z`` (n, rows), contiguous, which is returned; ``h`` (n, units)."""
        ...

    def gradient(self, weight: Weight, x: Tensor, h: Tensor) -> list[Tensor]:
        """``xᵀ · h`` for the blocks, from ``x`` (n, rows) and ``h`` (n, units)."""
        ...


def products(x: Tensor) -> Products:
    """The way to take for rows ``x``."""
    return Compiled() if has_loops(x) else Plain()


class Plain:
    """By torch, one product for each band."""

    @torch.no_grad()
    def clear(self, layer: StaircaseWeight, blocks: list[Tensor]) -> None:
        for band, block, corner in zip(layer.bands, blocks, layer.corners, strict=True):
            block[band.padded].masked_fill_(corner == 0, 0.0)

    def read(self, x: Tensor) -> Read:
        return Rows(self, x)

    def to_units(self, weight: Weight, x: Tensor, bias: Tensor) -> Tensor:
        z = x.new_empty(len(x), len(bias))
        for band, w in zip(weight.layer.bands, weight.blocks, strict=True):
            torch.addmm(bias[band.units], x[:, band.kept], w, out=z[:, band.units])
        return z

    def to_rows(self, weight: Weight, h: Tensor, z: Tensor) -> Tensor:
        for band, w in zip(weight.layer.bands, weight.blocks, strict=True):
            z[:, band.kept].addmm_(h[:, band.units], w.t())
        return z

    def gradient(self, weight: Weight, x: Tensor, h: Tensor) -> list[Tensor]:
        found = [x[:, band.kept].t() @ h[:, band.units] for band in weight.layer.bands]
        self.clear(weight.layer, found)
        return found


class Compiled:
    """By compiled loops."""

    def clear(self, layer: StaircaseWeight, blocks: list[Tensor]) -> None:
        if not all(block.is_contiguous() for block in blocks):
            Plain().clear(layer, blocks)  # a parameter that its owner has laid out in another way
        elif blocks:
            clear(addresses(blocks), *layer.padding, _LIKE[blocks[0].dtype])

    def read(self, x: Tensor) -> Read:
        return Ones.of(x) or Rows(self, x)

    def to_units(self, weight: Weight, x: Tensor, bias: Tensor) -> Tensor:
        threads = use_threads(x.numel() * len(bias))
        z = rows_to_units(array(x), weight.layer.extents, weight.addresses, array(bias), threads)
        return torch.from_numpy(z)

    def to_rows(self, weight: Weight, h: Tensor, z: Tensor) -> Tensor:
        threads = use_threads(h.numel() * z.shape[1])
        units_to_rows(array(h), weight.layer.extents, weight.addresses, z.numpy(), threads)
        return z

    def gradient(self, weight: Weight, x: Tensor, h: Tensor) -> list[Tensor]:
        found = weight.room()
        threads = use_threads(x.numel() * h.shape[1])
        weight_gradient(array(x), array(h), weight.layer.extents, addresses(found), threads)
        self.clear(weight.layer, found)
        return found


class Rows:
    """Rows as they are."""

    def __init__(self, way: Products, x: Tensor) -> None:
        self.way, self.x = way, x

    def to_units(self, weight: Weight, bias: Tensor) -> Tensor:
        return self.way.to_units(weight, self.x, bias)

    def gradient(self, weight: Weight, dz: Tensor) -> list[Tensor]:
        return self.way.gradient(weight, self.x, dz)


class Ones:
    """Rows with few ones, on the CPU."""

    def __init__(self, by_row: tuple[Any, Any], by_column: tuple[Any, Any]) -> None:
        self.by_row, self.by_column = by_row, by_column
        self.entries = (len(by_row[0]) - 1) * (len(by_column[0]) - 1)  # of the rows, ones or not

    @classmethod
    def of(cls, x: Tensor) -> Ones | None:
        """``None`` where the products cost less, or where something else than zero and one is among the entries."""
        if x.numel() == 0:
            return None
        row_begins, columns, column_begins, rows, is_binary = find_ones(array(x))
        if not is_binary or len(columns) > _FEW_ONES * x.numel():
            return None
        return cls((row_begins, columns), (column_begins, rows))

    def to_units(self, weight: Weight, bias: Tensor) -> Tensor:
        extents = weight.layer.extents
        threads = use_threads(self.entries * len(bias))
        z = ones_product(*self.by_row, extents, weight.addresses, array(bias), threads)
        return torch.from_numpy(z)

    def gradient(self, weight: Weight, dz: Tensor) -> list[Tensor]:
        found = weight.room()
        threads = use_threads(self.entries * dz.shape[1])
        ones_gradient(*self.by_column, weight.layer.extents, addresses(found), array(dz), threads)
        Compiled().clear(weight.layer, found)
        return found


def array(x: Tensor) -> np.ndarray[Any, Any]:
    """The numbers of a tensor on the CPU, contiguous, for the compiled loops."""
    return x.detach().contiguous().numpy()
