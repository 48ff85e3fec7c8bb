"""SciPy's own estimates for the six families, as an outside check: no code shared with the library.

Where SciPy has a closed form (exponential, normal) it is taken; elsewhere SciPy's log-probability is
maximised numerically, which is what ``scipy.stats.fit`` does, with a deterministic optimizer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

__all__ = ["scipy_estimate"]

# (distribution, its parameter's name, lowest and highest value the search may take)
_NUMERICAL = {
    "bernoulli": (stats.bernoulli, "p", 1e-9, 1 - 1e-9),
    "geometric": (stats.geom, "p", 1e-9, 1 - 1e-9),
    "poisson": (stats.poisson, "mu", 1e-9, 1e3),
}


def scipy_estimate(family: str, x: NDArray[Any]) -> NDArray[np.float64]:
    """The parameters (k,) that SciPy finds for the column ``x`` (n,), in the order of ``ExponentialFamily``.

    >>> scipy_estimate("exponential", np.array([1.0, 3.0])).tolist()
    [0.5]
    """
    if family == "exponential":
        return np.array([1 / stats.expon.fit(x, floc=0)[1]])
    if family == "normal":
        mean, deviation = stats.norm.fit(x)
        return np.array([mean, deviation**2])
    if family == "categorical":
        return _categorical(np.bincount(x.astype(np.int64)))
    distribution, name, low, high = _NUMERICAL[family]
    found = stats.fit(distribution, x, bounds={name: (low, high)}, optimizer=_search)
    return np.array([getattr(found.params, name)])


def _search(objective: Any, *, bounds: Any, **_: Any) -> optimize.OptimizeResult:
    """Bounded search along the first parameter; the others (a shift) are fixed by equal bounds."""
    low, high = bounds[0]
    fixed = [float(b[0]) for b in bounds[1:]]
    best = optimize.minimize_scalar(
        lambda value: objective(np.array([value, *fixed])), bounds=(low, high), options={"xatol": 1e-12}
    )
    return optimize.OptimizeResult(x=np.array([best.x, *fixed]), success=best.success, fun=best.fun)


def _categorical(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Maximum of SciPy's multinomial log-probability over softmax weights, the last one held at 0."""

    def probabilities(z: NDArray[np.float64]) -> NDArray[np.float64]:
        weights = np.exp(np.append(z, 0.0))
        return weights / weights.sum()

    def negative(z: NDArray[np.float64]) -> float:
        return -float(stats.multinomial.logpmf(counts, counts.sum(), probabilities(z)))

    found = optimize.minimize(
        negative, np.zeros(counts.size - 1), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12}
    )
    return probabilities(found.x)
