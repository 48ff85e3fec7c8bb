"""One variable given those before it: a classifier's probabilities, mixed with the variable's own frequencies.

    p(k | before) = (1 - s) c(k | before) + s m(k),   m(k) = (n_k + 1/2) / (n + K/2)

c may be 0 or 1 (a tree whose leaves are pure), and knows nothing of a state that no row had; s is above 0, so that
p is neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from chainrule.core.errors import InputError

__all__ = ["Factor", "best_smoothing", "fit_factor"]

_PRIOR = (
    0.5  # rows of each state that the frequencies begin with, and of each side that ``best_smoothing`` does
)
_STEPS = 200  # of EM: each gains, and after that many what is left to gain is far below what held-out rows can tell
_SUM = 1e-3  # by which a classifier's probabilities may miss one; float32 ones miss it by less


@dataclass(frozen=True, eq=False)
class Factor:
    """``classifier`` (None: the frequencies alone), frequencies ``marginal`` (K,), and how much these count."""

    classifier: Any
    marginal: NDArray[np.float64]
    smoothing: float

    def probabilities(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """p(k | before) of each row, (n, K); ``features`` (n, f) are the indicators of what comes before."""
        if self.classifier is None:
            return np.repeat(self.marginal[None], len(features), axis=0)
        found = classified(self.classifier, features, len(self.marginal))
        return (1 - self.smoothing) * found + self.smoothing * self.marginal


def fit_factor(
    estimator: Any,
    features: NDArray[np.float64],
    x: NDArray[np.integer[Any]],
    weights: NDArray[np.float64] | None,
    size: int,
    smoothing: float,
    name: str,
) -> Factor:
    """Fit a clone of ``estimator`` to a variable called ``name`` with ``size`` states.

    There is nothing to fit where the rows have one state, or nothing comes before.
    """
    counts = np.bincount(x, weights, size) + _PRIOR
    marginal = counts / counts.sum()
    if not features.shape[1] or len(np.unique(x)) < 2:
        return Factor(None, marginal, 1.0)
    classifier: Any = clone(estimator)
    try:
        classifier.fit(features, x, **({} if weights is None else {"sample_weight": weights}))
    except (TypeError, ValueError) as e:
        raise InputError(
            f"{type(estimator).__name__} cannot learn column {name!r} ({e}); choose other settings or another estimator"
        ) from e
    return Factor(classifier, marginal, smoothing)


def classified(classifier: Any, features: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """The classifier's probabilities of all ``size`` states, (n, K): 0 for those that no row had."""
    found = np.asarray(classifier.predict_proba(features), np.float64)
    total = found.sum(axis=1, keepdims=True)
    if not (np.isfinite(found).all() and (found >= 0).all() and (np.abs(total - 1) < _SUM).all()):
        raise InputError(
            f"predict_proba of {type(classifier).__name__} gave rows that are no probabilities; "
            "choose an estimator whose predict_proba sums to one"
        )
    out = np.zeros((len(features), size))
    out[:, np.asarray(classifier.classes_, np.intp)] = found / total
    return out


def best_smoothing(
    factor: Factor,
    features: NDArray[np.float64],
    x: NDArray[np.integer[Any]],
    weights: NDArray[np.float64] | None,
) -> float:
    """The share s under which held-out states ``x`` (n,) are most probable, with half a row for each side ahead.

    By EM: s is the mean posterior share of the frequencies.  The half rows keep it above 0.
    """
    if factor.classifier is None:
        return 1.0
    each = np.ones(len(x)) if weights is None else weights
    rows = np.arange(len(x))
    by_classifier = classified(factor.classifier, features, len(factor.marginal))[rows, x]
    alone, s = factor.marginal[x], 0.5
    for _ in range(_STEPS):
        own = s * alone / ((1 - s) * by_classifier + s * alone)
        s = float((_PRIOR + each @ own) / (2 * _PRIOR + each.sum()))
    return s
