"""How often each state of a variable comes with each configuration of its parents.

The counts are all that a fit needs to know of the rows, and they add up: counts of two parts of a table are,
in whole numbers, the counts of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError, ValuesError
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.conditional_tables import check_table_size
from chainrule.tables.categorical import CategoricalTable

__all__ = ["FamilyCounts", "Missing", "count_families"]

Missing = Literal["refuse", "complete_families"]


@dataclass(frozen=True, eq=False)
class FamilyCounts:
    """Counts (int64) of each variable with its parents, axes (parents..., variable), from ``n_rows`` rows.

    ``a + b`` are the counts of both parts; ``InputError`` where DAG or states differ.

    >>> from chainrule.tables.categorical import CategoricalTable
    >>> dag, states = DAG.parse("a -> b"), (("0", "1"), ("0", "1"))
    >>> one = count_families(dag, CategoricalTable(("a", "b"), states, [[0, 1], [1, 1]]))
    >>> (one + one).tables["b"].tolist(), (one + one).n_rows
    ([[0, 2], [0, 2]], 4)
    """

    dag: DAG
    states: dict[str, tuple[str, ...]]
    tables: dict[str, NDArray[np.int64]]
    n_rows: int

    def __add__(self, other: Any) -> FamilyCounts:
        if not isinstance(other, FamilyCounts):
            return NotImplemented
        if self.dag != other.dag or list(self.states.items()) != list(other.states.items()):
            raise InputError(
                "counts add up over one DAG with the same states; name the states in BayesianNetwork(states=…)"
            )
        tables = {v: table + other.tables[v] for v, table in self.tables.items()}
        return FamilyCounts(self.dag, self.states, tables, self.n_rows + other.n_rows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FamilyCounts):
            return NotImplemented
        return (
            (self.dag, self.states, self.n_rows) == (other.dag, other.states, other.n_rows)
            and self.tables.keys() == other.tables.keys()
            and all(np.array_equal(table, other.tables[v]) for v, table in self.tables.items())
        )

    __hash__ = None  # type: ignore[assignment]  # it holds arrays

    @property
    def n_incomplete(self) -> dict[str, int]:
        """For each variable the rows that were left out because it or a parent is missing, where there are any."""
        left_out = {v: self.n_rows - int(table.sum()) for v, table in self.tables.items()}
        return {v: n for v, n in left_out.items() if n}


def count_families(
    dag: DAG,
    table: CategoricalTable,
    *,
    missing: Missing = "refuse",
    max_bytes: int = 2**30,
    first_row: int = 0,
) -> FamilyCounts:
    """The counts in ``table``, whose columns are the nodes of ``dag`` in any order.

    With ``missing="complete_families"`` a row counts for each family in which no value is missing; otherwise
    a missing value is a ``ValuesError``.  Raises ``TooLargeError`` before a table above ``max_bytes``.
    """
    holes = table.codes < 0
    some_missing = bool(holes.any())
    if some_missing and missing == "refuse":
        i, j = np.argwhere(holes)[0]
        raise ValuesError(
            f"X has a missing value in row {first_row + i}, column {j} ({table.names[j]!r}); fill or drop such "
            "rows, or set missing='complete_families' to count each family where it is complete"
        )
    states, column = table.schema, {name: j for j, name in enumerate(table.names)}
    counts = {}
    for v in table.names:
        family = [column[u] for u in (*dag.parents(v), v)]
        shape = tuple(table.sizes[j] for j in family)
        check_table_size(v, shape, max_bytes)
        codes = table.codes[:, family]
        if some_missing:
            codes = codes[~holes[:, family].any(axis=1)]
        flat = np.zeros(len(codes), np.int64)
        for size, values in zip(shape, codes.T, strict=True):
            flat = flat * size + values
        counts[v] = np.bincount(flat, minlength=prod(shape)).reshape(shape)
    return FamilyCounts(dag, states, counts, table.n_rows)
