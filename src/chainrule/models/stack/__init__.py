"""Chains in one order whose factors are multiplied with learned powers, each made a distribution again."""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.models.stack.estimator import Stack

__all__ = ["Stack"]

__getattr__ = loader(
    __name__,
    {
        "Stack": "chainrule.models.stack.estimator",
    },
)
