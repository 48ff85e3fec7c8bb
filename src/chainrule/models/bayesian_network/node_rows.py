"""The rows of the nodes of a DAG, part by part, so that what is counted need not fit in memory.

Columns that have names are read by name, others beside them are ignored.  An array has no names: its columns are
the nodes in order, its values are codes from 0 on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.core.errors import InputError, ShapeError, UnknownNameError
from chainrule.graphs import DAG
from chainrule.models.shared.row_weights import checked_weights
from chainrule.tables.categorical import CategoricalTable, checked_names
from chainrule.tables.categorical_input import MAX_STATES, iter_categorical
from chainrule.tables.door import rows
from chainrule.tables.schema import Schema, Variable
from chainrule.tables.table import Table
from chainrule.tables.table_files import TableFile

__all__ = ["node_rows", "states_ahead", "variable_order"]


def variable_order(dag: DAG) -> list[str]:
    """x1 … xd where these are the nodes, as columns of an array are called; else the nodes as they come."""
    numbered = [f"x{j + 1}" for j in range(len(dag))]
    return numbered if set(numbered) == set(dag.nodes) else list(dag.nodes)


def states_ahead(schema: Any, names: Sequence[str] | None) -> dict[str, Variable]:
    """Those of the variables ``names`` (``None`` for all) of which the setting ``schema`` names the states.

    A schema may name more variables, as a table has more columns; one that names some of ``names`` only must
    name nothing else, so that a name that is mistyped is noticed.
    """
    if schema is None:
        return {}
    if not isinstance(schema, Schema):
        raise InputError(
            f"schema must be a Schema; got {schema!r}; write for example Schema.of({{'a': 2, 'b': 2}})"
        )
    found = {v.name: v for v in schema.variables}
    if names is None:
        return found
    wanted = set(names)
    if not wanted <= found.keys():
        for name in found:
            if name not in wanted:
                raise UnknownNameError.of("variable", name, list(names))
    return {name: found[name] for name in names if name in found}


def node_rows(
    X: Any,
    names: Sequence[str] | None,
    ahead: Mapping[str, Variable],
    *,
    name: str = "X",
    sample_weight: ArrayLike | None = None,
) -> Iterator[Table]:
    """The rows of ``X`` in tables of the columns ``names`` (``None`` for all), all under one schema.

    ``ahead`` are the variables whose states are known; those of the others are found in ``X``.  A path, or a list of
    paths, is read in batches, so memory does not grow with the files.

    >>> [t.codes.tolist() for t in node_rows([[0, 1], [1, np.nan]], ["a", "b"], {})]
    [[[0, 1], [1, -1]]]
    """
    paths = _paths(X)
    tables = _from_files(paths, names, ahead) if paths else iter([_in_memory(X, names, ahead, name)])
    return tables if sample_weight is None else _weighted(tables, sample_weight)


def _paths(X: Any) -> list[str]:
    if isinstance(X, (str, os.PathLike)):
        return [str(X)]
    if isinstance(X, (list, tuple)) and X and all(isinstance(x, (str, os.PathLike)) for x in X):
        return list(map(str, X))
    return []


def _from_files(
    paths: list[str], names: Sequence[str] | None, ahead: Mapping[str, Variable]
) -> Iterator[Table]:
    chosen = TableFile.open(paths[0]).names if names is None else names
    found = _states_in(paths, [v for v in chosen if v not in ahead])
    schema = Schema(tuple(ahead.get(v) or Variable(v, found[v]) for v in chosen), "table")
    n_rows = 0
    for path in paths:
        for part in iter_categorical(path, columns=schema.names, schema=schema.states):
            n_rows += part.n_rows
            yield Table(schema, part.codes)
    if not n_rows:
        raise ShapeError(f"{', '.join(paths)} has no rows; at least one is needed")


def _states_in(paths: list[str], names: list[str]) -> dict[str, tuple[str, ...]]:
    """The states of these columns over all files."""
    from chainrule.tables.categories import choose_states

    if not names:
        return {}
    found: dict[str, list[tuple[str, ...]]] = {v: [] for v in names}
    for path in paths:
        for part in iter_categorical(path, columns=names):  # a file without rows tells nothing
            for v, states in part.schema.items():
                found[v].append(states)
            break
    if not found[names[0]]:
        raise ShapeError(f"{', '.join(paths)} has no rows; at least one is needed")
    return {
        v: each[0]
        if len(set(each)) == 1
        else choose_states(
            dict.fromkeys(s for states in each for s in states), "text", v, MAX_STATES, frozenset()
        )
        for v, each in found.items()
    }


def _in_memory(X: Any, names: Sequence[str] | None, ahead: Mapping[str, Variable], name: str) -> Table:
    columns = _column_names(X)
    if columns is None:
        return _of_array(X, names, ahead, name)
    place = {column: j for j, column in enumerate(checked_names(columns))}
    chosen = columns if names is None else list(names)
    for v in chosen:
        if v not in place:
            raise UnknownNameError.of("column", v, columns)
    listed, others = [v for v in chosen if v in ahead], [v for v in chosen if v not in ahead]
    read: list[Table] = []
    if others:
        read.append(rows(_columns(X, [place[v] for v in others], others), name=name))
    if listed:
        schema = Schema(tuple(ahead[v] for v in listed), "table")
        read.append(rows(_columns(X, [place[v] for v in listed], listed), schema, name=name))
    variables = {v.name: v for table in read for v in table.schema.variables}
    at = {v: j for j, v in enumerate(variables)}
    codes = np.column_stack([table.codes for table in read])[:, [at[v] for v in chosen]]
    container = X.schema.container if isinstance(X, Table) else read[0].schema.container
    return Table(Schema(tuple(variables[v] for v in chosen), container), codes, read[0].weights)


def _of_array(X: Any, names: Sequence[str] | None, ahead: Mapping[str, Variable], name: str) -> Table:
    if names is not None and all(v in ahead for v in names):
        return rows(X, Schema(tuple(ahead[v] for v in names), "array"), name=name)
    table = rows(X, name=name)
    found = table.schema
    if names is None:
        names = found.names
    if len(names) != len(found):
        raise ShapeError(
            f"{name} has {len(found)} columns, the network has {len(names)} variables; pass the columns "
            f"{', '.join(names[:6])}{', …' * (len(names) > 6)} in this order, or a table that names its columns"
        )
    variables = [ahead.get(n) or replace(v, name=n) for n, v in zip(names, found.variables, strict=True)]
    return Table(Schema(tuple(variables), found.container), table.codes, table.weights)


def _column_names(X: Any) -> list[str] | None:
    """The names of the columns of ``X``; ``None`` where they have none."""
    if isinstance(X, Table):
        return list(X.schema.names)
    if isinstance(X, CategoricalTable):
        return list(X.names)
    if isinstance(X, Mapping):
        return list(map(str, X))
    if hasattr(X, "iloc") and hasattr(X, "columns"):
        return list(map(str, X.columns))
    if hasattr(X, "__arrow_c_stream__"):
        import pyarrow as pa

        return list(X.columns) if hasattr(X, "get_column") else pa.table(X).column_names
    return None


def _columns(X: Any, places: list[int], names: list[str]) -> Any:
    """These columns of ``X``, as the kind of table that it is."""
    if isinstance(X, Table):
        return Table(X.schema.select(names), X.codes[:, places], X.weights)
    if isinstance(X, Mapping):
        cells = list(X.values())
        return {v: cells[j] for v, j in zip(names, places, strict=True)}
    if hasattr(X, "iloc"):
        return X.iloc[:, places]
    if hasattr(X, "select"):  # polars, Arrow, CategoricalTable
        return X.select(names)
    import pyarrow as pa

    return pa.table(X).select(names)


def _weighted(tables: Iterator[Table], sample_weight: ArrayLike) -> Iterator[Table]:
    weights, n = checked_weights(sample_weight), 0
    for table in tables:
        part = weights[n : n + table.n_rows]
        n += table.n_rows
        if len(part) == table.n_rows:
            yield Table(table.schema, table.codes, part)
    if n != len(weights):
        raise ShapeError(
            f"sample_weight has {len(weights)} weights, X has {n} rows; pass one weight for each"
        )
