"""What is exact at every sample size: expectation, bias and variance of the estimator."""

from __future__ import annotations

from typing import Any

import sympy as sp

from chainrule.derive.derivation import DerivedStep, derived
from chainrule.derive.families import OneParameterFamily, S, n
from chainrule.derive.notation import formula
from chainrule.derive.verify import equal, negative, positive

__all__ = ["small_sample_steps"]

_m = sp.Symbol("m", positive=True)


def small_sample_steps(family: OneParameterFamily) -> tuple[DerivedStep, ...]:
    """Bias, exact variance and, where there is one, a correction or an exact pivot."""
    if family.name == "exponential":
        return _exponential(family)
    if family.name == "geometric":
        return _geometric(family)
    return _mean(family)


def _mean(f: OneParameterFamily) -> tuple[DerivedStep, ...]:
    """The estimate is the mean of the rows (Bernoulli, Poisson)."""
    theta = f.parameter
    mean = f.expectation(f.x)
    variance = f.expectation(f.x**2) - mean**2
    bound = 1 / (n * f.information)
    hat = rf"\hat{{{sp.latex(theta)}}}"
    return (
        derived(
            "The estimate is the mean of $n$ rows, so it is unbiased and its variance is exact for every $n$; "
            "it attains the Cramér–Rao bound.",
            [formula(rf"\mathrm{{E}}[{hat}]", theta), formula(rf"\mathrm{{Var}}[{hat}]", bound)],
            equal(mean, theta, "the mean of one row, by the sum over the support, is the parameter"),
            equal(variance / n, bound, "the variance of one row over n is the inverse information of n rows"),
        ),
    )


_s = sp.Symbol("s", positive=True)


def _exponential(f: OneParameterFamily) -> tuple[DerivedStep, ...]:
    # n = m + 1 and n = m + 2 with m > 0 put the conditions n > 1 and n > 2 into the symbol
    mean = _under_gamma(f, (_m + 1) / _s, _m + 1).subs(_m, n - 1)
    second_moment = _under_gamma(f, ((_m + 2) / _s) ** 2, _m + 2).subs(_m, n - 2)
    variance: Any = sp.factor(second_moment - mean**2)
    return (
        _gamma_step(f),
        _gamma_bias(f, mean),
        _gamma_spread(f, variance),
        _gamma_correction(f, mean, variance),
        _gamma_pivot(f),
    )


def _gamma_law(f: OneParameterFamily, rows: Any, at: Any) -> Any:
    """The density at ``at`` of the sum of ``rows`` independent exponential rows."""
    rate = f.parameter
    return rate**rows * at ** (rows - 1) * sp.exp(-rate * at) / sp.gamma(rows)


def _under_gamma(f: OneParameterFamily, g: Any, rows: Any) -> Any:
    """The expectation of ``g``, a function of the sum of ``rows`` rows."""
    return sp.simplify(sp.integrate(sp.expand_power_base(g * _gamma_law(f, rows, _s)), (_s, 0, sp.oo)))


def _gamma_step(f: OneParameterFamily) -> DerivedStep:
    u = sp.Symbol("u", positive=True)
    one_more = sp.integrate(sp.simplify(_gamma_law(f, n, u) * f.density_of(_s - u)), (u, 0, _s))
    return derived(
        "The sum of $n$ independent rows follows the Gamma law with shape $n$ and the same rate.",
        formula("f(S)", _gamma_law(f, n, S)),
        equal(_gamma_law(f, 1, _s), f.density_of(_s), "for n = 1 it is the exponential density"),
        equal(
            one_more,
            _gamma_law(f, n + 1, _s),
            "induction: the convolution of shape n with one more row has shape n + 1",
        ),
    )


def _gamma_bias(f: OneParameterFamily, mean: Any) -> DerivedStep:
    rate = f.parameter
    return derived(
        r"The estimate is biased upwards by the factor $n/(n-1)$ for $n > 1$; for $n = 1$ its expectation is "
        "infinite.",
        formula(r"\mathrm{E}[\hat{\lambda}]", sp.factor(mean)),
        equal(mean, n * rate / (n - 1), "n/S integrated against the Gamma law, for every real n > 1"),
        equal(1 / _under_gamma(f, 1 / _s, sp.Integer(1)), 0, "for n = 1 the integral of 1/S diverges"),
        positive(sp.factor((mean - rate).subs(n, _m + 1)), "the bias λ/(n − 1) is positive"),
    )


def _gamma_spread(f: OneParameterFamily, variance: Any) -> DerivedStep:
    rate = f.parameter
    return derived(
        "Its exact variance, for $n > 2$, is above the Cramér–Rao value $\\lambda^2/n$, which it approaches.",
        formula(r"\mathrm{Var}[\hat{\lambda}]", variance),
        equal(
            variance,
            n**2 * rate**2 / ((n - 1) ** 2 * (n - 2)),
            "(n/S)² integrated against the Gamma law, minus the squared mean, for every real n > 2",
        ),
        positive((variance - rate**2 / n).subs(n, _m + 2), "the excess over λ²/n is positive"),
        equal(sp.limit(n * variance, n, sp.oo), rate**2, "n times the variance tends to λ²"),
    )


def _gamma_correction(f: OneParameterFamily, mean: Any, variance: Any) -> DerivedStep:
    rate = f.parameter
    corrected: Any = sp.factor(variance * (n - 1) ** 2 / n**2)
    return derived(
        r"Multiplying by $(n-1)/n$ removes the bias and lowers the variance.",
        [
            formula(r"\tilde{\lambda}", (n - 1) / S),
            formula(r"\mathrm{E}[\tilde{\lambda}]", rate),
            formula(r"\mathrm{Var}[\tilde{\lambda}]", corrected),
        ],
        equal(mean * (n - 1) / n, rate, "(n − 1)/n times the mean is λ"),
        equal(corrected, rate**2 / (n - 2), "the variance scales with the square of the factor"),
        negative((corrected - variance).subs(n, _m + 2), "it is below the variance of the estimate itself"),
    )


def _gamma_pivot(f: OneParameterFamily) -> DerivedStep:
    rate = f.parameter
    chi_square = _s ** (n - 1) * sp.exp(-_s / 2) / (2**n * sp.gamma(n))
    return derived(
        r"Exact interval: $2\lambda S$ has a law without $\lambda$, the chi-square law with $2n$ degrees of freedom, "
        r"so its quantiles divided by $2S$ bound $\lambda$.",
        formula(r"f_{2 \lambda S}(s)", chi_square),
        equal(
            _gamma_law(f, n, _s / (2 * rate)) / (2 * rate),
            chi_square,
            "the change of variable s = 2λS in the Gamma density gives the chi-square density with 2n degrees",
        ),
    )


def _geometric(f: OneParameterFamily) -> tuple[DerivedStep, ...]:
    p, s = f.parameter, sp.Symbol("s", integer=True, positive=True)
    chart = f.chart
    mean, second = f.expectation(f.x), f.expectation(f.x**2)
    variance: Any = sp.factor(second - mean**2)
    g = 1 / _m  # the estimate as a function of the mean of the rows
    first_order = sp.factor((sp.diff(g, _m, 2) / 2).subs(_m, mean) * variance / n)
    one_row = f.expectation(1 / f.x)
    weights = sp.binomial(s - 1, n - 1) * (n - 1) / (s - 1)
    bias = derived(
        "The estimate is a strictly convex function of the mean of the rows, so by Jensen's inequality it is biased "
        "upwards; to first order in $1/n$ the bias is half the second derivative times the variance of the mean.",
        formula(r"\mathrm{E}[\hat{p}] - p", p * (1 - p) / n, r"\approx"),
        positive(sp.diff(g, _m, 2), "the second derivative of 1/m is positive for m > 0"),
        equal(mean, 1 / p, "the mean of one row is 1/p, by the sum over the support", where=chart),
        equal(variance, (1 - p) / p**2, "its variance is (1 − p)/p²", where=chart),
        equal(first_order, p * (1 - p) / n, "the first-order bias is p(1 − p)/n", where=chart),
        equal(
            one_row,
            -p * sp.log(p) / (1 - p),
            "for n = 1 the exact expectation is −p log p/(1 − p)",
            where=chart,
        ),
    )
    correction = derived(
        "For $n \\ge 2$ an unbiased estimate exists: the sum follows the negative binomial law, and the weight turns "
        "it into $p$ times the same law for $n - 1$ successes, which sums to 1.",
        [formula(r"\tilde{p}", (n - 1) / (S - 1)), formula(r"\mathrm{E}[\tilde{p}]", p)],
        equal(
            weights, sp.binomial(s - 2, n - 2), "(n−1)/(s−1) · C(s−1, n−1) = C(s−2, n−2)", where={n: n + 1}
        ),
        *(_negative_binomial_is_unbiased(f, rows) for rows in (2, 3)),
    )
    return bias, correction


def _negative_binomial_is_unbiased(f: OneParameterFamily, rows: int) -> Any:
    """For ``rows`` rows the sum over all totals of (n−1)/(s−1) times their probability is p."""
    p, k = f.parameter, sp.Symbol("k", integer=True, nonnegative=True)
    failures: Any = sp.expand_func(sp.binomial(k + rows - 1, rows - 1))
    weight = sp.Integer(rows - 1) / (k + rows - 1)
    total = sp.summation(sp.simplify(weight * failures) * p**rows * (1 - p) ** k, (k, 0, sp.oo))
    return equal(f.converged(total), p, f"written out for n = {rows}, the infinite sum is p", where=f.chart)
