"""A derivation as a block of a page."""

from __future__ import annotations

from chainrule.core.records import Step, Steps
from chainrule.derive import Derivation

__all__ = ["as_steps"]


def as_steps(derivation: Derivation) -> Steps:
    """The steps of ``derivation``, each with how it was checked.

    >>> from chainrule.derive import derive_mle
    >>> as_steps(derive_mle("poisson")).title
    'Maximum likelihood for the Poisson distribution: a count'
    """
    return Steps(derivation.title, [Step(s.text, s.latex, s.check) for s in derivation.steps])
