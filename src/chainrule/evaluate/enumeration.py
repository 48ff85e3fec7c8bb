"""Exact answers by enumeration: tables of all 2^d states, their sum, and distances between two tables.

Tables hold log-probabilities in nats, so that no probability underflows on the way; states come in binary
counting order.  Everything here costs 2^d, and is refused where that is too much.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.checks import check_integer
from chainrule.core.errors import InputError, ShapeError, TooLargeError
from chainrule.core.numerics import log_sum_exp
from chainrule.models.shared.states import state_blocks, states_between

__all__ = [
    "LARGEST",
    "Scored",
    "all_states",
    "exact_table",
    "kl_divergence",
    "total_probability",
    "total_variation",
]

LARGEST = 24  # binary variables: 2^24 = 16.8 million states
_TOLERANCE = 1e-6  # how far from one a table may sum before it is taken for a mistake


class Scored(Protocol):
    """Anything that gives the log-probability of binary rows."""

    def log_prob(self, X: ArrayLike, /) -> NDArray[np.float64]:
        """Log-probability of each row in nats, (n,)."""
        ...


def all_states(d: int) -> NDArray[np.uint8]:
    """All states of d binary variables in binary counting order, (2^d, d).

    Raises ``TooLargeError`` above 24 variables.

    >>> all_states(2).tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    d = _small_enough(d)
    return states_between(0, 2**d, d)


def exact_table(model: Scored, d: int | None = None) -> NDArray[np.float64]:
    """``log p`` of all states in nats, (2^d,); d is the fitted width by default.

    Raises ``TooLargeError`` above 24 variables.

    >>> from chainrule.models import Independent
    >>> np.exp(exact_table(Independent().fit([[0, 1], [1, 1]]))).round(6).tolist()
    [0.0, 0.5, 0.0, 0.5]
    """
    d = _small_enough(_width(model, d))
    return np.concatenate([np.asarray(model.log_prob(block), np.float64) for block in state_blocks(d)])


def total_probability(model: Scored, d: int | None = None) -> float:
    """The sum of ``p`` over all 2^d states: one, for a distribution.  Summed in float64, block by block.

    Raises ``TooLargeError`` above 24 variables.

    >>> from chainrule.models import Independent
    >>> round(total_probability(Independent().fit([[0, 1], [1, 1]])), 9)
    1.0
    """
    d = _small_enough(_width(model, d))
    sums = [log_sum_exp(np.asarray(model.log_prob(block), np.float64)) for block in state_blocks(d)]
    return float(np.exp(log_sum_exp(sums)))


def kl_divergence(log_p: ArrayLike, log_q: ArrayLike) -> float:
    """``KL(p || q) = sum p log(p / q)`` in nats from two tables; ``inf`` where q misses a state of p.

    Raises ``ShapeError`` or ``InputError`` where the tables differ in size or do not sum to one.

    >>> with np.errstate(divide="ignore"):
    ...     round(kl_divergence(np.log([0.5, 0.5, 0.0]), np.log([0.25, 0.5, 0.25])), 6)
    0.346574
    """
    log_p, log_q = _tables(log_p, log_q)
    some = log_p > -np.inf
    return float(np.sum(np.exp(log_p[some]) * (log_p[some] - log_q[some])))


def total_variation(log_p: ArrayLike, log_q: ArrayLike) -> float:
    """Total variation ``½ sum |p - q|`` in [0, 1]: the largest difference over all events.

    >>> round(total_variation(np.log([0.5, 0.5]), np.log([0.25, 0.75])), 6)
    0.25
    """
    log_p, log_q = _tables(log_p, log_q)
    return 0.5 * float(np.sum(np.abs(np.exp(log_p) - np.exp(log_q))))


def _small_enough(d: int) -> int:
    d = check_integer(d, "d")
    if d > LARGEST:
        raise TooLargeError(
            f"{d} binary variables have 2^{d} states (about 10^{d * np.log10(2):.0f}); enumeration stops at "
            f"{LARGEST} variables; estimate from samples instead"
        )
    return d


def _width(model: Scored, d: int | None) -> int:
    if d is not None:
        return d
    width = getattr(model, "n_features_in_", None)
    if width is None:
        raise InputError(
            f"{type(model).__name__} is not fitted and has no width; pass the number of variables d"
        )
    return width


def _tables(log_p: ArrayLike, log_q: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    p, q = np.asarray(log_p, np.float64), np.asarray(log_q, np.float64)
    if p.ndim != 1 or p.shape != q.shape:
        raise ShapeError(
            f"two tables of log-probabilities over the same states are needed, of one dimension each; "
            f"their shapes are {p.shape} and {q.shape}"
        )
    for name, table in (("log_p", p), ("log_q", q)):
        total = float(np.exp(log_sum_exp(table)))
        if not abs(total - 1.0) <= _TOLERANCE:
            raise InputError(
                f"{name} must hold log-probabilities in nats that sum to one, its sum is {total:g}; "
                "subtract log_sum_exp of it first"
            )
    return p, q
