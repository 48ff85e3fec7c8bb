"""What every law behind ``ExponentialFamily`` gives: support, estimate, likelihood, exact interval, draws.

Each law sees the rows once, turns them into its sufficient statistics, and works from those alone: the
first statistic is always the number of rows n.  Letters: ``theta`` (k,) the parameters, ``s`` the
statistics, ``tail`` the probability left outside an interval on each side.  Nats throughout.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import as_floats
from chainrule.core.errors import InputError, ValuesError

__all__ = ["Floats", "Law"]

Floats = NDArray[np.float64]


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
        theta = np.stack(np.broadcast_arrays(*(as_floats(values[k], k) for k in self.parameters)), -1)
        return self.check_parameters(theta)

    def check_parameters(self, theta: Floats) -> Floats:
        """``theta`` if it lies in the parameter domain; raises ``InputError``."""
        if not self.valid(theta):
            raise InputError(f"{self.name}: a value of {', '.join(self.parameters)} is outside the domain")
        return theta
