"""Markov equivalence: which edges of a DAG all DAGs with the same d-separations share, and who they are.

Two DAGs have the same d-separations exactly when they have the same edges without directions and the same
v-structures (Verma and Pearl 1990).  The *completed partially directed graph* (CPDAG) stands for the whole class:
an edge is directed in it (compelled) where all members agree on its direction, undirected (reversible) where
they do not.

- From a DAG: edges are labelled in an order of the nodes, each by its family alone (Chickering 1995).
- All members: choose a direction for an undirected edge, follow Meek's rules, and repeat
  (``partially_directed/orienting``).
"""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.graphs.content import Content
from chainrule.graphs.partially_directed.orienting import HalfDirected, all_parents
from chainrule.graphs.structure import Structure

__all__ = ["compelled_edges", "cpdag", "equivalent_parents"]


def cpdag(content: Content) -> Content:
    """The CPDAG of a DAG, between the same nodes with the same marks."""
    graph = content.structure
    compelled = compelled_edges(graph)
    parents = ([u for u in above if (u, v) in compelled] for v, above in enumerate(graph.parents))
    undirected = sorted((min(edge), max(edge)) for edge in graph.edges() if edge not in compelled)
    return content.with_parents(parents, undirected)


def compelled_edges(graph: Structure) -> set[tuple[int, int]]:
    """The edges (parent, child) of a DAG that all equivalent DAGs have in this direction."""
    order, above = graph.topological_order(), graph.parents
    place = {v: i for i, v in enumerate(order)}
    compelled: set[tuple[int, int]] = set()
    for y in order:
        parents = set(above[y])
        if not parents:
            continue
        x = max(parents, key=place.__getitem__)
        forced = [w for w in above[x] if (w, x) in compelled]
        if parents.issuperset(forced) and parents <= {x, *above[x]}:
            compelled.update((w, y) for w in forced)
        else:
            compelled.update((w, y) for w in parents)
    return compelled


def equivalent_parents(graph: Structure) -> Iterator[list[tuple[int, ...]]]:
    """For each DAG that is equivalent to this one, once: the sorted parents of each node."""
    adjacent = [{*above, *below} for above, below in zip(graph.parents, graph.children, strict=True)]
    return all_parents(HalfDirected(adjacent, compelled_edges(graph)))
