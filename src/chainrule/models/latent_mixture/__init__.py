"""A mixture of Bayesian networks whose components are points of a latent space, read by one neural network.

Read ``estimator`` (the face), ``layout`` (which numbers a component has, and which of them a row adds up; two kinds:
``forest_layout``, ``leaf_layout``) and ``components`` (the frozen mixture: all answers about complete rows, with
``loops``).  Rows with holes: ``messages`` in forests, ``completing`` in decision trees.  Learning: ``start`` (contexts
and first tables), ``network`` (log-odds as a function of z), ``plan`` and ``fitting``; torch is needed for these only.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.models.latent_mixture.estimator import LatentMixture

__all__ = ["LatentMixture"]

__getattr__ = loader(
    __name__,
    {
        "LatentMixture": "chainrule.models.latent_mixture.estimator",
    },
)
