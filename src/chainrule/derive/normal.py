"""Maximum likelihood for the normal distribution: two parameters, the mean and the variance v.

Letters: ``m`` the mean of the rows, ``M`` their sum of squared deviations from it, ``v`` the variance.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

from chainrule.derive.derivation import Derivation, DerivedStep, derived
from chainrule.derive.families import i, n, t
from chainrule.derive.notation import formula
from chainrule.derive.verify import all_equal, equal, negative, positive, tends

__all__ = ["M", "derive_normal", "expectation", "m", "mu", "normal_density", "v", "x"]

mu, m, x = sp.symbols("mu m x", real=True)
v, M = sp.symbols("v M", positive=True)
_row: Any = sp.IndexedBase("x", real=True)
_log_likelihood = -n * sp.log(2 * sp.pi * v) / 2 - (M + n * (m - mu) ** 2) / (2 * v)
_gradient = [n * (m - mu) / v, -n / (2 * v) + (M + n * (m - mu) ** 2) / (2 * v**2)]
_root = {mu: m, v: M / n}


def normal_density() -> Any:
    """The density of one row at ``x``.

    >>> normal_density().subs({x: 0, mu: 0, v: 1})
    sqrt(2)/(2*sqrt(pi))
    """
    return sp.exp(-((x - mu) ** 2) / (2 * v)) / sp.sqrt(2 * sp.pi * v)


def expectation(g: Any) -> Any:
    """E[g(x)] for a polynomial ``g``, integrated against the density.

    >>> expectation(x**2)
    mu**2 + v
    """
    terms = sp.Poly(g, x).terms()
    return sp.expand(sp.Add(*(coefficient * _moment(power) for (power,), coefficient in terms)))


@cache
def _moment(power: int) -> Any:
    return sp.simplify(sp.integrate(x**power * normal_density(), (x, -sp.oo, sp.oo)))


def derive_normal() -> Derivation:
    """The derivation, every step checked."""
    return Derivation(
        "Maximum likelihood for the normal distribution: a measurement",
        (
            _density(),
            _likelihood(),
            _deviations(),
            _score(),
            _solution(),
            _hessian(),
            _global_maximum(),
            _edge(),
            _information(),
            _bias(),
        ),
    )


def _density() -> DerivedStep:
    bell = sp.exp(-((x - mu) ** 2) / (2 * v))
    shown = sp.Mul(bell, sp.Pow(sp.sqrt(2 * sp.pi * v, evaluate=False), -1, evaluate=False), evaluate=False)
    return derived(
        "The probability density of one row, with mean $\\mu$ and variance $v = \\sigma^2$.",
        formula(r"f(x;\mu,v)", shown),
        equal(expectation(sp.Integer(1)), 1, "the density integrates to 1 over the real line"),
        equal(expectation(x), mu, "its mean is μ"),
        equal(expectation(x**2) - mu**2, v, "its variance is v"),
    )


def _likelihood() -> DerivedStep:
    product = sp.Product(normal_density().subs(x, _row[i]), (i, 1, n))
    squares = sp.Sum((_row[i] - mu) ** 2, (i, 1, n))
    shown = -n * sp.log(2 * sp.pi * v) / 2 - squares / (2 * v)
    return derived(
        "The rows are independent: multiply their densities and take the logarithm.",
        formula(r"\ell(\mu,v)", shown),
        equal(
            sp.expand(sp.expand_log(sp.log(product))),
            sp.expand(shown),
            "the logarithm of the product, expanded to a sum over a symbolic number of rows n, "
            "minus this formula simplifies to 0",
        ),
    )


def _deviations() -> DerivedStep:
    pairs = []
    for rows in (1, 2, 3, 4):
        values = [_row[k] for k in range(1, rows + 1)]
        mean = sp.Add(*values) / rows
        around = sp.Add(*((value - mean) ** 2 for value in values))
        squares = sp.Add(*((value - mu) ** 2 for value in values))
        pairs.append((squares, around + rows * (mean - mu) ** 2))
    total, square_total = sp.symbols("S Q", real=True)
    return derived(
        r"Split the squares around the mean of the rows $m = \sum_i x_i / n$, with $M = \sum_i (x_i - m)^2$: the "
        "likelihood depends on the rows through $m$ and $M$ only.",
        formula(r"\ell(\mu,v)", _log_likelihood),
        all_equal(pairs, "the split of the squares is an identity, written out for n = 1, 2, 3 and 4"),
        equal(
            square_total - 2 * mu * total + n * mu**2,
            (square_total - total**2 / n) + n * (total / n - mu) ** 2,
            "and for symbolic n in terms of the sum and the sum of squares",
        ),
    )


def _score() -> DerivedStep:
    rows = [_row[1], _row[2]]
    mean = sp.Add(*rows) / 2
    data = {n: 2, m: mean, M: sp.Add(*((r - mean) ** 2 for r in rows))}
    product = sp.Mul(*(normal_density().subs(x, r) for r in rows))
    return derived(
        "Differentiate by each parameter: the score.",
        [
            formula(r"\partial \ell / \partial \mu", _gradient[0]),
            formula(r"\partial \ell / \partial v", _gradient[1]),
        ],
        all_equal(
            zip((sp.diff(_log_likelihood, mu), sp.diff(_log_likelihood, v)), _gradient, strict=True),
            "these are the derivatives of ℓ",
        ),
        all_equal(
            [
                (sp.diff(product, theta) / product, g.subs(data))
                for theta, g in zip((mu, v), _gradient, strict=True)
            ],
            "second route without logarithms: the product rule on the two densities of n = 2 rows gives the same",
        ),
    )


def _solution() -> DerivedStep:
    (solution,) = sp.solve(_gradient, [mu, v], dict=True)
    return derived(
        "Set both to zero and solve, for rows that are not all equal ($M > 0$).",
        [formula(r"\hat{\mu}", m), formula(r"\hat{v}", M / n)],
        all_equal([(g.subs(_root), 0) for g in _gradient], "substituted back, both are 0"),
        all_equal([(solution[k], _root[k]) for k in (mu, v)], "the solver has no other root"),
    )


def _hessian() -> DerivedStep:
    hessian = sp.hessian(_log_likelihood, (mu, v))
    at_root = sp.simplify(hessian.subs(_root))
    elsewhere = hessian[1, 1].subs({mu: m, v: 3 * M / n})
    return derived(
        "The matrix of second derivatives at the root is diagonal with negative entries: a local maximum. It is not "
        "negative everywhere, so concavity alone does not settle the question here.",
        formula(r"\mathrm{H}(\hat{\mu},\hat{v})", at_root),
        equal(at_root[0, 1], 0, "the mixed derivative is 0 at the root"),
        negative(at_root[0, 0], "the second derivative in μ is negative there"),
        negative(at_root[1, 1], "so is the one in v"),
        positive(
            sp.simplify(elsewhere), "at μ = m and v three times its estimate, the curvature in v is positive"
        ),
    )


def _global_maximum() -> DerivedStep:
    profile = _log_likelihood.subs(mu, m)
    slope = (M - n * v) / (2 * v**2)
    return derived(
        r"It is the global maximum: for each $v$, $\ell$ is strictly concave in $\mu$ with its maximum at $m$; along "
        r"$\mu = m$ it climbs up to $v = M/n$ and falls from there on.",
        formula(r"\mathrm{d} \ell(m,v) / \mathrm{d} v", slope),
        equal(sp.diff(profile, v), slope, "it is the derivative along μ = m"),
        negative(sp.diff(_log_likelihood, mu, 2), "the second derivative in μ is negative for every v > 0"),
        positive(sp.simplify(slope.subs(v, M / n / (1 + t))), "the slope is positive for every v below M/n"),
        negative(sp.simplify(slope.subs(v, M / n * (1 + t))), "it is negative for every v above M/n"),
        tends(profile, v, 0, -sp.oo, "ℓ falls to −∞ as v → 0"),
        tends(profile, v, sp.oo, -sp.oo, "ℓ falls to −∞ as v → ∞", side="-"),
    )


def _edge() -> DerivedStep:
    curve = _log_likelihood.subs({M: 0, mu: m})
    return derived(
        "All rows equal (always so for one row), $M = 0$: there is no maximum, the likelihood grows without bound as "
        "the variance shrinks.",
        formula(r"\ell(m,v)", curve),
        negative(sp.diff(curve, v), "the slope in v is negative for every v > 0"),
        tends(curve, v, 0, sp.oo, "the limit at v → 0 is ∞"),
    )


def _information() -> DerivedStep:
    one_row: Any = sp.expand_log(sp.log(normal_density()))
    score = sp.Matrix([sp.diff(one_row, mu), sp.diff(one_row, v)])
    information: Any = sp.Matrix([[1 / v, 0], [0, 1 / (2 * v**2)]])
    covariance = (n * information).inv()
    hats = {v: sp.Symbol("vhat", positive=True)}
    return derived(
        "The Fisher information of one row; the inverse for $n$ rows holds the squared standard errors. Because "
        r"$\sigma = \sqrt{v}$ is one-to-one, its estimate is $\sqrt{M/n}$.",
        [
            formula(r"I(\mu,v)", information),
            formula(r"\mathrm{SE}(\hat{\mu})^2", covariance[0, 0].subs(hats)),
            formula(r"\mathrm{SE}(\hat{v})^2", covariance[1, 1].subs(hats)),
        ],
        equal(
            (score * score.T).applyfunc(expectation),
            information,
            "the mean product of the scores, integrated over the real line, is this matrix",
        ),
        equal(
            -sp.hessian(one_row, (mu, v)).applyfunc(expectation),
            information,
            "so is minus the mean matrix of second derivatives",
        ),
        equal(
            -sp.hessian(_log_likelihood, (mu, v)).subs(_root),
            (n * information).subs(v, M / n),
            "the observed curvature at the root equals the expected one there",
        ),
    )


def _bias() -> DerivedStep:
    moments = [expectation(x**k) for k in range(3)]

    def mean_of(polynomial: Any, values: list[Any]) -> Any:
        """Expectation of a polynomial (degree 2 at most) in independent rows."""
        terms = sp.Poly(polynomial, *values).terms()
        return sp.Add(*(c * sp.Mul(*(moments[power] for power in powers)) for powers, c in terms))

    pairs = []
    for rows in (2, 3, 4, 5):
        values = [_row[k] for k in range(1, rows + 1)]
        mean = sp.Add(*values) / rows
        around = sp.expand(sp.Add(*((value - mean) ** 2 for value in values)))
        pairs.append((mean_of(around, values), (rows - 1) * v))
    squares = n * (v + mu**2)
    squared_sum = n * v + n**2 * mu**2
    return derived(
        r"The mean is unbiased; the variance estimate is biased downwards, and $M/(n-1)$ corrects it.",
        [formula(r"\mathrm{E}[\hat{\mu}]", mu), formula(r"\mathrm{E}[\hat{v}]", (n - 1) * v / n)],
        equal(moments[1], mu, "the mean of one row is μ, so the mean of n rows has the same expectation"),
        all_equal(
            pairs, "E[M] = (n − 1)v, from the moments of independent rows written out for n = 2, 3, 4 and 5"
        ),
        equal(
            sp.expand((squares - squared_sum / n) / n),
            sp.expand((n - 1) * v / n),
            "and for symbolic n from the means of the sum of squares and of the squared sum",
        ),
    )
