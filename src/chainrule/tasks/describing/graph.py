"""Whom the factor of each column reads, where a model is a product of factors."""

from __future__ import annotations

from chainrule.models.contract import DiscreteModel
from chainrule.tasks.describing.dependence import Information
from chainrule.tasks.describing.record import Edge, Graph

__all__ = ["graph_of"]


def graph_of(model: DiscreteModel, information: Information | None = None) -> Graph | None:
    """The graph of the model's factors, parents first; ``None`` where it has none.

    Edges have the mutual information of their ends, where that is known, and then the strongest come first.

    >>> from chainrule.models import BayesianNetwork
    >>> graph_of(BayesianNetwork("a -> b", pseudocount=1).fit({"b": [0, 1], "a": [0, 1]})).edges
    (Edge(parent='a', child='b', nats=None),)
    """
    factors = model.factors_
    if factors is None:
        return None
    columns = [factors.names[i] for i in factors.order]
    if factors.graph is None and len(columns) > 1:  # an order, in which each column reads all before it
        return Graph(columns, [], is_complete=True)
    known = {} if information is None else {name: i for i, name in enumerate(information.names)}
    edges = []
    for a, b in factors.to_dag().edges:
        there = information is not None and a in known and b in known
        edges.append(
            Edge(a, b, float(information.nats[known[a], known[b]]) if there and information else None)
        )
    return Graph(columns, sorted(edges, key=lambda e: -(e.nats or 0.0)))
