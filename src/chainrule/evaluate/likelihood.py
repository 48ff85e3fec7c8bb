"""Held-out likelihood with its standard error, and the paired difference between two models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.checks import as_floats, check_integer
from chainrule.core.errors import ShapeError
from chainrule.core.units import bits_per_dim

__all__ = ["Likelihood", "PairedDifference", "paired_difference", "summarize_log_prob"]


@dataclass(frozen=True)
class Likelihood:
    """Mean log-probability of held-out rows.

    The standard error is over rows; it is ``None`` for a single row, or where a row is impossible and
    the mean is ``-inf``.
    """

    mean_log_prob_nats: float
    standard_error_nats: float | None
    bits_per_dim: float
    n_rows: int
    n_impossible: int

    def to_plain(self) -> dict[str, Any]:
        """The same as a dict."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class PairedDifference:
    """Mean of ``log p_a - log p_b`` over the same rows, in nats, with its standard error."""

    mean_nats: float
    standard_error_nats: float
    share_of_rows_better: float

    @property
    def z(self) -> float:
        """The mean in standard errors; beyond ±3 chance is a poor explanation."""
        if self.standard_error_nats == 0:
            return float(np.sign(self.mean_nats)) * np.inf if self.mean_nats else 0.0
        return self.mean_nats / self.standard_error_nats


def summarize_log_prob(log_prob: ArrayLike, n_variables: int) -> Likelihood:
    """What the log-probabilities (n,) of n held-out rows say, in nats and bits.

    >>> summarize_log_prob(np.log([0.5, 0.5]), 1).bits_per_dim
    1.0
    """
    lp, n_variables = _vector(log_prob), check_integer(n_variables, "n_variables")
    impossible = int(np.isneginf(lp).sum())
    mean = float(lp.mean())
    error = float(lp.std(ddof=1) / np.sqrt(len(lp))) if len(lp) > 1 and not impossible else None
    return Likelihood(mean, error, bits_per_dim(mean, n_variables), len(lp), impossible)


def paired_difference(log_prob_a: ArrayLike, log_prob_b: ArrayLike) -> PairedDifference:
    """How much better model a predicts the same rows than model b; pairing removes what the rows share.

    >>> paired_difference([-1.0, -2.0], [-2.0, -3.0]).mean_nats
    1.0
    """
    a, b = _vector(log_prob_a), _vector(log_prob_b)
    if a.shape != b.shape or len(a) < 2:
        raise ShapeError(
            f"a paired difference needs the same rows twice, at least 2; got {len(a)} and {len(b)}; "
            "score both models on one table"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ShapeError(
            "a paired difference needs finite log-probabilities; leave out the rows that a model calls impossible"
        )
    gain = a - b
    return PairedDifference(
        float(gain.mean()), float(gain.std(ddof=1) / np.sqrt(len(gain))), float((gain > 0).mean())
    )


def _vector(log_prob: ArrayLike) -> NDArray[np.float64]:
    lp = as_floats(log_prob, "log_prob")
    if lp.ndim != 1 or not len(lp):
        raise ShapeError(f"log-probabilities must be a vector (n,) of at least one; the shape is {lp.shape}")
    return lp
