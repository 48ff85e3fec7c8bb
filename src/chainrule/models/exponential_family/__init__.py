"""The exponential family: maximum likelihood in closed form for six laws."""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.models.exponential_family.estimator import ExponentialFamily

__all__ = ["ExponentialFamily"]

__getattr__ = loader(
    __name__,
    {
        "ExponentialFamily": "chainrule.models.exponential_family.estimator",
    },
)
