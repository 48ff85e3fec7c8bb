"""The distinct rows of a table and how often each occurs: all that scores need to know of rows, and it adds up.

The distinct rows of two parts are those of the whole, in rising order whatever came first.  They are never more than
the rows, and far fewer where columns are few.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import chain
from operator import add
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.errors import InputError, ShapeError
from chainrule.core.sums import Client, added
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.conditional_tables import Counts
from chainrule.models.bayesian_network.family_counts import FamilyCounts, Missing, count_families
from chainrule.models.bayesian_network.inference.components import distinct_rows
from chainrule.models.bayesian_network.node_rows import node_parts, states_ahead
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table, TablePart

__all__ = ["DistinctRows", "distinct_rows_of", "gathered_rows"]


@dataclass(frozen=True, eq=False)
class DistinctRows:
    """``codes`` (m, d) of the distinct rows, -1 where a value is missing, and the ``numbers`` (m,) of rows like each.

    >>> schema = Schema.of({"a": 2, "b": 2})
    >>> both = DistinctRows.of(Table(schema, [[1, 0], [0, 1], [1, 0]])) + DistinctRows.of(Table(schema, [[0, 1]]))
    >>> both.codes.tolist(), both.numbers.tolist()
    ([[0, 1], [1, 0]], [2, 2])
    """

    schema: Schema
    codes: NDArray[np.integer[Any]]
    numbers: NDArray[np.int64]

    @classmethod
    def of(cls, table: Table) -> DistinctRows:
        """Those of a table whose rows have no weights."""
        return cls._merged(table.schema, table.codes, np.ones(table.n_rows, np.int64))

    @classmethod
    def _merged(
        cls, schema: Schema, codes: NDArray[np.integer[Any]], numbers: NDArray[np.int64]
    ) -> DistinctRows:
        # a hole is one state more, and comes first
        first, which = distinct_rows(codes.astype(np.int64) + 1, [size + 1 for size in schema.sizes])
        total = np.zeros(len(first), np.int64)
        np.add.at(total, which, numbers)
        return cls(schema, codes[first], total)

    def __add__(self, other: Any) -> DistinctRows:
        if not isinstance(other, DistinctRows):
            return NotImplemented
        if list(self.schema.states.items()) != list(other.schema.states.items()):
            raise InputError("rows add up over the same variables with the same states; name them ahead")
        codes = np.concatenate([self.codes, other.codes])
        return self._merged(self.schema, codes, np.concatenate([self.numbers, other.numbers]))

    @property
    def n_rows(self) -> int:
        """The number of rows, equal ones counted each."""
        return int(self.numbers.sum())

    def table(self) -> Table:
        """The distinct rows, each with the number of rows like it as its weight."""
        return Table(self.schema, self.codes, self.numbers.astype(np.float64))

    def families(self, dag: DAG, *, max_bytes: int) -> FamilyCounts:
        """The counts of the families of ``dag``, as all rows would give them; each is counted where it is known.

        >>> rows = DistinctRows.of(Table(Schema.of({"a": 2, "b": 2}), [[1, 0], [0, -1], [1, 0]]))
        >>> counts = rows.families(DAG.parse("a -> b"), max_bytes=2**10)
        >>> counts.tables["b"].tolist(), counts.n_rows, counts.n_incomplete
        ([[0, 0], [2, 0]], 3, {'b': 1})
        """
        found = count_families(dag, self.table(), missing="complete_families", max_bytes=max_bytes)
        # whole numbers, all of them
        tables: dict[str, Counts] = {v: counts.astype(np.int64) for v, counts in found.tables.items()}
        left_out = {v: self.n_rows - int(counts.sum()) for v, counts in tables.items()}
        return FamilyCounts(dag, self.schema, tables, self.n_rows, {v: n for v, n in left_out.items() if n})


def distinct_rows_of(part: TablePart, *, missing: Missing) -> DistinctRows:
    """The distinct rows of a part of a table; ``ValuesError`` for a value that is missing where that is refused."""

    def batches() -> Iterator[DistinctRows]:
        first_row = 0
        for table in part:
            nothing = DAG.empty(table.schema.names)
            count_families(nothing, table, missing=missing, first_row=first_row, name=part.name)
            yield DistinctRows.of(table)
            first_row += table.n_rows

    return reduce(add, batches())


def gathered_rows(
    X: Any,
    schema: Schema | None,
    missing: Missing,
    sample_weight: ArrayLike | None = None,
    client: Client | None = None,
) -> Table | DistinctRows:
    """The rows of ``X`` in one table, or the distinct ones that a client gathered from files.

    ``schema`` names states ahead.  ``ValuesError`` for a value that is missing where that is refused.
    """
    ahead = {} if schema is None else states_ahead(schema, None)
    parts = node_parts(X, list(ahead) or None, ahead, sample_weight=sample_weight, client=client)
    if client is not None:
        gathering = partial(distinct_rows_of, missing=missing)
        found: Table | DistinctRows = added(gathering, parts, client, "gathering distinct rows")
    else:
        found = _one_table(list(chain.from_iterable(parts)))
        nothing = DAG.empty(found.schema.names)
        count_families(nothing, found, missing=missing)  # which says where a value is missing
    if found.n_rows == 0:
        raise ShapeError("there are no rows to learn from; pass at least one")
    return found


def _one_table(tables: Sequence[Table]) -> Table:
    weights = [table.weights for table in tables if table.weights is not None]
    codes = np.concatenate([table.codes for table in tables])
    return Table(tables[0].schema, codes, np.concatenate(weights) if weights else None)
