"""Training of networks: AdamW, warm-up then cosine, best epoch by validation, resumable.

One loop for all networks.  What is minimised is a ``Loss``, a number for each row; by default the negative
log-likelihood.  How a step is made, by autograd or by compiled loops, is chosen once (``steps``).  After every epoch
the whole state goes to a file, if a place is given (``checkpoint``): a fit that was interrupted goes on from there and
ends bit-equal to one that was not.

Weights.  Row r counts w_r times: the loss is Σ w_r loss_r / Σ w_r.  A batch is still so many different rows; its loss
is Σ w_r loss_r over them, divided by their number times the mean weight of all rows, so that the steps of an epoch
follow, on average, the gradient of the whole.  Rows of weight zero are left out, and weights that are all equal change
nothing.  Where rows stand for very different numbers of rows, a step sees few of the heavy ones: take larger batches.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from chainrule.core.errors import ChainruleError
from chainrule.core.progress import track
from chainrule.core.time_limit import check_time
from chainrule.models.shared.checkpoint import Checkpoint, History
from chainrule.models.shared.steps import NEGATIVE_LOG_LIKELIHOOD, Data, Loss, Steps, mean_loss, steps_for

__all__ = ["Recipe", "TrainingError", "batch_size_for", "decay_in_epochs", "train"]

_WARM_UP = 0.05  # share of all steps in which the learning rate rises to its full size


class TrainingError(ChainruleError):
    """Training that left the finite numbers."""


@dataclass(frozen=True)
class Recipe:
    """How to train: the settings that decide the result, and where to keep the state on the way."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int
    checkpoint: Path | None = None


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
    shuffle = torch.Generator().manual_seed(recipe.seed)
    history = History(best=_copy(network))
    checkpoint = Checkpoint.of(recipe, network, steps, loss.name, data, held_out)
    if checkpoint is not None:
        history = checkpoint.resume(network, steps, shuffle) or history
    resumed_from = history.epochs_done
    epochs = track(range(resumed_from + 1, recipe.epochs + 1), f"training {_name(network)}")
    with steps.threads(recipe.batch_size):
        for epoch in epochs:
            started = time.perf_counter()
            numbers = _one_epoch(steps, len(data), shuffle, recipe, loss, epoch)
            numbers |= _look_at(network, data, held_out, recipe, loss, epoch)
            history.add(numbers, loss.name, network, time.perf_counter() - started)
            if checkpoint is not None:
                checkpoint.save(network, steps, shuffle, history)
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


def _one_epoch(
    steps: Steps, n: int, shuffle: torch.Generator, recipe: Recipe, loss: Loss, epoch: int
) -> dict[str, float]:
    """One pass over the rows in a new order; the mean loss met on the way."""
    batches = torch.randperm(n, generator=shuffle).to(steps.device).split(recipe.batch_size)
    all_steps, rate = len(batches) * recipe.epochs, 0.0
    for k, chosen in enumerate(batches):
        check_time()
        rate = recipe.learning_rate * _schedule(len(batches) * (epoch - 1) + k, all_steps)
        steps.step(chosen, rate)
    mean = steps.take_total() / n
    _check_finite("training", mean, epoch, recipe)
    # a unit whose weights are lost may fall silent, and the loss look well
    if not steps.parameters_are_finite():
        _check_finite("training", math.nan, epoch, recipe)
    return {f"train_{loss.name}": mean, "learning_rate": rate}


def _look_at(
    network: nn.Module, data: Data, held_out: Data | None, recipe: Recipe, loss: Loss, epoch: int
) -> dict[str, float]:
    """The validation loss after an epoch; without validation rows the last step is checked, which nothing else sees."""
    if held_out is None:
        if epoch == recipe.epochs:
            _check_finite("training", mean_loss(network, data.first(recipe.batch_size), loss), epoch, recipe)
        return {}
    found = mean_loss(network, held_out, loss)
    _check_finite("validation", found, epoch, recipe)
    return {f"valid_{loss.name}": found}


def _check_finite(what: str, loss: float, epoch: int, recipe: Recipe) -> None:
    if not math.isfinite(loss):
        raise TrainingError(
            f"the {what} loss became {loss} in epoch {epoch}; lower the learning rate (it is "
            f"{recipe.learning_rate:g})"
        )


def _schedule(step: int, steps: int) -> float:
    """Share of the learning rate at ``step`` of ``steps``: linear warm-up, then half a cosine to zero."""
    warm = max(1, int(_WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


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


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {k: v.detach().clone() for k, v in network.state_dict().items()}
