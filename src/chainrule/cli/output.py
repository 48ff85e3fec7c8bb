"""What every command prints with: text, tables, JSON, progress, one line for an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

__all__ = ["AsJson", "print_error", "print_json", "print_line", "print_table", "progress"]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


def print_line(text: str) -> None:
    """One line or more to standard output."""
    sys.stdout.write(text + "\n")


def print_json(plain: Any) -> None:
    """One JSON document to standard output."""
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def print_table(columns: list[str], rows: list[list[Any]]) -> None:
    """A table to standard output, as wide as the terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console(soft_wrap=False).print(table)


@contextmanager
def progress() -> Iterator[None]:
    """Bars on standard error while the block works; plain lines where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from chainrule.core.progress import listening

    console = Console(stderr=True)
    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bars, listening(_Bars(bars)):
        yield


class _Bars:
    """Progress that the library reports, drawn by rich; one plain line for each piece without a terminal."""

    def __init__(self, bars: Any) -> None:
        self.bars = bars

    def start(self, label: str, total: int) -> int:
        if self.bars.disable:
            sys.stderr.write(f"{label} …\n")
        return self.bars.add_task(label, total=total, detail="")

    def advance(self, task: int, detail: str) -> None:
        self.bars.update(task, advance=1, detail=detail)

    def stop(self, task: int) -> None:
        self.bars.remove_task(task)

    def note(self, text: str) -> None:
        self.bars.console.print(text, markup=False, highlight=False)


def print_error(text: str) -> None:
    """One line to standard error, whatever the text."""
    sys.stderr.write(f"chainrule: {' '.join(text.split())}\n")
