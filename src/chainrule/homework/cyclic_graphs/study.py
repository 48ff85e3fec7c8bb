"""Problem 4: directed cycles.  Why the product of conditionals along one need not be a distribution."""

from __future__ import annotations

from chainrule.core.records import StudyRecord
from chainrule.evaluate.cyclic import counterexample
from chainrule.homework.context import StudyContext
from chainrule.homework.cyclic_graphs.claims import claims
from chainrule.homework.cyclic_graphs.numbers import (
    LARGER,
    LONG,
    TRIANGLE,
    coincidental_sum,
    measure_acyclic,
    measure_random_cycles,
    numbers_of,
)
from chainrule.homework.cyclic_graphs.page import (
    argument_part,
    counterexample_part,
    cycle_part,
    other_graphs_part,
    random_part,
)

__all__ = ["study"]


def study(context: StudyContext) -> StudyRecord:
    """Find the cycle, build counterexamples, give the general argument, and draw random tables."""
    two, zero = counterexample(TRIANGLE, 2), counterexample(TRIANGLE, 0)
    larger, long = counterexample(LARGER), counterexample(LONG)
    random = measure_random_cycles(context)
    acyclic = measure_acyclic(context.seed)
    coincidence = coincidental_sum()
    blocks = [
        *cycle_part(),
        *counterexample_part(two, zero),
        *argument_part(coincidence),
        *random_part(random, acyclic),
        *other_graphs_part(larger, long),
    ]
    return StudyRecord(
        problem="4",
        title="Joint probability of cyclic graphs",
        asks="Why does a directed graph with a cycle not give a legal joint distribution? Show it by a "
        "counterexample, and say exactly what it proves.",
        blocks=blocks,
        numbers=numbers_of(two, zero, larger, long, random, acyclic, coincidence),
        claims=claims(two, random, acyclic, coincidence),
    )
