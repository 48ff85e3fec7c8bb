"""One column as it was found: its distinct values, and which of them each row has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError, ShapeError
from chainrule.core.forks import cached_property
from chainrule.tables.problems import Problem
from chainrule.tables.values import Kind, label_of, number_of

__all__ = ["Column", "Frame", "checked_names"]


@dataclass(frozen=True)
class Column:
    """The cells of a column: ``indices`` (n,) into ``distinct`` values, -1 where missing.

    ``kind`` is ``None`` where there is no value at all.  ``declared`` says that ``distinct`` is an order that
    somebody stated (a categorical type), with states that need not occur; ``ordered`` that it has a meaning.
    ``in_file`` marks the text of a file, where anything is text.  ``dtype`` names the type to give back, with the
    library that has it, as in "pandas:Int64"; ``closed`` says which ends intervals hold.
    """

    distinct: Sequence[Any] | NDArray[Any]
    indices: NDArray[np.integer[Any]]
    kind: Kind | None
    dtype: str | None = None
    declared: bool = False
    ordered: bool = False
    in_file: bool = False
    closed: str = "right"

    @cached_property
    def labels(self) -> list[str]:
        """The distinct values as text."""
        values = self.distinct.tolist() if isinstance(self.distinct, np.ndarray) else self.distinct
        return [label_of(value) or "" for value in values]

    @cached_property
    def numbers(self) -> NDArray[np.float64] | None:
        """The distinct values as numbers, NaN for a text that spells none; ``None`` where they cannot be any."""
        if self.kind in ("boolean", "interval", None):
            return None
        if self.kind == "text":
            spelled = [number_of(text) for text in self.distinct]
            return np.array([np.nan if x is None else x for x in spelled], np.float64)
        return np.asarray(self.distinct, np.float64)

    def without_cells(self) -> Column:
        """What the type of the column says: without cells, and without values unless they are declared."""
        distinct = self.distinct if self.declared else []
        none = self.indices[:0].copy()  # a view would keep all cells in memory
        return Column(
            distinct, none, self.kind, self.dtype, self.declared, self.ordered, self.in_file, self.closed
        )  # fmt: skip

    def counts(self) -> NDArray[np.int64]:
        """How often each distinct value occurs, after the number of missing cells: (1 + distinct,)."""
        return np.bincount(self.indices.astype(np.intp, copy=False) + 1, minlength=len(self.distinct) + 1)


@dataclass(frozen=True)
class Frame:
    """Rows that name their columns: what they came in, and how a column is read when it is wanted.

    ``read`` gives a ``Column``, or the ``Problem`` that keeps it from being one; ``place`` says where a row is,
    in the words of what it came in ("line 7", "index 'b'", "row 3").
    """

    container: str
    names: tuple[str, ...]
    n_rows: int
    read: Callable[[str], Column | Problem]
    place: Callable[[int], str]
    labels: Mapping[str, int]  # column names that are numbers where they came from


def checked_names(names: Sequence[Any]) -> tuple[str, ...]:
    """Column names as text; ``InputError`` for an empty or repeated one, ``ShapeError`` for none.

    >>> checked_names(["a", 3])
    ('a', '3')
    """
    out = tuple(str(name) for name in names)
    if not out:
        raise ShapeError("the table has no columns; pass at least one")
    seen: set[str] = set()
    for j, name in enumerate(out):
        if not name or names[j] is None:
            raise InputError(f"column {j} has no name; give each column a name")
        if name in seen:
            raise InputError(f"two columns are called {name!r}; give each column a name of its own")
        seen.add(name)
    return out
