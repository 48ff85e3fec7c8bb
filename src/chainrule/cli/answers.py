"""``chainrule score``, ``sample``, ``impute``, ``query``: what a fitted model says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule.cli.output import AsJson, print_json, print_line, progress
from chainrule.cli.reading import reads_more_rows
from chainrule.cli.soft_evidence import (
    Jeffrey,
    Likelihood,
    MostProbable,
    Wanted,
    check_kind_of_answer,
    plain_of,
    text_of,
)
from chainrule.cli.tables import Seed, TableFile
from chainrule.core.errors import InputError

__all__ = ["impute", "query", "sample", "score"]

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A file that `chainrule fit` wrote.")]
_WRITTEN = "CSV, TSV (.gz, .zst too), Parquet or Feather, by the end of the name."


@reads_more_rows
def score(
    model: Model,
    table: TableFile,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help=f"The table with the scores of each row and cell: {_WRITTEN}"),
    ] = None,
    seed: Seed = 0,
    reading: Any = None,
    as_json: AsJson = False,
) -> None:
    """How probable each row is, how unusual that is, and which cell is to blame."""
    from chainrule.tasks.dialects import SHELL
    from chainrule.tasks.scoring import score as run

    with progress():
        found = run(model, table, out=out, seed=seed, dialect=SHELL, **reading)
    if as_json:
        print_json(found.to_dict() | {"file": None if out is None else str(out)})
        return
    print_line(found.text())
    if out is not None:
        print_line(f"written to {out}")


def sample(
    model: Model,
    n: Annotated[int, typer.Option("-n", "--rows", help="How many rows.")] = 1000,
    given: Annotated[
        str | None, typer.Option(help="States that all rows have: 'age=30-39,smoker=yes'.")
    ] = None,
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help=f"{_WRITTEN} Default: CSV to standard output.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Synthetic rows: exact draws, also given some states."""
    from chainrule.tables.writing import csv_text
    from chainrule.tasks.sampling import sample as run

    with progress():
        found = run(model, n, given=given, seed=seed, out=out)
    if as_json:
        rows = {"table": found.to_arrow().to_pydict()} if out is None else {"file": str(out)}
        print_json(found.to_dict() | rows)
    elif out is None:
        print_line(csv_text(found.to_labels()).rstrip("\n"))
    else:
        print_line(f"{found.table.n_rows:,} rows written to {out}")


@reads_more_rows
def impute(
    model: Model,
    table: TableFile,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="The table with its holes filled and all else as it was.")
    ],
    how: Annotated[
        str, typer.Option(help="draw (from the exact posterior) or mode (most probable).")
    ] = "draw",
    draws: Annotated[
        int,
        typer.Option(
            help="So many tables, drawn independently: filled.csv becomes filled-1.csv, filled-2.csv, …."
        ),
    ] = 1,
    seed: Seed = 0,
    reading: Any = None,
    as_json: AsJson = False,
) -> None:
    """Fill holes from their exact conditional distribution; every other cell stays as it is written."""
    from chainrule.tasks.dialects import SHELL
    from chainrule.tasks.imputing import impute as run

    with progress():
        found = run(model, table, how=how, draws=draws, seed=seed, out=out, dialect=SHELL, **reading)  # type: ignore[arg-type]  # checked there
    if as_json:
        print_json(found.to_dict())
    else:
        print_line(found.text())


@reads_more_rows
def query(
    model: Model,
    questions: Annotated[
        list[str],
        typer.Argument(
            metavar="QUESTION",
            help="'P(smoker | age=60+)', 'P(smoker=yes, age)', 'P(age | do(advice=yes))'.",
        ),
    ],
    likelihood: Likelihood = "",
    jeffrey: Jeffrey = "",
    most_probable: MostProbable = None,
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity",
            help="How a probability, P(smoker=yes | …), depends on the entries of a network's tables.",
        ),
    ] = False,
    wanted: Wanted = None,
    intervals: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE",
            help="Credible intervals by the rows that a network was fitted to; the options of reading are of them.",
        ),
    ] = None,
    level: Annotated[
        float | None, typer.Option(help="With --intervals: how probable each is; default 0.95.")
    ] = None,
    reading: Any = None,
    as_json: AsJson = False,
) -> None:
    """Exact answers: posteriors, probabilities of states, and effects of actions where you stated the graph."""
    from chainrule.tasks import querying
    from chainrule.tasks.answer_intervals import credible_intervals
    from chainrule.tasks.dialects import SHELL
    from chainrule.tasks.models import loaded
    from chainrule.tasks.questions import parse_numbers

    check_kind_of_answer(most_probable, sensitivity, wanted)
    _check_intervals(intervals, level, reading, other=sensitivity or most_probable is not None)
    soft: dict[str, Any] = {"likelihood": parse_numbers(likelihood), "jeffrey": parse_numbers(jeffrey)}
    found: list[Any]
    with progress():
        fitted = loaded(model)
        if intervals is not None:
            settings = {"level": 0.95 if level is None else level, "dialect": SHELL, **soft, **reading}
            found = [credible_intervals(fitted, question, intervals, **settings) for question in questions]
        elif sensitivity:
            found = [querying.sensitivity(fitted, question, **soft) for question in questions]
        elif most_probable is not None:
            found = [
                querying.most_probable(fitted, question, most_probable, **soft) for question in questions
            ]
        else:
            found = [querying.query(fitted, question, **soft) for question in questions]
    if as_json:
        plain = [plain_of(answer, wanted) for answer in found]
        print_json(plain[0] if len(plain) == 1 else plain)
        return
    for answer in found:
        print_line(text_of(answer, wanted))


def _check_intervals(
    intervals: Path | None, level: float | None, reading: dict[str, Any], *, other: bool
) -> None:
    """``InputError`` where ``--intervals`` does not go with another kind of answer, or what needs it lacks it."""
    if intervals is not None and other:
        raise InputError(
            "--intervals are of probabilities; leave it out, or --sensitivity and --most-probable"
        )
    if intervals is None and (level is not None or reading):
        name = "level" if level is not None else next(iter(reading))
        raise InputError(f"--{name} is of the rows that give credible intervals; add --intervals TABLE")
