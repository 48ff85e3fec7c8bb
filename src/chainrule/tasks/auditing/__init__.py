"""A model held to its laws: a record with a verdict on each, that is printed, saved and drawn.

Read ``record`` (what there is to say), ``assembling`` (the face), ``coding`` (the law of code lengths), ``pictures``
(calibration, who pays the nats, draws beside their expectation).  The other laws are in ``evaluate/audit/``.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.tasks.auditing.assembling import audit
    from chainrule.tasks.auditing.record import Audit

__all__ = ["Audit", "audit"]

__getattr__ = loader(
    __name__,
    {"Audit": "chainrule.tasks.auditing.record", "audit": "chainrule.tasks.auditing.assembling"},
)
