"""The setting ``dag``: a DAG or its text, checked, and as plain data for a file."""

from __future__ import annotations

from typing import Any

from chainrule.core.errors import InputError
from chainrule.core.text import as_written
from chainrule.graphs import DAG

__all__ = ["dag_of_plain", "parsed_dag", "plain_dag"]


def parsed_dag(dag: Any) -> DAG:
    """``dag`` or the DAG that its text describes; ``InputError`` for anything else and for one without nodes.

    >>> parsed_dag("a -> b").edges
    (('a', 'b'),)
    """
    found = DAG.parse(dag) if isinstance(dag, str) else dag
    if not isinstance(found, DAG):
        raise InputError(f"dag must be a DAG or its text; got {as_written(dag)}; write for example 'a -> b'")
    if not len(found):
        raise InputError("dag has no nodes; name at least one variable")
    return found


def plain_dag(dag: Any) -> Any:
    """A DAG as lists and texts; what else the setting may be, a text or ``None``, as it is."""
    return {"nodes": dag.nodes, "edges": dag.edges, "latent": dag.latent} if isinstance(dag, DAG) else dag


def dag_of_plain(plain: Any) -> Any:
    """What ``plain_dag`` was given, after a way through JSON.

    >>> dag_of_plain(plain_dag(DAG.parse("a -> b"))) == DAG.parse("a -> b")
    True
    """
    if not isinstance(plain, dict):
        return plain
    return DAG(map(tuple, plain["edges"]), plain["nodes"], latent=plain["latent"])
