"""Random graphs for the tests of this room, drawn from seeds or by hypothesis."""

from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import strategies as st

from chainrule.graphs import DAG, DirectedGraph

__all__ = ["acyclic", "directed", "random_dag", "to_networkx"]


def random_dag(n: int, density: float, rng: np.random.Generator) -> DAG:
    """A DAG of ``n`` nodes whose names are not in topological order."""
    names = [f"v{i}" for i in rng.permutation(n)]
    edges = [(names[i], names[j]) for j in range(n) for i in range(j) if rng.random() < density]
    return DAG(edges, nodes=sorted(names))


def to_networkx(graph: DirectedGraph) -> nx.DiGraph:
    out = nx.DiGraph(graph.edges)
    out.add_nodes_from(graph.nodes)
    return out


_names = st.text(min_size=1, max_size=6)


@st.composite
def directed(draw: st.DrawFn, max_nodes: int = 7) -> DirectedGraph:
    """Any directed graph, with any names, self loops and cycles."""
    names = draw(st.lists(_names, min_size=1, max_size=max_nodes, unique=True))
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names))
    return DirectedGraph(draw(st.lists(pairs, max_size=15)), nodes=names)


@st.composite
def acyclic(draw: st.DrawFn, max_nodes: int = 7) -> DAG:
    """Any DAG, with any names; the order of its nodes need not be topological."""
    graph = draw(directed(max_nodes))
    place = {name: i for i, name in enumerate(draw(st.permutations(graph.nodes)))}
    return DAG([(a, b) for a, b in graph.edges if place[a] < place[b]], nodes=graph.nodes)
