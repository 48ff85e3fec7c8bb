"""A chain along a stated graph in which some variables are set from outside."""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.models.intervened.estimator import Intervened

__all__ = ["Intervened"]

__getattr__ = loader(
    __name__,
    {
        "Intervened": "chainrule.models.intervened.estimator",
    },
)
