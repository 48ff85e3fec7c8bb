"""Known slips in written derivations, refuted by the computer algebra: where they go wrong, and what survives."""

from __future__ import annotations

from typing import Any

import sympy as sp

from chainrule.derive.derivation import Derivation, DerivedStep, derived
from chainrule.derive.families import ONE_PARAMETER, S, n
from chainrule.derive.notation import formula
from chainrule.derive.verify import different, equal, only_root

__all__ = ["refute_exponential_score"]


def refute_exponential_score() -> Derivation:
    r"""Why $n - \lambda S$ is not the derivative of $n \log \lambda - \lambda S$, though its root is right.

    >>> print(refute_exponential_score().steps[0].check)
    at n = 3, S = 2, λ = 2 the true derivative is −1/2, the written one −1
    """
    return Derivation(
        "The derivative as it was written, and as it is",
        (_not_the_derivative(), _a_multiple(), _same_root(), _of_another_function(), _wrong_error()),
    )


_FAMILY = ONE_PARAMETER["exponential"]
_RATE, _VALUE = _FAMILY.parameter, _FAMILY.log_likelihood
_SCORE: Any = sp.diff(_VALUE, _RATE)
_WRITTEN: Any = n - _RATE * S


def _not_the_derivative() -> DerivedStep:
    point: dict[Any, Any] = {n: 3, S: 2, _RATE: 2}
    true, written = (str(e.subs(point)).replace("-", "−") for e in (_SCORE, _WRITTEN))
    return derived(
        r"Written: the derivative of $n \log \lambda - \lambda S$ is $n - \lambda S$. It is not.",
        [
            formula(r"\mathrm{d} \ell / \mathrm{d} \lambda", _SCORE),
            formula(r"\mathrm{d} \ell / \mathrm{d} \lambda", _WRITTEN, r"\neq"),
        ],
        different(
            _SCORE,
            _WRITTEN,
            f"at n = 3, S = 2, λ = 2 the true derivative is {true}, the written one {written}",
            at=point,
        ),
    )


def _a_multiple() -> DerivedStep:
    return derived(
        r"The written expression is $\lambda$ times the true derivative.",
        formula(r"n - \lambda S", _RATE * _SCORE),
        equal(sp.expand(_RATE * _SCORE), _WRITTEN, "λ times the score, expanded, is the written expression"),
    )


def _same_root() -> DerivedStep:
    return derived(
        r"Because $\lambda$ is positive, both have the same root: the estimate is right, by luck.",
        formula(r"\hat{\lambda}", n / S),
        only_root(_SCORE, _RATE, n / S, "the only root of the true derivative is n/S"),
        only_root(_WRITTEN, _RATE, n / S, "the only root of the written one is n/S"),
    )


def _of_another_function() -> DerivedStep:
    integral = sp.integrate(_WRITTEN, _RATE)
    return derived(
        "It is the derivative of another function, which is not the log-likelihood.",
        formula(r"\int (n - \lambda S) \, \mathrm{d} \lambda", integral),
        equal(sp.diff(integral, _RATE), _WRITTEN, "differentiated, it gives the written expression"),
        different(
            (integral - _VALUE).subs(_RATE, 2),
            (integral - _VALUE).subs(_RATE, 1),
            "its distance from ℓ is not a constant: at n = 3, S = 2 it differs between λ = 1 and λ = 2",
            at={n: 3, S: 2},
        ),
    )


def _wrong_error() -> DerivedStep:
    hat = sp.Symbol("lambdahat", positive=True)
    error, right_error = sp.sqrt(hat / n), hat / sp.sqrt(n)
    return derived(
        r"What follows from it goes wrong: its slope at the root gives a standard error of "
        r"$\sqrt{\hat{\lambda}/n}$ instead of $\hat{\lambda}/\sqrt{n}$, equal only at $\hat{\lambda} = 1$.",
        [
            formula(r"\mathrm{SE}(\hat{\lambda})", right_error),
            formula(r"\mathrm{SE}(\hat{\lambda})", error, r"\neq"),
        ],
        equal(
            (-1 / sp.diff(_SCORE, _RATE)).subs({_RATE: hat, S: n / hat}),
            right_error**2,
            "minus the inverse slope of the true derivative at the root is λ̂²/n",
        ),
        equal(
            (-1 / sp.diff(_WRITTEN, _RATE)).subs(S, n / hat),
            error**2,
            "minus the inverse slope of the written one there is λ̂/n",
        ),
        different(error, right_error, "at λ̂ = 4 the two differ", at={hat: 4, n: 1}),
    )
