"""Independent variables: the chain rule with no parents at all."""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.models.independent.estimator import Independent

__all__ = ["Independent"]

__getattr__ = loader(
    __name__,
    {
        "Independent": "chainrule.models.independent.estimator",
    },
)
