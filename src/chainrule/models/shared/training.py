"""Training of networks: AdamW, warm-up then cosine, best epoch by validation, resumable.

One loop for all networks.  What is minimised is a ``Loss``, a number for each row; by default the negative
log-likelihood.  How a step is made, by autograd or by compiled loops, is chosen once (``steps``).  After every epoch,
and every half minute, the whole state goes to a folder, if one is given (``run_folder``): a fit that was interrupted
goes on from there and ends bit-equal to one that was not.

Weights.  Row r counts w_r times: the loss is Σ w_r loss_r / Σ w_r.  A batch is still so many different rows; its loss
is Σ w_r loss_r over them, divided by their number times the mean weight of all rows, so that the steps of an epoch
follow, on average, the gradient of the whole.  Rows of weight zero are left out, and weights that are all equal change
nothing.  Where rows stand for very different numbers of rows, a step sees few of the heavy ones: take larger batches.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from chainrule.core.interrupts import waiting_interrupts
from chainrule.core.progress import track
from chainrule.core.version import __version__
from chainrule.models.shared.checkpoint import fingerprint
from chainrule.models.shared.epochs import Epochs, Recipe, TrainingError
from chainrule.models.shared.run_folder import RunFolder, run_folder
from chainrule.models.shared.steps import NEGATIVE_LOG_LIKELIHOOD, Data, Loss, Steps, mean_loss, steps_for

__all__ = ["Recipe", "TrainingError", "batch_size_for", "decay_in_epochs", "train"]


def batch_size_for(n_rows: int) -> int:
    """The batch size by default: 100, and with many rows so large that an epoch has 500 steps, at most 1,000.

    >>> [batch_size_for(n) for n in (1_000, 50_000, 300_000, 10**7)]
    [100, 100, 600, 1000]
    """
    # In nats on validation rows: dna, nips and book (400 to 8,700 rows) 82.71, 273.74 and 33.02 with 100 rows, 82.75,
    # 273.91 and 33.21 with 50; msnbc (291,326 rows) 6.0297 with 582 and 6.0301 with 100, which took three times as
    # long; kdd (180,092 rows, 8 epochs) 2.326 with 360 and 2.324 with 100, which took twice as long.
    return min(max(100, n_rows // 500), 1000)


def decay_in_epochs(epochs: float, learning_rate: float, steps_an_epoch: float) -> float:
    """The weight decay λ of AdamW that at the full rate η divides weights by e in so many epochs: η λ steps τ = 1.

    What a weight then is, is an average over the updates of about the last τ epochs, whatever rate, batch and number of
    rows are (Wang & Aitchison, "How to set AdamW's weight decay as you scale model and dataset size", ICML 2025).

    >>> decay_in_epochs(12.0, 5e-3, 100.0)
    0.16666666666666666
    """
    return 1 / (learning_rate * max(1.0, steps_an_epoch) * epochs)


def train(
    network: nn.Module,
    X: NDArray[Any],
    valid: NDArray[Any] | None,
    recipe: Recipe,
    *,
    weights: NDArray[np.float64] | None = None,
    valid_weights: NDArray[np.float64] | None = None,
    targets: NDArray[Any] | None = None,
    valid_targets: NDArray[Any] | None = None,
    loss: Loss = NEGATIVE_LOG_LIKELIHOOD,
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
) -> dict[str, Any]:
    """Fit ``network`` to rows ``X`` in place; returns what happened, as plain data.

    ``targets``, if the loss wants any, have an entry for each row.  With ``valid`` the parameters of the best epoch
    are kept, without it those of the last.  ``on_epoch`` hears the epoch (from 1) and its numbers.  Losses are named
    by ``loss.name``: ``train_nll_nats`` (the mean met on the way) and ``valid_nll_nats`` by default.  ``seconds`` are
    those of training; compiling comes before, on a copy of the network, and is in ``warm_up_seconds``.  Raises
    ``TrainingError`` where a loss is no number.
    """
    data = Data.of(X, weights, targets)
    held_out = None if valid is None else Data.of(valid, valid_weights, valid_targets)
    warm_up_seconds = _warm_up(network, data, held_out, recipe, loss) if recipe.epochs else 0.0
    steps = steps_for(network, data, loss, recipe.weight_decay)
    parts = _parts(recipe, network, steps, loss, data, held_out)
    # what waits for the end of a step stands outside what waits for the end of a loop
    with _folder(recipe, parts) as run, _interrupts(run) as interrupted:
        going = Epochs(steps, data, held_out, recipe, loss, run, interrupted)
        going.resume()
        history, resumed_from = going.history, going.history.epochs_done
        epochs = track(range(resumed_from + 1, recipe.epochs + 1), f"training {_name(network)}")
        with steps.threads(recipe.batch_size):
            for epoch in epochs:
                numbers = going.one(epoch)
                if on_epoch is not None:
                    on_epoch(epoch, numbers)
                epochs.detail = "  ".join(f"{k} {v:.4g}" for k, v in numbers.items() if k != "learning_rate")
    network.load_state_dict(history.best)
    return {
        "epochs": history.epochs_done,
        "best_epoch": history.best_epoch,
        "resumed_from_epoch": resumed_from,
        f"train_{loss.name}": history.train,
        f"valid_{loss.name}": history.valid,
        "seconds": history.seconds,
        "warm_up_seconds": warm_up_seconds,
    }


def _folder(recipe: Recipe, parts: Callable[[], dict[str, Any]]) -> AbstractContextManager[RunFolder | None]:
    return nullcontext() if recipe.run_dir is None else run_folder(recipe.run_dir, parts())


def _interrupts(run: RunFolder | None) -> AbstractContextManager[Callable[[], bool]]:
    return nullcontext(lambda: False) if run is None else waiting_interrupts()


def _parts(
    recipe: Recipe, network: nn.Module, steps: Steps, loss: Loss, data: Data, held_out: Data | None
) -> Callable[[], dict[str, Any]]:
    """Everything that decides the result, by name, for the folder of a run: fields and attributes as they are listed.

    A function, since digests of all rows take time that a fit without a folder need not spend.
    """
    plain = {f.name: getattr(recipe, f.name) for f in fields(recipe) if f.name not in ("run_dir", "settings")}
    return lambda: {
        "settings": plain | dict(recipe.settings),
        "rows": {"number": len(data), "sha256": fingerprint(data)},
        "validation rows": fingerprint(held_out),
        "weights at the start": fingerprint(network),
        "steps": [type(steps).__name__, steps.device.type, loss.name],
        "versions": {
            "chainrule": __version__,
            **{name: version(name) for name in ("torch", "numba", "numpy")},
        },
    }


def _warm_up(network: nn.Module, data: Data, held_out: Data | None, recipe: Recipe, loss: Loss) -> float:
    """A step and a validation on a copy of the network, so that all is compiled before the clock starts; seconds."""
    started = time.perf_counter()
    trial = copy.deepcopy(network)
    steps = steps_for(trial, data, loss, recipe.weight_decay)
    with steps.threads(recipe.batch_size):
        steps.step(torch.arange(min(len(data), recipe.batch_size), device=steps.device), 0.0)
        steps.take_total()
        mean_loss(trial, (held_out or data).first(recipe.batch_size), loss)
    return time.perf_counter() - started


def _name(network: nn.Module) -> str:
    return type(network).__name__.removesuffix("Network")
