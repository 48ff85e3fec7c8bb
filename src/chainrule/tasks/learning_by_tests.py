"""Who depends on whom by tests of independence: the PC algorithm on a table, read as the user says.

``learn`` goes by scores and gives a network; tests leave a graph some of whose edges may have no direction.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.core.errors import InputError
from chainrule.core.files import as_path, check_place
from chainrule.core.progress import note
from chainrule.core.text import as_written
from chainrule.evaluate.constraint_search.result import PCResult
from chainrule.evaluate.constraint_search.search import pc
from chainrule.evaluate.independence_report import Statistic
from chainrule.models.bayesian_network.structure.edge_rules import Edges
from chainrule.tasks.dialects import PYTHON, Dialect
from chainrule.tasks.reading import read_table

__all__ = ["LearnedByTests", "learn_by_tests"]

_GRAPHS = (".txt", ".dagitty", ".dot", ".gv")


@dataclass(frozen=True, eq=False)
class LearnedByTests:
    """What was ``found``, and the ``notes`` of reading the table."""

    found: PCResult
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """The graph and the tests that decided, as ``PCResult`` says them."""
        return self.found.text()

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return self.found.to_dict() | {"method": "pc", "notes": list(self.notes)}

    def write(self, path: str | Path) -> None:
        """Write the graph to a file; its end tells the format: ``.txt``, ``.dagitty``, ``.dot``, ``.gv``."""
        _check_out(path)
        self.found.pdag.write(path)


def learn_by_tests(
    X: Any,
    *,
    statistic: Statistic = "g",
    alpha: float = 0.05,
    forbidden: Edges = (),
    required: Edges = (),
    tiers: Iterable[Iterable[str]] = (),
    max_given: int | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    fix: bool = False,
    dialect: Dialect = PYTHON,
    **reading: Any,
) -> LearnedByTests:
    """The graph that tests on the rows of ``X`` leave (``chainrule.evaluate.pc``); ``out`` also writes it.

    >>> rows = {"a": ["x", "x", "y", "y"] * 50, "b": ["u", "v"] * 100, "c": ["s", "s", "s", "t"] * 50}
    >>> learn_by_tests(rows).found.pdag.directed
    (('a', 'c'), ('b', 'c'))
    """
    _check_out(out)
    table = read_table(X, fix=fix, dialect=dialect, **reading)
    for text in table.notes:
        note(text)
    found = pc(
        table.table,
        statistic=statistic,
        alpha=alpha,
        forbidden=forbidden,
        required=required,
        tiers=tiers,
        max_given=max_given,
        seed=seed,
    )
    record = LearnedByTests(found, table.notes)
    if out is not None:
        record.write(out)
    return record


def _check_out(out: str | Path | None) -> None:
    if out is None:
        return
    place = as_path(out, "out")
    if place.suffix.lower() not in _GRAPHS:
        raise InputError(
            f"tests leave a graph without tables, whose edges may have no direction: write it to {', '.join(_GRAPHS)}; "
            f"got {as_written(place.name)}"
        )
    check_place(place)
