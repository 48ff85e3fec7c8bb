"""Maximum likelihood in one line for six families: estimate, standard error, intervals, likelihood curve.

``fit_mle("poisson", x)`` fits a column of data; the result is an estimator like every other model.  What
each formula rests on is derived, step by checked step, by ``chainrule.derive.derive_mle``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import as_array, as_matrix, check_integer, check_size
from chainrule.core.choices import check_choice
from chainrule.core.contract import DensityEstimator
from chainrule.core.errors import DataError, InputError, ShapeError, ValuesError
from chainrule.core.progress import track
from chainrule.core.randomness import RandomState, as_generator
from chainrule.core.records import to_plain
from chainrule.core.text import as_written
from chainrule.models.exponential_family.laws import Law, law_of
from chainrule.models.shared.loaded import loaded_array

__all__ = ["ExponentialFamily", "SimulatedFits", "fit_mle", "simulate_fits"]

IntervalMethod = Literal["exact", "wald"]


class ExponentialFamily(DensityEstimator):
    """One variable from a named family, fitted by maximum likelihood.

    Parameters
    ----------
    family
        ``bernoulli`` (0/1), ``categorical`` (states 0 … K−1), ``geometric`` (trials 1, 2, … up to and including
        the first success), ``poisson``, ``exponential`` (rate, not scale) or ``normal`` (mean and variance).
    n_states
        Number of states K of the categorical family; by default the largest state seen plus one.

    Attributes
    ----------
    estimates_, standard_errors_
        By parameter name; the error is the root of the inverse Fisher information at the estimate.
    bias_corrected_
        Unbiased estimates by name; empty where there is none (one row of a rate).
    natural_parameter_
        The estimate in the exponential-family form, (k,); infinite on the edge of the domain.  The categorical
        family uses ``log p_k`` for every state, where only differences count.
    log_likelihood_
        Total over the training rows at the estimate, in nats.
    notes_
        What is special about this fit (an estimate on the edge, a bias that is infinite).

    >>> model = ExponentialFamily("exponential").fit([0.5, 1.0, 1.5, 1.0])
    >>> model.estimates_, model.standard_errors_
    ({'rate': 1.0}, {'rate': 0.5})
    >>> low, high = model.confidence_intervals(0.95)["rate"]
    >>> round(low, 3), round(high, 3)
    (0.272, 2.192)
    """

    def __init__(self, family: str = "exponential", *, n_states: int | None = None) -> None:
        self.family = family
        self.n_states = n_states

    def fit(self, X: ArrayLike, y: Any = None, *, valid: ArrayLike | None = None) -> Self:
        """Fit rows ``X`` (n,) or (n, 1); ``valid`` is not used, there is nothing to choose.

        Raises ``UnknownNameError`` (family), ``ShapeError``, or ``ValuesError`` where a row is off the support
        or the likelihood has no maximum.
        """
        start = time.perf_counter()
        n_states = None if self.n_states is None else check_integer(self.n_states, "n_states")
        law = law_of(self.family, n_states)
        x = law.check(_column(X))
        with np.errstate(over="ignore"):
            s = law.statistics(x)
            theta = law.estimate(s)
        if not (np.isfinite(s).all() and np.isfinite(theta).all()):
            raise ValuesError(
                f"{self.family}: the values are too large or too small for float64; rescale them"
            )
        self.n_features_in_ = 1
        self._take(theta, s)
        self.fit_info_ = {
            "n_rows": x.size,
            "seconds": time.perf_counter() - start,
            "mean_nll_nats": -self.log_likelihood_ / x.size,
        }
        return self

    def log_prob(self, X: ArrayLike) -> NDArray[np.float64]:
        """Log-probability (for exponential and normal: log-density) of each row in nats, (n,).

        ``-inf`` off the support, whatever the value; NaN is missing and contributes 0.
        """
        check_is_fitted(self)
        return self._law.log_prob(_column(X), self._theta)

    def sample(self, n: int = 1, *, given: ArrayLike | None = None, rng: RandomState = None) -> NDArray[Any]:
        """``n`` draws (n, 1); integers for the discrete families."""
        check_is_fitted(self)
        n = check_integer(n, "n", least=0)
        check_size(16 * n, f"sample({n:,})", instead="draw fewer rows at a time")
        law, generator = self._law, as_generator(rng)
        if given is not None:
            value = _column(given)
            if value.size != 1:
                raise ShapeError(f"given must hold 1 value, it holds {value.size}; there is one variable")
            if not np.isnan(value[0]):
                return np.full((n, 1), law.check(value, "given")[0], dtype=law.draws_as)
        return law.draw(n, self._theta, generator).astype(law.draws_as).reshape(n, 1)

    def confidence_intervals(
        self, level: float = 0.95, *, method: IntervalMethod = "exact"
    ) -> dict[str, tuple[float, float] | NDArray[np.float64]]:
        """Bounds by parameter name; an array (K, 2) for the categorical family.

        ``exact`` covers with at least ``level`` at every sample size (``interval_method_`` names it);
        ``wald`` is the estimate plus or minus a normal quantile times the standard error: approximate, and
        not cut to the parameter domain.
        """
        check_is_fitted(self)
        return _named_bounds(self._law, _bounds(self._law, self._theta, self._statistics, level, method))

    def log_likelihood(self, **parameters: ArrayLike) -> NDArray[np.float64]:
        """Total log-likelihood of the training rows in nats at other parameter values; arrays broadcast.

        >>> fit_mle("poisson", [1, 3]).log_likelihood(rate=[1.0, 2.0, 3.0]).round(3).tolist()
        [-3.792, -3.019, -3.397]
        """
        check_is_fitted(self)
        law = law_of(self.family, self._theta.size if self.family == "categorical" else None)
        return law.log_likelihood(law.vector(parameters), self._statistics)

    def summary(self, *, level: float = 0.95) -> dict[str, Any]:
        """The fit as plain data: estimates, errors, both intervals, log-likelihood, notes."""
        check_is_fitted(self)
        return to_plain(
            {
                "family": self.family,
                "n_rows": self.n_rows_,
                "estimates": self.estimates_,
                "standard_errors": self.standard_errors_,
                "bias_corrected": self.bias_corrected_,
                "natural_parameter": self.natural_parameter_,
                "level": level,
                "interval_method": self.interval_method_,
                "exact_intervals": self.confidence_intervals(level),
                "wald_intervals": self.confidence_intervals(level, method="wald"),
                "log_likelihood_nats": self.log_likelihood_,
                "notes": self.notes_,
            }
        )

    def _take(self, theta: NDArray[np.float64], s: NDArray[np.float64]) -> None:
        """Everything that follows from the estimate and the sufficient statistics."""
        law = law_of(self.family, theta.size if self.family == "categorical" else None)
        self._law, self._theta, self._statistics = law, theta, s
        corrected = law.corrected(s)
        self.n_rows_ = int(s[0])
        self.estimates_ = law.named(theta)
        self.standard_errors_ = law.named(np.sqrt(law.variances(theta, s[0])))
        self.bias_corrected_ = {} if corrected is None else law.named(corrected)
        self.natural_parameter_ = law.natural(theta)
        self.interval_method_ = law.interval_method
        self.log_likelihood_ = float(law.log_likelihood(theta, s))
        self.notes_ = law.notes(s)

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {"theta": self._theta, "statistics": self._statistics}, {}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        theta, s = (loaded_array(arrays, name, (None,)) for name in ("theta", "statistics"))
        law = law_of(self.family, theta.size if self.family == "categorical" else None)
        law.check_parameters(theta)
        if not s.size or s[0] < 1:
            raise DataError("the statistics are not of any rows; save the model again")
        self._take(theta, s)


def fit_mle(family: str, x: ArrayLike, *, n_states: int | None = None) -> ExponentialFamily:
    """``ExponentialFamily(family).fit(x)``: a family's name and a column of data.

    >>> fit_mle("geometric", [1, 2, 3]).estimates_
    {'probability': 0.5}
    """
    return ExponentialFamily(family, n_states=n_states).fit(x)


@dataclass(frozen=True)
class SimulatedFits:
    """Fits to simulated data sets: R repeats, k parameters.

    ``estimates`` and ``corrected`` (R, k), the latter NaN where there is no unbiased estimate; ``exact`` and
    ``wald`` (R, k, 2) the bounds of both intervals.
    """

    truth: NDArray[np.float64]
    n_rows: int
    level: float
    estimates: NDArray[np.float64]
    corrected: NDArray[np.float64]
    exact: NDArray[np.float64]
    wald: NDArray[np.float64]

    def misses(self, method: IntervalMethod = "exact") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Shares (k,) of intervals that lie wholly below, and wholly above, the true parameter."""
        bounds = self.exact if _checked_method(method) == "exact" else self.wald
        return (bounds[:, :, 1] < self.truth).mean(axis=0), (bounds[:, :, 0] > self.truth).mean(axis=0)

    def coverage(self, method: IntervalMethod = "exact") -> NDArray[np.float64]:
        """Share (k,) of intervals that hold the true parameter."""
        below, above = self.misses(method)
        return 1 - below - above


def simulate_fits(
    family: str,
    parameters: dict[str, Any],
    *,
    n_rows: int,
    n_repeats: int,
    level: float = 0.95,
    rng: RandomState = None,
) -> SimulatedFits:
    """Draw ``n_repeats`` data sets of ``n_rows`` rows at known ``parameters`` and fit each.

    Shows bias, spread and coverage at that sample size.  Raises ``ValuesError`` where a drawn data set has no
    maximum.

    >>> fits = simulate_fits("exponential", {"rate": 2.0}, n_rows=5, n_repeats=400, rng=0)
    >>> bool(fits.estimates.mean() > fits.corrected.mean())
    True
    """
    n_rows, n_repeats = check_integer(n_rows, "n_rows"), check_integer(n_repeats, "n_repeats")
    generator = as_generator(rng)
    n_states = np.size(parameters.get("probabilities", ())) if family == "categorical" else None
    law = law_of(family, n_states)
    truth = law.vector(parameters)
    if truth.ndim != 1:
        raise ShapeError(
            f"parameters must be single values, they have shape {truth.shape}; pass one set at a time"
        )
    estimates, corrected, exact, wald = [], [], [], []
    for _ in track(range(n_repeats), f"{family}, {n_rows} rows, simulated"):
        s = law.statistics(law.draw(n_rows, truth, generator).astype(np.float64))
        theta = law.estimate(s)
        unbiased = law.corrected(s)
        estimates.append(theta)
        corrected.append(np.full(theta.shape, np.nan) if unbiased is None else unbiased)
        exact.append(_bounds(law, theta, s, level, "exact"))
        wald.append(_bounds(law, theta, s, level, "wald"))
    columns = (np.array(rows) for rows in (estimates, corrected, exact, wald))
    return SimulatedFits(truth, n_rows, level, *columns)


def _bounds(
    law: Law, theta: NDArray[np.float64], s: NDArray[np.float64], level: float, method: str
) -> NDArray[np.float64]:
    """Confidence bounds (k, 2)."""
    if not (isinstance(level, (int, float)) and 0 < level < 1):
        raise InputError(
            f"level must lie strictly between 0 and 1; got {as_written(level)}; pass for example 0.95"
        )
    tail = (1 - level) / 2
    if _checked_method(method) == "exact":
        return law.exact_interval(s, tail)
    half = ndtri(1 - tail) * np.sqrt(law.variances(theta, s[0]))
    return np.stack([theta - half, theta + half], axis=1)


def _checked_method(method: str) -> str:
    return check_choice(method, "method", ("exact", "wald"))


def _named_bounds(law: Law, bounds: NDArray[np.float64]) -> dict[str, Any]:
    if law.name == "categorical":
        return {"probabilities": bounds}
    return {key: (float(low), float(high)) for key, (low, high) in zip(law.parameters, bounds, strict=True)}


def _column(X: ArrayLike) -> NDArray[np.float64]:
    """Rows (n,) or (n, 1) as float64 (n,)."""
    if hasattr(X, "to_numpy"):
        X = X.to_numpy()  # type: ignore[union-attr]  # a pandas column
    values = as_array(X, "x")
    if values.ndim == 1:
        values = values.reshape(-1, 1)
    values = as_matrix(values, name="x")
    if values.shape[1] != 1:
        raise ShapeError(f"x has {values.shape[1]} columns; a family describes one variable, pass one column")
    check_size(16 * len(values), f"a sum over {len(values):,} values", instead="pass fewer")
    return values[:, 0].astype(np.float64)
