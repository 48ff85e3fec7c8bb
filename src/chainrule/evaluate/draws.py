"""Do a model's draws match its own ``log_prob``?  Pearson's chi-square over every state of few variables.

The null hypothesis is that ``sample`` draws from exactly ``exp(log_prob)``.  It is then rejected with the
stated false-alarm rate: a right sampler fails that share of all tests, so fix the seed where a test must
not fail by chance.  A draw of a state of probability zero is a failure whatever the statistic says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from chainrule.core.checks import check_binary, check_integer
from chainrule.core.errors import InputError, TooLargeError
from chainrule.core.numerics import log_sum_exp
from chainrule.core.randomness import RandomState
from chainrule.evaluate.enumeration import all_states

__all__ = ["DrawsReport", "chi_square_draws"]

_LARGEST = 16  # variables: 65,536 states
_LEAST_EXPECTED = 5.0  # draws per cell, the usual condition for the chi-square approximation
_MASS_TOLERANCE = 1e-6  # far above rounding, far below what this many draws could tell apart


@dataclass(frozen=True)
class DrawsReport:
    """How well ``n`` draws agree with ``log_prob``.

    ``cells`` states or pools of rare states were compared; ``pooled`` states went into the pool;
    ``impossible`` draws had probability zero; ``total_mass`` is the sum of ``exp(log_prob)`` over all
    states (with ``given``: relative to the mass of the given values, hence 1).
    """

    n: int
    cells: int
    pooled: int
    statistic: float
    dof: int
    p_value: float
    impossible: int
    total_mass: float
    false_alarm_rate: float

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against the sampler at the stated false-alarm rate."""
        return (
            self.impossible == 0
            and abs(self.total_mass - 1.0) <= _MASS_TOLERANCE
            and self.p_value >= self.false_alarm_rate
        )


def chi_square_draws(
    model: Any,
    n: int = 20_000,
    *,
    given: ArrayLike | None = None,
    rng: RandomState = None,
    false_alarm_rate: float = 1e-3,
) -> DrawsReport:
    """Compare ``n`` draws of a fitted model of at most 16 binary variables with its ``log_prob``.

    States with fewer than 5 expected draws are pooled.  With ``given`` (d,) (NaN where values are drawn) the
    draws are compared with the conditional distribution.  Raises ``TooLargeError`` for more variables and
    ``InputError`` for a given row of probability zero.

    >>> from chainrule.models.independent.estimator import Independent
    >>> model = Independent().fit([[0, 1], [1, 1], [1, 0], [1, 1]])
    >>> report = chi_square_draws(model, 1000, rng=0)
    >>> report.cells, report.dof, report.passed
    (4, 3, True)
    """
    n = check_integer(n, "n")
    if not 0 < false_alarm_rate < 1:
        raise InputError(
            f"false_alarm_rate must lie between 0 and 1; got {false_alarm_rate!r}; use e.g. 1e-3"
        )
    d = model.n_features_in_
    if d > _LARGEST:
        raise TooLargeError(
            f"comparing draws with log_prob state by state needs 2^{d} states; at most {_LARGEST} variables "
            "are compared; fit the model on fewer"
        )
    probabilities, total = _state_probabilities(model, d, given)
    draws = check_binary(model.sample(n, given=given, rng=rng), name="the draws", n_columns=d)
    counts = np.bincount(draws @ (1 << np.arange(d)[::-1]), minlength=2**d)
    possible = probabilities > 0
    observed, expected, pooled = _pool(counts[possible], n * probabilities[possible])
    statistic = float(((observed - expected) ** 2 / expected).sum())
    dof = len(expected) - 1
    return DrawsReport(
        n=n,
        cells=len(expected),
        pooled=pooled,
        statistic=statistic,
        dof=dof,
        p_value=float(chi2.sf(statistic, dof)) if dof else 1.0,
        impossible=int(counts[~possible].sum()),
        total_mass=total,
        false_alarm_rate=false_alarm_rate,
    )


def _state_probabilities(model: Any, d: int, given: ArrayLike | None) -> tuple[NDArray[np.float64], float]:
    """The probability of each state in binary counting order, and their sum before any conditioning."""
    states = all_states(d)
    log_p = model.log_prob(states)
    if given is None:
        p = np.exp(log_p)
        return p, float(p.sum())
    fixed = np.asarray(given, np.float64)
    agrees = (np.isnan(fixed) | (states == fixed)).all(1)
    log_mass = log_sum_exp(log_p[agrees])
    if log_mass == -np.inf:
        raise InputError("the given values have probability zero under the model; condition on possible ones")
    p = np.where(agrees, np.exp(log_p - log_mass), 0.0)
    return p, float(p.sum())


def _pool(
    observed: NDArray[np.int64], expected: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Rare states joined into one cell (last), with as many more as it takes to be no longer rare."""
    order = np.argsort(-expected, kind="stable")
    rare = expected[order] < _LEAST_EXPECTED
    k = int(rare.sum())
    if k == 0:
        return observed.astype(np.float64), expected, 0
    while k < len(order) and expected[order[len(order) - k :]].sum() < _LEAST_EXPECTED:
        k += 1
    alone, joined = order[: len(order) - k], order[len(order) - k :]
    return (
        np.append(observed[alone], observed[joined].sum()).astype(np.float64),
        np.append(expected[alone], expected[joined].sum()),
        k,
    )
