"""The laws of counts and states: Bernoulli, categorical, geometric, Poisson."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, gammaincinv, gammaln, xlog1py

from chainrule.core.checks import as_floats
from chainrule.core.errors import InputError, TooLargeError
from chainrule.core.numerics import xlogy
from chainrule.models.exponential_family.law import Floats, Law

__all__ = ["Bernoulli", "Categorical", "Geometric", "Poisson"]

_LARGEST_INTEGER = 2.0**53  # above it float64 skips integers

_MOST_STATES = 1_000_000


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
        return self.check_parameters(as_floats(values["probabilities"], "probabilities"))

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


def _is_count(x: Floats, least: int) -> NDArray[np.bool_]:
    return (x >= least) & (x <= _LARGEST_INTEGER) & (x == np.floor(x))


def _clopper_pearson(counts: Floats, n: float, tail: float) -> Floats:
    """Exact bounds (k, 2) for binomial proportions ``counts / n``."""
    some, not_all = counts > 0, counts < n
    low, high = np.zeros(counts.size), np.ones(counts.size)
    low[some] = betaincinv(counts[some], n - counts[some] + 1, tail)
    high[not_all] = betaincinv(counts[not_all] + 1, n - counts[not_all], 1 - tail)
    return np.stack([low, high], axis=1)
