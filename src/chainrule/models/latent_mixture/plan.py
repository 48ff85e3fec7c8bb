"""The settings of a fit, and the lengths of training and of a step where they are left open."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Plan"]

_EPOCHS, _LEAST_STEPS, _MOST_STEPS = 15, 250, 1500


@dataclass(frozen=True)
class Plan:
    """How to train; ``epochs`` and ``batch_size`` may be left to ``length``; ``run_dir`` keeps it."""

    latent: int
    hidden: list[int]
    n_points: int
    epochs: int | None
    batch_size: int | None
    learning_rate: float
    weight_decay: float
    seed: int
    run_dir: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the model, for the folder

    def length(self, n_rows: int) -> tuple[int, int]:
        """Epochs and batch size for ``n_rows`` rows.

        >>> plan = Plan(8, [128], 512, None, None, 0.01, 0.0, 0)
        >>> [plan.length(n) for n in (1_000, 16_000, 300_000)]
        [(25, 100), (15, 250), (3, 500)]
        """
        batch_size = self.batch_size or (100 if n_rows < 5_000 else 250 if n_rows < 50_000 else 500)
        if self.epochs is not None:
            return self.epochs, batch_size
        an_epoch = math.ceil(n_rows / batch_size)
        epochs = max(_EPOCHS, math.ceil(_LEAST_STEPS / an_epoch))
        return min(epochs, math.ceil(_MOST_STEPS / an_epoch)), batch_size
