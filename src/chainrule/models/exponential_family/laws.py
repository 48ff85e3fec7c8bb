"""The six laws behind ``ExponentialFamily``: support, estimate, likelihood, exact interval, draws.

Each law sees the rows once, turns them into its sufficient statistics, and works from those alone: the
first statistic is always the number of rows n.  Letters: ``theta`` (k,) the parameters, ``s`` the
statistics, ``tail`` the probability left outside an interval on each side.  Nats throughout.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaincinv, gammaln, stdtrit, xlog1py

from chainrule.core.errors import InputError, TooLargeError, UnknownNameError, ValuesError
from chainrule.core.numerics import xlogy

__all__ = ["LAWS", "Law", "law_of"]

Floats = NDArray[np.float64]

_LARGEST_INTEGER = 2.0**53  # above it float64 skips integers
_MOST_STATES = 1_000_000


class Law(ABC):
    """One family of distributions over a single variable."""

    name: ClassVar[str]
    parameters: ClassVar[tuple[str, ...]]
    support: ClassVar[str]
    interval_method: ClassVar[str]
    draws_as: ClassVar[type] = np.int64

    @abstractmethod
    def holds(self, x: Floats) -> NDArray[np.bool_]:
        """Which values lie in the support."""

    @abstractmethod
    def statistics(self, x: Floats) -> Floats:
        """Sufficient statistics of rows (n,) that all lie in the support."""

    @abstractmethod
    def estimate(self, s: Floats) -> Floats:
        """The maximum-likelihood estimate (k,); raises ``ValuesError`` where there is none."""

    @abstractmethod
    def log_likelihood(self, theta: Floats, s: Floats) -> Floats:
        """Total log-likelihood of the rows at ``theta`` (..., k)."""

    @abstractmethod
    def log_density(self, x: Floats, theta: Floats) -> Floats:
        """Log-probability (or log-density) of values in the support."""

    @abstractmethod
    def draw(self, n: int, theta: Floats, rng: np.random.Generator) -> NDArray[Any]:
        """``n`` independent values."""

    @abstractmethod
    def variances(self, theta: Floats, n: float) -> Floats:
        """Diagonal of the inverse Fisher information of ``n`` rows."""

    @abstractmethod
    def exact_interval(self, s: Floats, tail: float) -> Floats:
        """Bounds (k, 2) that hold at every sample size."""

    @abstractmethod
    def natural(self, theta: Floats) -> Floats:
        """The natural parameter of the exponential-family form."""

    @abstractmethod
    def valid(self, theta: Floats) -> bool:
        """Whether ``theta`` (..., k) lies in the parameter domain."""

    def corrected(self, s: Floats) -> Floats | None:
        """An unbiased estimate, or None where there is none."""
        return self.estimate(s)

    def notes(self, s: Floats) -> tuple[str, ...]:
        """What is special about an estimate from these statistics."""
        return ()

    def check(self, x: Floats, name: str = "x") -> Floats:
        """``x`` (n,) if every value lies in the support; ``ValuesError`` names the first that does not."""
        bad = np.flatnonzero(~self.holds(x))
        if bad.size:
            row = int(bad[0])
            came = "missing (NaN)" if np.isnan(x[row]) else f"{x[row]:g}"
            raise ValuesError(
                f"{self.name}: {name} must hold {self.support}, but row {row} is {came}; "
                "correct or drop such rows, or choose another family"
            )
        return x

    def log_prob(self, x: Floats, theta: Floats) -> Floats:
        """Log-probability of any values: ``-inf`` off the support, 0 for NaN (marginalised)."""
        inside = self.holds(x)
        out = np.where(np.isnan(x), 0.0, -np.inf)
        out[inside] = self.log_density(x[inside], theta)
        return out

    def named(self, theta: Floats) -> dict[str, Any]:
        """Parameters by name, as floats."""
        return {key: float(value) for key, value in zip(self.parameters, theta, strict=True)}

    def vector(self, values: dict[str, Any]) -> Floats:
        """Parameters by name as an array (..., k); raises ``InputError``."""
        if set(values) != set(self.parameters):
            raise InputError(
                f"{self.name} has the parameters {', '.join(self.parameters)}; got {', '.join(values) or 'none'}"
            )
        theta = np.stack(
            np.broadcast_arrays(*(np.asarray(values[k], np.float64) for k in self.parameters)), -1
        )
        return self.check_parameters(theta)

    def check_parameters(self, theta: Floats) -> Floats:
        """``theta`` if it lies in the parameter domain; raises ``InputError``."""
        if not self.valid(theta):
            raise InputError(f"{self.name}: a value of {', '.join(self.parameters)} is outside the domain")
        return theta


def law_of(family: str, n_states: int | None = None) -> Law:
    """The law of that name; raises ``UnknownNameError``, or ``InputError`` for a misplaced ``n_states``.

    >>> law_of("poisson").parameters
    ('rate',)
    """
    if family not in LAWS:
        raise UnknownNameError.of("family", family, list(LAWS))
    if family == "categorical":
        return Categorical(n_states)
    if n_states is not None:
        raise InputError(f"n_states belongs to the categorical family; leave it out for {family!r}")
    return LAWS[family]()


def _is_count(x: Floats, least: int) -> NDArray[np.bool_]:
    return (x >= least) & (x <= _LARGEST_INTEGER) & (x == np.floor(x))


class Bernoulli(Law):
    """0 or 1; ``probability`` of a 1.  Statistics: n, number of ones."""

    name, parameters, support = "bernoulli", ("probability",), "0 or 1"
    interval_method = "Clopper–Pearson"
    draws_as = np.uint8

    def holds(self, x: Floats) -> NDArray[np.bool_]:
        return (x == 0) | (x == 1)

    def statistics(self, x: Floats) -> Floats:
        return np.array([x.size, x.sum()], np.float64)

    def estimate(self, s: Floats) -> Floats:
        return np.array([s[1] / s[0]])

    def log_likelihood(self, theta: Floats, s: Floats) -> Floats:
        p = theta[..., 0]
        return xlogy(s[1], p) + xlog1py(s[0] - s[1], -p)

    def log_density(self, x: Floats, theta: Floats) -> Floats:
        return xlogy(x, theta[0]) + xlog1py(1 - x, -theta[0])

    def draw(self, n: int, theta: Floats, rng: np.random.Generator) -> NDArray[Any]:
        return rng.random(n) < theta[0]

    def variances(self, theta: Floats, n: float) -> Floats:
        return theta * (1 - theta) / n

    def exact_interval(self, s: Floats, tail: float) -> Floats:
        return _clopper_pearson(s[1:], s[0], tail)

    def natural(self, theta: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return np.log(theta) - np.log1p(-theta)

    def valid(self, theta: Floats) -> bool:
        return bool(np.all((theta >= 0) & (theta <= 1)))

    def notes(self, s: Floats) -> tuple[str, ...]:
        if 0 < s[1] < s[0]:
            return ()
        never = "1" if s[1] == 0 else "0"
        return (
            f"no row is {never}: the estimate lies on the edge, {never} becomes impossible, and the standard "
            "error of 0 and the Wald interval mean nothing there (the exact interval does)",
        )


class Categorical(Law):
    """One of the states 0 … K−1; ``probabilities`` (K,).  Statistics: n, then the K counts.

    The exact interval is Clopper–Pearson for each state by itself, not for all at once.
    """

    name, parameters = "categorical", ("probabilities",)
    interval_method = "Clopper–Pearson, each state by itself"

    def __init__(self, n_states: int | None = None) -> None:
        self.n_states = n_states

    @property
    def support(self) -> str:  # type: ignore[override]  # depends on K
        last = "" if self.n_states is None else f" up to {self.n_states - 1}"
        return f"integer states from 0{last}"

    def holds(self, x: Floats) -> NDArray[np.bool_]:
        most = _LARGEST_INTEGER if self.n_states is None else self.n_states - 1
        return _is_count(x, 0) & (x <= most)

    def statistics(self, x: Floats) -> Floats:
        states = int(x.max()) + 1 if self.n_states is None else self.n_states
        if states > _MOST_STATES:
            raise TooLargeError(
                f"categorical: {states} states, at most {_MOST_STATES} supported; recode the states as 0, 1, 2, …"
            )
        return np.concatenate([[x.size], np.bincount(x.astype(np.int64), minlength=states)]).astype(
            np.float64
        )

    def estimate(self, s: Floats) -> Floats:
        return s[1:] / s[0]

    def log_likelihood(self, theta: Floats, s: Floats) -> Floats:
        return xlogy(s[1:], theta).sum(axis=-1)

    def log_density(self, x: Floats, theta: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return np.log(theta)[x.astype(np.int64)]

    def draw(self, n: int, theta: Floats, rng: np.random.Generator) -> NDArray[Any]:
        return rng.choice(theta.size, size=n, p=theta)

    def variances(self, theta: Floats, n: float) -> Floats:
        return theta * (1 - theta) / n

    def exact_interval(self, s: Floats, tail: float) -> Floats:
        return _clopper_pearson(s[1:], s[0], tail)

    def natural(self, theta: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return np.log(theta)

    def valid(self, theta: Floats) -> bool:
        fits = self.n_states is None or theta.shape[-1] == self.n_states
        return fits and bool(np.all(theta >= 0) and np.all(np.abs(theta.sum(axis=-1) - 1) < 1e-9))

    def named(self, theta: Floats) -> dict[str, Any]:
        return {"probabilities": theta}

    def vector(self, values: dict[str, Any]) -> Floats:
        if set(values) != {"probabilities"}:
            raise InputError(
                f"categorical has the parameter probabilities; got {', '.join(values) or 'none'}"
            )
        return self.check_parameters(np.asarray(values["probabilities"], np.float64))

    def notes(self, s: Floats) -> tuple[str, ...]:
        unseen = np.flatnonzero(s[1:] == 0)
        if not unseen.size:
            return ()
        states = ", ".join(map(str, unseen[:5])) + (", …" if unseen.size > 5 else "")
        return (
            f"never seen, hence impossible under the fit: {unseen.size} of {s.size - 1} states ({states})",
        )


class Geometric(Law):
    """Trials 1, 2, … up to and including the first success; ``probability`` of success.  Statistics: n, sum."""

    name, parameters, support = (
        "geometric",
        ("probability",),
        "integers from 1 (trials, the success included)",
    )
    interval_method = "negative binomial tails"

    def holds(self, x: Floats) -> NDArray[np.bool_]:
        return _is_count(x, 1)

    def statistics(self, x: Floats) -> Floats:
        return np.array([x.size, x.sum()], np.float64)

    def estimate(self, s: Floats) -> Floats:
        return np.array([s[0] / s[1]])

    def log_likelihood(self, theta: Floats, s: Floats) -> Floats:
        p = theta[..., 0]
        return xlogy(s[0], p) + xlog1py(s[1] - s[0], -p)

    def log_density(self, x: Floats, theta: Floats) -> Floats:
        return np.log(theta[0]) + xlog1py(x - 1, -theta[0])

    def draw(self, n: int, theta: Floats, rng: np.random.Generator) -> NDArray[Any]:
        return rng.geometric(theta[0], n)

    def variances(self, theta: Floats, n: float) -> Floats:
        return theta**2 * (1 - theta) / n

    def exact_interval(self, s: Floats, tail: float) -> Floats:
        n, total = s
        # P(sum <= total) = P(at least n successes in total trials), a Beta tail
        low = betaincinv(n, total - n + 1, tail)
        high = 1.0 if total == n else betaincinv(n, total - n, 1 - tail)
        return np.array([[low, high]])

    def natural(self, theta: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return np.log1p(-theta)

    def valid(self, theta: Floats) -> bool:
        return bool(np.all((theta > 0) & (theta <= 1)))

    def corrected(self, s: Floats) -> Floats | None:
        return None if s[0] < 2 else np.array([(s[0] - 1) / (s[1] - 1)])

    def notes(self, s: Floats) -> tuple[str, ...]:
        notes = []
        if s[1] == s[0]:
            notes.append(
                "every row is 1: the estimate lies on the edge, a value above 1 becomes impossible, and the "
                "standard error of 0 and the Wald interval mean nothing there (the exact interval does)"
            )
        if s[0] < 2:
            notes.append("one row: the estimate cannot be corrected for its bias in this way (needs two)")
        return tuple(notes)


class Poisson(Law):
    """A count from 0; its mean is the ``rate``.  Statistics: n, sum, sum of log x!."""

    name, parameters, support = "poisson", ("rate",), "integers from 0"
    interval_method = "Garwood (chi-square)"

    def holds(self, x: Floats) -> NDArray[np.bool_]:
        return _is_count(x, 0)

    def statistics(self, x: Floats) -> Floats:
        return np.array([x.size, x.sum(), gammaln(x + 1).sum()], np.float64)

    def estimate(self, s: Floats) -> Floats:
        return np.array([s[1] / s[0]])

    def log_likelihood(self, theta: Floats, s: Floats) -> Floats:
        rate = theta[..., 0]
        return xlogy(s[1], rate) - s[0] * rate - s[2]

    def log_density(self, x: Floats, theta: Floats) -> Floats:
        return xlogy(x, theta[0]) - theta[0] - gammaln(x + 1)

    def draw(self, n: int, theta: Floats, rng: np.random.Generator) -> NDArray[Any]:
        return rng.poisson(theta[0], n)

    def variances(self, theta: Floats, n: float) -> Floats:
        return theta / n

    def exact_interval(self, s: Floats, tail: float) -> Floats:
        n, total = s[:2]
        low = 0.0 if total == 0 else gammaincinv(total, tail) / n
        return np.array([[low, gammaincinv(total + 1, 1 - tail) / n]])

    def natural(self, theta: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return np.log(theta)

    def valid(self, theta: Floats) -> bool:
        return bool(np.all((theta >= 0) & np.isfinite(theta)))

    def notes(self, s: Floats) -> tuple[str, ...]:
        if s[1] > 0:
            return ()
        return (
            "every row is 0: the estimate lies on the edge, a count above 0 becomes impossible, and the standard "
            "error of 0 and the Wald interval mean nothing there (the exact interval does)",
        )


class Exponential(Law):
    """A waiting time from 0 with mean 1/``rate``.  Statistics: n, sum."""

    name, parameters, support = "exponential", ("rate",), "finite values of at least 0"
    interval_method = "Gamma pivot (chi-square)"
    draws_as = np.float64

    def holds(self, x: Floats) -> NDArray[np.bool_]:
        return (x >= 0) & np.isfinite(x)

    def statistics(self, x: Floats) -> Floats:
        return np.array([x.size, x.sum()], np.float64)

    def estimate(self, s: Floats) -> Floats:
        if s[1] == 0:
            raise ValuesError(
                "exponential: every row is 0, so the likelihood grows without bound and has no maximum; "
                "pass at least one positive value"
            )
        with np.errstate(over="ignore"):
            return np.array([s[0] / s[1]])

    def log_likelihood(self, theta: Floats, s: Floats) -> Floats:
        rate = theta[..., 0]
        return s[0] * np.log(rate) - rate * s[1]

    def log_density(self, x: Floats, theta: Floats) -> Floats:
        return np.log(theta[0]) - theta[0] * x

    def draw(self, n: int, theta: Floats, rng: np.random.Generator) -> NDArray[Any]:
        return rng.exponential(1 / theta[0], n)

    def variances(self, theta: Floats, n: float) -> Floats:
        return theta**2 / n

    def exact_interval(self, s: Floats, tail: float) -> Floats:
        n, total = s
        return np.array([[gammaincinv(n, tail), gammaincinv(n, 1 - tail)]]) / total

    def natural(self, theta: Floats) -> Floats:
        return -theta

    def valid(self, theta: Floats) -> bool:
        return bool(np.all((theta > 0) & np.isfinite(theta)))

    def corrected(self, s: Floats) -> Floats | None:
        return None if s[0] < 2 else np.array([(s[0] - 1) / s[1]])

    def notes(self, s: Floats) -> tuple[str, ...]:
        if s[0] >= 2:
            return ()
        return ("one row: the expectation of the estimate is infinite, so its bias cannot be corrected",)


class Normal(Law):
    """A real value with ``mean`` and ``variance``.  Statistics: n, mean, sum of squared deviations from it."""

    name, parameters, support = "normal", ("mean", "variance"), "finite values"
    interval_method = "Student t for the mean, chi-square for the variance"
    draws_as = np.float64

    def holds(self, x: Floats) -> NDArray[np.bool_]:
        return np.isfinite(x)

    def statistics(self, x: Floats) -> Floats:
        # a constant column has no spread, whatever rounding in the mean would say
        mean = x[0] if np.all(x == x[0]) else x.mean()
        with np.errstate(over="ignore", under="ignore"):
            return np.array([x.size, mean, np.square(x - mean).sum()], np.float64)

    def estimate(self, s: Floats) -> Floats:
        if s[2] == 0:
            raise ValuesError(
                f"normal: all {int(s[0])} rows equal {s[1]:g} within rounding, so the likelihood grows without bound "
                "as the variance shrinks; pass at least two rows that differ"
            )
        return np.array([s[1], s[2] / s[0]])

    def log_likelihood(self, theta: Floats, s: Floats) -> Floats:
        mean, variance = theta[..., 0], theta[..., 1]
        squares = s[2] + s[0] * (s[1] - mean) ** 2
        return -0.5 * (s[0] * np.log(2 * np.pi * variance) + squares / variance)

    def log_density(self, x: Floats, theta: Floats) -> Floats:
        return -0.5 * (np.log(2 * np.pi * theta[1]) + (x - theta[0]) ** 2 / theta[1])

    def draw(self, n: int, theta: Floats, rng: np.random.Generator) -> NDArray[Any]:
        return rng.normal(theta[0], np.sqrt(theta[1]), n)

    def variances(self, theta: Floats, n: float) -> Floats:
        return np.array([theta[1] / n, 2 * theta[1] ** 2 / n])

    def exact_interval(self, s: Floats, tail: float) -> Floats:
        n, mean, squares = s
        half = stdtrit(n - 1, 1 - tail) * np.sqrt(squares / (n - 1) / n)
        shape = (n - 1) / 2
        low, high = squares / (2 * gammaincinv(shape, 1 - tail)), squares / (2 * gammaincinv(shape, tail))
        return np.array([[mean - half, mean + half], [low, high]])

    def natural(self, theta: Floats) -> Floats:
        return np.array([theta[0] / theta[1], -1 / (2 * theta[1])])

    def valid(self, theta: Floats) -> bool:
        return bool(np.all(np.isfinite(theta)) and np.all(theta[..., 1] > 0))

    def corrected(self, s: Floats) -> Floats | None:
        return np.array([s[1], s[2] / (s[0] - 1)])


def _clopper_pearson(counts: Floats, n: float, tail: float) -> Floats:
    """Exact bounds (k, 2) for binomial proportions ``counts / n``."""
    some, not_all = counts > 0, counts < n
    low, high = np.zeros(counts.size), np.ones(counts.size)
    low[some] = betaincinv(counts[some], n - counts[some] + 1, tail)
    high[not_all] = betaincinv(counts[not_all] + 1, n - counts[not_all], 1 - tail)
    return np.stack([low, high], axis=1)


LAWS: dict[str, type[Law]] = {
    law.name: law for law in (Bernoulli, Categorical, Geometric, Poisson, Exponential, Normal)
}
