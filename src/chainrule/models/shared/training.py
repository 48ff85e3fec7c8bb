"""Training of autoregressive networks: AdamW, warm-up then cosine, best epoch by validation, resumable.

After every epoch the whole state (parameters, moments, random stream, history) goes to one safetensors
file, if a place is given.  A fit that was interrupted goes on from there and ends bit-equal to one that
was not; a file that belongs to other data or settings is not used.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from chainrule.core.errors import ChainruleError
from chainrule.core.files import make_directory, replacing
from chainrule.core.progress import note, track

__all__ = ["Recipe", "TrainingError", "mean_log_prob", "train"]

_WARM_UP = 0.05  # share of all steps in which the learning rate rises to its full size
_FORMAT = "chainrule-checkpoint-1"


class TrainingError(ChainruleError):
    """Training that left the finite numbers."""


class Network(Protocol):
    """What training needs of a network, beside being a ``torch.nn.Module``."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-probability of each row in nats, (n,)."""
        ...


@dataclass(frozen=True)
class Recipe:
    """How to train: the settings that decide the result, and where to keep the state on the way."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int
    checkpoint: Path | None = None


@dataclass
class _State:
    """Everything that the next epoch depends on, beside the network and the optimiser."""

    best: dict[str, Tensor]
    best_epoch: int = 0
    best_nll_nats: float = math.inf
    train_nll_nats: list[float] = field(default_factory=list)
    valid_nll_nats: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def epochs_done(self) -> int:
        return len(self.train_nll_nats)


@torch.no_grad()
def mean_log_prob(network: Any, rows: Tensor, batch_size: int = 2048) -> float:
    """Mean log-probability in nats per row, summed in float64."""
    total = sum(float(network.log_prob(part).double().sum()) for part in rows.split(batch_size))
    return total / len(rows)


def train(
    network: nn.Module,
    X: NDArray[Any],
    valid: NDArray[Any] | None,
    recipe: Recipe,
    *,
    weights: NDArray[np.float64] | None = None,
    valid_weights: NDArray[np.float64] | None = None,
    on_epoch: Callable[[int, dict[str, float]], None] | None = None,
) -> dict[str, Any]:
    """Fit ``network`` to rows ``X`` in place; returns what happened, as plain data.

    With ``valid`` the parameters of the best epoch are kept, without it those of the last.  ``on_epoch``
    hears the epoch (from 1) and its numbers.  Raises ``TrainingError`` where the loss is no number.
    """
    device = next(network.parameters()).device
    rows = torch.from_numpy(X).to(device)
    held_out = None if valid is None else torch.from_numpy(valid).to(device)
    optimizer = torch.optim.AdamW(
        _parameter_groups(network, recipe.weight_decay), lr=recipe.learning_rate, fused=True
    )
    shuffle = torch.Generator().manual_seed(recipe.seed)
    state = _State(best=_copy(network))
    key = _key(network, X, valid, recipe)
    if recipe.checkpoint is not None:
        make_directory(recipe.checkpoint.parent)
        state = _resume(recipe.checkpoint, key, network, optimizer, shuffle) or state
    resumed_from = state.epochs_done

    epochs = track(
        range(resumed_from + 1, recipe.epochs + 1),
        f"training {type(network).__name__.removesuffix('Network')}",
    )
    for epoch in epochs:
        started = time.perf_counter()
        mean_nll = _one_epoch(network, rows, optimizer, shuffle, recipe, epoch)
        state.train_nll_nats.append(mean_nll)
        numbers = {"train_nll_nats": mean_nll, "learning_rate": optimizer.param_groups[0]["lr"]}
        if held_out is not None:
            numbers["valid_nll_nats"] = -mean_log_prob(network, held_out)
            state.valid_nll_nats.append(numbers["valid_nll_nats"])
        if held_out is None or numbers["valid_nll_nats"] < state.best_nll_nats:
            state.best_nll_nats = numbers.get("valid_nll_nats", math.inf)
            state.best_epoch, state.best = epoch, _copy(network)
        state.seconds += time.perf_counter() - started
        if recipe.checkpoint is not None:
            _save(recipe.checkpoint, key, network, optimizer, shuffle, state)
        if on_epoch is not None:
            on_epoch(epoch, numbers)
        epochs.detail = "  ".join(f"{k} {v:.4g}" for k, v in numbers.items() if k.endswith("nats"))
    network.load_state_dict(state.best)
    return {
        "epochs": state.epochs_done,
        "best_epoch": state.best_epoch,
        "resumed_from_epoch": resumed_from,
        "train_nll_nats": state.train_nll_nats,
        "valid_nll_nats": state.valid_nll_nats,
        "seconds": state.seconds,
    }


def _one_epoch(
    network: Any,
    rows: Tensor,
    optimizer: torch.optim.Optimizer,
    shuffle: torch.Generator,
    recipe: Recipe,
    epoch: int,
) -> float:
    """One pass over the rows in a new order; the mean negative log-likelihood met on the way, in nats."""
    batches = torch.randperm(len(rows), generator=shuffle).to(rows.device).split(recipe.batch_size)
    steps = len(batches) * recipe.epochs
    total = 0.0
    for k, chosen in enumerate(batches):
        step = len(batches) * (epoch - 1) + k
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * _schedule(step, steps)
        nll = -network.log_prob(rows[chosen]).mean()
        optimizer.zero_grad(set_to_none=True)
        nll.backward()
        optimizer.step()
        total += float(nll.detach()) * len(chosen)
    mean = total / len(rows)
    if not math.isfinite(mean):
        raise TrainingError(
            f"the training loss became {mean} in epoch {epoch}; "
            f"lower the learning rate (it is {recipe.learning_rate:g})"
        )
    return mean


def _schedule(step: int, steps: int) -> float:
    """Share of the learning rate at ``step`` of ``steps``: linear warm-up, then half a cosine to zero."""
    warm = max(1, int(_WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weights decay, biases do not: a bias carries a variable's mean, which needs no shrinking."""
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {k: v.detach().clone() for k, v in network.state_dict().items()}


def _key(network: nn.Module, X: NDArray[Any], valid: NDArray[Any] | None, recipe: Recipe) -> str:
    """What a checkpoint belongs to: the data, the recipe, and the network as it starts."""
    digest = hashlib.sha256()
    for array in (X, valid):
        if array is not None:
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array).data)
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    settings = (recipe.epochs, recipe.batch_size, recipe.learning_rate, recipe.weight_decay, recipe.seed)
    digest.update(repr((type(network).__name__, settings)).encode())
    return digest.hexdigest()


def _save(
    path: Path,
    key: str,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    shuffle: torch.Generator,
    state: _State,
) -> None:
    tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
    tensors |= {f"best.{k}": v for k, v in state.best.items()}
    for i, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{i}.{k}": torch.as_tensor(v) for k, v in moments.items()}
    tensors["shuffle"] = shuffle.get_state()
    history = {k: getattr(state, k) for k in _HISTORY}
    header = {"format": _FORMAT, "key": key, "history": json.dumps(history)}
    with replacing(path) as temporary:
        save_file({k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}, temporary, header)


_HISTORY = ("best_epoch", "best_nll_nats", "train_nll_nats", "valid_nll_nats", "seconds")


def _resume(
    path: Path,
    key: str,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    shuffle: torch.Generator,
) -> _State | None:
    """Take over the state in ``path``; ``None`` (and a note) where it is damaged or belongs elsewhere."""
    if not path.exists():
        return None
    try:
        with safe_open(str(path), framework="pt") as f:
            header = f.metadata() or {}
            tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118  # not a dict
    except (OSError, SafetensorError) as e:
        note(f"the checkpoint {path} is damaged ({e}); training starts anew")
        return None
    if header.get("format") != _FORMAT or header.get("key") != key:
        note(f"the checkpoint {path} belongs to other data or settings; training starts anew")
        return None
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "best": {}, "optimizer": {}}
    for name, value in tensors.items():
        head, _, rest = name.partition(".")
        if rest:
            parts[head][rest] = value
    network.load_state_dict(parts["network"])
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in parts["optimizer"].items():
        i, _, what = name.partition(".")
        moments.setdefault(int(i), {})[what] = value
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    shuffle.set_state(tensors["shuffle"])
    device = next(network.parameters()).device
    best = {k: v.to(device) for k, v in parts["best"].items()}
    state = _State(best=best, **json.loads(header["history"]))
    note(f"going on after epoch {state.epochs_done} from {path}")
    return state
