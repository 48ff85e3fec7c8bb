"""Maximum likelihood for one of K states: a maximum under the constraint that probabilities sum to one.

Letters: ``c[k]`` the number of rows in state k, ``p[k]`` its probability, ``g`` the multiplier.
"""

from __future__ import annotations

from itertools import product as sequences
from typing import Any

import sympy as sp

from chainrule.derive.derivation import Derivation, DerivedStep, derived
from chainrule.derive.families import n
from chainrule.derive.notation import formula
from chainrule.derive.verify import all_equal, equal, negative, only_root, positive, tends

__all__ = ["derive_categorical"]

_j, _k = sp.symbols("j k", integer=True, positive=True)
_others = sp.Symbol("r", integer=True, nonnegative=True)
_K = sp.Symbol("K", integer=True, positive=True)
_p: Any = sp.IndexedBase("p", positive=True)
_c: Any = sp.IndexedBase("c", integer=True, positive=True)
_g = sp.Symbol("gamma", positive=True)
_WRITTEN_OUT = (2, 3, 4)


def derive_categorical() -> Derivation:
    """The derivation for any number of states K, every step checked."""
    return Derivation(
        "Maximum likelihood for the categorical distribution: one of K states",
        (_likelihood(), _multiplier(), _solution(), _curvature(), _gibbs(), _unseen(), _covariance()),
    )


def _likelihood() -> DerivedStep:
    pairs = []
    for rows in sequences(range(1, 4), repeat=3):
        one_by_one = sp.Mul(*(_p[state] for state in rows))
        by_state = sp.Mul(*(_p[state] ** rows.count(state) for state in range(1, 4)))
        pairs.append((one_by_one, by_state))
    product = sp.Product(_p[_k] ** _c[_k], (_k, 1, _K))
    total = sp.Sum(_c[_k] * sp.log(_p[_k]), (_k, 1, _K))
    return derived(
        "Independent rows: group equal factors. With $c_k$ rows in state $k$, the likelihood depends on the rows "
        "through the counts only.",
        [formula("L(p)", product), formula(r"\ell(p)", total)],
        all_equal(pairs, "for all 27 data sets of three rows over three states the product groups this way"),
        equal(
            sp.expand_log(sp.log(product)), total, "the logarithm of the product is the sum, for symbolic K"
        ),
    )


def _multiplier() -> DerivedStep:
    total: Any = sp.Sum(_p[_k], (_k, 1, _K))
    # K = j + r with r >= 0 says that j is one of the K states
    states = _j + _others
    lagrangian = sp.Sum(_c[_k] * sp.log(_p[_k]), (_k, 1, states)) - _g * (total.subs(_K, states) - 1)
    shown = sp.Sum(_c[_k] * sp.log(_p[_k]), (_k, 1, _K)) - _g * (total - 1)
    return derived(
        r"The probabilities must sum to 1: add a multiplier $\gamma$ for the constraint and differentiate by $p_j$.",
        [
            formula(r"\Lambda(p,\gamma)", shown),
            formula(r"\partial \Lambda / \partial p_j", _c[_j] / _p[_j] - _g),
        ],
        equal(
            sp.diff(lagrangian, _p[_j]).doit(),
            _c[_j] / _p[_j] - _g,
            "the derivative of the sum over a symbolic number of states K",
        ),
    )


def _solution() -> DerivedStep:
    share, total = sp.symbols("q n", positive=True)
    checks = []
    for states in _WRITTEN_OUT:
        q = sp.symbols(f"q1:{states + 1}", positive=True)
        c = sp.symbols(f"c1:{states + 1}", positive=True)
        equations = [ck / qk - _g for ck, qk in zip(c, q, strict=True)] + [sp.Add(*q) - 1]
        (solution,) = sp.solve(equations, [*q, _g], dict=True)
        checks += [(solution[qk], ck / sp.Add(*c)) for ck, qk in zip(c, q, strict=True)]
        checks.append((solution[_g], sp.Add(*c)))
    return derived(
        r"Set it to zero: $p_j = c_j / \gamma$. These sum to 1 only for $\gamma = n$.",
        formula(r"\hat{p}_j", _c[_j] / n),
        only_root(_c[_j] / share - _g, share, _c[_j] / _g, "the only root in p_j is c_j/γ"),
        equal(
            sp.Sum(_c[_k] / _g, (_k, 1, _K)),
            sp.Sum(_c[_k], (_k, 1, _K)) / _g,
            "their sum over a symbolic number of states is n/γ",
        ),
        only_root(total / _g - 1, _g, total, "n/γ = 1 only for γ = n"),
        all_equal(
            checks, "for K = 2, 3 and 4 the solver finds this and no other solution of the whole system"
        ),
    )


def _curvature() -> DerivedStep:
    return derived(
        "The matrix of second derivatives is diagonal with negative entries where every state was seen, so the "
        r"log-likelihood is strictly concave and the root is its only maximum.",
        formula(r"\partial^2 \ell / \partial p_j^2", -_c[_j] / _p[_j] ** 2),
        equal(
            sp.diff(_c[_j] * sp.log(_p[_j]), _p[_j], 2),
            -_c[_j] / _p[_j] ** 2,
            "the second derivative of one term",
        ),
        negative(-_c[_j] / _p[_j] ** 2, "negative for every positive probability and count"),
    )


def _gibbs() -> DerivedStep:
    u = sp.Symbol("u", positive=True)
    gap = u - 1 - sp.log(u)
    ratio = n * _p[_k] / _c[_k]
    bound = sp.Sum(sp.expand(_c[_k] * (ratio - 1)), (_k, 1, _K))
    return derived(
        r"A proof without derivatives of $\ell$, also where a state was never seen: $\log u \le u - 1$ with $u = p_k / "
        r"\hat{p}_k$, summed over the states with $c_k > 0$.",
        formula(r"\ell(p) - \ell(\hat{p})", bound, r"\le"),
        equal(gap.subs(u, 1), 0, "u − 1 − log u is 0 at u = 1"),
        equal(sp.diff(gap, u).subs(u, 1), 0, "so is its slope"),
        positive(sp.diff(gap, u, 2), "it is strictly convex, hence positive elsewhere"),
        equal(
            bound,
            n * sp.Sum(_p[_k], (_k, 1, _K)) - sp.Sum(_c[_k], (_k, 1, _K)),
            "the sum of the bounds is n Σ p_k − Σ c_k = n Σ p_k − n, and Σ p_k over the states seen is at most 1",
        ),
    )


def _unseen() -> DerivedStep:
    p = sp.Symbol("p", positive=True)
    return derived(
        r"A state that was never seen gets $\hat{p}_k = 0$: a later row in that state is impossible under the fit.",
        formula(r"\log p_k", -sp.oo, r"\to"),
        tends(sp.log(p), p, 0, -sp.oo, "log p falls to −∞ as p → 0"),
    )


def _covariance() -> DerivedStep:
    pairs = []
    for states in _WRITTEN_OUT:
        free = sp.symbols(f"p1:{states}", positive=True)
        last = 1 - sp.Add(*free)
        counts = sp.symbols(f"c1:{states + 1}", positive=True)
        value = sp.Add(*(ck * sp.log(pk) for ck, pk in zip(counts, (*free, last), strict=True)))
        expected = {ck: n * pk for ck, pk in zip(counts, (*free, last), strict=True)}
        information = -sp.hessian(value, free).subs(expected)
        covariance = (sp.diag(*free) - sp.Matrix(free) * sp.Matrix(free).T) / n
        pairs.append((sp.simplify(information * covariance), sp.eye(states - 1)))
    indicator = sp.KroneckerDelta(_j, _k)
    return derived(
        "The counts are sums of indicators, so the estimate is unbiased and its covariance is exact for every $n$; it "
        "is the inverse of the Fisher information in $K - 1$ free probabilities.",
        [
            formula(r"\mathrm{SE}(\hat{p}_j)^2", _p[_j] * (1 - _p[_j]) / n),
            formula(r"\mathrm{Cov}(\hat{p}_j, \hat{p}_k)", -_p[_j] * _p[_k] / n),
        ],
        equal(
            _over_states(indicator * _p[_k]),
            _p[_j],
            "the mean of an indicator over a symbolic number of states is p_j",
        ),
        equal(
            _over_states(indicator**2 * _p[_k]) - _over_states(indicator * _p[_k]) ** 2,
            _p[_j] * (1 - _p[_j]),
            "its variance, mean square minus squared mean, is p_j(1 − p_j)",
        ),
        all_equal(pairs, "for K = 2, 3 and 4 the information times this covariance is the identity matrix"),
    )


def _over_states(term: Any) -> Any:
    """The sum of ``term`` over k = 1 … K, where j is one of the states."""
    return sp.Sum(term, (_k, 1, _j + _others)).doit()
