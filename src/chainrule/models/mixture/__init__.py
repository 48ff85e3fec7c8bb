"""Mixtures of one kind of model, fitted by EM."""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.models.mixture.estimator import Mixture

__all__ = ["Mixture"]

__getattr__ = loader(
    __name__,
    {
        "Mixture": "chainrule.models.mixture.estimator",
    },
)
