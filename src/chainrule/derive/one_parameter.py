"""Maximum likelihood for a family with one parameter, from the density to the standard error."""

from __future__ import annotations

from typing import Any

import sympy as sp

from chainrule.derive.derivation import Derivation, DerivedStep, derived
from chainrule.derive.families import Edge, OneParameterFamily, S, i, n
from chainrule.derive.notation import formula
from chainrule.derive.small_samples import small_sample_steps
from chainrule.derive.verify import all_equal, equal, negative, only_root, positive, tends

__all__ = ["derive_one_parameter", "estimator"]

_ROWS_WRITTEN_OUT = (1, 2, 3, 4)


def derive_one_parameter(family: OneParameterFamily) -> Derivation:
    """The derivation for ``family``, every step checked."""
    return Derivation(
        f"Maximum likelihood for {family.title}",
        (
            _density(family),
            _likelihood(family),
            _log_likelihood(family),
            _score(family),
            _root(family),
            _curvature(family),
            *(_edge(family, edge) for edge in family.edges),
            _information(family),
            _standard_error(family),
            *small_sample_steps(family),
        ),
    )


def estimator(family: OneParameterFamily) -> Any:
    """The root of the score, in ``n`` and ``S``."""
    (root,) = sp.solve(sp.diff(family.log_likelihood, family.parameter), family.parameter)
    return sp.simplify(root)


def _density(f: OneParameterFamily) -> DerivedStep:
    what = "probabilities sum" if f.is_discrete else "density integrates"
    return derived(
        f"The probability{'' if f.is_discrete else ' density'} of one row, for ${f.support_latex}$.",
        formula(f"f(x;{_name(f)})", f.density),
        equal(f.expectation(1), 1, f"the {what} to 1 over the support"),
    )


def _likelihood(f: OneParameterFamily) -> DerivedStep:
    shown = f.likelihood
    if f.carrier != 1:
        shown = shown * sp.Product(f.carrier.subs(f.x, f.row[i]), (i, 1, n))
    written_out = [(sp.log(_product(f, rows)), _closed(f, rows)) for rows in _ROWS_WRITTEN_OUT]
    return derived(
        "The rows are independent, so their likelihood is the product of their densities. It depends on the "
        r"rows through their sum $S = \sum_i x_i$ only, apart from factors without the parameter.",
        [
            formula(f"L({_name(f)})", sp.Product(f.density_of(f.row[i]), (i, 1, n))),
            formula(f"L({_name(f)})", shown),
        ],
        all_equal(
            written_out,
            "for n = 1, 2, 3 and 4 the product written out factor by factor equals the closed form, symbolically",
            where=f.chart,
        ),
        equal(
            sp.log(f.likelihood),
            f.log_likelihood,
            "and its logarithm is the sum in the next step",
            where={**f.chart, S: n + S},
        ),
    )


def _log_likelihood(f: OneParameterFamily) -> DerivedStep:
    total = sp.Sum(f.row[i], (i, 1, n))
    constant = sp.Sum(sp.expand_log(sp.log(f.carrier.subs(f.x, f.row[i]))), (i, 1, n))
    product = sp.Product(f.density_of(f.row[i]), (i, 1, n)).subs(f.chart)
    as_sum = sp.expand_log(sp.log(product))
    closed = (f.log_likelihood.subs(S, total) + constant).subs(f.chart)
    shown = f.log_likelihood + (0 if f.carrier == 1 else constant)
    return derived(
        "Take the logarithm: the product becomes a sum.",
        formula(rf"\ell({_name(f)})", shown),
        equal(
            as_sum,
            closed,
            "the logarithm of the product, expanded to a sum over a symbolic number of rows n, "
            "minus this formula simplifies to 0",
        ),
    )


def _score(f: OneParameterFamily) -> DerivedStep:
    score = sp.diff(f.log_likelihood, f.parameter)
    rows = 3
    product = _product(f, rows)
    by_product_rule = sp.diff(product, f.parameter) / product
    at_rows = score.subs({n: rows, S: _sum(f, rows)})
    return derived(
        "Differentiate: the score.",
        formula(rf"\ell'({_name(f)})", score),
        equal(
            by_product_rule,
            at_rows,
            "second route without logarithms: the product rule on the three densities of n = 3 rows gives "
            "L'/L, which is the same",
            where=f.chart,
        ),
    )


def _root(f: OneParameterFamily) -> DerivedStep:
    score = sp.diff(f.log_likelihood, f.parameter)
    root = estimator(f)
    return derived(
        f"Set the score to zero and solve, for ${f.inside_latex}$.",
        formula(_hat(f), root),
        only_root(
            score, f.parameter, root, "substituted back, the score is 0, and the solver has no other root"
        ),
    )


def _curvature(f: OneParameterFamily) -> DerivedStep:
    ends = f.domain.inf, f.domain.sup
    inside = f.log_likelihood.subs(f.inside, simultaneous=True)
    falls = [
        tends(
            inside,
            f.parameter,
            end,
            -sp.oo,
            f"ℓ falls to −∞ as {_in_a_line(f.parameter)} → {_in_a_line(end)}",
            side=side,
        )
        for end, side in zip(ends, "+-", strict=True)
    ]
    return derived(
        rf"The second derivative is negative everywhere in the domain, so $\ell$ is strictly concave and the root "
        f"is its only maximum (${f.inside_latex}$).",
        formula(rf"\ell''({_name(f)})", f.curvature),
        equal(f.curvature, sp.diff(f.log_likelihood, f.parameter, 2), "it is the derivative of the score"),
        negative(
            f.curvature.subs(f.inside, simultaneous=True),
            "negative for every parameter in the open domain and all such data, from the signs alone",
            where=f.chart,
        ),
        *falls,
    )


def _edge(f: OneParameterFamily, edge: Edge) -> DerivedStep:
    curve = f.log_likelihood.subs(edge.data, simultaneous=True)
    slope = sp.diff(curve, f.parameter)
    impossible = []
    if edge.impossible is not None:
        later = sp.expand_log(sp.log(f.density_of(edge.impossible)))
        statement = f"a later row {edge.impossible} has log-probability −∞ there"
        impossible = [tends(later, f.parameter, edge.to, -sp.oo, statement, side=edge.side)]
    towards = slope if edge.side == "-" else -slope
    return derived(
        f"{edge.when}: the score has no root and {edge.meaning}.",
        formula(rf"\ell({_name(f)})", curve),
        positive(
            towards,
            f"ℓ climbs strictly all the way to {_in_a_line(f.parameter)} = {_in_a_line(edge.to)}",
            where=f.chart,
        ),
        tends(
            curve,
            f.parameter,
            edge.to,
            edge.supremum,
            f"its limit there is {_in_a_line(edge.supremum)}",
            side=edge.side,
        ),
        *impossible,
    )


def _information(f: OneParameterFamily) -> DerivedStep:
    one_row = f.log_likelihood.subs({n: 1, S: f.x})
    score, second = sp.diff(one_row, f.parameter), sp.diff(one_row, f.parameter, 2)
    return derived(
        "The Fisher information of one row: the expected curvature, which is also the variance of the score.",
        formula(f"I({_name(f)})", f.information),
        equal(f.expectation(second), -f.information, "it is minus the mean second derivative of one row"),
        equal(f.expectation(score), 0, "the score of one row has mean 0"),
        equal(
            f.expectation(score**2),
            f.information,
            "its mean square, over the support, is the same information",
        ),
    )


def _standard_error(f: OneParameterFamily) -> DerivedStep:
    root = estimator(f)
    at_root = {f.parameter: sp.Symbol(f"{f.parameter.name}hat", positive=True)}
    return derived(
        f"The squared standard error is the inverse information of $n$ rows, at ${_hat(f)}$.",
        formula(rf"\mathrm{{SE}}({_hat(f)})^2", (1 / (n * f.information)).subs(at_root)),
        equal(
            -f.curvature.subs(f.parameter, root),
            (n * f.information).subs(f.parameter, root),
            "the observed curvature at the root equals the expected one there",
            where=f.inside,
        ),
    )


def _product(f: OneParameterFamily, rows: int) -> Any:
    """The likelihood of ``rows`` rows, factor by factor."""
    return sp.Mul(*(f.density_of(f.row[k]) for k in range(1, rows + 1)))


def _sum(f: OneParameterFamily, rows: int) -> Any:
    return sp.Add(*(f.row[k] for k in range(1, rows + 1)))


def _closed(f: OneParameterFamily, rows: int) -> Any:
    """The closed form of the log-likelihood for ``rows`` rows."""
    carriers = sp.Add(*(sp.log(f.carrier.subs(f.x, f.row[k])) for k in range(1, rows + 1)))
    return f.log_likelihood.subs({n: rows, S: _sum(f, rows)}) + carriers


def _name(f: OneParameterFamily) -> str:
    return sp.latex(f.parameter)


def _hat(f: OneParameterFamily) -> str:
    return rf"\hat{{{_name(f)}}}"


def _in_a_line(expression: sp.Expr) -> str:
    """An expression as text, the same everywhere: sympy itself asks the terminal for its signs and width."""
    return sp.pretty(expression, use_unicode=True, wrap_line=False)
