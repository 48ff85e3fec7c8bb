"""Most probable completions by going through all of them, where they are few."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.models.shared.completion import LARGEST

__all__ = ["best_completions"]

Codes = NDArray[np.integer[Any]]


def best_completions(
    codes: Codes, sizes: tuple[int, ...], log_prob: Callable[[Codes], NDArray[np.float64]]
) -> tuple[Codes, NDArray[np.float64]]:
    """A most probable completion of each row (n, d) and its log-probability (n,) in nats.

    ``log_prob`` takes complete rows of codes.  Raises ``TooLargeError`` above 16,384 completions of a row.

    >>> best_completions(np.array([[-1, 1]]), (2, 2), lambda rows: 1.0 * rows.sum(axis=1))
    (array([[1, 1]]), array([2.]))
    """
    out, best = codes.copy(), np.empty(len(codes))
    for r, row in enumerate(out):
        holes = np.flatnonzero(row < 0)
        n = prod(sizes[i] for i in holes)
        if n > LARGEST:
            raise TooLargeError(
                f"a row has {len(holes)} missing values with more than {LARGEST:,} completions, too many to find the "
                "most probable one; impute with how='draw', or use a BayesianNetwork"
            )
        filled = np.repeat(row[None], n, axis=0)
        if len(holes):
            filled[:, holes] = np.stack(np.unravel_index(np.arange(n), [sizes[i] for i in holes]), axis=1)
        log_p = log_prob(filled)
        row[:], best[r] = filled[log_p.argmax()], log_p.max()
    return out, best
