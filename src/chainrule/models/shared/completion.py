"""Missing values under a factorization: marginals and conditionals that are exact, or refused.

A missing variable costs nothing once everything that reads it is missing too: its factor sums to one and drops
out.  A missing variable *above* an observed one has to be summed over.  A row with missing variables of
K_1, K_2, ... states above its observed ones needs K_1 K_2 ... completions; above ``LARGEST`` it is refused, never
guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.core.numerics import log_sum_exp
from chainrule.core.shapes import Bool, Float64, Integer
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.states import states_between

__all__ = ["LARGEST", "best_completions", "completions", "log_prob_with_missing"]

LARGEST = 2**14  # completions of a row
_TOGETHER = 2**16  # completed rows that are scored together
_INSTEAD = (
    "fit with an ordering that has the observed variables first, fill some values, or fit a BayesianNetwork, "
    "which sums out any"
)

Codes = NDArray[np.integer[Any]]  # (n, d)
Terms = Callable[[Codes], NDArray[np.float64]]  # log p(x_i | parents) (n, d) of complete rows


def completions(
    row: Integer[np.ndarray, " d"],
    factorization: Factorization,
    sizes: tuple[int, ...],
    *,
    instead: str = _INSTEAD,
) -> tuple[Integer[np.ndarray, "m d"], Bool[np.ndarray, " d"]]:
    """All ways to fill what is missing above the observed variables, and which terms then count.

    ``row`` (d,) holds codes, -1 where missing.  Returns rows (m, d) in which a missing value that costs nothing
    is 0, and a mask (d,) of the terms that count.  Raises ``TooLargeError``, which says what to do ``instead``.

    >>> f = Factorization.of_order([0, 1, 2])
    >>> filled, counts = completions(np.array([-1, 1, -1]), f, (2, 2, 2))
    >>> filled.tolist(), counts.tolist()
    ([[0, 1, 0], [1, 1, 0]], [True, True, False])
    """
    missing = row < 0
    counts = factorization.needed(~missing)
    summed = np.flatnonzero(missing & counts)
    n = prod(sizes[i] for i in summed)
    if n > LARGEST:
        raise TooLargeError(
            f"a row has {len(summed)} missing values that come before an observed one in the model's order, with "
            f"{_shown(n)} completions; at most {LARGEST:,} are summed over: {instead}"
        )
    filled = np.repeat(np.where(missing, 0, row)[None], n, axis=0)
    if len(summed):
        filled[:, summed] = states_between(0, n, [sizes[i] for i in summed])
    return filled, counts


def _shown(n: int) -> str:
    return f"{n:,}" if n < 10**12 else f"10^{len(str(n)) - 1}"


def log_prob_with_missing(
    terms: Terms, codes: Integer[np.ndarray, "n d"], factorization: Factorization, sizes: tuple[int, ...]
) -> Float64[np.ndarray, " n"]:
    """Exact log-probability in nats of the observed values of each row, (n,)."""
    out = np.empty(len(codes))
    complete = ~(codes < 0).any(axis=1)
    if complete.any():
        out[complete] = terms(codes[complete]).sum(1)
    waiting: list[tuple[int, Codes, NDArray[np.bool_]]] = []
    rows = 0
    for r in np.flatnonzero(~complete):
        waiting.append((int(r), *completions(codes[r], factorization, sizes)))
        rows += len(waiting[-1][1])
        if rows >= _TOGETHER:
            _score(waiting, terms, out)
            waiting, rows = [], 0
    _score(waiting, terms, out)
    return out


def _score(
    waiting: list[tuple[int, Codes, NDArray[np.bool_]]], terms: Terms, out: NDArray[np.float64]
) -> None:
    """Fill in the answers of rows whose completions are known; one call of the network for all."""
    if not waiting:
        return
    found = terms(np.concatenate([filled for _, filled, _ in waiting]))
    begin = 0
    for r, filled, counts in waiting:
        part = found[begin : begin + len(filled)]
        out[r] = log_sum_exp(part[:, counts].sum(1))
        begin += len(filled)


def best_completions(
    codes: Codes,
    sizes: tuple[int, ...],
    log_prob: Callable[[Codes], NDArray[np.float64]],
    *,
    instead: str = "impute with how='draw', or use a BayesianNetwork",
) -> tuple[Codes, NDArray[np.float64]]:
    """A most probable completion of each row (n, d) and its log-probability (n,) in nats.

    ``log_prob`` takes complete rows of codes.  Raises ``TooLargeError`` above 16,384 completions of a row, which says
    what to do ``instead``.

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
                f"most probable one; {instead}"
            )
        filled = np.repeat(row[None], n, axis=0)
        if len(holes):
            filled[:, holes] = states_between(0, n, [sizes[i] for i in holes])
        log_p = log_prob(filled)
        row[:], best[r] = filled[log_p.argmax()], log_p.max()
    return out, best
