"""The stack of bits and the categorical distributions of the library ``constriction``, loaded when first used."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["categorical", "pop", "push", "stack", "stack_bytes"]


def stack(content: bytes | None = None) -> Any:
    """A stack of bits (an ``AnsCoder``): empty, or as ``stack_bytes`` gave it, else ``ValueError``."""
    import constriction

    coders: Any = constriction
    new = coders.stream.stack.AnsCoder
    return new() if content is None else new(np.frombuffer(content, "<u4").astype(np.uint32))


def stack_bytes(coder: Any) -> bytes:
    """What is on a stack, the same on every machine."""
    return coder.get_compressed().astype("<u4").tobytes()


def push(coder: Any, symbols: NDArray[np.integer], p: NDArray[np.float64]) -> None:
    """Put ``symbols`` (n,) on the stack, each by its own probabilities ``p`` (n, K)."""
    # the library takes an array of columns for one of rows, and says nothing
    coder.encode_reverse(np.ascontiguousarray(symbols, np.int32), _each_its_own(), np.ascontiguousarray(p))


def pop(coder: Any, p: NDArray[np.float64]) -> NDArray[np.int32]:
    """The symbols (n,) that ``push`` put on top of the stack by the same ``p``."""
    return coder.decode(_each_its_own(), np.ascontiguousarray(p))


def categorical(shares: NDArray[np.float64]) -> Any:
    """A distribution over 0 … K-1 by ``shares`` (K,).

    Each state gets at least 2^-24, so a symbol of probability 0 can be coded; ``push`` and ``pop`` do the same.
    """
    import constriction

    models: Any = constriction
    return models.stream.model.Categorical(shares, perfect=False)


@cache
def _each_its_own() -> Any:
    import constriction

    models: Any = constriction
    return models.stream.model.Categorical(perfect=False)
