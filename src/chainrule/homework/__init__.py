"""The homework as a client of the package: its seven problems, a folder each, with the models, texts and claims
that serve only them.  ``reproduce`` works through them; nothing below knows of this room.
"""

from typing import TYPE_CHECKING

from chainrule.core.lazy import loader

if TYPE_CHECKING:
    from chainrule.homework.context import Preset, StudyContext
    from chainrule.homework.exponential_family.slips import refute_exponential_score
    from chainrule.homework.images.count_proportional import CountProportional
    from chainrule.homework.images.mlp_density import MLPDensity
    from chainrule.homework.runner import PROBLEMS, parse_problems, reproduce

__all__ = [
    "PROBLEMS",
    "CountProportional",
    "MLPDensity",
    "Preset",
    "StudyContext",
    "parse_problems",
    "refute_exponential_score",
    "reproduce",
]

__getattr__ = loader(
    __name__,
    {
        "CountProportional": "chainrule.homework.images.count_proportional",
        "MLPDensity": "chainrule.homework.images.mlp_density",
        "PROBLEMS": "chainrule.homework.runner",
        "Preset": "chainrule.homework.context",
        "StudyContext": "chainrule.homework.context",
        "parse_problems": "chainrule.homework.runner",
        "reproduce": "chainrule.homework.runner",
        "refute_exponential_score": "chainrule.homework.exponential_family.slips",
    },
)
