"""The state of training in one safetensors file: all that the next step depends on.

That is the weights, those of the best epoch, the optimiser's moments, the state of the generator that the order of this
epoch is drawn from, and how many batches of that order are done with which loss so far.  A file is sealed by a checksum
of the whole (``core.sealed``) and belongs to what its key stands for (``run_folder``).
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from chainrule.core.errors import DataError
from chainrule.core.files import shown_path
from chainrule.core.sealed import read_sealed, write_sealed

__all__ = ["History", "Position", "State", "fingerprint", "read_state", "write_state"]

_FORMAT = 3
# of the attributes of a module, those that say nothing: hooks, and whether it is training
_OF_TORCH = frozenset(vars(nn.Module())) - {"_parameters", "_buffers", "_modules"}


@dataclass
class History:
    """What happened so far, and the parameters of the best epoch."""

    best: dict[str, Tensor]
    best_epoch: int = 0
    best_loss: float = math.inf
    train: list[float] = field(default_factory=list)
    valid: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def epochs_done(self) -> int:
        return len(self.train)

    def add(self, numbers: dict[str, float], name: str, network: nn.Module, seconds: float) -> None:
        """One epoch: its losses, called ``name``, and the network as it is now."""
        self.train.append(numbers[f"train_{name}"])
        valid = numbers.get(f"valid_{name}")
        if valid is not None:
            self.valid.append(valid)
        if valid is None or valid < self.best_loss:
            self.best_loss = math.inf if valid is None else valid
            self.best_epoch = self.epochs_done
            self.best = {k: v.detach().clone() for k, v in network.state_dict().items()}
        self.seconds += seconds


@dataclass(frozen=True)
class Position:
    """Where training stands in an epoch: ``batches`` of it are done, the losses of their rows add up to ``total``."""

    batches: int = 0
    total: float = 0.0


@dataclass(frozen=True)
class State:
    """All that the next step depends on; ``shuffle`` is the generator's state when the epoch began."""

    network: dict[str, Tensor]
    steps: dict[str, Tensor]
    shuffle: Tensor
    history: History
    position: Position

    @property
    def steps_taken(self) -> int:
        return int(self.steps["step"])


def write_state(path: Path, state: State, key: str) -> None:
    """Replace the file, whole or not at all; raises ``OutputError``."""
    tensors = {f"network.{k}": v for k, v in state.network.items()}
    tensors |= {f"best.{k}": v for k, v in state.history.best.items()}
    tensors |= {f"steps.{k}": v for k, v in state.steps.items()}
    tensors["shuffle"] = state.shuffle
    history = {k: v for k, v in vars(state.history).items() if k != "best"}
    plain = {"key": key, "history": history, "position": dataclasses.asdict(state.position)}
    write_sealed(
        path, "checkpoint", _FORMAT, {k: v.detach().cpu().numpy() for k, v in tensors.items()}, plain
    )


def read_state(path: Path, key: str) -> State:
    """What ``write_state`` wrote; ``DataError`` where it is damaged, of another format, or of another ``key``."""
    plain, arrays = read_sealed(path, "checkpoint", _FORMAT)
    if plain.get("key") != key:
        raise DataError(f"{shown_path(path)} belongs to another run")
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "best": {}, "steps": {}, "shuffle": {}}
    for name, value in arrays.items():
        head, _, rest = name.partition(".")
        parts[head][rest] = torch.from_numpy(value)
    history = plain["history"]
    best_loss = float(history.pop("best_loss"))  # "inf" where there is none yet
    return State(
        parts["network"],
        parts["steps"],
        parts["shuffle"][""],
        History(best=parts["best"], best_loss=best_loss, **history),
        Position(**plain["position"]),
    )


def fingerprint(value: Any) -> str:
    """A digest of plain values, arrays, tensors, modules (parameters, buffers, attributes), and what holds these.

    >>> net = nn.Linear(1, 1)
    >>> before = fingerprint(net)
    >>> net.activation = "relu"
    >>> fingerprint(net) == before
    False
    """
    digest = hashlib.sha256()
    _feed(digest, value)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    """Every value says its kind and its length first, so that no two lists of values read the same."""
    if isinstance(value, Tensor) and value.is_sparse:
        digest.update(f"sparse {tuple(value.shape)};".encode())
        value = [value.coalesce().indices(), value.coalesce().values()]
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        digest.update(f"array {value.dtype} {value.shape};".encode())
        digest.update(np.ascontiguousarray(value).data)
    elif isinstance(value, nn.Module):
        digest.update(f"module {type(value).__module__}.{type(value).__qualname__};".encode())
        _feed(digest, {k: v for k, v in vars(value).items() if k not in _OF_TORCH})
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        digest.update(f"record {type(value).__qualname__};".encode())
        _feed(digest, {f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    elif isinstance(value, dict):
        digest.update(f"dict {len(value)};".encode())
        for key, entry in value.items():
            digest.update(f"{key!r}:".encode())
            _feed(digest, entry)
    elif isinstance(value, (list, tuple)):
        digest.update(f"list {len(value)};".encode())
        for entry in value:
            _feed(digest, entry)
    elif value is None or isinstance(value, (str, int, float, np.generic)):
        digest.update(f"{value!r};".encode())
    else:  # what has no value of its own: a function, an open file
        digest.update(f"{type(value).__qualname__};".encode())
