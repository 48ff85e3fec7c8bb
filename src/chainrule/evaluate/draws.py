"""Do a model's draws match its own ``log_prob``?  Pearson's chi-square over every state of few variables.

The null hypothesis is that ``sample`` draws from exactly ``exp(log_prob)``.  It is then rejected with the
stated false-alarm rate: a right sampler fails that share of all tests, so fix the seed where a test must
not fail by chance.  A draw of a state of probability zero is a failure whatever the statistic says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from chainrule.core.checks import as_floats, as_matrix, check_integer, check_real
from chainrule.core.errors import InputError, ShapeError, TooLargeError, ValuesError
from chainrule.core.numerics import log_sum_exp
from chainrule.core.randomness import RandomState
from chainrule.core.text import as_written
from chainrule.evaluate.enumeration import all_states, codes_of, given_of, rows_of, sizes_of
from chainrule.models.shared.states import Sizes, n_states, state_numbers

__all__ = ["ChiSquare", "DrawsReport", "chi_square", "chi_square_draws"]

_LARGEST = 2**16  # states: those of 16 binary variables
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
    sizes: Sizes | None = None,
    given: ArrayLike | None = None,
    rng: RandomState = None,
    false_alarm_rate: float = 1e-3,
) -> DrawsReport:
    """Compare ``n`` draws of a fitted model of at most 2^16 states with its ``log_prob``.

    ``sizes`` is the number of states of each variable, as ``enumeration.sizes_of`` finds it where it is left out.
    States with fewer than 5 expected draws are pooled.  With ``given`` (d,), codes (NaN or -1 where values are drawn),
    the draws are compared with the conditional distribution.  Raises ``TooLargeError`` for more states,
    ``InputError`` for a given row of probability zero, ``ValuesError`` for a draw that is no state.

    >>> from chainrule.models import Independent
    >>> model = Independent().fit([[0, 1], [1, 1], [1, 0], [1, 1]])
    >>> report = chi_square_draws(model, 1000, rng=0)
    >>> report.cells, report.dof, report.passed
    (4, 3, True)
    """
    n = check_integer(n, "n")
    if check_real(false_alarm_rate, "false_alarm_rate", strictly=True) >= 1:
        raise InputError(
            f"false_alarm_rate must lie between 0 and 1; got {as_written(false_alarm_rate)}; use e.g. 1e-3"
        )
    parsed = _comparable(sizes_of(model, sizes))
    probabilities, total = _state_probabilities(model, parsed, given)
    known = None if given is None else given_of(model, given)
    drawn = _codes(codes_of(model, model.sample(n, given=known, rng=rng)), parsed)
    counts = np.bincount(state_numbers(drawn, parsed), minlength=len(probabilities))
    found = chi_square(counts, probabilities)
    cells, pooled = len(found.expected), found.pooled
    return DrawsReport(
        n, cells, pooled, found.statistic, found.dof, found.p_value, found.impossible, total, false_alarm_rate
    )


@dataclass(frozen=True, eq=False)
class ChiSquare:
    """Pearson's statistic of counts in cells: ``observed`` and ``expected`` (cells,), rare ones ``pooled`` in the last.

    ``impossible`` counts are where the probability is zero.
    """

    observed: NDArray[np.float64]
    expected: NDArray[np.float64]
    pooled: int
    impossible: int

    @property
    def statistic(self) -> float:
        """The sum of (observed - expected)² / expected."""
        return float(((self.observed - self.expected) ** 2 / self.expected).sum())

    @property
    def dof(self) -> int:
        """Degrees of freedom."""
        return len(self.expected) - 1

    @property
    def p_value(self) -> float:
        """How probable a statistic as large is, where the counts have these probabilities."""
        return float(chi2.sf(self.statistic, self.dof)) if self.dof > 0 else 1.0


def chi_square(counts: NDArray[np.int64], probabilities: NDArray[np.float64]) -> ChiSquare:
    """How well ``counts`` (m,) of independent draws agree with ``probabilities`` (m,), which sum to one.

    >>> found = chi_square(np.array([60, 40, 0]), np.array([0.5, 0.5, 0.0]))
    >>> found.statistic, found.dof, found.impossible
    (4.0, 1, 0)
    """
    found, p = as_floats(counts, "counts", ndim=1), as_floats(probabilities, "probabilities", ndim=1)
    if (
        found.shape != p.shape
        or not ((found >= 0) & np.isfinite(found)).all()
        or not ((p >= 0) & (p <= 1 + 1e-9)).all()
    ):
        raise ValuesError(
            f"counts must be numbers of at least 0 and probabilities as many from 0 to 1; got {len(found)} and {len(p)}"
        )
    possible = p > 0
    observed, expected, pooled = _pool(found[possible], found.sum() * p[possible])
    return ChiSquare(observed, expected, pooled, int(found[~possible].sum()))


def _comparable(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """``sizes``, where their states are few enough to be compared one by one."""
    states = n_states(sizes)
    if states > _LARGEST:
        count = f"2^{len(sizes)}" if set(sizes) == {2} else f"about 10^{math.log10(states):.0f}"
        raise TooLargeError(
            f"comparing draws with log_prob state by state needs {count} states; at most {_LARGEST:,} are compared; "
            "fit the model on fewer variables"
        )
    return sizes


def _codes(draws: Any, sizes: tuple[int, ...]) -> NDArray[np.int64]:
    """Draws (n, d) as codes; ``ValuesError`` where one is no state of its variable."""
    rows = as_matrix(draws, name="the draws", n_columns=len(sizes))
    bad = ~((rows >= 0) & (rows < np.array(sizes)) & (rows == np.floor(rows)))
    if bad.any():
        i, j = np.argwhere(bad)[0]
        raise ValuesError(
            f"the draws must hold codes from 0 to {sizes[j] - 1} in column {j}, but row {i} has {rows[i, j]:g}; "
            "pass the sizes that the model was fitted on"
        )
    return rows.astype(np.int64)


def _state_probabilities(
    model: Any, sizes: tuple[int, ...], given: ArrayLike | None
) -> tuple[NDArray[np.float64], float]:
    """The probability of each state in counting order, and their sum before any conditioning."""
    states = all_states(sizes)
    log_p = model.log_prob(rows_of(model, states))
    if given is None:
        p = np.exp(log_p)
        return p, float(p.sum())
    fixed = as_floats(given, "given", ndim=1)
    if len(fixed) != len(sizes):
        raise ShapeError(f"given must be one row of {len(sizes)} values; got {len(fixed)}")
    agrees = (np.isnan(fixed) | (fixed == -1) | (states == fixed)).all(1)
    log_mass = log_sum_exp(log_p[agrees])
    if log_mass == -np.inf:
        raise InputError("the given values have probability zero under the model; condition on possible ones")
    p = np.where(agrees, np.exp(log_p - log_mass), 0.0)
    return p, float(p.sum())


def _pool(
    observed: NDArray[np.float64], expected: NDArray[np.float64]
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
