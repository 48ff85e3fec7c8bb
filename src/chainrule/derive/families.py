"""The one-parameter families as symbols: density, support, parameter domain, edges of the data.

Letters: ``n`` rows, ``S`` their sum, ``x`` one row, ``x[i]`` row i, ``t > 0`` the chart of a domain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import sympy as sp

from chainrule.core.errors import UnknownNameError
from chainrule.derive.derivation import DerivationError

__all__ = ["FAMILIES", "ONE_PARAMETER", "Edge", "OneParameterFamily", "S", "check_family", "i", "n", "t"]

n = sp.Symbol("n", integer=True, positive=True)
i = sp.Symbol("i", integer=True, positive=True)
S = sp.Symbol("S", positive=True)
t = sp.Symbol("t", positive=True)
_a, _b = sp.symbols("a b", positive=True)


@dataclass(frozen=True)
class Edge:
    """Data for which the maximum is not inside the domain: what holds, where ℓ then climbs, and to what.

    ``impossible`` is a value of x that the fitted edge gives probability 0.
    """

    when: str
    data: Mapping[Any, Any]
    to: Any
    side: str
    supremum: Any
    meaning: str
    impossible: Any = None


@dataclass(frozen=True, eq=False)
class OneParameterFamily:
    """A family whose one statistic is the value itself, T(x) = x; two objects are equal only if identical."""

    name: str
    title: str
    parameter: sp.Symbol
    x: sp.Symbol
    row: Any
    density: Any
    support: tuple[Any, Any]
    support_latex: str
    domain: sp.Interval
    chart: Mapping[Any, Any]
    likelihood: Any
    log_likelihood: Any
    curvature: Any
    information: Any
    carrier: Any
    natural: Any
    log_partition: Any
    natural_symbol: sp.Symbol
    inside: Mapping[Any, Any]
    inside_latex: str
    edges: tuple[Edge, ...]

    @property
    def is_discrete(self) -> bool:
        """Whether expectations are sums."""
        return bool(self.x.is_integer)

    def expectation(self, g: Any) -> Any:
        """E[g(x)]; where ``g`` is a polynomial in x, from the first moments, each a sum or an integral."""
        if not sp.sympify(g).is_polynomial(self.x):
            return _expected(self, g)
        terms = sp.Poly(g, self.x).terms()
        return sp.simplify(sp.Add(*(c * _expected(self, self.x**k) for (k,), c in terms)))

    def converged(self, total: Any) -> Any:
        """``total`` with each Piecewise that SymPy hedges a sum with resolved.

        Takes the branch whose condition holds on the whole parameter domain, which is checked.
        """
        for piece in total.atoms(sp.Piecewise):
            value, condition = piece.args[0]
            if not self.domain.is_subset(condition.as_set()):
                raise DerivationError(f"{self.name}: the sum converges only where {condition}")
            total = total.subs(piece, value)
        return total

    def density_of(self, value: Any) -> Any:
        """The density at ``value``."""
        return self.density.subs(self.x, value)


def check_family(name: str) -> str:
    """``name`` if there is such a family; raises ``UnknownNameError``.

    >>> check_family("poisson")
    'poisson'
    """
    if not isinstance(name, str) or name not in FAMILIES:  # an array compares each of its values
        raise UnknownNameError.of("family", name, list(FAMILIES))
    return name


@cache
def _expected(family: OneParameterFamily, g: Any) -> Any:
    """The sum or integral of ``g`` times the density over the support."""
    sum_up = sp.summation if family.is_discrete else sp.integrate
    return sp.simplify(family.converged(sum_up(g * family.density, (family.x, *family.support))))


def _bernoulli() -> OneParameterFamily:
    p, eta = sp.Symbol("p", positive=True), sp.Symbol("eta", real=True)
    x = sp.Symbol("x", integer=True, nonnegative=True)
    edges = (
        Edge("No ones, $S = 0$", {S: 0}, 0, "+", 0, "$p = 0$ is the maximum on the closed domain", 1),
        Edge("Only ones, $S = n$", {S: n}, 1, "-", 0, "$p = 1$ is the maximum on the closed domain", 0),
    )
    return OneParameterFamily(
        name="bernoulli",
        title="the Bernoulli distribution: a yes or a no",
        parameter=p,
        x=x,
        row=sp.IndexedBase("x", integer=True, nonnegative=True),
        density=p**x * (1 - p) ** (1 - x),
        support=(0, 1),
        support_latex="x = 0, 1",
        domain=sp.Interval.open(0, 1),
        chart={p: 1 / (1 + t)},
        likelihood=p**S * (1 - p) ** (n - S),
        log_likelihood=S * sp.log(p) + (n - S) * sp.log(1 - p),
        curvature=-S / p**2 - (n - S) / (1 - p) ** 2,
        information=1 / (p * (1 - p)),
        carrier=sp.Integer(1),
        natural=sp.log(p / (1 - p)),
        log_partition=sp.log(1 + sp.exp(eta)),
        natural_symbol=eta,
        inside={n: _a + _b, S: _a},
        inside_latex="0 < S < n",
        edges=edges,
    )


def _geometric() -> OneParameterFamily:
    p, eta = sp.Symbol("p", positive=True), sp.Symbol("eta", negative=True)
    x = sp.Symbol("x", integer=True, positive=True)
    return OneParameterFamily(
        name="geometric",
        title="the geometric distribution: the number of trials up to and including the first success",
        parameter=p,
        x=x,
        row=sp.IndexedBase("x", integer=True, positive=True),
        density=p * (1 - p) ** (x - 1),
        support=(1, sp.oo),
        support_latex=r"x = 1, 2, \ldots",
        domain=sp.Interval.open(0, 1),
        chart={p: 1 / (1 + t)},
        likelihood=p**n * (1 - p) ** (S - n),
        log_likelihood=n * sp.log(p) + (S - n) * sp.log(1 - p),
        curvature=-n / p**2 - (S - n) / (1 - p) ** 2,
        information=1 / (p**2 * (1 - p)),
        carrier=sp.Integer(1),
        natural=sp.log(1 - p),
        log_partition=eta - sp.log(1 - sp.exp(eta)),
        natural_symbol=eta,
        inside={n: _a, S: _a + _b},
        inside_latex="S > n",
        edges=(
            Edge(
                "Every row is 1, $S = n$",
                {S: n},
                1,
                "-",
                0,
                "$p = 1$ is the maximum on the closed domain",
                2,
            ),
        ),
    )


def _poisson() -> OneParameterFamily:
    rate, eta = sp.Symbol("lambda", positive=True), sp.Symbol("eta", real=True)
    x = sp.Symbol("x", integer=True, nonnegative=True)
    return OneParameterFamily(
        name="poisson",
        title="the Poisson distribution: a count",
        parameter=rate,
        x=x,
        row=sp.IndexedBase("x", integer=True, nonnegative=True),
        density=rate**x * sp.exp(-rate) / sp.factorial(x),
        support=(0, sp.oo),
        support_latex=r"x = 0, 1, \ldots",
        domain=sp.Interval.open(0, sp.oo),
        chart={},
        likelihood=rate**S * sp.exp(-n * rate),
        log_likelihood=S * sp.log(rate) - n * rate,
        curvature=-S / rate**2,
        information=1 / rate,
        carrier=1 / sp.factorial(x),
        natural=sp.log(rate),
        log_partition=sp.exp(eta),
        natural_symbol=eta,
        inside={},
        inside_latex="S > 0",
        edges=(
            Edge(
                "Every row is 0, $S = 0$",
                {S: 0},
                0,
                "+",
                0,
                r"$\lambda = 0$, all mass on 0, is the maximum on the closed domain",
                1,
            ),
        ),
    )


def _exponential() -> OneParameterFamily:
    rate, eta = sp.Symbol("lambda", positive=True), sp.Symbol("eta", negative=True)
    return OneParameterFamily(
        name="exponential",
        title="the exponential distribution: a waiting time",
        parameter=rate,
        x=sp.Symbol("x", positive=True),
        row=sp.IndexedBase("x", positive=True),
        density=rate * sp.exp(-rate * sp.Symbol("x", positive=True)),
        support=(0, sp.oo),
        support_latex=r"x \ge 0",
        domain=sp.Interval.open(0, sp.oo),
        chart={},
        likelihood=rate**n * sp.exp(-rate * S),
        log_likelihood=n * sp.log(rate) - rate * S,
        curvature=-n / rate**2,
        information=1 / rate**2,
        carrier=sp.Integer(1),
        natural=-rate,
        log_partition=-sp.log(-eta),
        natural_symbol=eta,
        inside={},
        inside_latex="S > 0",
        edges=(
            Edge(
                "Every row is 0, $S = 0$",
                {S: 0},
                sp.oo,
                "-",
                sp.oo,
                "there is no maximum: the likelihood grows without bound",
            ),
        ),
    )


ONE_PARAMETER: dict[str, OneParameterFamily] = {
    f.name: f for f in (_bernoulli(), _geometric(), _poisson(), _exponential())
}
FAMILIES: tuple[str, ...] = ("bernoulli", "categorical", "geometric", "poisson", "exponential", "normal")
