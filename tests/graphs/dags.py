"""Random graphs for the tests of this room, drawn from seeds or by hypothesis."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import networkx as nx
import numpy as np
from hypothesis import strategies as st

from chainrule.graphs import DAG, DirectedGraph

__all__ = [
    "acyclic",
    "confounded_dag",
    "directed",
    "every_set",
    "hide_some",
    "paths_with_verdicts",
    "random_dag",
    "to_networkx",
]


def random_dag(n: int, density: float, rng: np.random.Generator) -> DAG:
    """A DAG of ``n`` nodes whose names are not in topological order."""
    names = [f"v{i}" for i in rng.permutation(n)]
    edges = [(names[i], names[j]) for j in range(n) for i in range(j) if rng.random() < density]
    return DAG(edges, nodes=sorted(names))


def to_networkx(graph: DirectedGraph) -> nx.DiGraph:
    out = nx.DiGraph(graph.edges)
    out.add_nodes_from(graph.nodes)
    return out


def hide_some(dag: DAG, rng: np.random.Generator, share: float = 0.3) -> DAG:
    """The same DAG, some of whose nodes are latent."""
    return DAG(dag.edges, nodes=dag.nodes, latent=[v for v in dag.nodes if rng.random() < share])


def confounded_dag(n: int, density: float, share: float, rng: np.random.Generator) -> DAG:
    """A DAG of ``n`` observed nodes and a latent common cause for that ``share`` of their pairs."""
    dag = random_dag(n, density, rng)
    pairs = [pair for pair in combinations(dag.nodes, 2) if rng.random() < share]
    hidden = [f"u{i}" for i in range(len(pairs))]
    edges = [(u, v) for u, pair in zip(hidden, pairs, strict=True) for v in pair]
    return DAG([*dag.edges, *edges], nodes=[*dag.nodes, *hidden], latent=hidden)


def every_set(names: Iterable[str]) -> list[frozenset[str]]:
    """All subsets, small ones first."""
    names = list(names)
    return [frozenset(c) for k in range(len(names) + 1) for c in combinations(names, k)]


def paths_with_verdicts(dag: DAG, x: str, y: str, given: set[str]) -> dict[tuple[str, ...], bool]:
    """Every simple path and whether it is open, written from the definition."""
    graph = to_networkx(dag)
    verdicts = {}
    for path in nx.all_simple_paths(graph.to_undirected(), x, y):
        is_open = True
        for a, v, b in zip(path, path[1:], path[2:], strict=False):
            if graph.has_edge(a, v) and graph.has_edge(b, v):
                is_open &= bool(({v} | nx.descendants(graph, v)) & given)
            else:
                is_open &= v not in given
        verdicts[tuple(path)] = is_open
    return verdicts


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
