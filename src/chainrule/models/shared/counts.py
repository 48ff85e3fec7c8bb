"""How often each variable has each state."""

from __future__ import annotations

import numpy as np

from chainrule.core.shapes import Float64
from chainrule.tables.table import Table

__all__ = ["state_counts"]


def state_counts(table: Table) -> Float64[np.ndarray, "d k"]:
    """The rows (by weight) that have each state of each variable, (d, K); missing values are in none.

    >>> from chainrule.tables.schema import Schema
    >>> state_counts(Table(Schema.of({"a": 2, "b": 3}), np.array([[0, 2], [1, -1]]))).tolist()
    [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    k = max(table.schema.sizes)
    if table.weights is None and k == 2 and table.is_complete:  # one sum, without an index for every cell
        ones = table.codes.sum(axis=0, dtype=np.int64)
        return np.stack([table.n_rows - ones, ones], axis=1).astype(np.float64)
    found = []
    for column in table.codes.T:
        there = slice(None) if table.is_complete else column >= 0
        weights = None if table.weights is None else table.weights[there]
        found.append(np.bincount(column[there], weights=weights, minlength=k))
    return np.stack(found).astype(np.float64)
