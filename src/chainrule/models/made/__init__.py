"""MADE: the masked autoencoder for distribution estimation.

Read ``estimator`` (the face), then ``masks`` and ``network`` (what it is); the rest is speed: ``staircase``
(weights in bands), ``step`` (training), ``sampler``, and the compiled ``*_loops``.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.models.made.estimator import MADE

__all__ = ["MADE"]

__getattr__ = loader(
    __name__,
    {
        "MADE": "chainrule.models.made.estimator",
    },
)
