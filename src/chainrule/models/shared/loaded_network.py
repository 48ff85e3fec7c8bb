"""The weights of a network from a file: taken where they fit the network that the settings make, else ``DataError``."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from chainrule.core.errors import DataError
from chainrule.core.text import one_line
from chainrule.models.shared.hidden import parse_hidden

__all__ = ["check_hidden", "load_weights"]

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def check_hidden(hidden: Any, arrays: Iterable[NDArray[Any]]) -> None:
    """``DataError`` where layers of these sizes hold more than ``arrays`` do: to be asked before they are made."""
    sizes, there = parse_hidden(hidden), sum(a.size for a in arrays)
    wanted = sum(sizes) + sum(a * b for a, b in pairwise(sizes))
    if wanted > there:
        raise DataError(
            f"hidden layers of {sizes[:8]} do not fit the {there:,} numbers of the file; save the model again"
        )


def load_weights(network: nn.Module, arrays: dict[str, NDArray[Any]]) -> None:
    """Take the parameters of ``network`` from ``arrays``, where all else, orders and masks, is there as it is here.

    A network of float64 weights becomes one of float64.
    """
    expected = network.state_dict()
    odd = sorted(set(expected) ^ set(arrays))
    if odd:
        where = "only there" if odd[0] in arrays else "not there"
        raise DataError(f"the weights of the file are not those of the model: {one_line(odd[0])} is {where}")
    kinds = set()
    for name, own in expected.items():
        found = arrays[name]
        if found.shape != tuple(own.shape):
            raise DataError(
                f"{one_line(name)} has the shape {found.shape}, expected {tuple(own.shape)}; save the model again"
            )
        if own.is_floating_point():
            kinds.add(found.dtype)
        elif found.dtype.kind != own.numpy().dtype.kind or not np.array_equal(found, own.numpy()):
            raise DataError(f"{one_line(name)} does not follow from the settings; save the model again")
    if len(kinds) != 1 or kinds & set(_FLOATS) != kinds:
        raise DataError("the weights are not all float32 or all float64; save the model again")
    network.to(torch.float64 if kinds == {np.dtype(np.float64)} else torch.float32)
    network.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})
