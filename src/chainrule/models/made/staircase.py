"""Weights under a staircase mask, kept in blocks, so that a step reads only what the mask keeps.

Once the variables stand in the order of generation and the units by degree, every mask of MADE is a
staircase.  Cut into bands of units (columns), each band keeps a block of rows:

    rows: inputs of the first layer            rows: outputs of the last layer
    ("first" rows are kept)                    ("last" rows are kept)

    x x|x x|x x                                . .|. .|. .
    . x|x x|x x   <- corner of band 1          x .|. .|. .   <- corner of band 1
    . .|x x|x x                                x x|. .|. .
    . .|. x|x x   <- corner of band 2          x x|x .|. .   <- corner of band 2
    . .|. .|x x                                x x|x x|. .

Only these blocks are parameters: products, gradients and the optimiser never touch the rest.  A block has
entries of its own that the mask cuts, all in its corner; they are padding.  Padding is zero, and is made so again
before each use (``products``), whoever wrote to the parameter: no value of it can break the order.
The values of all that is cut wait in buffers for a caller who asks for other masks.

The masks of a DAG that is no order lie below such a staircase and cut more: their corners are larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["Band", "Padding", "Side", "StaircaseWeight", "addresses", "cut_into_bands"]

Side = Literal["first", "last"]

_WIDTH = 64  # units in a band, or a multiple: what the compiled loops take at once in float32
_MOST = 16  # bands; k of them cost (k + 1) / 2k of the whole product, and each is a parameter to be kept


@dataclass(frozen=True)
class Band:
    """The units ``units`` keep the rows ``kept``; of the rows ``corner`` among them, each keeps a part."""

    units: slice
    kept: slice
    corner: slice

    @property
    def extent(self) -> tuple[int, int, int, int]:
        """The first unit, how many there are, the first row, and the row after the last."""
        return self.units.start, self.units.stop - self.units.start, self.kept.start, self.kept.stop

    @property
    def padded(self) -> slice:
        """The rows of the corner, counted from the first kept one."""
        return slice(self.corner.start - self.kept.start, self.corner.stop - self.kept.start)


def cut_into_bands(mask: NDArray[np.bool_], side: Side, n: int | None = None) -> list[Band]:
    """Cut a staircase (rows, units) into ``n`` bands of units, by default as many as pay.

    A band keeps the ``"first"`` rows, and later bands keep more, or the ``"last"`` rows, and later ones keep fewer,
    as many as hold all that the mask does.

    >>> for band in cut_into_bands(np.tri(4, dtype=bool).T, "first", 2):
    ...     print(band.units, band.kept, band.corner)
    slice(0, 2, None) slice(0, 2, None) slice(1, 2, None)
    slice(2, 4, None) slice(0, 4, None) slice(3, 4, None)
    """
    rows, units = mask.shape
    if units == 0:
        return []
    n = max(1, min(_MOST, round(units / _WIDTH))) if n is None else n
    step = _WIDTH if units >= n * _WIDTH - _WIDTH // 2 else 1  # so that no two edges fall together
    edges = [round(units * i / n / step) * step for i in range(n)] + [units]
    ends, begins = _envelope(mask)
    found = []
    for start, stop in pairwise(edges):
        kept = slice(0, int(ends[stop - 1])) if side == "first" else slice(int(begins[start]), rows)
        holes = kept.start + np.flatnonzero(~mask[kept, start:stop].all(axis=1))
        corner = slice(int(holes[0]), int(holes[-1]) + 1) if holes.size else slice(kept.start, kept.start)
        found.append(Band(slice(start, stop), kept, corner))
    return found


def _envelope(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of each unit, the row after the last that it or an earlier one has, and the first that it or a later one has."""
    rows, units = mask.shape
    if rows == 0:
        return np.zeros(units, np.intp), np.zeros(units, np.intp)
    any_row = mask.any(axis=0)
    ends = np.where(any_row, rows - mask[::-1].argmax(axis=0), 0)
    begins = np.where(any_row, mask.argmax(axis=0), rows)
    return np.maximum.accumulate(ends), np.minimum.accumulate(begins[::-1])[::-1]


class Padding(NamedTuple):
    """Stretches of zeros in blocks, each block flat: those of block b are ``runs[begins[b] : begins[b + 1]]``."""

    begins: NDArray[np.int64]  # (blocks + 1,)
    runs: NDArray[np.int64]  # (stretches, 2): where each begins, and the number after its end

    @classmethod
    def of(cls, cut: Sequence[NDArray[np.bool_]]) -> Padding:
        """From what is cut of each block.

        >>> Padding.of([np.array([[True, False], [True, True]])]).runs.tolist()
        [[0, 1], [2, 4]]
        """
        found = [
            np.flatnonzero(np.diff(c.reshape(-1), prepend=False, append=False)).reshape(-1, 2) for c in cut
        ]
        begins = np.cumsum([0, *map(len, found)])
        runs = np.concatenate([np.empty((0, 2), np.int64), *found])
        return cls(begins.astype(np.int64), np.ascontiguousarray(runs, np.int64))


def addresses(blocks: Sequence[Tensor]) -> NDArray[np.int64]:
    """Where blocks begin, for the compiled loops; the blocks must outlive their use."""
    return np.array([block.data_ptr() for block in blocks], np.int64)


class StaircaseWeight(nn.Module):
    """A matrix (rows, units) under a staircase mask: one parameter per band, the rest in buffers.

    ``values`` (rows, units) are all its entries and ``mask`` says which count, both in sorted arrangement.
    ``blocks[i]`` holds ``values[band.kept, band.units]`` with zero for what the mask cuts.

    >>> w = StaircaseWeight(torch.ones(3, 3), np.tri(3, dtype=bool), "last")
    >>> w.blocks[0].tolist()
    [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
    >>> w.dense().tolist() == torch.ones(3, 3).tolist()  # with what is cut
    True
    """

    def __init__(self, values: Tensor, mask: NDArray[np.bool_], side: Side) -> None:
        super().__init__()
        self.shape = mask.shape
        self.register_buffer("nothing", torch.empty(0, dtype=values.dtype), persistent=False)
        self.bands = cut_into_bands(mask, side)
        # the same for the compiled loops (``staircase_loops.py``), and the padding of each block
        self.extents = np.array([band.extent for band in self.bands], np.int64).reshape(-1, 4)
        self.padding = Padding.of([~mask[band.kept, band.units] for band in self.bands])
        self.blocks = nn.ParameterList()
        for i, band in enumerate(self.bands):
            block = values[band.kept, band.units]
            self.blocks.append(nn.Parameter(torch.empty(block.shape, dtype=values.dtype)))
            corner = torch.from_numpy(mask[band.corner, band.units]).to(values.dtype)
            self.register_buffer(f"corner_{i}", corner.contiguous(), persistent=False)
            # all that is cut; zero elsewhere, so that the two can be added
            cut = torch.empty(len(mask), block.shape[1], dtype=values.dtype)
            self.register_buffer(f"cut_{i}", cut, persistent=False)
        self.set_dense(values)

    @property
    def corners(self) -> list[Tensor]:
        """Which entries of the corner of each band count: 1 or 0, in the dtype of the weights."""
        return [self.get_buffer(f"corner_{i}") for i in range(len(self.bands))]

    def masked(self) -> Tensor:
        """All entries (rows, units), zero where the mask cuts whatever is written there."""
        out = self.get_buffer("nothing").new_zeros(self.shape).cpu()
        for band, block, corner in zip(self.bands, self.blocks, self.corners, strict=True):
            out[band.kept, band.units] = block.detach().cpu()
            out[band.corner, band.units].masked_fill_(corner.cpu() == 0, 0.0)
        return out

    def dense(self) -> Tensor:
        """All entries (rows, units), those that the mask cuts too; differentiable in the blocks."""
        columns = []
        for i, (band, block, corner) in enumerate(zip(self.bands, self.blocks, self.corners, strict=True)):
            cut = self.get_buffer(f"cut_{i}")
            a, b = band.padded.start, band.padded.stop
            inside = torch.cat([block[:a], block[a:b] * corner, block[b:]]) + cut[band.kept]
            columns.append(torch.cat([cut[: band.kept.start], inside, cut[band.kept.stop :]]))
        return torch.cat(columns, 1) if columns else self.get_buffer("nothing").new_zeros(self.shape)

    @torch.no_grad()
    def set_dense(self, values: Tensor) -> None:
        """Take over all entries (rows, units)."""
        for i, (band, block, corner) in enumerate(zip(self.bands, self.blocks, self.corners, strict=True)):
            cut = self.get_buffer(f"cut_{i}")
            block.copy_(values[band.kept, band.units])
            block[band.padded].mul_(corner)
            cut.copy_(values[:, band.units])
            cut[band.kept].sub_(block)
