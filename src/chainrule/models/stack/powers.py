"""The powers of a product of conditionals, learned by Newton's method: the problem is convex.

    p(x_i = k | before) = Π_m p_m(x_i = k | before)^(a_im) / Σ_l Π_m p_m(x_i = l | before)^(a_im)

With f_m(k) = log p_m(x_i = k | before), the log-likelihood of a row is Σ_m a_m f_m(x_i) - log Σ_l exp(Σ_m a_m f_m(l)).
Its gradient in a is f(x_i) - E f and its Hessian - Cov f, both under the product's own distribution: concave.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.time_limit import check_time
from chainrule.models.shared.state_columns import normalised, picked, state_begins

__all__ = ["Fit", "learn_each", "learn_shared", "product"]

_MOST_STEPS = 50
_ENOUGH = 1e-9  # of the objective, a row: a step that gains less is the last
_BLOCK_CELLS = 2**22  # numbers of one member that are looked at together
_SHARED_RIDGE = (
    1.0  # rows' worth of a prior at equal powers, so that members that are alike leave no flat direction
)


def product(
    factors: Sequence[NDArray[np.float64]], powers: NDArray[np.float64], sizes: tuple[int, ...]
) -> NDArray[np.float64]:
    """Log-probabilities (n, Σ K_i) of the product of ``factors`` with ``powers`` (d, M)."""
    of_states = np.repeat(powers, sizes, axis=0)
    scores = sum(f * of_states[:, m] for m, f in enumerate(factors))
    return normalised(np.asarray(scores), sizes)


class Fit:
    """Rows to learn from: what each member says of every state, and the states that the rows have."""

    def __init__(
        self,
        factors: Sequence[NDArray[np.float64]],
        codes: NDArray[np.integer[Any]],
        sizes: tuple[int, ...],
        weights: NDArray[np.float64] | None,
    ) -> None:
        self.factors, self.codes, self.sizes = list(factors), codes, sizes
        self.weights = np.ones(len(codes)) if weights is None else weights

    def derivatives(
        self, powers: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Log-likelihood of each variable (d,), its gradient (d, M) and minus its Hessian (d, M, M) in the powers."""
        d, n_members = powers.shape
        value, gradient = np.zeros(d), np.zeros((d, n_members))
        curvature = np.zeros((d, n_members, n_members))
        begins = state_begins(self.sizes)[:-1]
        step = max(1, _BLOCK_CELLS // sum(self.sizes))
        for start in range(0, len(self.codes), step):
            check_time()
            part = slice(start, start + step)
            factors, codes, w = [f[part] for f in self.factors], self.codes[part], self.weights[part]
            log_p = product(factors, powers, self.sizes)
            p = np.exp(log_p)
            value += w @ picked(log_p, codes, self.sizes)
            means = [np.add.reduceat(p * f, begins, axis=1) for f in factors]
            for m, f in enumerate(factors):
                gradient[:, m] += w @ (picked(f, codes, self.sizes) - means[m])
                pf = p * f
                for k in range(m + 1):
                    second = np.add.reduceat(pf * factors[k], begins, axis=1)
                    curvature[:, m, k] += w @ (second - means[m] * means[k])
                    curvature[:, k, m] = curvature[:, m, k]
        return value, gradient, curvature


def learn_shared(fit: Fit) -> NDArray[np.float64]:
    """One power for each member, the same for all variables, (d, M)."""
    d, n_members = len(fit.sizes), len(fit.factors)
    centre = np.full(n_members, 1 / n_members)

    def derivatives(a: NDArray[np.float64]) -> Any:
        value, gradient, curvature = fit.derivatives(np.repeat(a, d, axis=0))
        return value.sum()[None], gradient.sum(0)[None], curvature.sum(0)[None]

    total = float(fit.weights.sum())
    return np.repeat(_newton(derivatives, centre[None], _SHARED_RIDGE, total), d, axis=0)


def learn_each(fit: Fit, shared: NDArray[np.float64], shrinkage: float) -> NDArray[np.float64]:
    """Powers for each variable, (d, M), drawn to the ``shared`` ones as by ``shrinkage`` nats for a distance of 1."""
    return _newton(fit.derivatives, shared, 2 * shrinkage, float(fit.weights.sum()))


def _newton(derivatives: Any, centre: NDArray[np.float64], ridge: float, total: float) -> NDArray[np.float64]:
    """The maxima (g, M) of g concave problems, each less ``ridge`` / 2 times the squared distance to ``centre``.

    A step that would lower the objective of a problem is halved for it.
    """

    def objective(a: NDArray[np.float64]) -> Any:
        value, gradient, curvature = derivatives(a)
        away = a - centre
        value = value - 0.5 * ridge * (away**2).sum(axis=1)
        return value, gradient - ridge * away, curvature + ridge * np.eye(a.shape[1])

    a = centre.copy()
    value, gradient, curvature = objective(a)
    scale = np.ones(len(a))
    for _ in range(_MOST_STEPS):
        step = np.linalg.solve(curvature, gradient[:, :, None])[:, :, 0]
        trial = a + scale[:, None] * step
        new = objective(trial)
        worse = new[0] < value
        gain = np.where(worse, 0.0, new[0] - value)
        scale = np.where(worse, scale / 2, 1.0)
        better = ~worse
        a = np.where(better[:, None], trial, a)
        value = np.where(better, new[0], value)
        gradient = np.where(better[:, None], new[1], gradient)
        curvature = np.where(better[:, None, None], new[2], curvature)
        if gain.sum() < _ENOUGH * total and not (worse & (scale > 1e-6)).any():
            break
    return a
