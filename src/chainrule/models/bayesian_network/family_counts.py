"""How often each state of a variable comes with each configuration of its parents.

The counts are all that a fit needs to know of the rows, and they add up: counts of two parts of a table are,
in whole numbers, the counts of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    counts, left_out = {}, {}
    for v in schema.names:
        family = [schema.index(u) for u in (*dag.parents(v), v)]
        shape = tuple(schema.sizes[j] for j in family)
        check_table_size(v, shape, max_bytes)
        flat = _flat(table.codes[:, family], shape)
        weights = table.weights
        if not table.is_complete:
            known = (table.codes[:, family] >= 0).all(axis=1)
            flat, weights = flat[known], None if weights is None else weights[known]
            left_out[v] = table.n_rows - len(flat)
        counts[v] = np.bincount(flat, weights, minlength=prod(shape)).reshape(shape)
    return FamilyCounts(dag, schema, counts, table.n_rows, {v: n for v, n in left_out.items() if n})


def _flat(codes: NDArray[np.integer[Any]], shape: Sequence[int]) -> NDArray[np.int64]:
    """The place (n,) of each row of ``codes`` (n, k) in a table of ``shape`` that is laid out flat."""
    flat = np.zeros(len(codes), np.int64)
    for size, values in zip(shape, codes.T, strict=True):
        flat = flat * size + values
    return flat


def info_of_counts(counts: FamilyCounts, unseen: dict[str, int]) -> dict[str, Any]:
    """What ``fit_info_`` says of the rows; ``unseen`` are configurations without any, by variable."""
    return {
        "n_rows": counts.n_rows,
        "n_incomplete": counts.n_incomplete,
        "n_unseen_configurations": sum(unseen.values()),
        "unseen_configurations": unseen,
    }
