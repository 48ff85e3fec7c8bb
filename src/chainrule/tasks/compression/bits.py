"""The stack of bits and the categorical distributions of the library ``constriction``, loaded when first used."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["categorical", "stack", "stack_bytes"]


def stack(content: bytes | None = None) -> Any:
    """A stack of bits (an ``AnsCoder``): empty, or as ``stack_bytes`` gave it, else ``ValueError``."""
    import constriction

    coders: Any = constriction
    new = coders.stream.stack.AnsCoder
    return new() if content is None else new(np.frombuffer(content, "<u4").astype(np.uint32))


def stack_bytes(coder: Any) -> bytes:
    """What is on a stack, the same on every machine."""
    return coder.get_compressed().astype("<u4").tobytes()


def categorical(shares: NDArray[np.float64] | None = None) -> Any:
    """A distribution over 0 … K-1 by ``shares`` (K,); without them, one for each symbol, given when it is coded.

    Each state gets at least 2^-24, so a symbol of probability 0 can be coded.
    """
    import constriction

    models: Any = constriction
    kind = models.stream.model.Categorical
    return kind(perfect=False) if shares is None else kind(shares, perfect=False)
