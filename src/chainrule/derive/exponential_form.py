r"""Each family in the form h(x) exp(η · T(x) − A(η)), with what follows from it, checked.

What follows: the gradient of the log-partition A is the mean of the statistic T, its matrix of second
derivatives is the covariance of T, and the likelihood is largest where the mean of T under the model
equals its average over the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from chainrule.derive.derivation import Derivation, DerivedStep, Verified, derived
from chainrule.derive.families import ONE_PARAMETER, OneParameterFamily, S, check_family, n
from chainrule.derive.normal import M, expectation, m, mu, normal_density, v, x
from chainrule.derive.notation import formula
from chainrule.derive.one_parameter import estimator
from chainrule.derive.verify import all_equal, equal, positive

__all__ = ["ExponentialForm", "exponential_family_form"]


@dataclass(frozen=True)
class ExponentialForm:
    """The parts of the form as SymPy objects, the maximum-likelihood estimate, and the checked derivation.

    ``natural`` is written in the usual parameter, ``log_partition`` in the natural one, ``estimate`` in the
    statistics: S the sum of the rows, m their mean, M their squared deviations from it, c the counts.
    """

    family: str
    natural: Any
    statistic: Any
    log_partition: Any
    carrier: Any
    estimate: Any
    derivation: Derivation


def exponential_family_form(family: str) -> ExponentialForm:
    """The exponential-family form of ``family``; raises ``UnknownNameError``.

    The categorical distribution is written out for three states.

    >>> form = exponential_family_form("poisson")
    >>> form.natural, form.statistic, form.log_partition
    (log(lambda), x, exp(eta))
    """
    check_family(family)
    if family == "normal":
        return _normal()
    if family == "categorical":
        return _categorical()
    return _one_parameter(ONE_PARAMETER[family])


def _one_parameter(f: OneParameterFamily) -> ExponentialForm:
    eta = f.natural_symbol
    at: Any = {eta: f.natural}
    mean = f.expectation(f.x)
    variance = f.expectation(f.x**2) - mean**2
    first, second = sp.diff(f.log_partition, eta), sp.diff(f.log_partition, eta, 2)
    rebuilt = f.natural * f.x - f.log_partition.subs(at) + sp.log(f.carrier)
    moments = derived(
        "The slope of $A$ is the mean of the statistic, its second derivative the variance, which is positive.",
        [formula(r"A'(\eta)", sp.factor(first)), formula(r"A''(\eta)", sp.factor(second))],
        equal(
            first.subs(at), mean, "the slope is E[x], by the sum or integral over the support", where=f.chart
        ),
        equal(second.subs(at), variance, "the second derivative is Var[x], in the same way", where=f.chart),
        positive(sp.factor(variance), "the variance is positive over the whole domain", where=f.chart),
    )
    match = derived(
        f"{_MATCH} Here the average is $S/n$.",
        formula(r"A'(\hat{\eta})", S / n),
        equal(
            sp.diff(f.log_likelihood, f.parameter),
            (S - n * mean) * sp.diff(f.natural, f.parameter),
            "the score is n times that difference times the slope of η, by the chain rule",
        ),
        equal(mean.subs(f.parameter, estimator(f)), S / n, "at the estimate the mean of the model is S/n"),
    )
    same = [equal(rebuilt, sp.log(f.density), _SAME, where=f.chart)]
    return _form(f.name, (f.natural, f.x, f.log_partition, f.carrier), estimator(f), same, moments, match)


def _normal() -> ExponentialForm:
    etas: Any = (sp.Symbol("eta1", real=True), sp.Symbol("eta2", negative=True))
    natural: Any = sp.Matrix([mu / v, -1 / (2 * v)])
    statistic: Any = sp.Matrix([x, x**2])
    log_partition = -(etas[0] ** 2) / (4 * etas[1]) - sp.log(-2 * etas[1]) / 2
    carrier = 1 / sp.sqrt(2 * sp.pi)
    at: Any = {etas[0]: natural[0], etas[1]: natural[1]}
    rebuilt = sp.log(carrier) + natural.dot(statistic) - log_partition.subs(at)
    density = sp.expand_log(sp.log(normal_density()))
    means = statistic.applyfunc(expectation)
    covariance = (statistic * statistic.T).applyfunc(expectation) - means * means.T
    average = sp.Matrix([m, M / n + m**2])
    moments = derived(
        "The gradient of $A$ is the mean of the statistic, its matrix of second derivatives the covariance.",
        [formula(r"\mathrm{E}[T]", means), formula(r"\mathrm{Cov}[T]", covariance.applyfunc(sp.factor))],
        equal(
            _gradient(log_partition, etas, at), means, "the gradient is E[T], integrated over the real line"
        ),
        equal(
            _hessian(log_partition, etas, at),
            covariance,
            "the second derivatives are Cov[T], in the same way",
        ),
        positive(covariance[0, 0], "the covariance is positive definite: its first entry is positive"),
        positive(sp.factor(covariance.det()), "and so is its determinant"),
    )
    match = derived(
        f"{_MATCH} Here the averages are those of $x$ and $x^2$.",
        formula(r"\nabla A(\hat{\eta})", average),
        equal(means.subs({mu: m, v: M / n}), average, "at the estimate both means of the model match"),
    )
    same = [equal(sp.expand(rebuilt), sp.expand(density), _SAME)]
    estimate = sp.Matrix([m, M / n])
    return _form("normal", (natural, statistic, log_partition, carrier), estimate, same, moments, match)


_p: Any = sp.symbols("p:3", positive=True)
_etas: Any = sp.symbols("eta:3", real=True)
_counts: Any = sp.symbols("c:3", positive=True)


def _categorical() -> ExponentialForm:
    natural: Any = sp.Matrix([sp.log(pk) for pk in _p])
    statistic = sp.Matrix([sp.Symbol(f"[x={k}]") for k in range(3)])
    log_partition: Any = sp.log(sp.Add(*(sp.exp(e) for e in _etas)))
    last = {_p[2]: 1 - _p[0] - _p[1]}
    at: Any = {e: sp.log(pk).subs(last) for e, pk in zip(_etas, _p, strict=True)}
    shift = sp.Symbol("a", real=True)
    moved = log_partition.subs({e: e + shift for e in _etas}, simultaneous=True)
    pairs = [(natural.dot(sp.eye(3)[:, k]) - log_partition.subs(at), sp.log(_p[k])) for k in range(3)]
    same = [
        all_equal(pairs, _SAME),
        equal(moved, log_partition + shift, "adding a to every η adds a to A: nothing but differences count"),
    ]
    parts = (natural, statistic, log_partition, sp.Integer(1))
    steps = _softmax_moments(log_partition, last, at), _softmax_match(log_partition)
    return _form("categorical", parts, sp.Matrix(_counts) / n, same, *steps)


def _softmax_moments(log_partition: Any, last: Any, at: Any) -> DerivedStep:
    means: Any = sp.Matrix(_p)
    products: list[Any] = [_p[k] * sp.eye(3)[:, k] * sp.eye(3)[:, k].T for k in range(3)]
    covariance = products[0] + products[1] + products[2] - means * means.T
    return derived(
        "The gradient of $A$ is the mean of the statistic (the softmax), its matrix of second derivatives the "
        "covariance.",
        [formula(r"\mathrm{E}[T]", means), formula(r"\mathrm{Cov}[T]", covariance)],
        equal(
            _gradient(log_partition, _etas, at),
            means.subs(last),
            "the gradient is E[T], summed over the states",
        ),
        equal(_hessian(log_partition, _etas, at), covariance.subs(last), "the second derivatives are Cov[T]"),
    )


def _softmax_match(log_partition: Any) -> DerivedStep:
    shares: Any = sp.Matrix(_counts) / sp.Add(*_counts)
    return derived(
        f"{_MATCH} Here the averages are the shares of the states.",
        formula(r"\nabla A(\hat{\eta})", sp.Matrix(_counts) / n),
        equal(
            _gradient(log_partition, _etas, {e: sp.log(ck) for e, ck in zip(_etas, _counts, strict=True)}),
            shares,
            "at η = log of the counts, which is the estimate up to a shift, all three means match",
        ),
    )


def _form(
    family: str, parts: tuple[Any, Any, Any, Any], estimate: Any, same: list[Verified], *rest: DerivedStep
) -> ExponentialForm:
    """The form from its parts (natural, statistic, log-partition, base measure) and its steps."""
    names = (r"\eta", "T(x)", r"A(\eta)", "h(x)")
    written = derived(
        r"Write the density as $h(x) \exp(\eta \cdot T(x) - A(\eta))$: natural parameter, statistic, "
        "log-partition and base measure.",
        [formula(name, part) for name, part in zip(names, parts, strict=True)],
        *same,
    )
    title = f"The {family} distribution as an exponential family"
    return ExponentialForm(family, *parts, estimate, Derivation(title, (written, *rest)))


def _gradient(value: Any, symbols: Any, at: Any) -> Any:
    return sp.Matrix([sp.diff(value, s) for s in symbols]).subs(at)


def _hessian(value: Any, symbols: Any, at: Any) -> Any:
    return sp.hessian(value, symbols).subs(at)


_SAME = "the logarithm of the form minus that of the density simplifies to 0"
_MATCH = (
    "The log-likelihood is concave in the natural parameter, and its gradient is the average of the statistic minus "
    "its mean under the model: maximum likelihood matches the two."
)
