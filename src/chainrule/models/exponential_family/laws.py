"""The six laws by name."""

from __future__ import annotations

from chainrule.core.errors import InputError, UnknownNameError
from chainrule.models.exponential_family.continuous_laws import Exponential, Normal
from chainrule.models.exponential_family.discrete_laws import Bernoulli, Categorical, Geometric, Poisson
from chainrule.models.exponential_family.law import Law

__all__ = ["LAWS", "law_of"]

LAWS: dict[str, type[Law]] = {
    law.name: law for law in (Bernoulli, Categorical, Geometric, Poisson, Exponential, Normal)
}


def law_of(family: str, n_states: int | None = None) -> Law:
    """The law of that name; raises ``UnknownNameError``, or ``InputError`` for a misplaced ``n_states``.

    >>> law_of("poisson").parameters
    ('rate',)
    """
    if not isinstance(family, str) or family not in LAWS:
        raise UnknownNameError.of("family", family, list(LAWS))
    if family == "categorical":
        return Categorical(n_states)
    if n_states is not None:
        raise InputError(f"n_states belongs to the categorical family; leave it out for {family!r}")
    return LAWS[family]()
