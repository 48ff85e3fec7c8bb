"""Where the cycles of a directed graph are: its strongly connected parts, and the DAG that joins them.

Two nodes are in one part when a directed path leads from each to the other.  A part with several nodes, or with
one that has an edge to itself, is where cycles run; all others are not on any.  One depth-first search finds the
parts (Tarjan 1972).
"""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.graphs.dag import DAG
from chainrule.graphs.digraph import DirectedGraph
from chainrule.graphs.notation import set_text

__all__ = ["Condensation", "condensation"]


@dataclass(frozen=True)
class Condensation:
    """The parts of a directed graph: a part is called by the first of its nodes, and is a node of ``dag``.

    ``members`` holds the nodes of each part, ``cyclic`` the parts in which a cycle runs.  A part is latent in
    ``dag`` where all its nodes are.
    """

    dag: DAG
    members: dict[str, tuple[str, ...]]
    cyclic: tuple[str, ...]

    def text(self) -> str:
        """One part in a line, those above first, with the word where there is a cycle."""
        return "\n".join(
            set_text(self.members[part]) + (": on a cycle" if part in self.cyclic else "")
            for part in self.dag.topological_order()
        )


def condensation(graph: DirectedGraph) -> Condensation:
    """The strongly connected parts of ``graph``, and the DAG of them; linear."""
    parts = sorted(sorted(part) for part in _strong_parts(graph))
    part_of = {v: i for i, part in enumerate(parts) for v in part}
    names = [graph.nodes[part[0]] for part in parts]
    edges = [
        (names[part_of[u]], names[i])
        for i, part in enumerate(parts)
        for v in part
        for u in graph._parents[v]
        if part_of[u] != i
    ]
    latent = [name for name, part in zip(names, parts, strict=True) if graph._latent.issuperset(part)]
    return Condensation(
        DAG(edges, nodes=names, latent=latent),
        {name: graph._to_names(part) for name, part in zip(names, parts, strict=True)},
        tuple(
            name
            for name, part in zip(names, parts, strict=True)
            if len(part) > 1 or part[0] in graph._parents[part[0]]
        ),
    )


def _strong_parts(graph: DirectedGraph) -> list[list[int]]:
    """Tarjan's search without recursion: ``low`` is the earliest node on the stack that a node leads back to."""
    n = len(graph)
    place: dict[int, int] = {}  # when a node was met
    low = [0] * n
    stack: list[int] = []  # met, part not complete
    on_stack = [False] * n
    parts = []
    for root in range(n):
        calls = [(root, iter(graph._children[root]))] if root not in place else []
        while calls:
            v, below = calls[-1]
            if v not in place:
                place[v] = low[v] = len(place)
                stack.append(v)
                on_stack[v] = True
            for w in below:
                if w not in place:
                    calls.append((w, iter(graph._children[w])))
                    break
                if on_stack[w]:
                    low[v] = min(low[v], place[w])
            else:
                calls.pop()
                if calls:
                    low[calls[-1][0]] = min(low[calls[-1][0]], low[v])
                if low[v] == place[v]:
                    part = []
                    while on_stack[v]:
                        part.append(stack.pop())
                        on_stack[part[-1]] = False
                    parts.append(part)
    return parts
