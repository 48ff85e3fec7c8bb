"""How an answer is put together from terms, one for each joint state v of the variables that get new marginals.

With N_v = p(answer, v, evidence) and P_v = p(v, evidence), an answer under Jeffrey's rule is

    Σ_v q_v N_v / P_v

where q is what the joint distribution of these variables becomes: the new marginal itself where there is one variable,
the result of iterative proportional fitting of P where there are several, and 1 for the only term where there is none.
A change (dN, dP) of the terms changes the answer by

    Σ_v q_v / P_v (dN_v - g_v dP_v)

With one variable, q stays and g = N / P.  With several, q ∝ P · s_1 · s_2 … keeps its marginals: log q moves by the
part of d log P that no sum of functions of one variable each holds, in the inner product of q (the fixed point,
implicitly differentiated), so g is the least-squares fit of N / P by such sums under the weights q.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.models.shared.proportional_fitting import Fitted, fit_marginals

__all__ = ["SlopeWeights", "TermWeights"]

_ROUNDING = 1e-14  # of the coefficients of a polynomial, relative to the largest
_IMAGINARY = 1e-4  # part of a root that may be a double one
_STEPS = 4  # of Newton's method
_CLOSE = 1e-9

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SlopeWeights:
    """q / P and g of each term (T,): an answer moves by Σ ``weights`` (dN - ``fitted`` dP)."""

    weights: Numbers
    fitted: Numbers

    def of(self, answer: Numbers, masses: Numbers) -> Numbers:
        """The change of the answer by those of N and P (..., T)."""
        return ((answer - self.fitted * masses) * self.weights).sum(axis=-1)


@dataclass(frozen=True, eq=False)
class TermWeights:
    """``marginals``: the new probabilities of the states of each variable, all above 0; terms are in their order.

    >>> TermWeights((np.array([0.25, 0.75]),)).mean(np.array([0.1, 0.3]), np.array([0.2, 0.6]))
    0.5
    """

    marginals: tuple[Numbers, ...] = ()

    def mean(self, answer: Numbers, masses: Numbers) -> float:
        """The answer by N and P (T,); NaN where no distribution has these marginals."""
        if len(self.marginals) > 1 and masses.any():
            try:
                shares = self._fit(masses).table.ravel()
            except InputError:
                return float("nan")
        else:
            shares = self._fixed()
        if not masses.any() or (masses[shares > 0] <= 0).any():
            return float("nan")
        return float((shares * np.divide(answer, masses, out=np.zeros_like(answer), where=shares > 0)).sum())

    def roots(self, lines: Numbers, wanted: float) -> list[float]:
        """Where in [0, 1] Σ_v q_v (a + b t) / (c + d t) is ``wanted``, by the a, b, c, d (T, 4) of each term."""
        if len(self.marginals) > 1:
            raise InputError(
                "which change of an entry leads to a wanted answer is computed with new marginals of one variable, not "
                "of several, whose joint distribution changes with the entry; its at(t) gives the answer at any value"
            )
        shares = self._fixed()
        above, below = lines[:, :2] * shares[:, None], lines[:, 2:]
        if len(shares) == 1:
            (a, b), (c, d) = above[0] - wanted * below[0], below[0]
            found = [-a / b] if b != 0 else []
            return [float(t) for t in found if 0 <= t <= 1 and c + d * t > 0]
        scale = np.abs(below).max(axis=1, keepdims=True)
        return _roots(above / scale, below / scale, wanted)

    def slopes(self, answer: Numbers, masses: Numbers) -> SlopeWeights:
        """How the answer moves from N and P (T,); ``InputError`` where it has no derivative."""
        values = np.divide(answer, masses, out=np.zeros_like(answer), where=masses > 0)
        if len(self.marginals) < 2:
            return SlopeWeights(self._fixed() / masses, values)
        found = self._fit(masses)
        terms = _indicators([len(r) for r in self.marginals])
        roots = np.sqrt(found.table.ravel())[:, None]
        fitted, _, rank, _ = np.linalg.lstsq(roots * terms, roots[:, 0] * values)
        free = terms.shape[1] - len(self.marginals) + 1  # a constant is in the span of each variable
        if found.scales is None or (rank < free and (masses == 0).any()):
            raise InputError(
                "with these new marginals states that the model holds possible become impossible, or parts of the "
                "distribution fall apart, so that the answer need not have derivatives; change or leave out one of "
                "jeffrey"
            )
        weights = np.ones(found.table.shape)
        for axis, scale in found.scales.items():
            weights *= scale.reshape([-1 if i == axis else 1 for i in range(weights.ndim)])
        return SlopeWeights(weights.ravel() / masses.sum(), terms @ fitted)

    def _fixed(self) -> Numbers:
        return self.marginals[0] if self.marginals else np.ones(1)

    def _fit(self, masses: Numbers) -> Fitted:
        table = masses.reshape([len(r) for r in self.marginals])
        return fit_marginals(table / table.sum(), dict(enumerate(self.marginals)))


def _roots(above: Numbers, below: Numbers, wanted: float) -> list[float]:
    """Where in [0, 1] the sum of the ratios of lines (T, 2) is ``wanted``: real roots of a polynomial, each refined.

    >>> [round(t, 3) for t in _roots(np.array([[0.0, 1.0], [1.5, 0.0]]), np.array([[1.0, 0.0], [1.0, 4.0]]), 1.0)]
    [0.25, 0.5]
    """
    numerator, denominator = np.array([-wanted]), np.array([1.0])
    for top, bottom in zip(above, below, strict=True):
        numerator = polynomial.polyadd(
            polynomial.polymul(numerator, bottom), polynomial.polymul(denominator, top)
        )
        denominator = polynomial.polymul(denominator, bottom)
    candidates = polynomial.polyroots(polynomial.polytrim(numerator, _ROUNDING * np.abs(numerator).max()))
    found = []
    for t in np.clip(candidates.real[np.abs(candidates.imag) < _IMAGINARY], 0.0, 1.0):
        for _ in range(_STEPS):
            off, slope = _off_and_slope(above, below, wanted, t)
            t = float(np.clip(t - off / slope, 0.0, 1.0)) if slope != 0 and np.isfinite(slope) else t
        if abs(_off_and_slope(above, below, wanted, t)[0]) <= _CLOSE:
            found.append(float(t))
    return found


def _off_and_slope(above: Numbers, below: Numbers, wanted: float, t: float) -> tuple[float, float]:
    """By how much the sum misses ``wanted`` at t, and its derivative; infinite where a line below is 0."""
    top, bottom = above[:, 0] + above[:, 1] * t, below[:, 0] + below[:, 1] * t
    if (bottom <= 0).any():
        return np.inf, np.inf
    slopes = (above[:, 1] * bottom - below[:, 1] * top) / bottom**2
    return float((top / bottom).sum() - wanted), float(slopes.sum())


def _indicators(sizes: Sequence[int]) -> Numbers:
    """Of each joint state which state each variable has: (Π sizes, Σ sizes).

    >>> _indicators([2, 2]).tolist()[1]
    [1.0, 0.0, 0.0, 1.0]
    """
    places = np.indices(tuple(sizes)).reshape(len(sizes), -1)
    return np.concatenate([np.eye(size)[place] for size, place in zip(sizes, places, strict=True)], axis=1)
