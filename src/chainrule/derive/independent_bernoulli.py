"""Maximum likelihood for independent pixels: n rows of d yes-or-no values, one parameter per column.

Letters: ``x[i, j]`` the value of row i in column j, ``p[j]`` the parameter of column j, ``s`` its number of
ones, ``alpha`` the pseudocount.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from chainrule.derive.derivation import Derivation, DerivedStep, derived
from chainrule.derive.families import n, t
from chainrule.derive.notation import formula
from chainrule.derive.verify import all_equal, equal, negative, only_root, positive, tends

__all__ = ["derive_independent_bernoulli"]

_i, _j, _d = sp.symbols("i j d", integer=True, positive=True)
_x: Any = sp.IndexedBase("x", integer=True, nonnegative=True)
_p: Any = sp.IndexedBase("p", positive=True)
_s: Any = sp.IndexedBase("s", integer=True, nonnegative=True)
_q, _ones, _zeros, _alpha = sp.symbols("p s z alpha", positive=True)
_pixel = _ones * sp.log(_q) + (n - _ones) * sp.log(1 - _q)
_inside = {n: _ones + _zeros, _q: 1 / (1 + t)}
_ROWS, _COLUMNS = 3, 2


def derive_independent_bernoulli() -> Derivation:
    """The derivation for n rows of d independent yes-or-no values, every step checked.

    >>> derive_independent_bernoulli().steps[4].plain.splitlines()[1]
    'p̂_j = ────'
    """
    return Derivation(
        "Maximum likelihood for independent pixels",
        (
            _likelihood(),
            _log_likelihood(),
            _separation(),
            _score(),
            _root(),
            _maximum(),
            _best_value(),
            _never_on(),
            _always_on(),
            _pseudocount(),
            _standard_error(),
        ),
    )


def _cell(row: Any, column: Any) -> Any:
    return _p[column] ** _x[row, column] * (1 - _p[column]) ** (1 - _x[row, column])


def _written_out() -> Any:
    """The likelihood of three rows of two columns, cell by cell."""
    return sp.Mul(*(_cell(i, j) for i in range(1, _ROWS + 1) for j in range(1, _COLUMNS + 1)))


def _column_sums() -> dict[int, Any]:
    return {j: sp.Add(*(_x[i, j] for i in range(1, _ROWS + 1))) for j in range(1, _COLUMNS + 1)}


def _charts() -> dict[Any, Any]:
    """0 < p < 1 for each column written out."""
    return {_p[j]: 1 / (1 + sp.Symbol(f"t{j}", positive=True)) for j in range(1, _COLUMNS + 1)}


def _likelihood() -> DerivedStep:
    of_a_row = sp.Product(_cell(_i, _j), (_j, 1, _d))
    grouped = sp.Mul(*(_p[j] ** s * (1 - _p[j]) ** (_ROWS - s) for j, s in _column_sums().items()))
    return derived(
        "Rows are independent, and so are the columns of a row: the likelihood is a product over all cells. Each "
        r"column $j$ has a parameter $p_j$ of its own; $s_j = \sum_i x_{ij}$ counts its ones.",
        formula(r"L(p) = \prod_{i=1}^{n}", of_a_row, ""),
        equal(
            sp.log(_written_out()),
            sp.log(grouped),
            "for three rows of two columns the product over all six cells depends on the column sums only",
            where=_charts(),
        ),
    )


def _log_likelihood() -> DerivedStep:
    one_column = sp.Product(_q ** _x[_i, 1] * (1 - _q) ** (1 - _x[_i, 1]), (_i, 1, n)).subs(_q, 1 / (1 + t))
    closed = _pixel.subs(_ones, sp.Sum(_x[_i, 1], (_i, 1, n))).subs(_q, 1 / (1 + t))
    shown = sp.Sum(_s[_j] * sp.log(_p[_j]) + (n - _s[_j]) * sp.log(1 - _p[_j]), (_j, 1, _d))
    sums = _column_sums()
    columns = sp.Add(*(_pixel.subs({_ones: s, n: _ROWS, _q: _p[j]}) for j, s in sums.items()))
    return derived(
        "The logarithm is a sum over columns.",
        formula(r"\ell(p)", shown),
        equal(sp.expand_log(sp.log(one_column)), closed, "one column, for a symbolic number of rows n"),
        equal(sp.log(_written_out()), columns, "three rows of two columns, written out", where=_charts()),
    )


def _separation() -> DerivedStep:
    value = sp.expand(sp.expand_log(sp.log(_written_out().subs(_charts()))))
    t1, t2 = (sp.Symbol(f"t{j}", positive=True) for j in (1, 2))
    return derived(
        "No term holds two parameters, so the problem falls into $d$ problems with one parameter each: the maximum of "
        "the sum is the sum of the maxima.",
        formula(r"\ell_j(p_j)", _pixel.subs({_q: _p[_j], _ones: _s[_j]})),
        equal(sp.diff(value, t1, t2), 0, "the mixed derivative by the parameters of two columns is 0"),
    )


def _score() -> DerivedStep:
    score = _ones / _q - (n - _ones) / (1 - _q)
    row = [_x[k, 1] for k in range(1, _ROWS + 1)]
    product = sp.Mul(*(_q**value * (1 - _q) ** (1 - value) for value in row))
    cleared = _ones - _q * _ones - _q * (n - _ones)
    return derived(
        r"Differentiate by $p_j$. Multiplied by $p_j (1 - p_j)$, which is positive, the equation score = 0 becomes "
        r"$s_j - p_j s_j = p_j (n - s_j)$.",
        formula(r"\ell_j'(p_j)", score.subs({_q: _p[_j], _ones: _s[_j]})),
        equal(sp.diff(_pixel, _q), score, "it is the derivative of the logarithm"),
        equal(
            sp.diff(product, _q) / product,
            score.subs({n: _ROWS, _ones: sp.Add(*row)}),
            "second route without logarithms: the product rule on three cells gives the same",
            where={_q: 1 / (1 + t)},
        ),
        equal(
            sp.expand(score * _q * (1 - _q)),
            sp.expand(cleared),
            "p(1 − p) times the score is s − ps − p(n − s)",
        ),
    )


def _root() -> DerivedStep:
    return derived(
        "Solve, for a column that is neither always 0 nor always 1: the mean of the column.",
        formula(r"\hat{p}_j", _s[_j] / n),
        only_root(
            sp.diff(_pixel, _q),
            _q,
            _ones / n,
            "substituted back, the score is 0, and the solver has no other root",
        ),
    )


def _maximum() -> DerivedStep:
    second = -_ones / _q**2 - (n - _ones) / (1 - _q) ** 2
    inside = _pixel.subs(n, _ones + _zeros)
    return derived(
        "The second derivative is negative everywhere, so the root is the only maximum.",
        formula(r"\ell_j''(p_j)", second.subs({_q: _p[_j], _ones: _s[_j]})),
        equal(sp.diff(_pixel, _q, 2), second, "it is the derivative of the score"),
        negative(second, "negative for all 0 < p < 1 and 0 < s < n", where=_inside),
        tends(inside, _q, 0, -sp.oo, "ℓ falls to −∞ as p → 0"),
        tends(inside, _q, 1, -sp.oo, "ℓ falls to −∞ as p → 1", side="-"),
    )


def _best_value() -> DerivedStep:
    best = n * (_q * sp.log(_q) + (1 - _q) * sp.log(1 - _q))
    shown = best.subs(_q, sp.Symbol("phat", positive=True))
    return derived(
        "At the maximum each row costs, per column, the entropy of a coin with the column's mean.",
        formula(r"\ell_j(\hat{p}_j)", shown),
        equal(
            _pixel.subs(_ones, n * _q), best, "the log-likelihood at p = s/n is −n times the entropy in nats"
        ),
    )


def _never_on() -> DerivedStep:
    curve = _pixel.subs(_ones, 0)
    return derived(
        r"A column that is never on, $s_j = 0$, has no root: its maximum is $p_j = 0$, and a later row with a 1 there "
        "is impossible.",
        formula(r"\ell_j(p_j)", curve.subs(_q, _p[_j])),
        negative(sp.diff(curve, _q), "ℓ falls strictly on 0 < p < 1", where={_q: 1 / (1 + t)}),
        tends(curve, _q, 0, 0, "its supremum, reached at p = 0, is 0"),
        tends(sp.log(_q), _q, 0, -sp.oo, "there a 1 has log-probability −∞"),
    )


def _always_on() -> DerivedStep:
    curve = _pixel.subs(_ones, n)
    return derived(
        r"A column that is always on, $s_j = n$, mirrors it: its maximum is $p_j = 1$, and a later 0 is impossible.",
        formula(r"\ell_j(p_j)", curve.subs(_q, _p[_j])),
        positive(sp.diff(curve, _q), "ℓ climbs strictly on 0 < p < 1", where={_q: 1 / (1 + t)}),
        tends(curve, _q, 1, 0, "its supremum, reached at p = 1, is 0", side="-"),
        tends(sp.log(1 - _q), _q, 1, -sp.oo, "there a 0 has log-probability −∞", side="-"),
    )


def _pseudocount() -> DerivedStep:
    posterior = _pixel + _alpha * sp.log(_q) + _alpha * sp.log(1 - _q)
    smoothed = (_ones + _alpha) / (n + 2 * _alpha)
    beta = _q ** (_alpha + _ones - 1) * (1 - _q) ** (_alpha + _zeros - 1)
    mean = sp.gammasimp(
        sp.beta(_alpha + _ones + 1, _alpha + _zeros).rewrite(sp.gamma)
        / sp.beta(_alpha + _ones, _alpha + _zeros).rewrite(sp.gamma)
    )
    edges = [smoothed.subs(_ones, 0), 1 - smoothed.subs(_ones, n)]
    return derived(
        r"A pseudocount $\alpha > 0$ adds $\alpha$ ones and $\alpha$ zeros to every column: the most probable value "
        r"under a Beta($1+\alpha$, $1+\alpha$) prior, and the posterior mean under a Beta($\alpha$, $\alpha$) prior. "
        r"It is never 0 or 1, and $\alpha = 0$ gives the mean back.",
        formula(r"\hat{p}_j", smoothed.subs(_ones, _s[_j])),
        only_root(
            sp.diff(posterior, _q),
            _q,
            smoothed,
            "the only root of the derivative of ℓ + α log p + α log(1 − p)",
        ),
        negative(sp.diff(posterior, _q, 2), "whose second derivative is negative", where=_inside),
        equal(
            sp.diff(sp.log(beta), _q),
            sp.diff(posterior.subs({n: _ones + _zeros, _alpha: _alpha - 1}), _q),
            "the posterior under Beta(α, α) is a Beta law",
        ),
        equal(
            mean,
            smoothed.subs(n, _ones + _zeros),
            "its mean, a ratio of Beta functions, is the same estimate",
        ),
        positive(edges[0], "above 0 when s = 0"),
        positive(edges[1], "below 1 when s = n"),
        all_equal([(smoothed.subs(_alpha, 0), _ones / n)], "α = 0 gives s/n"),
    )


def _standard_error() -> DerivedStep:
    mean = sp.Add(*(value * _q**value * (1 - _q) ** (1 - value) for value in (0, 1)))
    square = sp.Add(*(value**2 * _q**value * (1 - _q) ** (1 - value) for value in (0, 1)))
    second = -1 / _q**2 * mean - (1 - mean) / (1 - _q) ** 2
    return derived(
        "The estimate is a mean of independent values: unbiased, with a squared standard error exact for every $n$.",
        formula(r"\mathrm{SE}(\hat{p}_j)^2", _p[_j] * (1 - _p[_j]) / n),
        equal(mean, _q, "the mean of one cell is p"),
        equal(square - mean**2, _q * (1 - _q), "its variance is p(1 − p)"),
        equal(-1 / (n * second), _q * (1 - _q) / n, "which over n is the inverse information of n rows"),
    )
