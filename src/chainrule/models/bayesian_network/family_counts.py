"""How often each state of a variable comes with each configuration of its parents.

The counts are all that a fit needs to know of the rows, and they add up: counts of two parts of a table are,
in whole numbers, the counts of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError, ValuesError
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.conditional_tables import Counts, check_table_size
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["FamilyCounts", "Missing", "count_families", "info_of_counts"]

Missing = Literal["refuse", "complete_families"]

_BLOCK = 2**14  # rows whose codes stay in the cache
_ROWS_PER_ENTRY = 4  # of the largest table, which is gone through for each block


@dataclass(frozen=True, eq=False)
class FamilyCounts:
    """Counts of each variable with its parents, axes (parents..., variable), from ``n_rows`` rows.

    They are int64, or float64 where rows have weights.  ``n_incomplete`` says for a variable how many rows were
    left out because it or a parent is missing, where there are any.  ``a + b`` are the counts of both parts,
    exactly as long as weights are whole numbers; ``InputError`` where DAG or states differ.

    >>> schema = Schema.of({"a": 2, "b": 2})
    >>> one = count_families(DAG.parse("a -> b"), Table(schema, np.array([[0, 1], [1, 1]])))
    >>> (one + one).tables["b"].tolist(), (one + one).n_rows
    ([[0, 2], [0, 2]], 4)
    """

    dag: DAG
    schema: Schema
    tables: dict[str, Counts]
    n_rows: int
    n_incomplete: dict[str, int]

    def __add__(self, other: Any) -> FamilyCounts:
        if not isinstance(other, FamilyCounts):
            return NotImplemented
        if self.dag != other.dag or not self._has_states_of(other):
            raise InputError(
                "counts add up over one DAG with the same states; name the states in BayesianNetwork(schema=…)"
            )
        tables = {v: table + other.tables[v] for v, table in self.tables.items()}
        left_out = {v: self.n_incomplete.get(v, 0) + other.n_incomplete.get(v, 0) for v in tables}
        return FamilyCounts(
            self.dag,
            self.schema,
            tables,
            self.n_rows + other.n_rows,
            {v: n for v, n in left_out.items() if n},
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FamilyCounts):
            return NotImplemented
        return (
            (self.dag, self.n_rows, self.n_incomplete) == (other.dag, other.n_rows, other.n_incomplete)
            and self._has_states_of(other)
            and all(np.array_equal(table, other.tables[v]) for v, table in self.tables.items())
        )

    __hash__ = None  # type: ignore[assignment]  # it holds arrays

    def _has_states_of(self, other: FamilyCounts) -> bool:
        """The same names, and labels in the same order; columns may come in another, and labels from other values."""
        return self.schema.states == other.schema.states


def count_families(
    dag: DAG,
    table: Table,
    *,
    missing: Missing = "refuse",
    max_bytes: int = 2**30,
    first_row: int = 0,
    name: str = "X",
) -> FamilyCounts:
    """The counts in ``table``, whose columns are the nodes of ``dag`` in any order; a row counts its weight.

    With ``missing="complete_families"`` a row counts for each family in which no value is missing; otherwise
    a missing value is a ``ValuesError``.  Raises ``TooLargeError`` before a table above ``max_bytes``.
    """
    schema = table.schema
    if not table.is_complete and missing == "refuse":
        i, j = np.argwhere(table.missing)[0]
        raise ValuesError(
            f"{name} has a missing value in row {first_row + i}, column {j} ({schema.names[j]!r}); fill or drop such "
            "rows, or set missing='complete_families' to count each family where it is complete"
        )
    families = {v: [schema.index(u) for u in (*dag.parents(v), v)] for v in schema.names}
    shapes = {v: tuple(schema.sizes[j] for j in family) for v, family in families.items()}
    for v, shape in shapes.items():
        check_table_size(v, shape, max_bytes)
    dtype: Any = np.int64 if table.weights is None else np.float64
    counts: dict[str, Counts] = {v: np.zeros(prod(shape), dtype) for v, shape in shapes.items()}
    left_out = dict.fromkeys(schema.names, 0)
    for columns, weights in _blocks(table, _ROWS_PER_ENTRY * max(map(prod, shapes.values()), default=1)):
        known = None if table.is_complete else columns >= 0
        for v, family in families.items():
            places, of = _places(columns, family, shapes[v]), weights
            if known is not None:
                whole = known[family].all(axis=0)
                places, of = places[whole], None if weights is None else weights[whole]
                left_out[v] += columns.shape[1] - len(places)
            counts[v] += np.bincount(places, of, minlength=len(counts[v]))
    tables = {v: flat.reshape(shapes[v]) for v, flat in counts.items()}
    return FamilyCounts(dag, schema, tables, table.n_rows, {v: n for v, n in left_out.items() if n})


def _blocks(table: Table, rows: int) -> Iterator[tuple[NDArray[np.integer[Any]], NDArray[np.float64] | None]]:
    """The codes of about so many ``rows`` at once, columns first (d, m), and their weights (m,).

    Column by column through a whole table every number would come from memory as often as there are columns.
    """
    step = max(_BLOCK, rows)
    for start in range(0, table.n_rows, step):
        part = slice(start, start + step)
        weights = None if table.weights is None else table.weights[part]
        yield np.ascontiguousarray(table.codes[part].T), weights


def _places(
    columns: NDArray[np.integer[Any]], family: Sequence[int], shape: Sequence[int]
) -> NDArray[np.integer[Any]]:
    """The place (m,) of each row of ``columns`` (d, m) in a flat table of ``shape`` over ``family``."""
    places = columns[family[0]].astype(np.int32 if prod(shape) < 2**31 else np.int64)
    for size, j in zip(shape[1:], family[1:], strict=True):
        places *= size
        places += columns[j]
    return places


def info_of_counts(counts: FamilyCounts, unseen: dict[str, int]) -> dict[str, Any]:
    """What ``fit_info_`` says of the rows; ``unseen`` are configurations without any, by variable."""
    return {
        "n_rows": counts.n_rows,
        "n_incomplete": counts.n_incomplete,
        "n_unseen_configurations": sum(unseen.values()),
        "unseen_configurations": unseen,
    }
