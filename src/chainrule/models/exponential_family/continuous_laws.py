"""The laws of real values: exponential and normal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv, stdtrit

from chainrule.core.errors import ValuesError
from chainrule.models.exponential_family.law import Floats, Law

__all__ = ["Exponential", "Normal"]


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
