"""One call of NADE's compiled loops: rows and weights packed, the walk forward, and the way back.

``BinaryWalk`` and ``CategoricalWalk`` do the same for the two kinds of tables; ``walk_of`` chooses.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.compiled.calls import use_threads
from chainrule.core.errors import ValuesError
from chainrule.models.nade.activations import KINDS
from chainrule.models.nade.binary_backward import nade_backward
from chainrule.models.nade.binary_forward import nade_forward, nade_terms
from chainrule.models.nade.binary_packing import STEP, Cut, group_of, nade_pack
from chainrule.models.nade.categorical_backward import categorical_backward
from chainrule.models.nade.categorical_forward import categorical_forward, categorical_terms
from chainrule.models.nade.categorical_packing import Steps, categorical_pack, cut_of, slots_of
from chainrule.models.shared.coding import Coding

__all__ = ["BinaryWalk", "CategoricalWalk", "Parameters", "Walk", "walk_of"]


@dataclass(frozen=True)
class Parameters:
    """A network as the loops see it: contiguous arrays on the CPU, all of one dtype."""

    W: NDArray[Any]  # (width, h)
    V: NDArray[Any]  # (width, h)
    b: NDArray[Any]  # (width,)
    c: NDArray[Any]  # (h,)
    activation: str
    coding: Coding


def walk_of(x: NDArray[np.integer[Any]], order: NDArray[np.int64], network: Parameters, keep: bool) -> Walk:
    """The walk forward of rows of codes ``x`` (n, d), n > 0; ``keep`` says whether ``gradients`` will be asked for."""
    kind = BinaryWalk if network.coding.is_binary else CategoricalWalk
    return kind(x, order, network, keep)


class Walk(ABC):
    """What the two kinds have in common."""

    logits: NDArray[
        Any
    ]  # as the loops have them; after ``log_prob`` they are the derivatives with respect to them
    states: NDArray[Any]

    @abstractmethod
    def log_prob(self) -> NDArray[np.float64]:
        """By row; from here on ``logits`` holds the derivatives with respect to the logits."""

    @abstractmethod
    def gradients(self, residuals: NDArray[Any], weights: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """With respect to W, V, b and c, of the sum over rows of ``weights`` times what ``residuals`` belong to."""

    @abstractmethod
    def to_rows(self, logits: NDArray[Any]) -> NDArray[Any]:
        """``logits`` as (n, width), rows and indicators where the user has them."""

    @abstractmethod
    def from_rows(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The other way round, zero where there is nothing."""


class BinaryWalk(Walk):
    """Every variable has two states."""

    def __init__(
        self, x: NDArray[np.integer[Any]], order: NDArray[np.int64], network: Parameters, keep: bool
    ) -> None:
        n, self.d = x.shape
        self.h = len(network.c)
        self.order, self.kind = order, KINDS[network.activation]
        work = n * self.d * self.h
        self.cut = Cut(n, group_of(n, work), use_threads(work))
        data = np.ascontiguousarray(x != 0).view(np.uint8)
        self.packed = nade_pack(data, order, network.W, network.V, self.cut.group)
        self.logits, self.states, self.c = nade_forward(
            self.packed, order, network.b, network.c, self.cut, keep, self.kind
        )

    @property
    def blocks(self) -> int:
        return -(-self.d // STEP)

    @property
    def slots(self) -> NDArray[np.intp]:
        """Of each row: each group is followed by a spare slot."""
        rows = np.arange(self.cut.rows)
        return rows + rows // self.cut.group

    def log_prob(self) -> NDArray[np.float64]:
        return nade_terms(self.packed.codes, self.logits, self.blocks, self.cut)

    def gradients(self, residuals: NDArray[Any], weights: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        return nade_backward(
            self.packed, self.c, self.states, residuals, weights, self.order, self.h, self.cut, self.kind
        )

    def to_rows(self, logits: NDArray[Any]) -> NDArray[Any]:
        n = self.cut.rows
        rows = logits.reshape(self.blocks, -1, STEP)[:, self.slots].transpose(1, 0, 2).reshape(n, -1)
        out = np.empty((n, self.d), logits.dtype)
        out[:, self.order] = rows[:, : self.d]
        return out

    def from_rows(self, rows: NDArray[Any]) -> NDArray[Any]:
        n = self.cut.rows
        ordered = np.zeros((n, self.blocks * STEP), rows.dtype)
        ordered[:, : self.d] = rows[:, self.order]
        tile = np.zeros_like(self.logits).reshape(self.blocks, -1, STEP)
        tile[:, self.slots] = ordered.reshape(n, self.blocks, STEP).transpose(1, 0, 2)
        return tile.reshape(-1)


class CategoricalWalk(Walk):
    """Variables have any numbers of states."""

    def __init__(
        self, x: NDArray[np.integer[Any]], order: NDArray[np.int64], network: Parameters, keep: bool
    ) -> None:
        n = len(x)
        self.h, self.width = len(network.c), len(network.b)
        self.kind, self.steps = KINDS[network.activation], Steps.of(network.coding, order)
        self.cut, self.slots = cut_of(n, use_threads(n * self.width * self.h)), slots_of(n)
        codes = np.ascontiguousarray(x, np.int32)
        _check_codes(codes, network.coding)
        self.packed = categorical_pack(codes, self.steps, network.W, network.V, self.slots, self.cut)
        self.logits, self.states, self.c = categorical_forward(
            self.packed, self.steps, network.b, network.c, self.slots, self.cut, keep, self.kind
        )

    def log_prob(self) -> NDArray[np.float64]:
        return categorical_terms(self.packed, self.steps, self.logits, self.slots, self.cut)

    def gradients(self, residuals: NDArray[Any], weights: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        return categorical_backward(
            self.packed, self.steps, self.c, self.states, residuals, weights, self.h, self.slots, self.cut, self.kind
        )  # fmt: skip

    def to_rows(self, logits: NDArray[Any]) -> NDArray[Any]:
        out = np.empty((self.cut.rows, self.width), logits.dtype)
        out[:, self.steps.indicators] = self._by_indicator(logits)[:, : self.cut.rows].T
        return out

    def from_rows(self, rows: NDArray[Any]) -> NDArray[Any]:
        out = np.zeros_like(self.logits)
        self._by_indicator(out)[:, : self.cut.rows] = rows[:, self.steps.indicators].T
        return out

    def _by_indicator(self, logits: NDArray[Any]) -> NDArray[Any]:
        return logits[: self.width * self.slots].reshape(self.width, self.slots)


def _check_codes(codes: NDArray[np.int32], coding: Coding) -> None:
    """The loops do not look at indices, so no code that is no state may reach them."""
    bad = (codes < 0) | (codes >= np.array(coding.sizes, np.int32))
    if bad.any():
        i, j = np.argwhere(bad)[0]
        raise ValuesError(
            f"x has the code {codes[i, j]} in row {i}, column {j}, expected 0 to {coding.sizes[j] - 1}; pass codes of "
            "states"
        )
