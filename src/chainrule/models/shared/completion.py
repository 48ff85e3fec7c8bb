"""Missing values under a fixed order: marginals and conditionals that are exact, or refused.

With an order, a missing variable costs nothing once everything after it is missing too: its factors sum
to one and drop out.  A missing variable *before* an observed one has to be summed over.  A row with m of
those needs 2^m completions; above ``LARGEST`` it is refused, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.core.numerics import log_sum_exp
from chainrule.models.shared.states import states_between

__all__ = ["LARGEST", "completions", "log_prob_with_missing"]

LARGEST = 14  # missing values before an observed one: 2^14 completions of a row


def completions(
    row: NDArray[np.float64], order: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """All ways to fill what is missing before the last observed variable, and which terms then count.

    ``row`` (d,) holds 0, 1 or NaN.  Returns rows (2^m, d) in which trailing missing values are 0, and a
    mask (d,) of the variables up to the last observed one.  Raises ``TooLargeError``.

    >>> filled, counts = completions(np.array([np.nan, 1.0, np.nan]), np.arange(3))
    >>> filled.tolist(), counts.tolist()
    ([[0.0, 1.0, 0.0], [1.0, 1.0, 0.0]], [True, True, False])
    """
    missing = np.isnan(row[order])
    observed = np.flatnonzero(~missing)
    last = observed[-1] + 1 if observed.size else 0
    before = order[:last][missing[:last]]
    m = len(before)
    if m > LARGEST:
        raise TooLargeError(
            f"a row has {m} missing values before its last observed one in the model's order: an exact "
            f"answer needs 2^{m} completions, at most 2^{LARGEST} are tried; "
            "fit with an ordering that puts the observed variables first, or fill some values"
        )
    filled = np.repeat(np.nan_to_num(row)[None], 2**m, axis=0)
    filled[:, before] = states_between(0, 2**m, m)
    counts = np.zeros(len(row), bool)
    counts[order[:last]] = True
    return filled, counts


def log_prob_with_missing(
    terms: Callable[[NDArray[Any]], NDArray[np.float64]],
    X: NDArray[np.float64],
    order: NDArray[Any],
) -> NDArray[np.float64]:
    """Exact log-probability in nats of the observed values of each row, (n,).

    ``terms(rows)`` gives ``log p(x_i | before)`` (n, d) for complete rows.
    """
    out = np.empty(len(X))
    complete = ~np.isnan(X).any(axis=1)
    if complete.any():
        out[complete] = terms(X[complete]).sum(1)
    for r in np.flatnonzero(~complete):
        filled, counts = completions(X[r], order)
        out[r] = log_sum_exp(terms(filled)[:, counts].sum(1))
    return out
