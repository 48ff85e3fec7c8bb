"""``chainrule dag query``: the answers of a network with tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule.cli.arguments import split_evidence, split_names
from chainrule.cli.dag import NAMES, dag_app
from chainrule.cli.output import AsJson, print_json, print_line, print_table
from chainrule.cli.soft_evidence import (
    Jeffrey,
    Likelihood,
    MostProbable,
    Wanted,
    check_kind_of_answer,
    plain_of,
    text_of,
)

__all__: list[str] = []


@dag_app.command("query")
def query(
    network: Annotated[
        Path,
        typer.Argument(metavar="NET", help="A network with tables: BIF, XMLBIF, NET, UAI, XDSL; .gz too."),
    ],
    variables: Annotated[
        str, typer.Argument(metavar="P", help=f"Of what the joint posterior is asked. {NAMES}")
    ],
    given: Annotated[
        str,
        typer.Option(help="Evidence, such as smoke=yes,xray=no, or '\"a,b\"=yes'."),
    ] = "",
    do: Annotated[str, typer.Option(help="What is set from outside, written as evidence is.")] = "",
    likelihood: Likelihood = "",
    jeffrey: Jeffrey = "",
    mpe: Annotated[
        bool, typer.Option("--mpe", help="Also print the most probable state of all variables.")
    ] = False,
    most_probable: MostProbable = None,
    sensitivity: Annotated[
        str,
        typer.Option(
            metavar="STATES",
            help="How the probability of these states, such as cancer=yes, depends on the entries of the tables.",
        ),
    ] = "",
    wanted: Wanted = None,
    as_json: AsJson = False,
) -> None:
    """The exact posterior of variables of a Bayesian network, given evidence and what is done to it.

    --most-probable K lists states of P together, with --mpe those of all variables.
    """
    from chainrule.tasks.models import network_of
    from chainrule.tasks.questions import parse_numbers

    check_kind_of_answer(most_probable, bool(sensitivity), wanted)
    model = network_of(network).do(split_evidence(do))
    evidence, names = split_evidence(given), split_names(variables)
    soft: dict[str, Any] = {"likelihood": parse_numbers(likelihood), "jeffrey": parse_numbers(jeffrey)}
    answers: list[Any] = [model.query(names, evidence, **soft)]
    plain = answers[0].to_plain()
    if sensitivity:
        answers.append(model.sensitivity(split_evidence(sensitivity), evidence, **soft))
        plain["sensitivity"] = plain_of(answers[-1], wanted)
    if most_probable is not None or mpe:
        if most_probable is None and not any(soft.values()):
            answers.append(model.mpe(evidence))
        else:
            over = None if mpe else names
            answers.append(
                model.most_probable(
                    evidence, k=1 if most_probable is None else most_probable, over=over, **soft
                )
            )
        plain["most_probable"] = answers[-1].to_plain()
    if as_json:
        print_json(plain)
        return
    for answer in answers:
        _print_answer(answer, wanted)


def _print_answer(answer: Any, wanted: float | None) -> None:
    from chainrule.models.bayesian_network.answers import MostProbable
    from chainrule.models.bayesian_network.sensitivity import Sensitivity

    if isinstance(answer, MostProbable):
        print_table(["variable", "most probable state"], [list(item) for item in answer.assignment.items()])
        print_line(f"log-probability {answer.log_prob:.6g} nats" + ("" if answer.unique else ", not unique"))
    else:
        print_line(text_of(answer, wanted if isinstance(answer, Sensitivity) else None))
