"""What a model says, and how well it says it of some rows: a record that a page is drawn from.

Read ``record`` (what there is to say), ``assembling`` (the face), ``states`` (marginals of columns and pairs, exact or
from draws), ``dependence``, ``graph``, ``rows`` and ``calibration``.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.tasks.describing.assembling import describe
    from chainrule.tasks.describing.record import Description

__all__ = ["Description", "describe"]

__getattr__ = loader(
    __name__,
    {
        "Description": "chainrule.tasks.describing.record",
        "describe": "chainrule.tasks.describing.assembling",
    },
)
