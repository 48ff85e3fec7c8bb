"""``chainrule audit``: whether a model keeps its promises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule.cli.answers import Model
from chainrule.cli.output import AsJson, print_json, print_line, print_table, progress
from chainrule.cli.reading import reads_more_rows
from chainrule.cli.tables import Seed

__all__ = ["audit"]


@reads_more_rows
def audit(
    context: typer.Context,
    model: Model,
    table: Annotated[
        Path | None,
        typer.Argument(metavar="TABLE", help="Rows that it should fit, best such as it has not seen."),
    ] = None,
    train: Annotated[
        Path | None, typer.Option(help="The rows that it learned from, to find them among those of TABLE.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="The model that the rows of TABLE were drawn from, where it is known.")
    ] = None,
    entropy: Annotated[
        float | None,
        typer.Option(help="The entropy in nats of what TABLE was drawn from, where it is known."),
    ] = None,
    draws: Annotated[int, typer.Option(help="So many draws are held against log_prob.")] = 20_000,
    most_states: Annotated[
        int, typer.Option(help="Up to so many different rows are gone through for an exact sum.")
    ] = 2**22,
    false_alarm_rate: Annotated[
        float, typer.Option(help="A right model fails anywhere with at most this probability.")
    ] = 1e-3,
    page: Annotated[
        Path | None, typer.Option(help="Also a page with pictures (.html), its record beside it (.json).")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Also the record alone, as JSON.")] = None,
    seed: Seed = 0,
    reading: Any = None,
    as_json: AsJson = False,
) -> None:
    """Does a model keep its promises: sum to one, read its parents only, draw what it scores, sum out what is missing?

    Each law gets pass, fail or cannot tell; the exit code is 1 where one fails.
    """
    from chainrule.core.files import check_place
    from chainrule.tasks.auditing import audit as run
    from chainrule.tasks.dialects import SHELL

    if page is not None:
        from chainrule.report import check_page

        check_page(page)
    if out is not None:
        check_place(out)
    with progress():
        found = run(
            model,
            table,
            train=train,
            truth=truth,
            entropy_nats=entropy,
            draws=draws,
            most_states=most_states,
            false_alarm_rate=false_alarm_rate,
            seed=seed,
            dialect=SHELL,
            **reading,
        )
        found = replace(found, command=context.obj)
        if page is not None:
            from chainrule.report import write_page

            write_page(found, page)
    if out is not None:
        found.save(out)
    if as_json:
        places = {"page": None if page is None else str(page), "file": None if out is None else str(out)}
        print_json(found.to_dict() | places)
    else:
        print_line(found.summary())
        print_table(found.head(), found.rows())
        for line in found.reasons():
            print_line(line)
        if page is not None:
            print_line(f"page: {page}")
    if not found.passed:
        raise typer.Exit(1)
