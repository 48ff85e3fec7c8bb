"""Models side by side on rows that none of them has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from chainrule.core.checks import check_integer
from chainrule.core.errors import DataError
from chainrule.core.progress import note
from chainrule.core.records import to_plain
from chainrule.core.text import as_written
from chainrule.core.units import seconds_of
from chainrule.graphs import DAG
from chainrule.models.auto.leaderboard import Leaderboard
from chainrule.models.auto.search import search
from chainrule.models.families import known_families
from chainrule.models.shared.holding_out import hold_out
from chainrule.tasks.dialects import PYTHON, Dialect
from chainrule.tasks.fitting import DEFAULT_BUDGET, graph_of
from chainrule.tasks.reading import read_known, read_table

__all__ = ["Comparison", "compare"]

_VALID = 0.1  # of the rows to learn from, to choose epochs by


@dataclass(frozen=True, eq=False)
class Comparison:
    """The ``leaderboard`` on test rows; all models learned from the same ``n_train`` rows.

    ``n_valid`` others were there to choose epochs by.  ``command`` is what was asked in a shell.
    """

    FORMAT: ClassVar[str] = "chainrule-comparison-1"

    leaderboard: Leaderboard
    n_train: int
    n_valid: int
    n_test: int
    seed: int
    stopped: bool
    notes: tuple[str, ...] = ()
    n_columns: int = 0
    budget_seconds: float = DEFAULT_BUDGET
    command: str = ""

    def text(self) -> str:
        """The leaderboard, and which rows were for what."""
        rows = (
            f"{self.n_train:,} rows to learn from, {self.n_valid:,} to choose epochs by, {self.n_test:,} to judge by "
            f"(seed {self.seed})"
        )
        return f"{self.leaderboard.text()}\n{rows}"

    def to_dict(self) -> dict[str, Any]:
        """The comparison as plain data."""
        rows = {"train_rows": self.n_train, "valid_rows": self.n_valid, "test_rows": self.n_test}
        plain = {"format": self.FORMAT} | self.leaderboard.to_dict() | rows
        plain |= {"seed": self.seed, "stopped": self.stopped, "notes": list(self.notes)}
        asked = {"columns": self.n_columns, "budget_seconds": self.budget_seconds, "command": self.command}
        return to_plain(plain | asked)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Comparison:
        """The comparison that ``to_dict`` gave; ``DataError`` where it is none."""
        if not isinstance(plain, Mapping):
            raise DataError(f"a comparison is read from a dict; got {as_written(plain)}")
        try:
            sizes = (plain["train_rows"], plain["valid_rows"], plain["test_rows"])
            asked = (plain["columns"], plain["budget_seconds"], plain["command"])
            board = Leaderboard.from_dict(plain)
            return cls(board, *sizes, plain["seed"], plain["stopped"], tuple(plain["notes"]), *asked)
        except (AttributeError, LookupError, TypeError, ValueError) as e:
            raise DataError(f"not a comparison of models ({e}); run `chainrule compare` again") from e


def compare(
    X: Any,
    *,
    test: Any = None,
    models: Sequence[str] | None = None,
    budget: float | str | None = None,
    held_out: float = 0.2,
    dag: DAG | str | Path | None = None,
    seed: int = 0,
    fix: bool = False,
    dialect: Dialect = PYTHON,
    **reading: Any,
) -> Comparison:
    """Fit ``models`` (names of ``chainrule.models.families``) and rank them on rows of ``test``.

    By default those that "auto" tries, with what it makes of them: stacks and an average.

    Without ``test``, ``held_out`` of the rows are kept for that.  A tenth of the others are kept from all models alike,
    for those that choose their epoch by validation rows.  ``budget`` is for all models together, as in ``fit``.

    >>> rows = {"rain": ["no", "yes"] * 50, "wet": ["no", "yes"] * 49 + ["yes", "yes"]}
    >>> compare(rows, models=["independent", "chowliu"]).leaderboard.best.name
    'chowliu'
    """
    seconds = DEFAULT_BUDGET if budget is None else seconds_of(budget)
    graph = graph_of(dag)
    families = known_families(models, graph)
    seed = check_integer(seed, "seed", least=0)
    found = read_table(X, fix=fix, dialect=dialect, **reading)
    for text in found.notes:
        note(text)
    if test is None:
        split = hold_out(found.table, held_out, seed)
        whole, judges = split.train, split.held_out
    else:
        whole, judges = found.table, read_known(test, found.table.schema, "test", dialect)
    inner = hold_out(whole, _VALID, seed)
    tried = search(
        families,
        inner.train,
        inner.held_out,
        judges=judges,
        seed=seed,
        budget=seconds,
        dag=graph,
        combine=models is None,
    )
    board = Leaderboard.of(tried.trials, judges.weights, tried.skipped)
    sizes = (inner.train.n_rows, inner.held_out.n_rows, judges.n_rows)
    return Comparison(board, *sizes, seed, tried.stopped, found.notes, len(found.table.schema), seconds)
