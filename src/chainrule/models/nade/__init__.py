"""NADE: the neural autoregressive distribution estimator.

Read ``estimator`` (the face), then ``network`` (what it is, with the plain path); ``loops`` and
``sampling_loops`` are speed.
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
