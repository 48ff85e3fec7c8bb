"""NADE: the neural autoregressive distribution estimator.

Read ``estimator`` (the face), ``network`` (what it is), ``definition`` (how it is computed, plainly) and
``orders_network`` (several orders).  The rest is
speed: ``walks`` and ``samplers`` call the compiled loops, of which those for tables of binary columns are in
``binary_*`` and those for columns of any number of states in ``categorical_*``.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.models.nade.estimator import NADE

__all__ = ["NADE"]

__getattr__ = loader(
    __name__,
    {
        "NADE": "chainrule.models.nade.estimator",
    },
)
