"""The independencies that a DAG implies, in the four ways in which people list them.

- ``ordered``: compare the chain rule in a topological order, where each node is given everything before it,
  with the factorisation, where it is given its parents.  Each node is independent of what the factor drops.
- ``local``: each node is independent of all its non-descendants, given its parents.
- ``missing_edge``: each pair without an edge, with *every* minimal set that separates it.
- ``all_pairs``: each pair with every set that separates it, minimal or not; exponential.

``ordered`` and ``local`` are bases: all other independencies follow from either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

from chainrule.core.errors import TooLargeError
from chainrule.graphs.digraph import DirectedGraph, reachable
from chainrule.graphs.notation import names_latex, probability_latex, set_text
from chainrule.graphs.separation import open_from
from chainrule.graphs.separators import minimal_separators

__all__ = ["Independence", "Kind", "all_pairs", "local", "missing_edge", "ordered"]

Kind = Literal["missing_edge", "local", "ordered", "all_pairs"]


@dataclass(frozen=True)
class Independence:
    """The statement "x is independent of y, given a set", about sets of node names.

    ``comparison`` is, for the ordered kind, the equation in LaTeX that gave the statement.

    >>> print(Independence(("A",), ("B", "C"), ("D",)).text())
    A ⟂ B, C | D
    """

    x: tuple[str, ...]
    y: tuple[str, ...]
    given: tuple[str, ...] = ()
    comparison: str = field(default="", compare=False)

    def text(self) -> str:
        """The statement in plain text."""
        condition = f" | {', '.join(self.given)}" if self.given else ""
        return f"{', '.join(self.x)} ⟂ {', '.join(self.y)}{condition}"

    def latex(self) -> str:
        """The statement in LaTeX."""
        condition = rf" \mid {names_latex(self.given)}" if self.given else ""
        return rf"{names_latex(self.x)} \perp {names_latex(self.y)}{condition}"

    def __str__(self) -> str:
        return f"{set_text(self.x)} ⟂ {set_text(self.y)} given {set_text(self.given)}"


def ordered(graph: DirectedGraph, order: list[int]) -> Iterator[Independence]:
    """One statement for each node that has earlier nodes which are not its parents."""
    before: list[int] = []
    for v in order:
        parents = set(graph._parents[v])
        dropped = [u for u in before if u not in parents]
        if dropped:
            name, given = graph.nodes[v], graph._to_names(u for u in before if u in parents)
            short = probability_latex([name], given)
            long = probability_latex([name], graph._to_names(before))
            yield Independence((name,), graph._to_names(dropped), given, f"{short} = {long}")
        before.append(v)


def local(graph: DirectedGraph, order: list[int]) -> Iterator[Independence]:
    """One statement for each node that has non-descendants other than its parents."""
    for v in order:
        excluded = reachable(graph._children, [v]) | set(graph._parents[v])
        others = [u for u in range(len(graph)) if u not in excluded]
        if others:
            yield _statement(graph, [v], others, graph._parents[v])


def missing_edge(graph: DirectedGraph) -> Iterator[Independence]:
    """Each non-adjacent pair with each of its minimal separators, small separators first."""
    for a, b in combinations(range(len(graph)), 2):
        if b in graph._children[a] or a in graph._children[b]:
            continue
        for separator in sorted(minimal_separators(graph, {a}, {b}), key=lambda z: (len(z), z)):
            yield _statement(graph, [a], [b], separator)


def all_pairs(graph: DirectedGraph, limit: int) -> Iterator[Independence]:
    """Each pair with each set that separates it; ``TooLargeError`` if more than ``limit`` need checking."""
    n = len(graph)
    questions = n * (n - 1) // 2 * 2 ** max(n - 2, 0)
    if questions > limit:
        raise TooLargeError(
            f"all pairs with all sets of {n} nodes are {questions:,} questions, "
            f"more than the limit of {limit:,}; "
            "ask for kind='missing_edge' or 'local', or raise the limit"
        )
    for a in range(n):
        for size in range(n - 1):
            for z in combinations([v for v in range(n) if v != a], size):
                reached = {v for v, _ in open_from(graph, [a], set(z))}
                for b in range(a + 1, n):
                    if b not in reached and b not in z:
                        yield _statement(graph, [a], [b], z)


def _statement(graph: DirectedGraph, x: list[int], y: list[int], given: tuple[int, ...]) -> Independence:
    return Independence(graph._to_names(x), graph._to_names(y), graph._to_names(given))
