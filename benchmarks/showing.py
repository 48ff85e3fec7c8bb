"""What a benchmark is: rows that are printed as they are measured, as one Markdown table."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.timing import Spread
from chainrule.core.errors import UnknownNameError

__all__ = ["Benchmark", "Options", "Row", "amount", "duration", "installed", "spread", "with_error"]


@dataclass(frozen=True)
class Options:
    """What the command line asks for; ``None`` leaves a choice to the benchmark.

    ``sets`` and ``models`` are names to keep to, ``budget`` the seconds that a model which can be cut short may take,
    ``keep`` the folder of results that an interrupted run goes on from.
    """

    quick: bool = False
    sets: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    budget: float | None = None
    keep: Path = Path("benchmark-results")

    def chosen(self, asked: tuple[str, ...] | None, known: Sequence[str], what: str) -> list[str]:
        """The names ``asked`` for, by default all ``known``; ``UnknownNameError`` for one that is not there."""
        for name in asked or ():
            if name not in known:
                raise UnknownNameError.of(what, name, list(known))
        return list(known if asked is None else asked)


class Row(Protocol):
    """A line of a table: a frozen dataclass that says what stands in its cells."""

    def cells(self) -> Sequence[str]:
        """The texts of the cells."""
        ...


@dataclass(frozen=True)
class Benchmark:
    """``rows`` yields what it measures, ``columns`` head it; with ``by_name`` it runs only where it is named."""

    name: str
    what: str
    columns: tuple[str, ...]
    rows: Callable[[Options], Iterator[Any]]
    by_name: bool = False

    def show(self, options: Options) -> list[dict[str, Any]]:
        """Measure and print each row as it comes; all of them as plain data."""
        print(f"\n{self.name}: {self.what}\n\n| {' | '.join(self.columns)} |", flush=True)
        print("|---" * len(self.columns) + "|", flush=True)
        found = []
        for row in self.rows(options):
            print(f"| {' | '.join(row.cells())} |", flush=True)
            found.append(asdict(row))
        return found


def amount(x: float) -> str:
    """A number with three digits that count.

    >>> amount(12_345.6), amount(0.51234)
    ('12,346', '0.512')
    """
    return f"{x:,.0f}" if abs(x) >= 100 else f"{x:.3g}"


def duration(seconds: float) -> str:
    """Seconds in the unit that fits them.

    >>> duration(3.2e-5), duration(0.02), duration(75.0)
    ('32 µs', '20 ms', '75 s')
    """
    if seconds < 1e-3:
        return f"{1e6 * seconds:.0f} µs"
    return f"{1e3 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def spread(found: Spread, text: Callable[[float], str] = amount) -> str:
    """The median, and the quartiles in brackets."""
    return f"{text(found.median)} ({text(found.low)} to {text(found.high)})"


def with_error(mean: float, error: float | None, digits: int = 3) -> str:
    """A mean and its standard error.

    >>> with_error(5.98765, 0.01234), with_error(float("inf"), None)
    ('5.988 ± 0.012', 'inf')
    """
    return f"{mean:.{digits}f}" if error is None else f"{mean:.{digits}f} ± {error:.{digits}f}"


def installed(package: str) -> str | None:
    """The version of a distribution package, ``None`` where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
