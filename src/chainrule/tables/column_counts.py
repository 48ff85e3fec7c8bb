"""How often each value of a column occurs; the counts of parts add up to those of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.tables.columns import Column
from chainrule.tables.missing import MISSING_TEXTS, missing_in
from chainrule.tables.problems import Problem
from chainrule.tables.settings import Reading
from chainrule.tables.values import Kind, label_of, number_of

__all__ = ["ColumnCounts"]

_MOST_NUMBERS = (
    1 << 17
)  # distinct numbers kept of a column that is to be cut; above, the cuts are approximate


@dataclass(frozen=True)
class ColumnCounts:
    """How often each value of one column occurs; sums of them are those of the rows together.

    ``counts`` are by value: text, number, truth value, or the label of an interval.  Once a column has more values
    than anyone could want it is ``full``: new ones are dropped, and it cannot become a variable (unless it is cut,
    for which values that are next to each other are joined).
    """

    name: str
    kind: Kind | None
    counts: Mapping[Any, int]
    n_missing: int
    column: Column  # one part, for what the type says
    most: int | None  # values that are kept; ``None`` for all
    full: bool = False
    problem: Problem | None = None

    @classmethod
    def of(
        cls, name: str, column: Column | Problem, reading: Reading, n_rows: int = 0, *, bounded: bool = False
    ) -> ColumnCounts:
        """The counts of one column of one part of a table; ``bounded`` where more parts come than fit in memory."""
        most = None if not bounded else _MOST_NUMBERS if name in reading.bins else 4 * reading.max_states
        if isinstance(column, Problem):
            nothing = Column([], np.zeros(0, np.int8), None)
            return cls(name, None, {}, n_rows, nothing, most, problem=column)
        n_missing, *n_values = column.counts().tolist()
        values = column.distinct.tolist() if isinstance(column.distinct, np.ndarray) else column.distinct
        counts: dict[Any, int] = dict(zip(values, n_values, strict=True))
        if column.kind == "text":
            counts, n_empty = _without_missing(name, counts, column, reading)
            n_missing += n_empty
        return cls(name, column.kind, counts, n_missing, column.without_cells(), most)._bounded()

    def __add__(self, other: ColumnCounts) -> ColumnCounts:
        if self.column.in_file != other.column.in_file and self.kind is not None and other.kind is not None:
            return self._as_text() + other._as_text()
        kinds = {self.kind, other.kind} - {None}
        problem = self.problem or other.problem
        if kinds == {"integer", "number"}:
            kinds = {"number"}
        if len(kinds) > 1 and problem is None:
            here, there = sorted(map(str, kinds))
            problem = Problem(
                self.name, f"holds {here} here and {there} there; make it one kind", ("ignore",)
            )
        counts = dict(self.counts)
        for value, n in other.counts.items():
            counts[value] = counts.get(value, 0) + n
        return replace(
            self,
            kind=self.kind if len(kinds) > 1 else next(iter(kinds), None),
            counts=counts,
            n_missing=self.n_missing + other.n_missing,
            column=other.column if self.kind is None else self.column,
            full=self.full or other.full,
            problem=problem,
        )._bounded()

    def _as_text(self) -> ColumnCounts:
        """The same counts by label, as a text file has them: a CSV file may stand beside a Parquet file."""
        counts = {label_of(value) or "": n for value, n in self.counts.items()}
        return replace(
            self, kind="text", counts=counts, column=replace(self.column, in_file=True, dtype="text")
        )

    @property
    def n_present(self) -> int:
        """The number of cells that hold a value (of those that were kept)."""
        return sum(self.counts.values())

    def _bounded(self) -> ColumnCounts:
        if self.most is None or self.column.declared or len(self.counts) <= self.most:
            return self
        if self.most != _MOST_NUMBERS:
            first = dict(list(self.counts.items())[: self.most])
            return replace(self, counts=first, full=True)
        return replace(self, counts=_joined(self.counts, self.most // 2), full=True)


def _without_missing(
    name: str, counts: Mapping[str, int], column: Column, reading: Reading
) -> tuple[dict[str, int], int]:
    """The counts of the texts that are values, and how many cells mean missing; a stated state is a value."""
    missing = missing_in(name, reading.missing)
    default = MISSING_TEXTS if column.in_file else ()
    empty = frozenset(default if missing is None else missing)
    strip = column.in_file if reading.strip is None else reading.strip
    stated, kept, n_empty = _stated(name, reading), {}, 0
    for text, n in counts.items():
        value = text.strip() if strip and text not in stated else text
        if value in empty and value not in stated:
            n_empty += n
        else:
            kept[value] = kept.get(value, 0) + n
    return kept, n_empty


def _stated(name: str, reading: Reading) -> frozenset[str]:
    stated = reading.schema[name].states if name in reading.schema else ()
    return frozenset((*stated, *(reading.ordinal.get(name) or ())))


def _joined(counts: Mapping[Any, int], most: int) -> dict[Any, int]:
    """About ``most`` values that stand for all: each takes the rows of the values between the last one and itself."""
    pairs = sorted((x, n) for v, n in counts.items() if (x := number_of(str(v))) is not None)
    values, totals = [x for x, _ in pairs], np.cumsum([n for _, n in pairs])
    keep = np.unique(np.searchsorted(totals, np.arange(1, most + 1) * totals[-1] / most))
    keep = np.unique([0, *np.minimum(keep, len(values) - 1), len(values) - 1])
    shares = np.diff(totals[keep], prepend=0).tolist()
    as_text = any(isinstance(v, str) for v in counts)
    return {str(values[i]) if as_text else values[i]: n for i, n in zip(keep.tolist(), shares, strict=True)}
