"""The block of a table in BIF as programs write it, one row after another: read at once, not word by word.

What is not as plain as that, a comment, quotation marks, ``default``, and whatever is wrong, is left to the reader of
words, which is the plain twin of this and says where.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.graphs.formats.probabilities import are_probabilities, sums_off

__all__ = ["rows_at"]

_BLOCK = re.compile(r'\{\s*+(?:\((?:[^(){}\[\]";|/]++|/(?![/*]))*+\)[0-9eE+\-.,\s]*+;\s*+)++\}')
_ROW = re.compile(r"\(([^)]*+)\)([^;]*+);")
_AT_ONCE = 1 << 15  # words that are held before they become numbers


def rows_at(
    text: str, start: int, states: Sequence[Mapping[str, int]], size: int
) -> tuple[NDArray[np.float64], int] | None:
    """The rows (configurations, ``size``) of a block ``{ (state, …) number, …; … }`` and where it ends in ``text``.

    ``states`` are those of the parents, each with its place.  ``None`` where the block is not plain, whole and right.

    >>> rows_at("{ (y) 0.5, 0.5; (x) 1 0; } more", 0, [{"x": 0, "y": 1}], 2)
    (array([[1. , 0. ],
           [0.5, 0.5]]), 26)
    """
    block = _BLOCK.match(text, start)
    if block is None:
        return None
    n_rows = math.prod(map(len, states))
    table, seen, n_read = np.empty((n_rows, size)), np.zeros(n_rows, bool), 0
    for places, words in _stretches(text, start, block.end(), states, size):
        try:
            table[places] = np.array([float(word) for word in words]).reshape(-1, size)
        except ValueError:
            return None
        seen[places] = True
        n_read += len(places)
    is_whole = n_read == n_rows and bool(seen.all())
    return (table, block.end()) if is_whole and are_probabilities(table) and sums_off(table) is None else None


def _stretches(
    text: str, start: int, stop: int, states: Sequence[Mapping[str, int]], size: int
) -> Iterator[tuple[list[int], list[str]]]:
    """Some rows at a time: the place of each configuration, and all their words; nothing after a row that is wrong."""
    places: list[int] = []
    words: list[str] = []
    for row in _ROW.finditer(text, start, stop):
        configuration, numbers = row.groups()
        names, found = configuration.replace(",", " ").split(), numbers.replace(",", " ").split()
        if len(names) != len(states) or len(found) != size:
            return
        place = 0
        for known, name in zip(states, names, strict=True):
            if name not in known:
                return
            place = place * len(known) + known[name]
        places.append(place)
        words += found
        if len(words) > _AT_ONCE:
            yield places, words
            places, words = [], []
    yield places, words
