"""From what occurs in the columns of a table to its schema.

What was counted is a value that adds: parts of a table, files and machines are counted on their own, and the sum of
their counts gives the schema that the whole gives.

    SchemaCounts of a + SchemaCounts of b = SchemaCounts of a and b together
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np

from chainrule.core.errors import InputError, UnknownNameError
from chainrule.tables.bins import BinRule, bin_labels
from chainrule.tables.columns import Column, Frame
from chainrule.tables.frames import to_frame
from chainrule.tables.intervals import interval_of
from chainrule.tables.missing import MISSING_TEXTS, missing_in
from chainrule.tables.problems import Options, Problem, TableError
from chainrule.tables.schema import Schema, Variable
from chainrule.tables.settings import Reading
from chainrule.tables.values import Kind, label_of, number_of

__all__ = ["ColumnCounts", "SchemaCounts"]

_MOST_NUMBERS = (
    1 << 17
)  # distinct numbers kept of a column that is to be cut; above, the cuts are approximate
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?(?:[T ].*)?|\d\d?[./]\d\d?[./]\d{2,4}(?: .*)?")


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
        kept = replace(
            column, indices=column.indices[:0], distinct=column.distinct if column.declared else []
        )
        return cls(name, column.kind, counts, n_missing, kept, most)._bounded()

    def __add__(self, other: ColumnCounts) -> ColumnCounts:
        kinds = {self.kind, other.kind} - {None}
        problem = self.problem or other.problem
        if kinds == {"integer", "number"}:
            kinds = {"number"}
        if len(kinds) > 1 and problem is None:
            problem = Problem(
                self.name,
                f"holds {' here and '.join(sorted(map(str, kinds)))} there; make it one kind",
                ("ignore",),
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


@dataclass(frozen=True)
class SchemaCounts:
    """What occurs in the columns of a table, and the settings by which it becomes a schema.

    >>> a, b = SchemaCounts.of({"wet": ["no"]}), SchemaCounts.of({"wet": ["yes", None]})
    >>> (a + b).schema().states, (a + b).n_rows
    ({'wet': ('no', 'yes')}, 3)
    """

    columns: Mapping[str, ColumnCounts]
    n_rows: int
    container: str
    labels: Mapping[str, int]
    reading: Reading
    as_codes: bool = False  # numbers without names: 0 … k-1 are states, -1 is missing
    notes: tuple[str, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, X: Any, **settings: Any) -> SchemaCounts:
        """The counts of a table in memory; ``Table.batches`` has those of files."""
        frame, reading = to_frame(X), Reading(**settings)
        return cls.of_columns({n: frame.read(n) for n in reading.chosen(frame.names)}, frame, reading)

    @classmethod
    def of_columns(
        cls,
        columns: Mapping[str, Column | Problem],
        frame: Frame,
        reading: Reading,
        *,
        as_codes: bool = False,
        notes: tuple[str, ...] = (),
        bounded: bool = False,
    ) -> SchemaCounts:
        """The counts of columns that were read from a frame."""
        counts = {
            name: ColumnCounts.of(name, c, reading, frame.n_rows, bounded=bounded)
            for name, c in columns.items()
        }
        return cls(counts, frame.n_rows, frame.container, frame.labels, reading, as_codes, notes)

    def __add__(self, other: SchemaCounts) -> SchemaCounts:
        if self.columns.keys() != other.columns.keys():
            name = sorted(self.columns.keys() ^ other.columns.keys())[0]
            raise UnknownNameError(
                f"one part of the table has no column {name!r}; count parts with the same columns"
            )
        if self.reading != other.reading:
            raise InputError("two parts of a table were counted by different settings; use the same for both")
        return replace(
            self,
            columns={name: c + other.columns[name] for name, c in self.columns.items()},
            n_rows=self.n_rows + other.n_rows,
            as_codes=self.as_codes and other.as_codes,
            notes=tuple(dict.fromkeys((*self.notes, *other.notes))),
        )

    def schema(self, options: Options | None = None) -> Schema:
        """The schema; ``TableError`` lists all columns that cannot be variables, and what solves each.

        >>> SchemaCounts.of({"h": [0.5, 0.25], "d": [[1], [2]]}).schema()
        Traceback (most recent call last):
        ...
        chainrule.tables.problems.TableError: column 'h' looks continuous (it holds 0.5): bins={'h': 5} or \
ignore=['h']; column 'd' holds list<item: int64>, expected texts, numbers or truth values; convert it: ignore=['d']
        """
        made = [_variable(c, self) for c in self.columns.values()]
        if problems := [p for p in made if isinstance(p, Problem)]:
            raise TableError(problems, options or self.reading.options)
        rough = [c.name for c in self.columns.values() if c.full and c.name in self.reading.bins]
        notes = (*self.notes, *(f"the cuts of {name} are approximate" for name in rough))
        variables = tuple(v for v in made if isinstance(v, Variable))
        return Schema(variables, self.container, self.reading.encoding, notes)

    @classmethod
    def total(cls, parts: Sequence[SchemaCounts]) -> SchemaCounts:
        """The sum of parts."""
        return reduce(lambda a, b: a + b, parts)


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


def _variable(found: ColumnCounts, whole: SchemaCounts) -> Variable | Problem:
    """The variable that a column is, with how its later cells are read and given back."""
    reading, name = whole.reading, found.name
    if found.problem is not None and not (found.kind is None and name in reading.schema):
        return found.problem
    chosen = _states(found, whole)
    if isinstance(chosen, Problem):
        return chosen
    missing, in_file = missing_in(name, reading.missing), found.column.in_file
    if missing is None:
        missing = chosen.missing if chosen.missing is not None else MISSING_TEXTS if in_file else None
    if whole.as_codes:
        missing = (*(missing or ()), "-1")
    unseen = reading.unseen_in(name)
    unseen = chosen.unseen if unseen == "error" else unseen
    done = replace(
        chosen,
        missing=missing,
        strip=chosen.strip if reading.strip is None else reading.strip,
        unseen=unseen,
        dtype=found.column.dtype,
        closed=chosen.closed if chosen.cuts is not None else found.column.closed,
        label=whole.labels.get(name),
    )
    usual = _most_frequent(found, done) if unseen == "most_frequent" else None
    return done if usual is None else replace(done, usual=usual)


def _states(found: ColumnCounts, whole: SchemaCounts) -> Variable | Problem:
    """Which states a column has: those that are stated, bins, or what occurs, in its order."""
    reading, name = whole.reading, found.name
    kind = found.kind or "text"
    if name in reading.bins:
        return _binned(found, reading.bins[name])
    if name in reading.schema:
        stated = reading.schema[name]
        return replace(
            stated,
            name=name,
            kind=_kind_of_stated(stated, kind),
            ordered=stated.ordered or name in reading.ordinal,
        )
    listed = reading.ordinal.get(name)
    if listed is not None:
        return Variable(name, listed, _kind_of_stated(Variable(name, listed), kind), True)
    if problem := _unfit(found, whole):
        return problem
    ordered = name in reading.ordinal or found.column.ordered
    if found.column.declared:
        labels = tuple(label_of(value) or "" for value in found.counts)
        return Variable(name, labels, kind, ordered)
    if whole.as_codes and (top := _largest_code(found)) is not None and top < reading.max_states:
        return Variable(name, Schema.of({name: max(2, top + 1)})[name].states, "integer", ordered)
    return Variable(name, _in_order(found), _text_kind(found, kind), ordered)


def _in_order(found: ColumnCounts) -> tuple[str, ...]:
    """The labels that occur: truth values False, True; numbers (also as text) by value, texts by character."""
    if found.kind == "boolean":
        return ("False", "True")
    labels = list(dict.fromkeys(label_of(value) or "" for value in found.counts))
    if found.kind == "interval":
        return tuple(sorted(labels, key=lambda label: interval_of(label) or (0.0, 0.0)))
    numbers = {label: number_of(label) for label in labels}
    if all(x is not None for x in numbers.values()):
        return tuple(sorted(labels, key=lambda label: (numbers[label], label)))
    return tuple(sorted(labels))


def _unfit(found: ColumnCounts, whole: SchemaCounts) -> Problem | None:
    """Why the values that occur make no states, if they do not."""
    name, most = found.name, whole.reading.max_states
    if found.column.declared:
        return (
            None if found.counts else Problem(name, "has no states (no value is given)", ("schema", "ignore"))
        )
    if not found.counts:
        return Problem(name, "has no states (no value is given)", ("schema", "ignore"))
    size = len(found.counts)
    shown = f"more than {size:,}" if found.full else f"{size:,}"
    values = list(found.counts)
    numbers = [number_of(v) for v in values] if found.kind == "text" else values
    numeric = found.kind in ("integer", "number") or (found.column.in_file and None not in numbers)
    if numeric:
        fraction = next(
            (v for v, x in zip(values, numbers, strict=True) if not float(x or 0).is_integer()), None
        )
        if fraction is not None:
            return Problem(name, f"looks continuous (it holds {fraction})", ("bins", "ignore"))
    if size <= most:
        return None
    unique = size == found.n_present > 1
    reason = f"has {shown} categories, more than {most:,}"
    if numeric:
        settings = ("ignore", "bins") if unique or found.full else ("bins", "max_states", "ignore")
        return Problem(name, f"{reason}; is it a measurement or a number of rows?", settings, size)
    texts = [v for v in values if isinstance(v, str)]
    if sum(_DATE.fullmatch(t.strip()) is not None for t in texts) > len(texts) / 2:
        return Problem(
            name,
            f"{reason}; it holds dates, such as {texts[0]!r}: keep the month, or leave it out",
            ("ignore",),
        )
    if sum(map(len, texts)) > 40 * len(texts):
        return Problem(name, f"{reason}; it looks like free text", ("ignore",), size)
    if unique or found.full:
        return Problem(name, f"{reason}; is it an identifier?", ("ignore",), size)
    return Problem(name, reason, ("max_states", "ignore"), size)


def _binned(found: ColumnCounts, rule: BinRule) -> Variable | Problem:
    if found.kind not in ("integer", "number", "text", None):
        return Problem(found.name, f"is to be cut into bins, but it holds {found.kind} values", ("ignore",))
    numbers = {v: number_of(v) if found.kind == "text" else float(v) for v in found.counts}
    if (word := next((v for v, x in numbers.items() if x is None), None)) is not None:
        reason = f"is to be cut into bins, but it holds {word!r}, which is no number"
        return Problem(found.name, reason, ("missing", "ignore"))
    pairs = sorted(
        (x, n) for x, n in zip(numbers.values(), found.counts.values(), strict=True) if x is not None
    )
    if not pairs and rule.cuts is None:
        return Problem(found.name, "has no states (no value is given)", ("schema", "ignore"))
    values, counts = np.array([x for x, _ in pairs], np.float64), np.array([n for _, n in pairs], np.int64)
    first = np.flatnonzero(np.diff(values, prepend=np.nan) != 0)  # texts may spell a number in two ways
    cuts = rule.cut(values[first], np.add.reduceat(counts, first) if len(first) else counts)
    return Variable(found.name, bin_labels(cuts), "interval", True, cuts)


def _kind_of_stated(stated: Variable, kind: Kind) -> Kind:
    """The kind of stated states: that of the column, where they all are of it."""
    if stated.kind != "text":
        return stated.kind
    numbers = [number_of(label) for label in stated.states]
    if kind == "integer" and all(x is not None and x.is_integer() for x in numbers):
        return "integer"
    if kind == "number" and None not in numbers:
        return "number"
    return "boolean" if kind == "boolean" and set(stated.states) <= {"False", "True"} else "text"


def _text_kind(found: ColumnCounts, kind: Kind) -> Kind:
    """Whole numbers that a file spells as we would are integers."""
    if kind != "text" or not found.column.in_file:
        return kind
    numbers = [(v, number_of(v)) for v in found.counts]
    whole = all(x is not None and x.is_integer() and str(int(x)) == v for v, x in numbers)
    return "integer" if whole else "text"


def _largest_code(found: ColumnCounts) -> int | None:
    """The largest value where all are codes, else ``None``; -1 is missing."""
    numbers = [number_of(str(v)) for v in found.counts]
    if any(x is None or not x.is_integer() or x < -1 for x in numbers):
        return None
    return int(max((x for x in numbers if x is not None), default=0))


def _most_frequent(found: ColumnCounts, variable: Variable) -> int | None:
    totals: dict[int, int] = {}
    for value, n in found.counts.items():
        code = variable.find(label_of(value) or "", in_file=found.column.in_file)
        if code is not None and code >= 0:
            totals[code] = totals.get(code, 0) + n
    return min(totals, key=lambda code: (-totals[code], code)) if totals else None


def _joined(counts: Mapping[Any, int], most: int) -> dict[Any, int]:
    """About ``most`` values that stand for all: each takes the rows of the values between the last one and itself."""
    if not numbers and rule.cuts is None:
        return Problem(found.name, "has no states (no value is given)", ("schema", "ignore"))
    values = np.array(list(numbers.values()), np.float64)
    values, place = np.unique(values, return_inverse=True)  # texts may spell a number in two ways
    cuts = rule.cut(values, np.bincount(place, list(found.counts.values())).astype(np.int64))
    return Variable(found.name, bin_labels(cuts), "interval", True, cuts)


def _kind_of_stated(stated: Variable, kind: Kind) -> Kind:
    """The kind of stated states: that of the column, where they all are of it."""
    if stated.kind != "text":
        return stated.kind
    numbers = [number_of(label) for label in stated.states]
    if kind == "integer" and all(x is not None and x.is_integer() for x in numbers):
        return "integer"
    if kind == "number" and None not in numbers:
        return "number"
    return "boolean" if kind == "boolean" and set(stated.states) <= {"False", "True"} else "text"


def _text_kind(found: ColumnCounts, kind: Kind) -> Kind:
    """Whole numbers that a file spells as we would are integers."""
    if kind != "text" or not found.column.in_file:
        return kind
    numbers = [(v, number_of(v)) for v in found.counts]
    whole = all(x is not None and x.is_integer() and str(int(x)) == v for v, x in numbers)
    return "integer" if whole else "text"


def _largest_code(found: ColumnCounts) -> int | None:
    """The largest value where all are codes, else ``None``; -1 is missing."""
    numbers = [number_of(str(v)) for v in found.counts]
    if any(x is None or not x.is_integer() or x < -1 for x in numbers):
        return None
    return int(max((x for x in numbers if x is not None), default=0))


def _most_frequent(found: ColumnCounts, variable: Variable) -> int | None:
    totals: dict[int, int] = {}
    for value, n in found.counts.items():
        code = variable.find(label_of(value) or "", in_file=found.column.in_file)
        if code is not None and code >= 0:
            totals[code] = totals.get(code, 0) + n
    return min(totals, key=lambda code: (-totals[code], code)) if totals else None


def _joined(counts: Mapping[Any, int], most: int) -> dict[Any, int]:
    """About ``most`` values that stand for all: each takes the rows of the values between the last one and itself."""
    pairs = sorted((x, n) for v, n in counts.items() if (x := number_of(str(v))) is not None)
    values, totals = [x for x, _ in pairs], np.cumsum([n for _, n in pairs])
    keep = np.unique(np.searchsorted(totals, np.arange(1, most + 1) * totals[-1] / most))
    keep = np.unique([0, *np.minimum(keep, len(values) - 1), len(values) - 1])
    shares = np.diff(totals[keep], prepend=0).tolist()
    as_text = any(isinstance(v, str) for v in counts)
    return {str(values[i]) if as_text else values[i]: n for i, n in zip(keep.tolist(), shares, strict=True)}
