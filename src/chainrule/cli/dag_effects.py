"""``chainrule dag adjustment`` and ``identify``: what a cause does, by the graph and by a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.arguments import read_graph, split_names
from chainrule.cli.dag import NAMES, Given, Graph, dag_app
from chainrule.cli.output import AsJson, print_json, print_line, progress

__all__: list[str] = []


@dag_app.command("adjustment")
def adjustment(
    graph: Graph,
    cause: Annotated[str, typer.Argument(metavar="CAUSE", help=NAMES)],
    effect: Annotated[str, typer.Argument(metavar="EFFECT", help=NAMES)],
    kind: Annotated[str, typer.Option(help="minimal, minimum or all.")] = "minimal",
    included: Annotated[
        str | None,
        typer.Option(help="What every set must hold; default: the nodes that the graph marks [adjusted]."),
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many sets.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """The sets that identify the total effect of CAUSE on EFFECT by adjustment.

    Each holds all nodes that the graph marks as adjusted.
    """
    from itertools import islice

    from chainrule.core.checks import check_integer
    from chainrule.graphs import DAG

    dag = read_graph(DAG, graph)
    forced = dag.adjusted if included is None else split_names(included)
    sets = dag.adjustment_sets(
        split_names(cause),
        split_names(effect),
        kind=kind,  # type: ignore[arg-type]  # checked there
        included=forced,
    )
    found = list(islice(sets, min(check_integer(limit, "--limit"), sys.maxsize)))
    if as_json:
        print_json([sorted(s) for s in found])
        return
    for s in found:
        print_line("{" + ", ".join(s) + "}" if s else "{} (no adjustment is needed)")
    if len(found) == limit:
        print_line(f"… cut off at {limit:,} sets; --limit allows more")
    elif not found:
        holding = f" that holds {', '.join(forced)}" if forced else ""
        print_line(f"none: no set of observed variables{holding} identifies the effect by adjustment")


@dag_app.command("identify")
def identify(
    graph: Graph,
    treatments: Annotated[str, typer.Argument(metavar="X", help=f"What is set from outside. {NAMES}")],
    outcomes: Annotated[str, typer.Argument(metavar="Y", help=f"Whose distribution is asked. {NAMES}")],
    given: Given = "",
    table: Annotated[
        Path | None,
        typer.Option(metavar="TABLE", help="Also compute it from a table with a column for each variable."),
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print the formula as LaTeX.")] = False,
    as_json: AsJson = False,
) -> None:
    """P(Y | do(X), given) as a formula of the observed distribution, as numbers, or why it is not identifiable.

    By a back-door or front-door set where there is one, else by the ID algorithm, which is complete.  Of one cause
    and one effect, the instruments are listed, too.
    """
    from chainrule.graphs import DAG

    dag = read_graph(DAG, graph)
    x, y = split_names(treatments), split_names(outcomes)
    effect = dag.identify(x, y, split_names(given))
    if latex and not as_json:
        print_line(effect.latex())
        return
    found = dag.instruments(*x, *y) if len(x) == len(y) == 1 else ()
    if table is not None:
        from chainrule.evaluate.effects import estimate_effect

        with progress():
            estimate = estimate_effect(effect, str(table))
        answer, plain = estimate.text(), estimate.to_dict()
    else:
        answer, plain = effect.text(), effect.to_plain()
    if as_json:
        print_json(plain | {"instruments": [z.to_plain() for z in found]})
        return
    print_line(answer)
    if found:
        print_line(f"instruments: {'; '.join(z.text() for z in found)}")
