"""Problem 3: cats, dogs, and DAGs.  What the graph implies, step by step, and what was said about it."""

from __future__ import annotations

from chainrule.core.records import (
    StudyRecord,
)
from chainrule.homework.cats_dogs_dags.claims import claims
from chainrule.homework.cats_dogs_dags.numbers import numbers_of
from chainrule.homework.cats_dogs_dags.page import (
    belief_part,
    chain_rule_part,
    completeness_part,
    graph_part,
    lists_part,
    numbers_part,
    statements_part,
)
from chainrule.homework.cats_dogs_dags.statements import (
    STATEMENTS,
    judge,
    measure,
)
from chainrule.homework.context import StudyContext

__all__ = ["study"]


def study(context: StudyContext) -> StudyRecord:
    """Draw, factorise, compare with the chain rule, list, and check every statement made about the graph."""
    judgements = [judge(s) for s in STATEMENTS]
    measured = measure(context.seed)
    blocks = [
        *graph_part(),
        *chain_rule_part(),
        *lists_part(),
        *statements_part(judgements),
        *completeness_part(measured),
        *belief_part(measured),
        *numbers_part(measured),
    ]
    return StudyRecord(
        problem="3",
        title="Cats, dogs, and DAGs",
        asks="Which conditional independencies does this graph of nine variables imply, by which steps, and which "
        "of them should one believe?",
        blocks=blocks,
        numbers=numbers_of(judgements, measured),
        claims=claims(judgements, measured),
    )
