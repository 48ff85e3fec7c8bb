"""d-separation: which sets of nodes a DAG makes independent, decided and explained.

A path is *blocked* by a set Z when one of its inner nodes blocks it:

- a **chain** (a -> v -> b) or a **fork** (a <- v -> b) blocks when v is in Z;
- a **collider** (a -> v <- b) blocks when neither v nor any descendant of v is in Z.

X and Y are d-separated by Z when Z blocks every path between them; then X is independent of Y given Z
in every distribution that factorises along the DAG (Pearl 1988; Verma and Pearl 1990), and where they are
not, almost every choice of conditional probabilities makes them dependent (Meek 1995).

Whether any path is open is decided without listing paths: walk over (node, direction of arrival), two
states for each node (the "Bayes ball", Shachter 1998).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from chainrule.core.errors import InputError
from chainrule.graphs.digraph import DirectedGraph, Names, reachable
from chainrule.graphs.notation import set_text

__all__ = ["Junction", "PathExplanation", "Rule", "SeparationExplanation", "explain", "open_from", "query"]

Rule = Literal["chain", "fork", "collider", "collider with an observed descendant"]

FROM_CHILD, FROM_PARENT = 0, 1  # the direction in which a walk arrives at a node


@dataclass(frozen=True)
class Junction:
    """An inner node of a path, and what it does there.

    ``rule`` is the kind of junction, ``observed`` whether the node itself is in the given set, ``opens``
    whether the path can pass.  ``witness`` is the observed node that opens a collider.
    """

    node: str
    rule: Rule
    observed: bool
    opens: bool
    witness: str | None = None

    def text(self) -> str:
        """One clause, such as ``blocked at R (fork, observed)``."""
        state = "open" if self.opens else "blocked"
        if self.rule == "collider with an observed descendant":
            return f"{state} at {self.node} (collider, its descendant {self.witness} is observed)"
        return f"{state} at {self.node} ({self.rule}, {'observed' if self.observed else 'not observed'})"


@dataclass(frozen=True)
class PathExplanation:
    """One path from x to y: its nodes, the arrow after each but the last, its junctions.

    The path is open when every junction lets it pass.
    """

    nodes: tuple[str, ...]
    arrows: tuple[str, ...]
    junctions: tuple[Junction, ...]

    @property
    def is_open(self) -> bool:
        """Whether the path carries dependence."""
        return all(j.opens for j in self.junctions)

    @property
    def deciding(self) -> tuple[Junction, ...]:
        """What decides: the junctions that block, or all of them where none does."""
        return tuple(j for j in self.junctions if not j.opens) or self.junctions

    def arrow_text(self) -> str:
        """The path as drawn: ``DB <- R -> CM``."""
        return self.nodes[0] + "".join(f" {a} {n}" for a, n in zip(self.arrows, self.nodes[1:], strict=True))

    def text(self) -> str:
        """The path and the reason, in one line."""
        if not self.junctions:
            return f"{self.arrow_text()}: open (an edge; nothing can block it)"
        return f"{self.arrow_text()}: {'; '.join(j.text() for j in self.deciding)}"


@dataclass(frozen=True)
class SeparationExplanation:
    """Whether x and y are d-separated given a set, and why: the paths between them.

    Where ``complete`` is false there were too many paths to list: ``paths`` then holds one shortest open
    path or, when the sets are separated, none, and ``reached`` certifies that: it is everything that open
    paths from x reach, and nothing of y is in it.
    """

    x: tuple[str, ...]
    y: tuple[str, ...]
    given: tuple[str, ...]
    separated: bool
    complete: bool
    paths: tuple[PathExplanation, ...]
    reached: tuple[str, ...]

    def text(self) -> str:
        """The verdict in the first line, then one line for each path."""
        verdict = "are d-separated" if self.separated else "are not d-separated"
        lines = [f"{set_text(self.x)} and {set_text(self.y)} {verdict} given {set_text(self.given)}"]
        if not self.complete:
            some = "none is open" if self.separated else "a shortest open one is shown"
            lines.append(f"  too many paths to list; {some}")
            if self.separated:
                lines.append(f"  open paths from {set_text(self.x)} reach only {set_text(self.reached)}")
        elif not self.paths:
            lines.append("  no path joins them")
        return "\n".join([*lines, *(f"  {path.text()}" for path in self.paths)])


def query(graph: DirectedGraph, x: Names, y: Names, given: Names) -> tuple[set[int], set[int], set[int]]:
    """The three sets of a question as indices, checked: x and y not empty, nothing in two sets."""
    xs, ys = graph._ids("x", x), graph._ids("y", y)
    zs = graph._ids("given", given, may_be_empty=True)
    for a, b, one, other in ((xs, ys, "x", "y"), (xs, zs, "x", "given"), (ys, zs, "y", "given")):
        if a & b:
            shared = graph.nodes[min(a & b)]
            raise InputError(f"{one} and {other} both hold {shared!r}; the three sets must not overlap")
    return xs, ys, zs


def open_from(
    graph: DirectedGraph, xs: Iterable[int], zs: set[int], *, until: set[int] | None = None
) -> dict[tuple[int, int], tuple[int, int] | None]:
    """All states (node, direction) that open paths from ``xs`` reach given ``zs``, each with the one before.

    The walk is breadth first and ends early at a node of ``until``, which is then the last key.  Linear.
    """
    above_z = reachable(graph._parents, zs)
    came_from: dict[tuple[int, int], tuple[int, int] | None] = {(x, FROM_CHILD): None for x in xs}
    queue = deque(came_from)
    while queue:
        state = queue.popleft()
        v, arrived = state
        nexts: list[tuple[int, int]] = []
        if v in above_z if arrived == FROM_PARENT else v not in zs:
            nexts += [(u, FROM_CHILD) for u in graph._parents[v]]
        if v not in zs:
            nexts += [(w, FROM_PARENT) for w in graph._children[v]]
        for following in nexts:
            if following not in came_from:
                came_from[following] = state
                if until is not None and following[0] in until:
                    return came_from
                queue.append(following)
    return came_from


def explain(
    graph: DirectedGraph,
    xs: set[int],
    ys: set[int],
    zs: set[int],
    *,
    max_paths: int,
    max_steps: int = 200_000,
) -> SeparationExplanation:
    """Every simple path between the sets that leaves x and enters y once, each with its verdict."""
    states = open_from(graph, xs, zs)
    reached = {v for v, _ in states}
    listed: list[list[int]] = []
    complete = True
    for path in _simple_paths(graph, xs, ys, max_steps):
        if path is None or len(listed) == max_paths:
            complete = False
            break
        listed.append(path)
    if not complete:
        listed = [_shortest_open(graph, xs, ys, zs)] if reached & ys else []
    above_z = reachable(graph._parents, zs)
    listed.sort(key=lambda path: (len(path), path))
    return SeparationExplanation(
        *(graph._to_names(sorted(s)) for s in (xs, ys, zs)),
        separated=not reached & ys,
        complete=complete,
        paths=tuple(_explain_path(graph, path, zs, above_z) for path in listed),
        reached=graph._to_names(sorted(reached - xs - zs)),
    )


def _simple_paths(
    graph: DirectedGraph, xs: set[int], ys: set[int], max_steps: int
) -> Iterator[list[int] | None]:
    """Simple paths from xs to ys with no inner node in either; ``None`` when ``max_steps`` are used up."""
    around = [sorted({*graph._parents[v], *graph._children[v]}) for v in range(len(graph))]
    steps = 0
    for x in sorted(xs):
        path, on_path = [x], {x}
        stack = [iter(around[x])]
        while stack:
            steps += 1
            if steps > max_steps:
                yield None
                return
            v = next(stack[-1], None)
            if v is None:
                stack.pop()
                on_path.discard(path.pop())
            elif v in ys:
                yield [*path, v]
            elif v not in on_path and v not in xs:
                path.append(v)
                on_path.add(v)
                stack.append(iter(around[v]))


def _shortest_open(graph: DirectedGraph, xs: set[int], ys: set[int], zs: set[int]) -> list[int]:
    """A shortest open walk between the sets; it visits no node twice, or it could be cut short there."""
    came_from = open_from(graph, xs, zs, until=ys)
    state: tuple[int, int] | None = next(reversed(came_from))
    path: list[int] = []
    while state is not None:
        path.append(state[0])
        state = came_from[state]
    return path[::-1]


def _explain_path(graph: DirectedGraph, path: list[int], zs: set[int], above_z: set[int]) -> PathExplanation:
    forward = [b in graph._children[a] for a, b in pairwise(path)]
    junctions = []
    for v, arrives, leaves in zip(path[1:-1], forward[:-1], forward[1:], strict=True):
        name, observed = graph.nodes[v], v in zs
        if arrives and not leaves:
            if v in above_z and not observed:
                below = reachable(graph._children, [v])
                witness = graph.nodes[min(below & zs)]
                junctions.append(Junction(name, "collider with an observed descendant", False, True, witness))
            else:
                junctions.append(Junction(name, "collider", observed, observed, name if observed else None))
        else:
            rule: Rule = "chain" if arrives == leaves else "fork"
            junctions.append(Junction(name, rule, observed, not observed))
    arrows = tuple("->" if f else "<-" for f in forward)
    return PathExplanation(graph._to_names(path), arrows, tuple(junctions))
