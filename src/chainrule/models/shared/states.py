"""All states of d discrete variables in counting order: row i holds the digits of i, the first variable highest.

``sizes`` says how many states each variable has: (s_1, …, s_d), or one integer d for d binary variables.  The
number of a state is then written in mixed radix,

    number(x) = sum_i x_i · place_i,   place_i = s_{i+1} · s_{i+2} · … · s_d,

which is the order of ``itertools.product`` and of a C-ordered table of shape ``sizes``.  A model without a
factorisation is normalised by summing over these rows, so it is exact only while their number, the product
of the sizes, can be walked through.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.checks import MOST_LISTED, check_integer, is_listing

__all__ = [
    "Sizes",
    "completion_numbers",
    "n_states",
    "parse_sizes",
    "state_blocks",
    "state_numbers",
    "states_between",
    "states_of",
]

Sizes = int | Sequence[int]

_BLOCK = 2**14  # states formed together: large enough to be quick, small enough to stay in cache
_LARGEST_NUMBER = 2**62  # numbers of states are int64


def parse_sizes(sizes: Sizes) -> tuple[int, ...]:
    """The number of states of each variable; an integer d stands for d binary ones.

    No variable at all has one state, the empty row.  Raises ``InputError`` for a variable without states.

    >>> parse_sizes(3), parse_sizes([2, 5])
    ((2, 2, 2), (2, 5))
    """
    if isinstance(sizes, (Sequence, np.ndarray)) and is_listing(sizes):
        return tuple(check_integer(size, f"sizes[{i}]") for i, size in enumerate(sizes))
    return (2,) * check_integer(sizes, "d", least=0, most=MOST_LISTED)


def n_states(sizes: Sizes) -> int:
    """How many states there are: the product of the sizes, an exact integer.

    >>> n_states(100) == 2**100, n_states([3, 4])
    (True, 12)
    """
    return math.prod(parse_sizes(sizes))


def states_between(start: int, stop: int, sizes: Sizes) -> NDArray[Any]:
    """The states numbered ``start`` to ``stop`` (exclusive), (stop - start, d): uint8 if all are binary, else int32.

    Numbers stay below 2^62; where there are more states than that, the first variables are 0.

    >>> states_between(1, 4, 3).tolist()
    [[0, 0, 1], [0, 1, 0], [0, 1, 1]]
    >>> states_between(4, 7, [2, 3, 2]).tolist()
    [[0, 2, 0], [0, 2, 1], [1, 0, 0]]
    """
    return states_of(np.arange(start, stop, dtype=np.int64), sizes)


def states_of(numbers: ArrayLike, sizes: Sizes) -> NDArray[Any]:
    """The states with those ``numbers`` (n,), (n, d): the inverse of ``state_numbers``; types as ``states_between``.

    >>> states_of([5, 0], [2, 3]).tolist()
    [[1, 2], [0, 0]]
    """
    parsed, rest = parse_sizes(sizes), np.asarray(numbers, np.int64)
    binary = set(parsed) <= {2}
    rows = np.zeros((len(rest), len(parsed)), np.uint8 if binary else np.int32)
    if binary:  # shifts are several times as quick as divisions
        digits = min(len(parsed), 62)
        rows[:, len(parsed) - digits :] = (rest[:, None] >> np.arange(digits - 1, -1, -1)) & 1
        return rows
    for i in range(len(parsed) - 1, -1, -1):
        rest, rows[:, i] = np.divmod(rest, parsed[i])
    return rows


def state_blocks(sizes: Sizes, *, stop: int | None = None, size: int = _BLOCK) -> Iterator[NDArray[Any]]:
    """The first ``stop`` states (all by default) in blocks of at most ``size`` rows.

    >>> [len(block) for block in state_blocks(3, size=5)]
    [5, 3]
    """
    end = n_states(sizes) if stop is None else stop
    for start in range(0, end, size):
        yield states_between(start, min(start + size, end), sizes)


def state_numbers(X: ArrayLike, sizes: Sizes | None = None) -> NDArray[np.int64]:
    """The number of each state in ``X`` (n, d), (n,): the inverse of ``states_between``; binary by default.

    >>> state_numbers([[0, 1, 1], [1, 0, 0]]).tolist(), state_numbers([[1, 2]], [2, 3]).tolist()
    ([3, 4], [5])
    """
    rows = np.asarray(X).astype(np.int64)
    return rows @ _place_values(rows.shape[1] if sizes is None else sizes)


def completion_numbers(row: NDArray[Any], sizes: Sizes | None = None) -> NDArray[np.int64]:
    """The numbers of all states that agree with ``row`` (d,) wherever it is known, increasing; binary by default.

    NaN and -1 mark what is missing.

    >>> completion_numbers(np.array([np.nan, 1.0, np.nan])).tolist()
    [2, 3, 6, 7]
    >>> completion_numbers(np.array([-1, 1]), [3, 2]).tolist()
    [1, 3, 5]
    """
    parsed = parse_sizes(len(row) if sizes is None else sizes)
    missing = np.isnan(row) | (row == -1)
    place = _place_values(parsed)
    known = np.where(missing, 0, row).astype(np.int64) @ place
    open_sizes = [size for size, free in zip(parsed, missing, strict=True) if free]
    filled = states_between(0, n_states(open_sizes), open_sizes).astype(np.int64)
    return filled @ place[missing] + known


def _place_values(sizes: Sizes) -> NDArray[np.int64]:
    """What a one in each place counts, (d,); 0 for places above 2^62, whose digit is always 0."""
    place, places = 1, []
    for size in reversed(parse_sizes(sizes)):
        places.append(place if place < _LARGEST_NUMBER else 0)
        place *= size
    return np.array(places[::-1], np.int64)
