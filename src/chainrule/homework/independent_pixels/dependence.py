"""How much neighbouring pixels depend on each other, and what is left when dependence is destroyed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.checks import as_matrix
from chainrule.core.errors import ShapeError
from chainrule.core.randomness import RandomState, as_generator

__all__ = ["neighbour_correlation", "shuffle_columns"]


def shuffle_columns(X: ArrayLike, rng: RandomState = None) -> NDArray[Any]:
    """Each column of ``X`` (n, d) in an order of its own: all margins stay, all dependence goes.

    >>> shuffle_columns([[0, 1], [1, 0]], rng=0).sum(0).tolist()
    [1, 1]
    """
    return as_generator(rng).permuted(as_matrix(X), axis=0)


def neighbour_correlation(X: ArrayLike, shape: tuple[int, int]) -> float:
    """Mean Pearson correlation of horizontally and vertically adjacent pixels of images ``X`` (n, h·w).

    Pairs with a constant pixel have no correlation and are left out; 0 where no pair is left.

    >>> neighbour_correlation([[0, 0], [1, 1]], (1, 2))
    1.0
    """
    a = as_matrix(X).astype(np.float64)
    if a.shape[1] != shape[0] * shape[1]:
        raise ShapeError(f"X has {a.shape[1]} columns, images of shape {shape} have {shape[0] * shape[1]}")
    spread = a.std(0)
    z = np.divide(a - a.mean(0), spread, out=np.zeros_like(a), where=spread > 0).reshape(-1, *shape)
    varies = (spread > 0).reshape(shape)
    across = (z[:, :, 1:] * z[:, :, :-1]).mean(0)[varies[:, 1:] & varies[:, :-1]]
    down = (z[:, 1:] * z[:, :-1]).mean(0)[varies[1:] & varies[:-1]]
    pairs = np.concatenate([across, down])
    return float(pairs.mean()) if pairs.size else 0.0
