"""Hedges: why an effect is not identifiable (Shpitser and Pearl 2006).

An R-rooted *C-forest* is a set of nodes that <-> joins through each other, with edges by which each node but the
*roots* R has one child and leads to R.  Two of them, F and F' within it, with the same roots, form a *hedge* for
P(y | do(x)) when F holds a node of x, F' holds none, and every root is above y once the arrows into x are cut.
Then two models agree on everything that is observed and not on P(y | do(x)).
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from chainrule.core.records import to_plain
from chainrule.graphs.identification.projection import Projection
from chainrule.graphs.names import NodeNames
from chainrule.graphs.notation import probability_text, set_text

__all__ = ["CForest", "Hedge", "hedge_of"]

Edges = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CForest:
    """Its nodes, its edges (parent, child), and pairs with an unmeasured common cause, which form a tree."""

    nodes: tuple[str, ...]
    directed: Edges
    bidirected: Edges

    def text(self) -> str:
        """Nodes, then edges."""
        edges = [f"{a} -> {b}" for a, b in self.directed] + [f"{a} <-> {b}" for a, b in self.bidirected]
        return f"{{{', '.join(self.nodes)}}}" + (f" with {'; '.join(edges)}" if edges else "")


@dataclass(frozen=True)
class Hedge:
    """The two C-forests, F and F' (``inner``), their ``roots``, and the ``treatments`` that F holds."""

    forest: CForest
    inner: CForest
    roots: tuple[str, ...]
    treatments: tuple[str, ...]

    def to_plain(self) -> dict[str, Any]:
        """The hedge as plain data."""
        return to_plain(asdict(self))

    def text(self) -> str:
        """The two forests, and what they mean."""
        roots, treated = set_text(self.roots), set_text(self.treatments)
        return "\n".join(
            [
                f"F  = {self.forest.text()}",
                f"F' = {self.inner.text()}; both lead to {roots}",
                f"Unmeasured causes (<->) hold F together, and {treated} is in F, not in F'. So two models can agree "
                f"on every observed probability and differ in {probability_text(self.roots, do=self.treatments)}: what "
                f"{treated} does to {roots} cannot be told from what they owe to these causes.",
            ]
        )


def hedge_of(
    projection: Projection, names: NodeNames, outer: Set[int], inner: Set[int], xs: Set[int]
) -> Hedge:
    """The hedge in two sets of nodes, each one c-component, of which all of ``outer`` are ancestors of ``inner``."""
    graph = projection.directed
    roots = {v for v in inner if inner.isdisjoint(graph.children[v])}
    own = _edges_towards(projection, roots, inner)
    joined = _joining(projection, inner, [])
    more = _edges_towards(projection, inner, outer)

    def forest(
        nodes: Set[int], directed: Iterable[tuple[int, int]], pairs: Iterable[tuple[int, int]]
    ) -> CForest:
        both = (tuple((names.all[a], names.all[b]) for a, b in sorted(edges)) for edges in (directed, pairs))
        return CForest(names.of(sorted(nodes)), *both)

    return Hedge(
        forest(outer, own + more, _joining(projection, outer, joined)),
        forest(inner, own, joined),
        names.of(sorted(roots)),
        names.of(sorted(outer & xs)),
    )


def _edges_towards(projection: Projection, start: Set[int], within: Set[int]) -> list[tuple[int, int]]:
    """One edge (node, child) for each node ``within`` but those of ``start``, so that all lead there."""
    seen, level, edges = set(start), sorted(start), []
    while level:
        above = []
        for v in level:
            for u in projection.directed.parents[v]:
                if u in within and u not in seen:
                    seen.add(u)
                    above.append(u)
                    edges.append((u, v))
        level = above
    return edges


def _joining(projection: Projection, nodes: Set[int], begun: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs a <-> b that join ``nodes`` as a tree which goes on from those of ``begun``."""
    part = {v: v for v in nodes}
    pairs = []

    def top(v: int) -> int:
        while part[v] != v:
            v = part[v]
        return v

    def join(a: int, b: int) -> None:
        if top(a) != top(b):
            part[top(a)] = top(b)
            pairs.append((a, b))

    for a, b in begun:
        join(a, b)
    for some in projection.confounded:
        for a, b in pairwise(sorted(some & nodes)):
            join(a, b)
    return pairs
