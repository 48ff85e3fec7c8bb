"""A directed graph as a plain value: nodes are indices, nothing has a name.  What every algorithm here reads.

``DirectedGraph`` and ``DAG`` are the faces on top, which turn names into indices and answers into names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from chainrule.core.checks import as_list
from chainrule.core.errors import InputError
from chainrule.core.forks import cached_property
from chainrule.core.text import one_line

__all__ = ["Structure", "reachable"]


@dataclass(frozen=True, repr=False)
class Structure:
    """The n nodes 0 … n − 1 of a directed graph: sorted ``parents`` and ``children`` of each, and who is latent.

    Made by ``Structure.of``, which finds the children; ``len`` is n.  Cycles are allowed.

    >>> s = Structure.of([(), (0,), (0, 1)], latent=[0])
    >>> s.children, s.topological_order(), s.levels()
    (((1, 2), (2,), ()), (0, 1, 2), ((0,), (1,), (2,)))
    """

    parents: tuple[tuple[int, ...], ...]
    children: tuple[tuple[int, ...], ...] = field(compare=False)  # the parents say it all
    latent: frozenset[int] = frozenset()

    @classmethod
    def of(cls, parents: Iterable[Iterable[int]], latent: Iterable[int] = ()) -> Structure:
        """The structure in which node v has the parents ``parents[v]``, each once and in rising order."""
        try:
            above, hidden = (
                tuple(map(tuple, as_list(parents, "parents", of="lists"))),
                frozenset(as_list(latent, "latent", of="nodes")),
            )
            children: list[list[int]] = [[] for _ in above]
            for v, us in enumerate(above):
                for u in us:
                    children[u].append(v)
        except (TypeError, IndexError) as e:
            raise InputError(
                f"parents must list the parents of each node by number, latent some of the nodes ({one_line(str(e))})"
            ) from e
        return cls(above, tuple(map(tuple, children)), hidden)

    def with_parents(self, parents: Iterable[Iterable[int]]) -> Structure:
        """Other edges between the same nodes, of which the same are latent."""
        return Structure.of(parents, self.latent)

    @property
    def n_edges(self) -> int:
        """The number of edges."""
        return sum(map(len, self.parents))

    @property
    def observed(self) -> list[int]:
        """The nodes that are not latent, rising."""
        return [v for v in range(len(self)) if v not in self.latent]

    @property
    def is_acyclic(self) -> bool:
        """Whether there is no directed cycle; the first call is linear (but for a logarithm), later ones are free."""
        return len(self._order) == len(self)

    def edges(self) -> Iterator[tuple[int, int]]:
        """All pairs (parent, child), by parent, then by child."""
        return ((u, v) for u, below in enumerate(self.children) for v in below)

    def topological_order(self) -> tuple[int, ...]:
        """All nodes, parents before children; where there is a choice, the lowest index.  Kept after the first call.

        Raises ``InputError`` where there is a cycle.
        """
        if not self.is_acyclic:
            raise InputError(
                "a structure with a directed cycle has no topological order; "
                "take the cycle out, which DAG(edges) names"
            )
        return self._order

    def levels(self) -> tuple[tuple[int, ...], ...]:
        """The nodes level by level, rising in each: all parents of a node are in earlier levels, one in the last.

        There are as many levels as the longest directed path has nodes: so many passes a sampler needs.  Kept.
        Raises ``InputError`` where there is a cycle.

        >>> Structure.of([(), (0,), (), (1, 2)]).levels()
        ((0, 2), (1,), (3,))
        """
        self.topological_order()
        return self._levels

    @cached_property
    def _order(self) -> tuple[int, ...]:
        """Kahn's algorithm (1962); without the nodes on cycles and those below one."""
        waiting = [len(above) for above in self.parents]
        ready = [v for v, n in enumerate(waiting) if n == 0]
        heapify(ready)
        order = []
        while ready:
            u = heappop(ready)
            order.append(u)
            for v in self.children[u]:
                waiting[v] -= 1
                if waiting[v] == 0:
                    heappush(ready, v)
        return tuple(order)

    @cached_property
    def _levels(self) -> tuple[tuple[int, ...], ...]:
        level = [0] * len(self)
        for v in self._order:
            level[v] = max((level[u] + 1 for u in self.parents[v]), default=0)
        out: list[list[int]] = [[] for _ in range(max(level, default=-1) + 1)]
        for v, k in enumerate(level):
            out[k].append(v)
        return tuple(map(tuple, out))

    def __len__(self) -> int:
        return len(self.parents)

    def __repr__(self) -> str:
        return f"<Structure of {len(self)} nodes and {self.n_edges} edges>"


def reachable(neighbours: Sequence[Sequence[int]], start: Iterable[int]) -> set[int]:
    """``start`` and everything that can be reached from it.

    >>> reachable([(1,), (2,), (), (0,)], [1])
    {1, 2}
    """
    seen = set(start)
    stack = list(seen)
    while stack:
        for v in neighbours[stack.pop()]:
            if v not in seen:
                seen.add(v)
                stack.append(v)
    return seen
