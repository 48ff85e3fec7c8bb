"""The epochs of a fit: passes over the rows, the state that is kept on the way, and when to stop.

A fit stands somewhere in an epoch; what it needs to go on from there is a ``State`` (``checkpoint``).  It stops where a
loss is no number, or has grown so far beyond the first one that nothing can be learned any more.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from chainrule.core.errors import ChainruleError
from chainrule.core.files import shown_path
from chainrule.core.time_limit import check_time
from chainrule.models.shared.checkpoint import History, Position, State
from chainrule.models.shared.run_folder import RunFolder
from chainrule.models.shared.steps import Data, Loss, Steps, mean_loss

__all__ = ["Epochs", "Recipe", "TrainingError"]

_SAVE_SECONDS = 30.0  # between two states that are kept in a long epoch
# times the first loss: above it the steps have led away from all that can be learned, whatever the number is
_DIVERGED = 100.0
_WARM_UP = 0.05  # share of all steps in which the learning rate rises to its full size


class TrainingError(ChainruleError):
    """Training that left the finite numbers, or whose loss grew far beyond the first one."""


@dataclass(frozen=True)
class Recipe:
    """How to train: what decides the result, ``settings`` of the model among it, and the folder to keep a run in."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int
    run_dir: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the model, as plain data


class Epochs:
    """A fit on its way: what has happened, where it stands in an epoch, and the folder that keeps it, if any."""

    def __init__(
        self,
        steps: Steps,
        data: Data,
        held_out: Data | None,
        recipe: Recipe,
        loss: Loss,
        run: RunFolder | None,
        interrupted: Callable[[], bool],
    ) -> None:
        self.steps, self.data, self.held_out = steps, data, held_out
        self.recipe, self.loss, self.run, self.interrupted = recipe, loss, run, interrupted
        self.history = History(best=_copy(steps.network))
        self.shuffle = torch.Generator().manual_seed(recipe.seed)
        self.position = Position()
        self._first_loss, self._total_before, self._saved = math.nan, 0.0, time.monotonic()

    def resume(self) -> None:
        """Take over the last state in the folder, if there is one."""
        state = None if self.run is None else self.run.last_state()
        if state is not None:
            self.steps.network.load_state_dict(state.network)
            self.steps.set_state(state.steps)
            self.shuffle.set_state(state.shuffle)
            self.history, self.position = state.history, state.position
            self.history.best = {k: v.to(self.steps.device) for k, v in self.history.best.items()}
        if self.run is not None:
            self.run.cut_metrics(self.history.epochs_done)

    def one(self, epoch: int) -> dict[str, float]:
        """One pass over the rows, or what is left of it, a look at the validation rows, and all of it kept."""
        began = time.perf_counter()
        numbers = self._pass(epoch) | self._look(epoch)
        seconds = time.perf_counter() - began
        self.history.add(numbers, self.loss.name, self.steps.network, seconds)
        self.position = Position()
        if self.run is not None:
            self.run.add_metrics(epoch, numbers | {"seconds": seconds})
            self._save(self.shuffle.get_state())
        return numbers

    def _pass(self, epoch: int) -> dict[str, float]:
        """The batches of a new order that are not done yet; the mean loss met on the way."""
        n, begins = len(self.data), self.shuffle.get_state()
        batches = torch.randperm(n, generator=self.shuffle).to(self.steps.device)
        batches = batches.split(self.recipe.batch_size)
        first, all_steps = len(batches) * (epoch - 1), len(batches) * self.recipe.epochs
        rates = [self.recipe.learning_rate * _schedule(first + k, all_steps) for k in range(len(batches))]
        self.steps.total = self._total_before = self.position.total
        for k in range(self.position.batches, len(batches)):
            check_time()
            self.steps.step(batches[k], rates[k])
            self._check_step(epoch, first + k, len(batches[k]))
            if self.run is not None and (
                self.interrupted() or time.monotonic() > self._saved + _SAVE_SECONDS
            ):
                self.position = Position(k + 1, self.steps.total)
                self._save(begins)
        mean = self.steps.take_total() / n
        # a unit whose weights are lost may fall silent, and the loss look well
        met = mean if self.steps.parameters_are_finite() else math.nan
        self._check("training", met, epoch, self.steps.taken - 1)
        return {f"train_{self.loss.name}": mean, "learning_rate": rates[-1]}

    def _look(self, epoch: int) -> dict[str, float]:
        """The validation loss; without validation rows the last step is checked, which nothing else sees."""
        network, step = self.steps.network, self.steps.taken - 1
        if self.held_out is None:
            if epoch == self.recipe.epochs:
                found = mean_loss(network, self.data.first(self.recipe.batch_size), self.loss)
                self._check("training", found, epoch, step)
            return {}
        found = mean_loss(network, self.held_out, self.loss)
        self._check("validation", found, epoch, step)
        return {f"valid_{self.loss.name}": found}

    def _save(self, shuffle: torch.Tensor) -> None:
        assert self.run is not None
        state = State(
            self.steps.network.state_dict(), self.steps.state(), shuffle, self.history, self.position
        )
        self.run.save(state)
        self._saved = time.monotonic()
        if self.interrupted():
            raise KeyboardInterrupt

    def _check_step(self, epoch: int, step: int, n_rows: int) -> None:
        """The loss of one step, on the CPU: to ask a GPU would keep it waiting."""
        if self.steps.device.type == "cpu":
            total = self.steps.total
            loss, self._total_before = (total - self._total_before) / n_rows, total
            self._check("training", loss, epoch, step)

    def _check(self, what: str, loss: float, epoch: int, step: int) -> None:
        """Raise ``TrainingError`` where a loss is no number, or so far above the first one that nothing is learned."""
        if math.isnan(self._first_loss):
            self._first_loss = loss
        if math.isfinite(loss) and loss <= _DIVERGED * (1 + abs(self._first_loss)):
            return
        done, run = self.history.epochs_done, self.run
        kept = (
            ""
            if run is None or not done
            else f"; what was learned by epoch {done} is in {shown_path(run.path)}"
        )
        raise TrainingError(
            f"the {what} loss became {loss:g} in epoch {epoch}, step {step + 1}, where the weights have the norm "
            f"{self.steps.parameters_norm():.3g}; lower the learning rate (it is {self.recipe.learning_rate:g}){kept}"
        )


def _schedule(step: int, steps: int) -> float:
    """Share of the learning rate at ``step`` of ``steps``: linear warm-up, then half a cosine to zero."""
    warm = max(1, int(_WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {k: v.detach().clone() for k, v in network.state_dict().items()}
