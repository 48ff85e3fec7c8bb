"""Whom the factor of each column reads, where a model is a product of factors."""

from __future__ import annotations

from chainrule.models.contract import DiscreteModel
from chainrule.tasks.describing.record import Edge, Graph

__all__ = ["graph_of"]


def graph_of(model: DiscreteModel) -> Graph | None:
    """The graph of the model's factors, parents first; ``None`` where it has none.

    >>> from chainrule.models import BayesianNetwork
    >>> graph_of(BayesianNetwork("a -> b", pseudocount=1).fit({"b": [0, 1], "a": [0, 1]})).edges
    (Edge(parent='a', child='b'),)
    """
    factors = model.factors_
    if factors is None:
        return None
    columns = [factors.names[i] for i in factors.order]
    if factors.is_order:
        return Graph(columns, [], is_complete=True)
    return Graph(columns, [Edge(a, b) for a, b in factors.to_dag().edges])
