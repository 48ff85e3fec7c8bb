"""Tables p(variable | parents): from counts, from given numbers, and how large they may be.

Axes are the parents, in the DAG's order, then the variable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.errors import InputError, ShapeError, TooLargeError, UnknownNameError, ValuesError
from chainrule.core.text import as_written
from chainrule.graphs import DAG

__all__ = ["Counts", "Prior", "Unseen", "check_table_size", "estimate_table", "normalised_tables"]

Counts = NDArray[np.int64] | NDArray[np.float64]  # float64 where rows have weights
Prior = Literal["cell", "bdeu"]
Unseen = Literal["uniform", "marginal", "refuse"]

_MOST_AXES = 60  # numpy has 64; variables with one state could ask for more of them at no size
_BYTES = 8
_ROW_TOLERANCE = 0.0005  # per state: numbers written with three decimals, the coarsest rounding in common use
_MOST_MISSED = 0.05  # however many states: more than this is a mistake, not rounding


def check_table_size(node: str, shape: Sequence[int], max_bytes: int) -> None:
    """``TooLargeError`` for a table of ``shape`` (parents..., node) that is above ``max_bytes``."""
    n_bytes = _BYTES * prod(shape)
    if n_bytes > max_bytes or len(shape) > _MOST_AXES:
        raise TooLargeError(
            f"the table of {node!r} given its {len(shape) - 1} parents needs {prod(shape):,} entries "
            f"({n_bytes:,} bytes), at most {max_bytes:,} bytes and {_MOST_AXES - 1} parents are allowed; "
            "give it fewer parents, or raise max_bytes"
        )


def estimate_table(
    counts: Counts,
    *,
    node: str = "the variable",
    pseudocount: float = 0.0,
    prior: Prior = "cell",
    unseen: Unseen = "uniform",
) -> tuple[NDArray[np.float64], int]:
    """p(variable | parents) from counts (parents..., variable), and how many configurations were never seen.

    ``prior`` "cell" adds ``pseudocount`` to each cell: the posterior mean under a Dirichlet prior; "bdeu"
    spreads it evenly over all cells of the table, an equivalent sample size (Heckerman, Geiger and Chickering
    1995).  With pseudocount 0, the maximum of likelihood, a configuration that was never seen has no estimate:
    ``unseen`` makes it "uniform", gives it the variable's "marginal", or "refuse" raises ``InputError``.

    >>> table, n_unseen = estimate_table(np.array([[1, 3], [0, 0]]))
    >>> table.tolist(), n_unseen
    ([[0.25, 0.75], [0.5, 0.5]], 1)
    """
    added = float(pseudocount) if prior == "cell" else pseudocount / counts.size
    numbers = counts + added
    totals = numbers.sum(axis=-1, keepdims=True)
    new = counts.sum(axis=-1) == 0
    n_unseen = int(new.sum())
    if pseudocount == 0 and n_unseen:
        if unseen == "refuse":
            raise InputError(
                f"{n_unseen} of {new.size} configurations of the parents of {node} never occur in the rows, so "
                "they have no estimate; use a pseudocount above 0, or unseen='uniform' or 'marginal'"
            )
        marginal = counts.reshape(-1, counts.shape[-1]).sum(axis=0)
        numbers[new] = marginal if unseen == "marginal" and marginal.any() else 1.0
        totals = numbers.sum(axis=-1, keepdims=True)
    return numbers / totals, n_unseen


def normalised_tables(
    dag: DAG, states: Mapping[str, Sequence[str]], tables: Mapping[str, ArrayLike]
) -> tuple[dict[str, NDArray[np.float64]], float]:
    """Each row divided by its sum, and by how much a sum missed one at most.

    A row that sums to one within float64 rounding is left as it is.  Raises ``ShapeError`` and, for rows that
    are no probabilities within the rounding of three decimals, ``ValuesError``; ``InputError`` where a node
    has no states or no table, or a table no node.

    >>> tables, error = normalised_tables(DAG.parse("a"), {"a": ["x", "y", "z"]}, {"a": [0.333, 0.333, 0.333]})
    >>> tables["a"].tolist() == [1 / 3] * 3, round(error, 6)
    (True, 0.001)
    """
    if not isinstance(tables, Mapping):
        raise InputError(
            f"tables must map each node to its table, as in {{'a': [0.2, 0.8]}}; got {as_written(tables)}"
        )
    for v in (*states, *tables):
        if v not in dag:
            raise UnknownNameError.of("node", v, list(dag.nodes))
    for v in dag.nodes:
        for what, given in (("states", states), ("a table", tables)):
            if v not in given:
                raise InputError(f"node {v!r} has no {what}; give {what} for each node")
    shapes = {v: tuple(len(states[u]) for u in (*dag.parents(v), v)) for v in dag.nodes}
    rows = {v: _normalised(v, tables[v], shapes[v]) for v in dag.nodes}
    return {v: table for v, (table, _) in rows.items()}, max(error for _, error in rows.values())


def _normalised(v: str, table: ArrayLike, shape: tuple[int, ...]) -> tuple[NDArray[np.float64], float]:
    try:
        rows = np.array(table, np.float64)
    except (TypeError, ValueError) as e:
        raise ValuesError(
            f"the table of {v!r} does not hold numbers in rows of equal length ({e}); correct it"
        ) from e
    if rows.shape != shape:
        raise ShapeError(
            f"the table of {v!r} must have the shape {shape} (states of its parents, then its own); "
            f"it has {rows.shape}"
        )
    sums = rows.sum(axis=-1, keepdims=True)
    error = np.abs(sums - 1.0)
    if not ((rows >= 0).all() and (error <= min(_ROW_TOLERANCE * shape[-1], _MOST_MISSED) + 1e-9).all()):
        raise ValuesError(
            f"each row of the table of {v!r} must hold probabilities that sum to one; correct them"
        )
    exact = error <= shape[-1] * np.finfo(np.float64).eps  # adding up may round
    return np.where(exact, rows, rows / sums), float(error.max())
