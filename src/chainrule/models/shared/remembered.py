"""What is made from a network's parameters, kept for as long as they are what they were.

Training changes parameters in place, and version counters miss writes through ``.data`` or ``.numpy()``, so
the numbers themselves are compared, bit for bit, with a copy.  That reads each once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from torch import Tensor

from chainrule.compiled.memory import same_bits
from chainrule.models.shared.coding import Coding

__all__ = ["Remembered"]

Made = TypeVar("Made")


@dataclass(frozen=True)
class _Kept(Generic[Made]):
    tensors: list[Tensor]
    settings: dict[str, Any]
    made: Made


class Remembered(Generic[Made]):
    """``make`` as a function of a network with ``ordering``, that works only where something has changed.

    >>> from chainrule.models.nade.network import NADENetwork
    >>> net, total = NADENetwork(2, 2, np.arange(2)), Remembered(lambda net: float(net.b.detach().sum()))
    >>> total(net)
    0.0
    >>> net.b.data += 1.0  # no version counter notices
    >>> total(net)
    2.0

    An attribute that is set, like ``net.activation``, is a change as well.
    """

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self._make = make
        self._kept: WeakKeyDictionary[Any, _Kept[Made]] = WeakKeyDictionary()

    def __call__(self, network: Any) -> Made:
        """What was made from the present parameters of ``network``."""
        now = [p.detach().cpu().contiguous() for p in (network.ordering, *network.parameters())]
        settings = _settings(network)
        kept = self._kept.get(network)
        if kept is not None and kept.settings == settings and _have_same_bits(kept.tensors, now):
            return kept.made
        made = self._make(network)
        self._kept[network] = _Kept([p.clone() for p in now], settings, made)
        return made


def _settings(network: Any) -> dict[str, Any]:
    """The plain attributes that anyone may set; whether a module is in training changes no answer."""
    return {
        k: v
        for k, v in vars(network).items()
        if isinstance(v, (str, int, float, tuple, Coding)) and not k.startswith("_") and k != "training"
    }


def _have_same_bits(kept: list[Tensor], now: list[Tensor]) -> bool:
    if [(a.dtype, a.shape) for a in kept] != [(b.dtype, b.shape) for b in now]:
        return False
    words = np.array([a.numel() * a.itemsize // 4 for a in kept])  # each number is one word or two
    addresses, others = (np.array([a.data_ptr() for a in tensors]) for tensors in (kept, now))
    return bool(same_bits(addresses, others, words))
