"""Problem 1: images with probability proportional to their black pixels.

Part a is the distribution itself, in two readings; in part b a network learns it from labels; part c does the
same at 28 × 28, where it cannot work.
"""

from __future__ import annotations

from chainrule.core.records import StudyRecord
from chainrule.homework.context import StudyContext
from chainrule.homework.images import TEXTS
from chainrule.homework.images.claims import known_claims, large_claims, learned_claims
from chainrule.homework.images.numbers_1a import known_rule
from chainrule.homework.images.numbers_1b import learned_images
from chainrule.homework.images.numbers_1c import large_images
from chainrule.homework.images.page_1a import known_part
from chainrule.homework.images.page_1b import learned_part
from chainrule.homework.images.page_1c import large_part
from chainrule.homework.images.page_partition import partition_part

__all__ = ["study"]


def study(context: StudyContext) -> StudyRecord:
    """Parts 1a, 1b and 1c, one after the other."""
    known, learned, large = known_rule(context.seed), learned_images(context), large_images(context)
    return StudyRecord(
        problem="1",
        title="Images with probability proportional to their black pixels",
        asks=TEXTS("asks"),
        blocks=[
            *known_part(known),
            *learned_part(learned),
            *large_part(large),
            *partition_part(large.partition),
        ],
        numbers={"1a": known.numbers, "1b": learned.numbers, "1c": large.numbers},
        claims=[
            *known_claims(known),
            *learned_claims(learned.numbers),
            *large_claims(large.numbers),
        ],
    )
