"""Where the cycles of a directed graph are: its strongly connected parts, and the DAG that joins them.

Two nodes are in one part when a directed path leads from each to the other.  A part with several nodes, or with
one that has an edge to itself, is where cycles run; all others are not on any.  One depth-first search finds the
parts (Tarjan 1972).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from chainrule.graphs.named import NamedGraph
from chainrule.graphs.notation import set_text
from chainrule.graphs.structure import Structure

__all__ = ["Condensation", "joined_parts", "strong_parts"]

G = TypeVar("G", bound=NamedGraph)


@dataclass(frozen=True)
class Condensation(Generic[G]):
    """The parts of a directed graph: a part is called by the first of its nodes, and is a node of ``dag``.

    ``members`` holds the nodes of each part, ``cyclic`` the parts in which a cycle runs.  A part is latent in
    ``dag`` where all its nodes are.
    """

    dag: G
    members: dict[str, tuple[str, ...]]
    cyclic: tuple[str, ...]

    def text(self) -> str:
        """One part in a line, those above first, with the word where there is a cycle."""
        cyclic = set(self.cyclic)
        parts = (self.dag.nodes[i] for i in self.dag.structure.topological_order())
        return "\n".join(
            set_text(self.members[part]) + (": on a cycle" if part in cyclic else "") for part in parts
        )


def joined_parts(graph: Structure, parts: list[list[int]]) -> Iterator[tuple[int, int]]:
    """The edges between ``parts``, as pairs of places in that list; some come more than once."""
    part_of = {v: i for i, part in enumerate(parts) for v in part}
    return (
        (part_of[u], i)
        for i, part in enumerate(parts)
        for v in part
        for u in graph.parents[v]
        if part_of[u] != i
    )


def strong_parts(graph: Structure) -> list[list[int]]:
    """The strongly connected parts, each sorted, by their first nodes; linear.

    Tarjan's search without recursion: ``low`` is the earliest node on the stack that a node leads back to.

    >>> strong_parts(Structure.of([(), (0, 2), (1,)]))
    [[0], [1, 2]]
    """
    n = len(graph)
    place: dict[int, int] = {}  # when a node was met
    low = [0] * n
    stack: list[int] = []  # met, part not complete
    on_stack = [False] * n
    parts = []
    for root in range(n):
        calls = [(root, iter(graph.children[root]))] if root not in place else []
        while calls:
            v, below = calls[-1]
            if v not in place:
                place[v] = low[v] = len(place)
                stack.append(v)
                on_stack[v] = True
            for w in below:
                if w not in place:
                    calls.append((w, iter(graph.children[w])))
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
                    parts.append(sorted(part))
    return sorted(parts)
