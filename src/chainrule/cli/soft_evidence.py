"""What ``query`` and ``dag query`` have in common: options for soft evidence, most probable states and sensitivity."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chainrule.core.errors import InputError

__all__ = ["Jeffrey", "Likelihood", "MostProbable", "Wanted", "check_kind_of_answer", "plain_of", "text_of"]

Likelihood = Annotated[
    str,
    typer.Option(
        metavar="NAME=(NUMBERS)",
        help="How likely what was observed of a variable is in each of its states: 'xray=(0.2, 0.9)', or by name "
        "'xray=(no: 0.2, yes: 0.9)'.",
    ),
]
Jeffrey = Annotated[
    str,
    typer.Option(
        metavar="NAME=(NUMBERS)",
        help="The probabilities that the states of a variable have from now on, whatever the model held (Jeffrey's "
        "rule); written as --likelihood.",
    ),
]
MostProbable = Annotated[
    int | None,
    typer.Option(
        "--most-probable", metavar="K", help="The K most probable states, together, of what is asked."
    ),
]
Wanted = Annotated[
    float | None,
    typer.Option(help="With --sensitivity: the smallest changes of one entry that make the answer this."),
]


def check_kind_of_answer(most_probable: int | None, sensitivity: bool, wanted: float | None) -> None:
    """``InputError`` where options ask for two kinds of answer, or do not go with the one that is asked for."""
    if sensitivity and most_probable is not None:
        raise InputError("--sensitivity and --most-probable are two kinds of answer; leave one out")
    if wanted is not None and not sensitivity:
        raise InputError("--wanted says which answer changes are to lead to; add --sensitivity")


def plain_of(answer: Any, wanted: float | None) -> dict[str, Any]:
    """An answer, the most probable states or a sensitivity as JSON."""
    if wanted is not None:
        return answer.to_plain() | {
            "wanted": wanted,
            "changes": [c.to_plain() for c in answer.changes(wanted)],
        }
    return answer.to_dict() if hasattr(answer, "to_dict") else answer.to_plain()


def text_of(answer: Any, wanted: float | None) -> str:
    """The same in words."""
    return answer.text() if wanted is None else f"{answer.text()}\n{answer.changes_text(wanted)}"
