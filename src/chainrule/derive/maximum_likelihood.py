"""One call for every family: its maximum-likelihood derivation, and with data its fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.core.progress import track
from chainrule.derive.categorical import derive_categorical
from chainrule.derive.derivation import Derivation
from chainrule.derive.exponential_form import exponential_family_form
from chainrule.derive.families import FAMILIES, ONE_PARAMETER, check_family
from chainrule.derive.normal import derive_normal
from chainrule.derive.one_parameter import derive_one_parameter
from chainrule.models.exponential_family.estimator import ExponentialFamily, fit_mle

__all__ = ["DerivedFit", "derive_and_fit", "derive_mle", "list_families"]


def list_families() -> list[str]:
    """The names that ``derive_mle`` knows.

    >>> list_families()
    ['bernoulli', 'categorical', 'geometric', 'poisson', 'exponential', 'normal']
    """
    return list(FAMILIES)


def derive_mle(family: str) -> Derivation:
    """The maximum-likelihood derivation of ``family``, every step checked by computer algebra.

    Takes between one and six seconds.  Raises ``UnknownNameError``.

    >>> [step.plain for step in derive_mle("poisson").steps][4].split()
    ['S', 'λ̂', '=', '─', 'n']
    """
    check_family(family)
    if family == "normal":
        return derive_normal()
    if family == "categorical":
        return derive_categorical()
    return derive_one_parameter(ONE_PARAMETER[family])


@dataclass(frozen=True)
class DerivedFit:
    """A family's derivation, its exponential-family form and, where there were data, the fit."""

    family: str
    derivation: Derivation
    form: Derivation
    model: ExponentialFamily | None
    level: float

    def to_plain(self) -> dict[str, Any]:
        """Plain data: ``family``, ``derivation``, ``form``, and ``fit`` (``None`` without data)."""
        return {
            "family": self.family,
            "derivation": self.derivation.to_plain(),
            "form": self.form.to_plain(),
            "fit": None if self.model is None else self.model.summary(level=self.level),
        }

    def to_text(self) -> str:
        """The same for a terminal, in Unicode."""
        parts = [self.derivation.to_text(), self.form.to_text()]
        if self.model is not None:
            parts.append(_fit_text(self.model, self.level))
        return "\n\n".join(parts)


def derive_and_fit(
    family: str, x: ArrayLike | None = None, *, n_states: int | None = None, level: float = 0.95
) -> DerivedFit:
    """Derivation, exponential-family form and, with data ``x`` (n,) or (n, 1), the fit.

    Raises ``UnknownNameError``, ``ShapeError``, ``ValuesError``; the data are looked at first.

    >>> print(derive_and_fit("poisson", [2, 0, 4]).to_text().splitlines()[-4])
      rate                2   standard error 0.8165
    """
    check_family(family)
    model = None if x is None else fit_mle(family, x, n_states=n_states)
    if model is not None:
        model.confidence_intervals(level)
    derive = (derive_mle, lambda name: exponential_family_form(name).derivation)
    derivation, form = (step(family) for step in track(derive, "deriving and checking"))
    return DerivedFit(family, derivation, form, model, level)


def _fit_text(model: ExponentialFamily, level: float) -> str:
    """The fit, one line per number."""
    exact = model.confidence_intervals(level)
    wald = model.confidence_intervals(level, method="wald")
    title = f"Fit to {model.n_rows_} rows"
    lines = [title, "=" * len(title)]
    for name, estimate in model.estimates_.items():
        values, errors = np.atleast_1d(estimate), np.atleast_1d(model.standard_errors_[name])
        bounds = zip(np.atleast_2d(exact[name]), np.atleast_2d(wald[name]), strict=True)
        for k, (value, error, (inside, approximate)) in enumerate(zip(values, errors, bounds, strict=True)):
            label = name if values.size == 1 else f"{name}[{k}]"
            lines += [
                f"  {label:<15} {value:>5.6g}   standard error {error:.4g}",
                f"    {100 * level:g} % exact interval  {inside[0]:.6g} … {inside[1]:.6g}   ({model.interval_method_})",
                f"    {100 * level:g} % Wald interval   {approximate[0]:.6g} … {approximate[1]:.6g}   (approximate)",
            ]
    for name, value in model.bias_corrected_.items():
        if not np.array_equal(value, model.estimates_[name]):
            lines.append(f"  {name} without bias: {value:.6g}")
    lines.append(f"  log-likelihood: {model.log_likelihood_:.6g} nats")
    lines += [f"  note: {note}" for note in model.notes_]
    return "\n".join(lines)
