"""From what occurs in the columns of a table to its schema.

What was counted is a value that adds: parts of a table, files and machines are counted on their own, and the sum of
their counts gives the schema that the whole gives.

    SchemaCounts of a + SchemaCounts of b = SchemaCounts of a and b together
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from chainrule.core.errors import InputError, UnknownNameError
from chainrule.tables.choosing import variable_of
from chainrule.tables.column_counts import ColumnCounts
from chainrule.tables.columns import Column, Frame
from chainrule.tables.frames import to_frame
from chainrule.tables.problems import Options, Problem, TableError
from chainrule.tables.schema import Schema, Variable
from chainrule.tables.settings import Reading

__all__ = ["SchemaCounts"]


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

    def __add__(self, other: Any) -> SchemaCounts:
        if not isinstance(other, SchemaCounts):
            return NotImplemented
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
        made = [
            variable_of(c, self.reading, as_codes=self.as_codes, label=self.labels.get(name))
            for name, c in self.columns.items()
        ]
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
