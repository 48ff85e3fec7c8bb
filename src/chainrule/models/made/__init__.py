"""MADE: the masked autoencoder for distribution estimation.

Read ``estimator`` (the face), then ``masks`` (any graph as masks; ``mask_report`` proves them) and ``network`` (what
it is; over several orders ``orders_network``).  Training: ``staircase`` (weights in bands), ``step`` (the gradient),
``products`` (two ways to multiply), ``row_likelihood``.  Drawing: ``levels`` (the definition), ``sampler`` (one pass).
The compiled loops are in ``staircase_loops``, ``ones_loops``, ``sampling_loops``, ``sampling_row`` and
``sampling_states``.
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
