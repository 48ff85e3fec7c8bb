"""Known slips in written derivations, refuted by the computer algebra: where they go wrong, and what survives."""

from __future__ import annotations

from typing import Any

import sympy as sp

from chainrule.derive.derivation import Derivation, derived
from chainrule.derive.families import ONE_PARAMETER, S, n
from chainrule.derive.notation import formula
from chainrule.derive.verify import different, equal, only_root

__all__ = ["refute_exponential_score"]


def refute_exponential_score() -> Derivation:
    r"""Why $n - \lambda S$ is not the derivative of $n \log \lambda - \lambda S$, though its root is right.

    >>> print(refute_exponential_score().steps[0].check)
    at n = 3, S = 2, λ = 2 the true derivative is −1/2, the written one −1
    """
    family = ONE_PARAMETER["exponential"]
    rate, value = family.parameter, family.log_likelihood
    score, written = sp.diff(value, rate), n - rate * S
    integral = sp.integrate(written, rate)
    hat = sp.Symbol("lambdahat", positive=True)
    error, right_error = sp.sqrt(hat / n), hat / sp.sqrt(n)
    point: dict[Any, Any] = {n: 3, S: 2, rate: 2}
    true_value, written_value = (str(e.subs(point)).replace("-", "−") for e in (score, written))
    return Derivation(
        "The derivative as it was written, and as it is",
        (
            derived(
                r"Written: the derivative of $n \log \lambda - \lambda S$ is $n - \lambda S$. It is not.",
                [
                    formula(r"\mathrm{d} \ell / \mathrm{d} \lambda", score),
                    formula(r"\mathrm{d} \ell / \mathrm{d} \lambda", written, r"\neq"),
                ],
                different(
                    score,
                    written,
                    f"at n = 3, S = 2, λ = 2 the true derivative is {true_value}, the written one {written_value}",
                    at=point,
                ),
            ),
            derived(
                r"The written expression is $\lambda$ times the true derivative.",
                formula(r"n - \lambda S", rate * score),
                equal(
                    sp.expand(rate * score), written, "λ times the score, expanded, is the written expression"
                ),
            ),
            derived(
                r"Because $\lambda$ is positive, both have the same root: the estimate is right, by luck.",
                formula(r"\hat{\lambda}", n / S),
                only_root(score, rate, n / S, "the only root of the true derivative is n/S"),
                only_root(written, rate, n / S, "the only root of the written one is n/S"),
            ),
            derived(
                "It is the derivative of another function, which is not the log-likelihood.",
                formula(r"\int (n - \lambda S) \, \mathrm{d} \lambda", integral),
                equal(sp.diff(integral, rate), written, "differentiated, it gives the written expression"),
                different(
                    (integral - value).subs(rate, 2),
                    (integral - value).subs(rate, 1),
                    "its distance from ℓ is not a constant: at n = 3, S = 2 it differs between λ = 1 and λ = 2",
                    at={n: 3, S: 2},
                ),
            ),
            derived(
                r"What follows from it goes wrong: its slope at the root gives a standard error of "
                r"$\sqrt{\hat{\lambda}/n}$ instead of $\hat{\lambda}/\sqrt{n}$, equal only at $\hat{\lambda} = 1$.",
                [
                    formula(r"\mathrm{SE}(\hat{\lambda})", right_error),
                    formula(r"\mathrm{SE}(\hat{\lambda})", error, r"\neq"),
                ],
                equal(
                    (-1 / sp.diff(score, rate)).subs({rate: hat, S: n / hat}),
                    right_error**2,
                    "minus the inverse slope of the true derivative at the root is λ̂²/n",
                ),
                equal(
                    (-1 / sp.diff(written, rate)).subs(S, n / hat),
                    error**2,
                    "minus the inverse slope of the written one there is λ̂/n",
                ),
                different(error, right_error, "at λ̂ = 4 the two differ", at={hat: 4, n: 1}),
            ),
        ),
    )
