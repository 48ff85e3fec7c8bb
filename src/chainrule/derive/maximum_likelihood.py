"""One call for every family: its maximum-likelihood derivation, and with data its fit."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from chainrule.derive.categorical import derive_categorical
from chainrule.derive.derivation import Derivation
from chainrule.derive.exponential_form import exponential_family_form
from chainrule.derive.families import FAMILIES, ONE_PARAMETER, check_family
from chainrule.derive.normal import derive_normal
from chainrule.derive.one_parameter import derive_one_parameter

__all__ = ["derive_and_fit", "derive_mle", "list_families"]


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


def derive_and_fit(
    family: str, x: ArrayLike | None = None, *, n_states: int | None = None, level: float = 0.95
) -> dict[str, Any]:
    """Derivation, exponential-family form and, with data ``x`` (n,) or (n, 1), the fit, as plain data.

    Keys: ``family``, ``derivation`` and ``form`` (each ``title`` and ``steps`` with ``text``, ``plain``,
    ``latex`` and ``check``), ``fit`` (``None`` without data; see ``ExponentialFamily.summary``).
    Raises ``UnknownNameError``, ``ShapeError``, ``ValuesError``.

    >>> out = derive_and_fit("poisson", [2, 0, 4])
    >>> out["fit"]["estimates"]
    {'rate': 2.0}
    """
    from chainrule.models.exponential_family import fit_mle

    check_family(family)
    fit = None if x is None else fit_mle(family, x, n_states=n_states).summary(level=level)
    return {
        "family": family,
        "derivation": derive_mle(family).to_plain(),
        "form": exponential_family_form(family).derivation.to_plain(),
        "fit": fit,
    }
