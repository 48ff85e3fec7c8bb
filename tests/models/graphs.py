"""Random DAGs for several test files, drawn as lists of edges that networkx can read as well."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import strategies as st

from chainrule.graphs import DAG
from chainrule.models.shared.factorization import Factorization

__all__ = ["dags", "factorization_of", "networkx_of"]


@st.composite
def dags(draw: st.DrawFn, most: int = 12) -> tuple[int, list[tuple[int, int]]]:
    """The number of nodes and the edges of a DAG, from none to all, in any order of the nodes."""
    d = draw(st.integers(1, most))
    order = draw(st.permutations(range(d)))
    pairs = [(order[a], order[b]) for a in range(d) for b in range(a + 1, d)]
    chance = draw(st.sampled_from([0.0, 0.15, 0.4, 0.8, 1.0]))
    lots = np.random.default_rng(draw(st.integers(0, 2**31))).random(len(pairs))
    return d, [pair for pair, lot in zip(pairs, lots, strict=True) if lot < chance]


def factorization_of(d: int, edges: list[tuple[int, int]]) -> Factorization:
    """The factorization of such a graph, its variables v0, v1, ..."""
    names = [f"v{i}" for i in range(d)]
    return Factorization.of_dag(DAG([(names[a], names[b]) for a, b in edges], names), names)


def networkx_of(d: int, edges: list[tuple[int, int]]) -> nx.DiGraph:
    """The same for networkx."""
    graph = nx.DiGraph(edges)
    graph.add_nodes_from(range(d))
    return graph
