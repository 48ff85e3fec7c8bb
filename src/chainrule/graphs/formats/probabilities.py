"""Lists of numbers in text, quickly: what every format of networks has most of.

A list is cut into pieces, so that no more than a piece of it is held as words at any time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainrule.graphs.formats.description import NUMBER

__all__ = ["ROUNDING", "are_probabilities", "plain_numbers", "sums_off", "word_that_is_no_number"]

# how far a number may be off by rounding, and a little for the addition: three decimals is the coarsest in use
ROUNDING = 0.0005 + 1e-9

_PIECE = 1 << 17  # characters
_PLAIN = re.compile(r"[0-9eE+\-.,\s]*+")
_BETWEEN = re.compile(r"[\s,]")
_NUMBER = re.compile(NUMBER)


def plain_numbers(text: str, start: int, stop: int, most: int) -> NDArray[np.float64] | None:
    """The numbers in ``text[start:stop]``, white space and commas between them.

    ``None`` where anything else is there, or there are more than ``most``: then the text is to be read word by word.

    >>> plain_numbers("table .25, 7.5e-1;", 5, 17, most=9).tolist(), plain_numbers("1 nan", 0, 5, most=9)
    ([0.25, 0.75], None)
    """
    # as many as there may be, of which the system gives only what is written to; the rest goes back in the end
    found, n = np.empty(min(most, (stop - start) // 2 + 1)), 0
    for first, last in _pieces(text, start, stop):
        if _PLAIN.fullmatch(text, first, last) is None:
            return None
        words = text[first:last].replace(",", " ").split()
        if n + len(words) > most:
            return None
        try:
            found[n : n + len(words)] = [float(word) for word in words]
        except ValueError:
            return None
        n += len(words)
    found.resize(n, refcheck=False)
    return found


def _pieces(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Stretches of about ``_PIECE`` characters that end between numbers; at least one."""
    while stop - start > _PIECE:
        between = _BETWEEN.search(text, start + _PIECE, stop)
        end = between.start() if between else stop
        yield start, end
        start = end
    yield start, stop


def are_probabilities(numbers: NDArray[np.float64]) -> bool:
    """Whether each is between 0 and 1."""
    return bool(((numbers >= 0) & (numbers <= 1)).all())


def sums_off(rows: NDArray[np.float64]) -> float | None:
    """The sum that is furthest from one along the last axis, if rounding to three decimals does not explain it.

    >>> sums_off(np.array([[0.333, 0.333, 0.333], [0.5, 0.4, 0.0]])), sums_off(np.array([1.0]))
    (0.9, None)
    """
    off = np.atleast_1d(rows.sum(axis=-1)).ravel()
    off -= 1
    worst = max(off.argmax(), off.argmin(), key=lambda i: abs(off[i]))
    if not abs(off[worst]) > ROUNDING * rows.shape[-1]:
        return None
    return float(rows.reshape(-1, rows.shape[-1])[worst].sum())


def word_that_is_no_number(text: str, start: int = 0, *, between: str = r"\s,") -> int | None:
    """Where the first word of ``text`` from ``start`` on begins that is no number.

    >>> word_that_is_no_number("0.5, .2 1_0")
    8
    """
    for word in re.compile(f"[^{between}]+").finditer(text, start):
        if not _NUMBER.fullmatch(word[0]):
            return word.start()
    return None
