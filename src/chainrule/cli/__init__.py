"""The command line: parses, calls, prints; nothing else.

Results go to standard output, progress to standard error.  What a user can cause ends in one line and
exit code 2; Ctrl-C in 130.  Everything heavy is imported by the command that needs it.
"""

from __future__ import annotations

import errno
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule.cli import dag_classes as dag_classes  # which adds its commands to dag_app
from chainrule.cli import dag_effects as dag_effects  # so do these
from chainrule.cli import dag_query as dag_query
from chainrule.cli.answers import impute, query, sample, score
from chainrule.cli.auditing import audit
from chainrule.cli.compression import compress, decompress
from chainrule.cli.dag import dag_app
from chainrule.cli.output import (
    AsJson,
    cannot_write,
    finish,
    print_error,
    print_json,
    print_line,
    print_table,
    progress,
    speakable,
)
from chainrule.cli.pages import report
from chainrule.cli.tables import compare, fit, learn
from chainrule.core.choices import check_choice
from chainrule.core.errors import ChainruleError, InputError
from chainrule.core.files import NO_ROOM
from chainrule.core.interrupts import kept_interrupts
from chainrule.core.settings import settings
from chainrule.core.text import as_written, plain_text

__all__ = ["app", "main"]

app = typer.Typer(
    name="chainrule",
    help="Exact-likelihood models of discrete data.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Named data sets: list, fetch, describe.")
app.add_typer(data_app, name="data")
app.add_typer(dag_app, name="dag")
for command in (fit, score, sample, impute, query, learn, compare, report, audit, compress, decompress):
    app.command()(command)

# every wrong use of options and arguments; typer exports only this child of it
_UsageError: Any = typer.BadParameter.__base__
_INTERRUPTED = 130  # the exit code after Ctrl-C


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from chainrule import __version__

        print_line(f"chainrule {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print_line(context.get_help())


@app.command()
def reproduce(
    out: Annotated[
        Path | None, typer.Option(help="Folder for the report; default reproduction/PRESET.")
    ] = None,
    problems: Annotated[
        str | None, typer.Option(help="Which problems, such as 1,2,5 or 3-5; default all.")
    ] = None,
    preset: Annotated[str, typer.Option(help="quick (minutes) or full (the homework's own size).")] = "quick",
    data: Annotated[str, typer.Option(help="auto, binarized-mnist, mnist or digits.")] = "auto",
    binarize: Annotated[
        str | None, typer.Option(help="How grey pixels become 0 and 1: threshold or dynamic.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Remove earlier results in the folder first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Work through the seven problems and write one report.

    A run that was stopped goes on where it was when the same command is given again.
    """
    from chainrule.homework import parse_problems
    from chainrule.homework import reproduce as run
    from chainrule.report import write_report

    chosen = parse_problems(problems)
    check_choice(data, "--data", ("auto", "binarized-mnist", "mnist", "digits"))
    folder = out or Path("reproduction") / preset
    with progress():
        try:
            results = run(
                folder,
                problems=chosen,
                preset=preset,  # type: ignore[arg-type]  # checked by the runner, which names the choices
                data=data,
                binarize=binarize,  # type: ignore[arg-type]  # checked by the loader
                seed=seed,
                fresh=fresh,
            )
            page = write_report(folder)
        except KeyboardInterrupt:
            print_error(f"what is done is kept in {folder}, and the same command goes on from there")
            raise
    if as_json:
        print_json(_plain_results(results, folder, page))
        return
    print_table(
        ["problem", "claim", "verdict"],
        [[c["id"], plain_text(c["claim"]), c["verdict"]] for c in results["claims"]],
    )
    print_line(f"\n{results['seconds']:.0f} s of work. Report: {page}")


def _plain_results(results: dict[str, Any], folder: Path, page: Path) -> dict[str, Any]:
    """What a run found, for ``--json``: everything but the blocks of the page."""
    return {
        "report": str(page),
        "results": str(folder / "results.json"),
        **{name: results[name] for name in ("settings", "data", "seconds", "claims")},
        "numbers": {p: r["numbers"] for p, r in results["problems"].items()},
    }


@app.command()
def masks(
    order: Annotated[str, typer.Option(help="Variables in the order of generation, such as x2,x4,x1,x3.")],
    hidden: Annotated[str, typer.Option(help="Sizes of the hidden layers, such as 4,4.")] = "4",
    degrees: Annotated[
        str, typer.Option(help="How hidden units get their degrees: even or random.")
    ] = "even",
    seed: Annotated[int, typer.Option(help="Seed of random degrees.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Masks that turn an autoencoder into an autoregressive model, step by step and checked."""
    from chainrule.homework.masks.worked_masks import explain_masks

    worked = explain_masks(order, parse_sizes(hidden), scheme=degrees, rng=seed)  # type: ignore[arg-type]
    if as_json:
        print_json(worked.to_plain())
    else:
        print_line(worked.to_text())


@app.command()
def derive(
    family: Annotated[str, typer.Argument(help="exponential, bernoulli, poisson, …")],
    data: Annotated[
        Path | None, typer.Option(help="Numbers to fit: one column of CSV, .data, .npy or .npz.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Maximum likelihood of a family, every step checked by computer algebra, and its fit to data."""
    from chainrule.derive import derive_and_fit

    x = None
    if data is not None:
        from chainrule.datasets import read_array

        x = read_array(data)
    with progress():
        found = derive_and_fit(family, x)
    if as_json:
        print_json(found.to_plain())
    else:
        print_line(found.to_text())


@data_app.command("list")
def data_list(as_json: AsJson = False) -> None:
    """The named data sets, and where each is to be had on this machine."""
    from chainrule.datasets import list_datasets

    found = list_datasets()
    if as_json:
        print_json(found)
        return
    print_table(
        ["name", "rows", "columns", "here", "what"],
        [
            [d["name"], f"{sum(d['rows'].values()):,}", d["columns"], d["available"] or "no", d["what"]]
            for d in found
        ],
    )


@data_app.command("fetch")
def data_fetch(name: Annotated[str, typer.Argument(help="A name from `data list`, or auto.")]) -> None:
    """Bring a data set to this machine and check it against its SHA-256."""
    from chainrule.datasets import fetch

    with progress():
        found = fetch(name)
    print_line(f"{found['name']}: {found['source']}")


@data_app.command("info")
def data_info(
    name: Annotated[str, typer.Argument(help="A name from `data list`.")], as_json: AsJson = False
) -> None:
    """What is known about a data set: rows, files, checksums, licence, source."""
    from chainrule.datasets import info

    found = info(name)
    if as_json:
        print_json(found)
        return
    for key, value in found.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for item in value:
                print_line(f"{key:>10}  " + "  ".join(f"{k}={v}" for k, v in item.items()))
        else:
            print_line(f"{key:>10}  {value}")


def parse_sizes(text: str) -> list[int]:
    """The positive integers of ``"4,4"``; raises ``InputError``.

    >>> parse_sizes("4, 3")
    [4, 3]
    """
    parts = [p.strip() for p in text.split(",")]
    if not all(p.isdecimal() and int(p) > 0 for p in parts):
        raise InputError(f"sizes are positive integers such as 4,4; got {as_written(text)}")
    return [int(p) for p in parts]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0, 1 for "no", 2 for a mistake, 130 for Ctrl-C."""
    try:
        with kept_interrupts(), speakable(), settings(keep_freed_memory=True):
            _check_folder()
            return _run(arguments)
    except ChainruleError as e:
        print_error(str(e))
        return 2
    except _UsageError as e:
        print_error(f"{e.format_message()} (see chainrule --help)")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        return _stopped()
    except BrokenPipeError:
        return 1  # the reader went away; there is nobody to tell
    except OSError as e:
        if _lacks_temporary(e):
            print_error(f"{e.strerror}; set TMPDIR to a folder that you may write to")
            return 2
        if e.errno not in NO_ROOM:
            raise
        # what other libraries write on the way, such as their caches
        print_error(f"cannot write {e.filename or 'a file'} ({e.strerror}); make room on that disk")
        return 2


def _run(arguments: list[str] | None) -> int:
    try:
        given = sys.argv[1:] if arguments is None else arguments
        code = app(arguments, standalone_mode=False, obj=shlex.join(["chainrule", *given]))
    except OSError as e:
        if isinstance(e, ChainruleError) or e.filename is not None or _lacks_temporary(e):
            raise
        raise cannot_write(e) from e  # typer's own words, such as --help
    finally:
        finish()  # also where the command failed: what it had said before comes first
    # the library catches Ctrl-C itself, and says no word
    return _stopped() if code == _INTERRUPTED else code if isinstance(code, int) else 0


def _stopped() -> int:
    print_error("stopped")
    return _INTERRUPTED


def _check_folder() -> None:
    """``InputError`` where the folder that this runs in is gone: torch would end the process there."""
    try:
        os.getcwd()
    except FileNotFoundError as e:
        raise InputError("the folder that this runs in has been removed; change to another one") from e


def _lacks_temporary(e: OSError) -> bool:
    """Whether ``tempfile`` found no folder for another library, as in a container that nothing may be written to."""
    return e.errno == errno.ENOENT and e.filename is None
