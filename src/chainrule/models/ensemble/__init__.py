"""Averages of models of any kind, with weights from validation rows."""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.models.ensemble.estimator import Ensemble

__all__ = ["Ensemble"]

__getattr__ = loader(
    __name__,
    {
        "Ensemble": "chainrule.models.ensemble.estimator",
    },
)
