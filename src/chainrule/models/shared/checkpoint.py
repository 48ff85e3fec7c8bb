"""The state of training in one safetensors file, and what it belongs to.

The key of a file is a digest of everything that decides the result: the network as it starts with all its settings,
the recipe, the data, how steps are made, and the versions of the libraries.  It is taken over lists (the fields of the
recipe, the attributes of the network), so that a setting that is added later cannot be forgotten.  A file with another
key is not used.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from chainrule.core.files import make_directory, replacing
from chainrule.core.progress import note
from chainrule.models.shared.steps import Data, Steps

__all__ = ["Checkpoint", "History", "fingerprint"]

_FORMAT = "chainrule-checkpoint-2"
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
class Checkpoint:
    """The file ``path``, used only for what ``key`` stands for."""

    path: Path
    key: str

    @classmethod
    def of(
        cls, recipe: Any, network: nn.Module, steps: Steps, loss: str, data: Data, held_out: Data | None
    ) -> Checkpoint | None:
        """The checkpoint that ``recipe`` asks for, or ``None``."""
        if recipe.checkpoint is None:
            return None
        make_directory(recipe.checkpoint.parent)
        settings = {
            f.name: getattr(recipe, f.name) for f in dataclasses.fields(recipe) if f.name != "checkpoint"
        }
        libraries = [version(name) for name in ("chainrule", "torch", "numba")]
        way = [type(steps).__name__, steps.device.type, loss]
        return cls(recipe.checkpoint, fingerprint([settings, libraries, way, data, held_out, network]))

    def save(self, network: nn.Module, steps: Steps, shuffle: torch.Generator, history: History) -> None:
        """Replace the file, whole or not at all."""
        tensors = {f"network.{k}": v for k, v in network.state_dict().items()}
        tensors |= {f"best.{k}": v for k, v in history.best.items()}
        tensors |= {f"steps.{k}": v for k, v in steps.state().items()}
        tensors["shuffle"] = shuffle.get_state()
        plain = {k: v for k, v in vars(history).items() if k != "best"}
        header = {"format": _FORMAT, "key": self.key, "history": json.dumps(plain)}
        kept = {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}
        with replacing(self.path) as temporary:
            save_file(kept, temporary, header)

    def resume(self, network: nn.Module, steps: Steps, shuffle: torch.Generator) -> History | None:
        """Take over the state in the file; ``None`` (and a note) where it is damaged or belongs elsewhere."""
        if not self.path.exists():
            return None
        try:
            with safe_open(str(self.path), framework="pt") as f:
                header = f.metadata() or {}
                tensors = {k: f.get_tensor(k) for k in f.keys()}  # noqa: SIM118  # not a dict
        except (OSError, SafetensorError) as e:
            note(f"the checkpoint {self.path} is damaged ({e}); training starts anew")
            return None
        if header.get("format") != _FORMAT or header.get("key") != self.key:
            note(f"the checkpoint {self.path} belongs to other data or settings; training starts anew")
            return None
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "best": {}, "steps": {}, "shuffle": {}}
        for name, value in tensors.items():
            head, _, rest = name.partition(".")
            parts[head][rest] = value
        network.load_state_dict(parts["network"])
        steps.set_state(parts["steps"])
        shuffle.set_state(tensors["shuffle"])
        best = {k: v.to(steps.device) for k, v in parts["best"].items()}
        history = History(best=best, **json.loads(header["history"]))
        note(f"going on after epoch {history.epochs_done} from {self.path}")
        return history


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
