"""A mixture of trees whose components are points of a latent space, read by one small network.

Read ``estimator`` (the face), ``layout`` (which numbers a component has, and how a row adds them up), ``components``
(the frozen mixture: all answers about complete rows) and ``messages`` (rows with holes).  ``network`` is how the
components are found: torch is needed there only, and only to fit.
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
