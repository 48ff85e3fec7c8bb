"""Dropout: at each step of training some inputs and units are left out by chance; scoring reads all of them.

What stays is multiplied by 1 / (1 - rate), so that its expectation is what scoring reads.  Which are left out follows
from a seed and the number of the step alone: a fit that goes on from a checkpoint leaves out what it would have.

Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, "Dropout: A Simple Way to Prevent Neural Networks from
Overfitting", JMLR 15, 2014, section 4 (there the weights are scaled after training instead).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from chainrule.core.checks import check_real
from chainrule.core.errors import InputError

__all__ = ["Dropout"]


@dataclass(frozen=True)
class Dropout:
    """The shares of ``inputs`` (variables that are read) and of ``hidden`` units that a step leaves out.

    >>> scales = Dropout(0.0, 0.5, seed=3).hidden_scales(7, (2, 4), torch.float32)
    >>> sorted(set(scales.flatten().tolist()))
    [0.0, 2.0]
    """

    inputs: float
    hidden: float
    seed: int

    @classmethod
    def of(cls, inputs: Any, hidden: Any, seed: int) -> Dropout | None:
        """The settings ``input_dropout`` and ``dropout``, checked; ``None`` where both are 0."""
        rates = [check_real(inputs, "input_dropout"), check_real(hidden, "dropout")]
        for rate, name in zip(rates, ("input_dropout", "dropout"), strict=True):
            if rate >= 1:
                raise InputError(f"{name} is the share that is left out, from 0 to below 1; got {rate:g}")
        return cls(rates[0], rates[1], seed) if any(rates) else None

    def input_scales(self, step: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """What step number ``step`` multiplies inputs by: 0, or 1 / (1 - rate)."""
        return self._scales(self.inputs, [self.seed, step, 0], shape, dtype)

    def hidden_scales(self, step: int, shape: tuple[int, ...], dtype: torch.dtype, layer: int = 0) -> Tensor:
        """What step number ``step`` multiplies the units of a hidden ``layer`` by: 0, or 1 / (1 - rate)."""
        return self._scales(self.hidden, [self.seed, step, 1 + layer], shape, dtype)

    @staticmethod
    def _scales(rate: float, stream: list[int], shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        if rate == 0.0:
            return torch.ones(shape, dtype=dtype)
        stays = np.random.default_rng(stream).random(shape, np.float32) >= rate
        return torch.from_numpy(stays).to(dtype) / (1 - rate)
