"""What every command prints with: text, tables, JSON, progress, one line for an error.

Everything goes out here, so that whatever stands at the other end, a command ends in words: signs that its encoding
lacks become ASCII that means the same, and an output that is full, closed or gone is told in one line.
"""

from __future__ import annotations

import codecs
import errno
import io
import json
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import typer

from chainrule.core.errors import OutputError

__all__ = [
    "AsJson",
    "cannot_write",
    "finish",
    "print_error",
    "print_json",
    "print_line",
    "print_table",
    "progress",
    "speakable",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

# what the package says beyond letters with accents, which NFKD takes apart
# fmt: off
_ASCII = str.maketrans(
    {
        "→": "->", "←": "<-", "↔": "<->", "⇒": "=>", "⟂": "_||_", "⊥": "_|_", "∞": "inf", "≤": "<=",
        "≥": ">=", "≠": "!=", "≈": "~", "·": "*", "×": "x", "÷": "/", "−": "-", "–": "-", "—": "-",
        "…": "...", "‖": "||", "∣": "|", "∏": "prod", "∑": "sum", "√": "sqrt", "∂": "d", "∈": "in",
        "∅": "{}", "∇": "grad", "∫": "int", "⋅": "*", "α": "alpha", "β": "beta", "γ": "gamma",
        "δ": "delta", "η": "eta", "θ": "theta", "λ": "lambda", "μ": "mu", "π": "pi", "σ": "sigma",
        "χ": "chi", "φ": "phi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Λ": "Lambda",
        "Π": "Pi", "Σ": "Sigma", "Ω": "Omega", "ℓ": "l", '‘': "'", '’': "'", '“': '"', '”': '"', "•": "*",
        "⎛": "/", "⎜": "|", "⎝": "\\", "⎞": "\\", "⎟": "|", "⎠": "/", "⎡": "[", "⎣": "[", "⎤": "]",
        "⎦": "]", "⎢": "|", "⎥": "|", "⎮": "|", "⌠": "/", "⌡": "/", "╱": "/", "\u0302": "^",
        "\u0304": "_bar", "\u0303": "~", "╲": "\\", "⎪": "|", "⎧": "{", "⎨": "{", "⎩": "{",
    }
)
# fmt: on


def _in_other_signs(error: UnicodeError) -> tuple[str, int]:
    """What stands for signs that an encoding lacks: ASCII of the same meaning, else the sign's number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_spelled, error.object[error.start : error.end])), error.end


def _spelled(sign: str) -> str:
    """
    >>> [_spelled(sign) for sign in "⟂é┼²漢"]
    ['_||_', 'e', '+', '2', '\\\\u6f22']
    """
    if 0x2500 <= ord(sign) < 0x2571:  # lines of a table
        return "|" if sign in "│┃║" else "+" if sign in "┌┐└┘├┤┬┴┼" else "-"
    other = sign.translate(_ASCII)
    if not other.isascii():  # a letter without its accents
        other = "".join(c for c in unicodedata.normalize("NFKD", sign) if c.isascii())
    return other or sign.encode("ascii", "backslashreplace").decode()


codecs.register_error("chainrule.spelled", _in_other_signs)


@contextmanager
def speakable() -> Iterator[None]:
    """Standard output and standard error take any text within the block; ``OutputError`` where the first is closed."""
    if sys.stdout is None:
        raise OutputError("standard output is closed, expected a place for the answer; send it to a file")
    streams: list[Any] = [s for s in (sys.stdout, sys.stderr) if hasattr(s, "reconfigure")]
    before = [s.errors for s in streams]
    for stream in streams:
        stream.reconfigure(errors="chainrule.spelled")
    try:
        yield
    finally:
        for stream, errors in zip(streams, before, strict=True):
            with suppress(OSError, ValueError):  # it is full, closed or gone; that has been said
                stream.reconfigure(errors=errors)


def finish() -> None:
    """Hand on what is still held back; raises ``OutputError`` or ``BrokenPipeError`` where that fails."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError) as e:
        raise cannot_write(e) from e


def cannot_write(error: OSError | ValueError) -> OSError:
    """The error to raise where writing failed; Python is kept from trying again, in its own words, when it ends."""
    if sys.stdout is sys.__stdout__ and sys.stdout is not None:
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
    if isinstance(error, BrokenPipeError) or getattr(error, "errno", None) == errno.EPIPE:
        return BrokenPipeError("nobody reads standard output")  # with its number typer would end the process
    reason = getattr(error, "strerror", None) or error
    return OutputError(
        f"cannot write to standard output ({reason}); send it to a file or a terminal with room"
    )


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
    except (OSError, ValueError) as e:
        raise cannot_write(e) from e


def print_line(text: str) -> None:
    """One line or more to standard output."""
    _write(text + "\n")


def print_json(plain: Any) -> None:
    """One JSON document to standard output; signs that its encoding lacks as JSON writes them."""
    text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(plain, indent=2, allow_nan=False)
    _write(text + "\n")


def print_table(columns: list[str], rows: list[list[Any]]) -> None:
    """A table to standard output, as wide as the terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    drawn, place = io.StringIO(), Console(soft_wrap=False)
    Console(file=drawn, width=place.width, force_terminal=place.is_terminal, soft_wrap=False).print(table)
    _write(drawn.getvalue())


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
            _tell(f"{label} …")
        return self.bars.add_task(label, total=total, detail="")

    def advance(self, task: int, detail: str) -> None:
        self.bars.update(task, advance=1, detail=detail)

    def stop(self, task: int) -> None:
        self.bars.remove_task(task)

    def note(self, text: str) -> None:
        self.bars.console.print(text, markup=False, highlight=False)


def print_error(text: str) -> None:
    """One line to standard error, whatever the text."""
    _tell(f"chainrule: {' '.join(text.split())}")


def _tell(line: str) -> None:
    with suppress(OSError, ValueError, AttributeError):  # full, closed, or none: nobody can be told
        sys.stderr.write(line + "\n")
        sys.stderr.flush()
