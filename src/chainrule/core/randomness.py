"""Randomness is an argument: nothing here touches a global generator."""

from __future__ import annotations

import numpy as np

from chainrule.core.errors import InputError
from chainrule.core.text import as_written

__all__ = ["RandomState", "as_generator"]

RandomState = int | np.integer | np.random.Generator | None


def as_generator(rng: RandomState) -> np.random.Generator:
    """``rng`` as a generator: a seed starts a new one, a generator is used (and advanced) as it is.

    >>> int(as_generator(3).integers(10)) == int(as_generator(3).integers(10))
    True
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is None or (isinstance(rng, (int, np.integer)) and not isinstance(rng, bool) and rng >= 0):
        return np.random.default_rng(None if rng is None else int(rng))
    raise InputError(
        f"a seed is a non-negative integer, a numpy Generator or None; got {as_written(rng)}; pass for example 0"
    )
