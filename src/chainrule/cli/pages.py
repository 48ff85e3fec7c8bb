"""``chainrule report``: a page of a model, or of records that were kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule.cli.output import AsJson, print_json, print_line, progress
from chainrule.cli.reading import reads_more_rows
from chainrule.cli.tables import Seed
from chainrule.core.errors import InputError

__all__ = ["report"]


@reads_more_rows
def report(
    context: typer.Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="A model that `chainrule fit` wrote, a record (.json) beside a page, or the folder of `reproduce`.",
        ),
    ],
    table: Annotated[
        Path | None,
        typer.Argument(metavar="TABLE", help="Rows to try the model on, best such as it has not seen."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", help="The page (.html), its record beside it (.json); default SOURCE.report.html."
        ),
    ] = None,
    held_out: Annotated[
        bool,
        typer.Option("--held-out", help="TABLE is that of the fit: only the rows that auto held out of it."),
    ] = False,
    seed: Seed = 0,
    reading: Any = None,
    as_json: AsJson = False,
) -> None:
    """One page of a model: its columns, marginals, who depends on whom; of rows: calibration, costs, the oddest.

    Of a folder or a record the page is built again, without fitting or loading anything.
    """
    if os.path.isdir(source) or source.suffix.lower() == ".json":
        if table is not None:
            raise InputError(
                f"{source} holds records, which are not tried on rows; give a model, or leave {table} out"
            )
        _rebuild(source, out, as_json)
        return
    from dataclasses import replace

    from chainrule.report import check_page, write_page
    from chainrule.tasks import describe
    from chainrule.tasks.dialects import SHELL

    place = check_page(out or source.with_suffix(".report.html"))
    with progress():
        found = describe(source, table, held_out=held_out, seed=seed, dialect=SHELL, **reading)
        found = replace(found, command=context.obj)
        page = write_page(found, place)
    if as_json:
        print_json(found.to_dict() | {"page": str(page)})
    else:
        print_line(found.text())
        print_line(f"page: {page}")


def _rebuild(source: Path, out: Path | None, as_json: bool) -> None:
    from chainrule.report import rebuild_page, write_report

    if os.path.isdir(source) and out is not None:
        raise InputError(f"the page of a folder lies in it; leave --out {out} out")
    with progress():
        page = write_report(source) if os.path.isdir(source) else rebuild_page(source, out)
    if as_json:
        print_json({"page": str(page)})
    else:
        print_line(str(page))
