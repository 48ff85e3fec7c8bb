"""What a user wants of latent nodes: how many states those of a graph have, or latent classes of all columns.

*Latent classes* (Lazarsfeld 1950): one hidden variable of k states, given which all columns are independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chainrule.core.checks import check_instance, check_integer
from chainrule.core.errors import InputError, UnknownNameError
from chainrule.graphs import DAG
from chainrule.tasks.dialects import Dialect

__all__ = ["check_latent", "class_graph"]

_MODEL = "bayesnet"


def check_latent(
    model: str, dag: DAG | None, states: Mapping[str, Any] | None, classes: Any, dialect: Dialect
) -> None:
    """Raise ``InputError`` for latent nodes that the model cannot have, or of which something is not said."""
    if states is not None:
        check_instance(states, Mapping, "latent_states", like="a dict of numbers of states by latent node")
    if classes is not None:
        check_integer(classes, "latent_classes", least=2)
        if dag is not None or states:
            raise InputError(
                "latent classes are a graph of their own, over all columns; leave out the graph and the states of its "
                f"latent nodes, or {dialect.write({'latent_classes': classes})}"
            )
    if (classes is not None or states) and model != _MODEL:
        raise InputError(
            f"latent nodes are of a Bayesian network, and the model is {model!r}; {dialect.add} "
            f"{dialect.write({'model': _MODEL})}"
        )
    known = () if dag is None else dag.latent
    for name in states or ():
        if name not in known:
            raise UnknownNameError.of("latent node", name, list(known))
    unsaid = {name: 2 for name in known if name not in (states or {})}
    if unsaid and model == _MODEL:
        raise InputError(
            f"{', '.join(unsaid)} cannot be measured (latent), and rows cannot tell how many states it has; "
            f"{dialect.add} {dialect.write({'latent_states': unsaid})}, or another number"
        )


def class_graph(columns: Iterable[str], n: int) -> tuple[DAG, dict[str, int]]:
    """The graph of ``n`` latent classes above all columns, and how many states its latent node has.

    >>> class_graph(["a", "class"], 3)
    (DAG.parse('a; class; class_ [latent]; class_ -> {a class}'), {'class_': 3})
    """
    names = list(columns)
    hidden = "class"
    while hidden in names:
        hidden += "_"
    return DAG([(hidden, name) for name in names], [*names, hidden], latent=[hidden]), {hidden: n}
