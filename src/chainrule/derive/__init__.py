"""Symbolic derivations in which every step is checked by computer algebra.

``derive_mle("poisson")`` derives the maximum-likelihood estimator of a family from its density;
``exponential_family_form`` writes the family as an exponential family and checks what follows;
``derive_independent_bernoulli`` does the same for a whole image of independent pixels;
A step that SymPy does not confirm
raises ``DerivationError``: it is never shown.
"""

from chainrule.derive.derivation import Derivation, DerivationError, DerivedStep
from chainrule.derive.exponential_form import ExponentialForm, exponential_family_form
from chainrule.derive.independent_bernoulli import derive_independent_bernoulli
from chainrule.derive.maximum_likelihood import DerivedFit, derive_and_fit, derive_mle, list_families

__all__ = [
    "Derivation",
    "DerivationError",
    "DerivedFit",
    "DerivedStep",
    "ExponentialForm",
    "derive_and_fit",
    "derive_independent_bernoulli",
    "derive_mle",
    "exponential_family_form",
    "list_families",
]
