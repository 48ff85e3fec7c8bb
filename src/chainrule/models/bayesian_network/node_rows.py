"""The rows of the nodes of a DAG, part by part, so that what is counted need not fit in memory, nor on one machine.

Columns that have names are read by name and keep their order, others beside them are ignored.  An array has no names:
its columns are the nodes in order, its values are codes from 0 on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.core.errors import InputError, ShapeError, UnknownNameError
from chainrule.core.sums import Client
from chainrule.core.text import as_written
from chainrule.graphs import DAG
from chainrule.models.shared.row_weights import check_one_each, sample_weights
from chainrule.tables.door import column_names, rows
from chainrule.tables.problems import THROUGH_READ
from chainrule.tables.reading import Rows, file_client, is_files
from chainrule.tables.schema import Schema, Variable
from chainrule.tables.table import Table, TablePart

__all__ = ["node_parts", "node_rows", "node_states", "stated_schema", "states_ahead", "variable_order"]


def variable_order(dag: DAG) -> list[str]:
    """The observed nodes: x1 … xd where they are called so, as columns of an array are; else as they come."""
    observed = dag.observed
    numbered = [f"x{j + 1}" for j in range(len(observed))]
    return numbered if set(numbered) == set(observed) else list(observed)


def node_states(
    dag: DAG, schema: Any, latent_states: Any, *, missing: str = "em"
) -> tuple[dict[str, Variable], tuple[Variable, ...]]:
    """The observed nodes of which ``schema`` names the states, and the latent ones with theirs.

    Those of a latent node are in ``latent_states``, a list or a number by name, else in ``schema``.

    >>> node_states(DAG.parse("H [latent]; H -> a"), None, {"H": 3})[1][0].states
    ('0', '1', '2')
    """
    if dag.latent and missing != "em":
        raise InputError(
            f"{', '.join(dag.latent)} cannot be measured (latent), so no rows can be counted; set missing='em' and "
            f"latent_states={{{dag.latent[0]!r}: 2}}, or give all tables with BayesianNetwork.from_tables"
        )
    if not dag.observed:
        raise InputError("dag has no observed node, so rows tell nothing of it; leave [latent] away from one")
    given = {} if latent_states is None else latent_states
    if not isinstance(given, Mapping):
        raise InputError(
            f"latent_states must map each latent node to its number of states, as in {{'H': 3}}; "
            f"got {as_written(given)}"
        )
    for name in given:
        if name not in dag.latent:
            raise UnknownNameError.of("latent node", name, list(dag.latent))
    stated = {v.name: v for v in stated_schema(given).variables} if given else {}
    ahead = states_ahead(schema, [v for v in dag.nodes if v not in stated])
    latent = {name: ahead.pop(name) for name in dag.latent if name in ahead} | stated
    for name in dag.latent:
        if name not in latent:
            raise InputError(
                f"{name} is latent, and rows cannot tell how many states it has; set latent_states={{{name!r}: 2}}"
            )
    return ahead, tuple(latent[name] for name in dag.latent)


def stated_schema(states: Any) -> Schema:
    """The schema that ``from_tables`` is given, or that of states by name; rows leave that one as a table."""
    if isinstance(states, Schema):
        return states
    if not isinstance(states, Mapping):
        raise InputError(
            f"states must map each node to a list of its states, or to their number; got {as_written(states)}"
        )
    for v, listed in states.items():
        if not isinstance(listed, (int, np.integer)):
            try:
                iter(listed)
            except TypeError as e:
                raise InputError(
                    f"the states of {v!r} must be a list of texts or a number; got {as_written(listed)}"
                ) from e
    return Schema.of(states, container="table")


def states_ahead(schema: Any, names: Sequence[str] | None) -> dict[str, Variable]:
    """Those of the variables ``names`` (``None`` for all) of which the setting ``schema`` names the states.

    A schema may name more variables, as a table has more columns; one that names some of ``names`` only must
    name nothing else, so that a name that is mistyped is noticed.
    """
    if schema is None:
        return {}
    if not isinstance(schema, Schema):
        raise InputError(
            f"schema must be a Schema; got {as_written(schema)}; write for example Schema.of({{'a': 2, 'b': 2}})"
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
    """The rows of ``X`` in tables of the columns ``names``, as ``node_parts`` has them.

    >>> [t.codes.tolist() for t in node_rows([[0, 1], [1, float("nan")]], ["a", "b"], {})]
    [[[0, 1], [1, -1]]]
    """
    return chain.from_iterable(node_parts(X, names, ahead, name=name, sample_weight=sample_weight))


def node_parts(
    X: Any,
    names: Sequence[str] | None,
    ahead: Mapping[str, Variable],
    *,
    name: str = "X",
    sample_weight: ArrayLike | None = None,
    client: Client | None = None,
) -> list[TablePart]:
    """The rows of ``X`` in tables of the columns ``names`` (``None`` for all), all under one schema in their order.

    ``ahead`` are the variables whose states are known; those of the others are found in ``X``, by ``client`` where
    there is one.  A path, or a list of paths, is read in batches, so memory does not grow with the files; each file is
    a part.
    """
    client, found = file_client(client, X, name), column_names(X)
    if client is not None and sample_weight is not None:
        raise InputError(
            "sample_weight has one weight for each row, and files that a client reads are not numbered through; leave "
            "one of the two out"
        )
    if names is not None and found is None:
        table = _of_array(X, names, ahead, name)
        parts = [TablePart(name, [Rows(table.schema, table.codes, table.weights)])]
    elif names is not None and is_files(X) and ahead.keys() >= set(names):  # no need to read them twice
        schema = Schema(tuple(ahead[v] for v in _in_order_of(found, names)), "table")
        parts = Table.parts(X, schema=schema, name=name, client=client, options=THROUGH_READ)
    else:
        stated: Any = dict(ahead)
        columns = None if names is None else _in_order_of(found, names)
        parts = Table.parts(X, schema=stated, columns=columns, name=name, client=client, options=THROUGH_READ)
    return parts if sample_weight is None else [TablePart(name, _weighted(parts, sample_weight))]


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


def _weighted(parts: Sequence[TablePart], sample_weight: ArrayLike) -> Iterator[Rows]:
    weights, n = sample_weights(sample_weight), 0
    for table in chain.from_iterable(parts):
        part = weights[n : n + table.n_rows]
        n += table.n_rows
        if len(part) == table.n_rows:
            yield Rows(table.schema, table.codes, part)
    check_one_each(len(weights), n)
