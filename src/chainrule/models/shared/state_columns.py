"""A number for every state of every variable in one row: those of variable i are columns begins[i] to begins[i + 1].

The columns are in the order of the variables and of their states, so sizes (2, 3) make five: two, then three.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["normalised", "picked", "picked_in_blocks", "state_begins"]

_BLOCK_CELLS = 2**22  # numbers that are formed together


def state_begins(sizes: Sequence[int]) -> NDArray[np.intp]:
    """The column at which the states of each variable begin, and the end of the last, (d + 1,).

    >>> state_begins((2, 3)).tolist()
    [0, 2, 5]
    """
    return np.concatenate([[0], np.cumsum(np.asarray(sizes))]).astype(np.intp)


def picked(
    values: NDArray[np.float64], codes: NDArray[np.integer[Any]], sizes: Sequence[int]
) -> NDArray[np.float64]:
    """The values (n, d) of the states that complete rows of ``codes`` (n, d) have, from those of all (n, Σ K_i).

    >>> picked(np.arange(5.0)[None], np.array([[1, 0]]), (2, 3)).tolist()
    [[1.0, 2.0]]
    """
    return np.take_along_axis(values, codes + state_begins(sizes)[:-1], axis=1)


def picked_in_blocks(
    values: Callable[[NDArray[Any]], NDArray[np.float64]],
    codes: NDArray[np.integer[Any]],
    sizes: Sequence[int],
) -> NDArray[np.float64]:
    """``picked`` of the ``values`` (n, Σ K_i) of some rows after others, so that those of all are never held at once.

    >>> picked_in_blocks(lambda rows: np.tile(np.arange(5.0), (len(rows), 1)), np.array([[1, 0]]), (2, 3)).tolist()
    [[1.0, 2.0]]
    """
    step = max(1, _BLOCK_CELLS // sum(sizes))
    parts = [codes[i : i + step] for i in range(0, max(len(codes), 1), step)]
    return np.concatenate([picked(values(part), part, sizes) for part in parts])


def normalised(scores: NDArray[np.float64], sizes: Sequence[int]) -> NDArray[np.float64]:
    """Log-probabilities (n, Σ K_i) that are ``scores`` less a constant for each row and variable.

    A score of ``-inf`` is an impossible state; of each variable some state must be possible.

    >>> np.exp(normalised(np.log([[1.0, 3.0, 0.5, 0.5, 1.0]]), (2, 3))).round(4).tolist()
    [[0.25, 0.75, 0.25, 0.25, 0.5]]
    """
    begins = state_begins(sizes)[:-1]
    top = np.repeat(np.maximum.reduceat(scores, begins, axis=1), sizes, axis=1)
    shifted = scores - top
    total = np.log(np.add.reduceat(np.exp(shifted), begins, axis=1))
    return shifted - np.repeat(total, sizes, axis=1)
