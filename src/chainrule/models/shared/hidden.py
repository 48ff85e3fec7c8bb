"""The sizes of hidden layers, read in one way for every network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.errors import InputError
from chainrule.core.text import as_written

__all__ = ["LARGEST", "parse_hidden"]

LARGEST = 10**7  # units of one layer: beyond this a slip of the finger is likelier than a plan


def parse_hidden(hidden: Any, *, layers: int | None = None) -> list[int]:
    """The number of units of each hidden layer: one integer, or a sequence or one-dimensional array of them.

    ``layers`` is how many layers the network has, where that is fixed.  Raises ``InputError`` for anything that is
    no positive integer (booleans and fractions are none), for no layer, or for more than 10^7 units in one.

    >>> parse_hidden(3), parse_hidden([64, 32]), parse_hidden(np.array([3]))
    ([3], [64, 32], [3])
    >>> parse_hidden([4, 4], layers=1)
    Traceback (most recent call last):
    chainrule.core.errors.InputError: hidden must be the size of one layer; got [4, 4]; pass e.g. 500
    """
    wanted, example = _WANTED.get(layers, (f"a list of {layers} sizes of layers", f"{[64] * (layers or 2)}"))
    refusal = InputError(f"hidden must be {wanted}; got {as_written(hidden)}; pass e.g. {example}")
    if isinstance(hidden, np.ndarray):
        hidden = list(hidden) if hidden.ndim == 1 else hidden[()] if hidden.ndim == 0 else None
    if isinstance(hidden, (str, bytes)):
        raise refusal
    sizes = list(hidden) if isinstance(hidden, Sequence) else [hidden]
    if not sizes or (layers is not None and len(sizes) != layers):
        raise refusal
    if not all(isinstance(s, (int, np.integer)) and not isinstance(s, bool) and s >= 1 for s in sizes):
        raise refusal
    largest = max(int(s) for s in sizes)
    if largest > LARGEST:
        raise InputError(
            f"hidden asks for a layer of {largest} units, at most {LARGEST} are made; pass a smaller size"
        )
    return [int(s) for s in sizes]


_WANTED = {
    None: ("a positive integer or a list of them, one for each layer", "[64, 32]"),
    1: ("the size of one layer", "500"),
}
