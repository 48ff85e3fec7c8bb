"""All states of d binary variables in binary counting order: row i holds the digits of i, highest first.

A model without a factorisation is normalised by summing over these rows, so it is exact only while their
number, 2^d, can be walked through.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["completion_numbers", "state_blocks", "state_numbers", "states_between"]

_BLOCK = 2**14  # states formed together: large enough to be quick, small enough to stay in cache
_DIGITS = 62  # binary digits of a state's number, an int64


def states_between(start: int, stop: int, d: int) -> NDArray[np.uint8]:
    """The states numbered ``start`` to ``stop`` (exclusive) of d binary variables, (stop - start, d).

    Numbers stay below 2^62; with more variables than that the first ones are 0.

    >>> states_between(1, 4, 3).tolist()
    [[0, 0, 1], [0, 1, 0], [0, 1, 1]]
    """
    numbers = np.arange(start, stop, dtype=np.int64)
    digits = min(d, _DIGITS)
    rows = np.zeros((len(numbers), d), np.uint8)
    rows[:, d - digits :] = (numbers[:, None] >> np.arange(digits - 1, -1, -1)) & 1
    return rows


def state_blocks(d: int, *, stop: int | None = None, size: int = _BLOCK) -> Iterator[NDArray[np.uint8]]:
    """The first ``stop`` states (all 2^d by default) in blocks of at most ``size`` rows.

    >>> [len(block) for block in state_blocks(3, size=5)]
    [5, 3]
    """
    end = 2**d if stop is None else stop
    for start in range(0, end, size):
        yield states_between(start, min(start + size, end), d)


def state_numbers(X: ArrayLike) -> NDArray[np.int64]:
    """The number of each state in ``X`` (n, d), (n,): the inverse of ``states_between``.

    >>> state_numbers([[0, 1, 1], [1, 0, 0]]).tolist()
    [3, 4]
    """
    rows = np.asarray(X).astype(np.int64)
    return rows @ _place_values(rows.shape[1])


def completion_numbers(row: NDArray[np.float64]) -> NDArray[np.int64]:
    """The numbers of the 2^m states that agree with ``row`` (d,) wherever it is not NaN (m values are).

    >>> completion_numbers(np.array([np.nan, 1.0, np.nan])).tolist()
    [2, 3, 6, 7]
    """
    missing = np.isnan(row)
    filled = states_between(0, 2 ** int(missing.sum()), int(missing.sum()))
    return filled @ _place_values(len(row))[missing] + state_numbers(np.nan_to_num(row)[None])[0]


def _place_values(d: int) -> NDArray[np.int64]:
    return np.int64(1) << np.arange(d - 1, -1, -1)
