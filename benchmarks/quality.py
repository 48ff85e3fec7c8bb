"""Training time and test likelihood on static binarized MNIST: the recipes that the documentation states."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.showing import Benchmark, Options, with_error
from chainrule.datasets import load
from chainrule.models.ensemble.estimator import Ensemble
from chainrule.models.made.estimator import MADE
from chainrule.models.nade.estimator import NADE
from chainrule.models.stack.estimator import Stack

__all__ = ["QUALITY", "Fit", "quality"]

_PIXELS = np.arange(28 * 28).reshape(28, 28)
SCANS = [o.ravel().tolist() for o in (_PIXELS, _PIXELS.T, _PIXELS[::-1, ::-1], _PIXELS.T[::-1, ::-1])]


def _scanned(k: int) -> NADE:
    return NADE(1000, epochs=10, batch_size=100, decay_epochs=12, random_state=k)


def scans(n: int) -> Ensemble:
    """An average over four ways to scan an image, by rows and columns from both ends, of stacks of ``n`` NADEs."""
    return Ensemble([Stack([_scanned(k).set_params(ordering=o) for k in range(n)]) for o in SCANS])


RECIPES: dict[str, Any] = {
    "NADE, 500 units, 3 epochs": lambda: NADE(500, epochs=3, random_state=0),
    "NADE, 500 units, 8 epochs": lambda: NADE(500, epochs=8, random_state=0),
    "NADE, 300 units, 30 epochs (default)": lambda: NADE(random_state=0),
    "MADE, 300 units, 30 epochs (default)": lambda: MADE(random_state=0),
    "MADE, 300 units, without direct connections": lambda: MADE(direct=False, random_state=0),
    "MADE, 8,000 units, 6 epochs": lambda: MADE(
        8000, epochs=6, learning_rate=3e-3, weight_decay=0.2, random_state=0
    ),
    "average over 4 scans of stacks of 3 NADEs": lambda: scans(3),
}


@dataclass(frozen=True)
class Fit:
    """One recipe: wall-clock seconds of ``fit``, and the mean test negative log-likelihood with its error."""

    name: str
    seconds: float
    valid_nll_nats: float
    test_nll_nats: float
    test_standard_error: float

    def cells(self) -> list[str]:
        """By column of the table."""
        test = with_error(self.test_nll_nats, self.test_standard_error, 2)
        return [self.name, test, f"{self.valid_nll_nats:.2f}", f"{self.seconds:.1f}"]


def quality(options: Options) -> Iterator[Fit]:
    """Every recipe, one after the other; ``quick`` stops after the first."""
    data = load("binarized-mnist")
    for name, build in list(RECIPES.items())[: 1 if options.quick else None]:
        model = build()
        started = time.perf_counter()
        model.fit(data.train, valid=data.valid)
        seconds = time.perf_counter() - started
        valid, nll = -model.log_prob(data.valid), -model.log_prob(data.test)
        error = float(nll.std(ddof=1) / np.sqrt(len(nll)))
        yield Fit(name, seconds, float(valid.mean()), float(nll.mean()), error)


QUALITY = Benchmark(
    "quality",
    "training time and test likelihood on static binarized MNIST, an hour",
    ("recipe", "test nats an image", "validation", "seconds of fit"),
    quality,
)
