"""The rows of the nodes of a DAG, part by part, so that what is counted need not fit in memory.

Columns that have names are read by name and keep their order, others beside them are ignored.  An array has no names:
its columns are the nodes in order, its values are codes from 0 on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import ArrayLike

from chainrule.core.errors import InputError, ShapeError, UnknownNameError
from chainrule.graphs import DAG
from chainrule.models.shared.row_weights import check_one_each, sample_weights
from chainrule.tables.door import column_names, rows
from chainrule.tables.problems import THROUGH_READ
from chainrule.tables.reading import is_files
from chainrule.tables.schema import Schema, Variable
from chainrule.tables.table import Table

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
    """The rows of ``X`` in tables of the columns ``names`` (``None`` for all), all under one schema in their order.

    ``ahead`` are the variables whose states are known; those of the others are found in ``X``.  A path, or a list of
    paths, is read in batches, so memory does not grow with the files.

    >>> [t.codes.tolist() for t in node_rows([[0, 1], [1, float("nan")]], ["a", "b"], {})]
    [[[0, 1], [1, -1]]]
    """
    found = column_names(X)
    if names is not None and found is None:
        tables = iter([_of_array(X, names, ahead, name)])
    elif names is not None and is_files(X) and ahead.keys() >= set(names):  # no need to read them twice
        schema = Schema(tuple(ahead[v] for v in _in_order_of(found, names)), "table")
        tables = Table.batches(X, schema=schema, name=name, options=THROUGH_READ)
    else:
        stated: Any = dict(ahead)
        columns = None if names is None else _in_order_of(found, names)
        tables = Table.batches(X, schema=stated, columns=columns, name=name, options=THROUGH_READ)
    return tables if sample_weight is None else _weighted(tables, sample_weight)


def _in_order_of(columns: Sequence[str] | None, names: Sequence[str]) -> list[str]:
    """``names`` as they come among ``columns``; those that are not there come last, for the reader to complain of."""
    place = {name: j for j, name in enumerate(columns or ())}
    return sorted(names, key=lambda name: place.get(name, len(place)))


def _of_array(X: Any, names: Sequence[str], ahead: Mapping[str, Variable], name: str) -> Table:
    if ahead.keys() >= set(names):
        return rows(X, Schema(tuple(ahead[v] for v in names)), name=name)
    # the columns of an array are called x1 … xd until they have the names of the nodes
    stated: Any = {f"x{j + 1}": ahead[v] for j, v in enumerate(names) if v in ahead}
    table = Table.read(X, schema=stated, name=name, options=THROUGH_READ)
    found = table.schema
    if len(names) != len(found):
        raise ShapeError(
            f"{name} has {len(found)} columns, the network has {len(names)} variables; pass the columns "
            f"{', '.join(names[:6])}{', …' * (len(names) > 6)} in this order, or a table that names its columns"
        )
    variables = tuple(replace(v, name=n) for n, v in zip(names, found.variables, strict=True))
    return Table(replace(found, variables=variables), table.codes, table.weights)


def _weighted(tables: Iterator[Table], sample_weight: ArrayLike) -> Iterator[Table]:
    weights, n = sample_weights(sample_weight), 0
    for table in tables:
        part = weights[n : n + table.n_rows]
        n += table.n_rows
        if len(part) == table.n_rows:
            yield Table(table.schema, table.codes, part)
    check_one_each(len(weights), n)
