"""Why two sets of nodes are d-separated or not: the paths between them, and what each inner node does.

The rules are those of ``separation``.  Paths may be too many to list; then one shortest open path is shown or,
where none is open, everything that open paths reach.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from chainrule.core.records import to_plain
from chainrule.graphs.content import Content
from chainrule.graphs.notation import set_text
from chainrule.graphs.separation import open_colliders, open_from
from chainrule.graphs.structure import Structure

__all__ = [
    "Junction",
    "PathExplanation",
    "Rule",
    "SeparationExplanation",
    "explain",
    "explain_path",
    "shortest_open_path",
]

Rule = Literal["chain", "fork", "collider", "collider with an observed descendant"]

_MOST_NAMES = 50  # that a sentence lists


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
                lines.append(f"  open paths from {set_text(self.x)} reach only {self._reached_text()}")
        elif not self.paths:
            lines.append("  no path joins them")
        return "\n".join([*lines, *(f"  {path.text()}" for path in self.paths)])

    def _reached_text(self) -> str:
        """The nodes reached; of very many, the first and how many there are."""
        if len(self.reached) <= _MOST_NAMES:
            return set_text(self.reached)
        return f"{{{', '.join(self.reached[:_MOST_NAMES])}, … {len(self.reached)} in all}}"

    def marks(self) -> dict[str, Any]:
        """``node_marks`` and ``edge_marks`` for a drawing: what is asked and given, which edges are open.

        An edge is open when an open path uses it, blocked when only blocked ones do.

        >>> from chainrule.graphs import DAG
        >>> dag = DAG.parse("A -> B -> C")
        >>> marks = dag.explain_d_separation("A", "C", "B").marks()
        >>> marks["node_marks"], marks["edge_marks"]["A", "B"]
        ({'A': 'highlight', 'C': 'highlight', 'B': 'given'}, 'blocked')
        """
        nodes = {**dict.fromkeys((*self.x, *self.y), "highlight"), **dict.fromkeys(self.given, "given")}
        edges = {}
        for path in sorted(self.paths, key=lambda path: path.is_open):  # the open ones last, to stay
            for a, arrow, b in zip(path.nodes, path.arrows, path.nodes[1:], strict=False):
                edges[(a, b) if arrow == "->" else (b, a)] = "open" if path.is_open else "blocked"
        return {"node_marks": nodes, "edge_marks": edges}

    def to_plain(self) -> dict[str, Any]:
        """The explanation as dicts, lists and strings; each path also says whether it is open."""
        plain = to_plain(asdict(self))
        for path, out in zip(self.paths, plain["paths"], strict=True):
            out["is_open"] = path.is_open
        return plain


def explain(
    content: Content,
    xs: set[int],
    ys: set[int],
    zs: set[int],
    *,
    max_paths: int,
    max_steps: int = 200_000,
) -> SeparationExplanation:
    """Every simple path between the sets that leaves x and enters y once, each with its verdict."""
    graph, names = content.structure, content.names
    reached = set(open_from(graph, xs, zs)[0])
    listed: list[list[int]] = []
    complete = True
    for path in _simple_paths(graph, xs, ys, max_steps):
        if path is None or len(listed) == max_paths:
            complete = False
            break
        listed.append(path)
    if not complete:
        listed = [shortest_open_path(graph, xs, ys, zs)] if reached & ys else []
    witness = _witnesses(graph, zs)
    listed.sort(key=lambda path: (len(path), path))
    return SeparationExplanation(
        *(names.of(sorted(s)) for s in (xs, ys, zs)),
        separated=not reached & ys,
        complete=complete,
        paths=tuple(explain_path(content, path, zs, witness) for path in listed),
        reached=names.of(sorted(reached - xs - zs)),
    )


def _simple_paths(graph: Structure, xs: set[int], ys: set[int], max_steps: int) -> Iterator[list[int] | None]:
    """Simple paths from xs to ys with no inner node in either; ``None`` when ``max_steps`` are used up.

    Depth first.  A node from which the search failed stays barred until a neighbour of it is free again, so
    that no dead end is walked twice between two paths (Johnson 1975): linear time for each path.
    """
    steps = 0
    for x in sorted(xs):
        barred = set(xs)
        freed_by: dict[int, set[int]] = {}
        path, searches, found = [x], [_around(graph, x)], [False]
        while path:
            steps += 1
            if steps > max_steps:
                yield None
                return
            v = next(searches[-1], None)
            if v is None:
                left, succeeded = path.pop(), found.pop()
                searches.pop()
                if not succeeded:
                    for w in _around(graph, left):
                        freed_by.setdefault(w, set()).add(left)
                elif path:
                    found[-1] = True
                    _free(left, barred, freed_by)
            elif v in ys:
                found[-1] = True
                yield [*path, v]
            elif v not in barred:
                barred.add(v)
                path.append(v)
                searches.append(_around(graph, v))
                found.append(False)


def _free(v: int, barred: set[int], freed_by: dict[int, set[int]]) -> None:
    """Let the search enter ``v`` again, and the nodes from which it failed because ``v`` was barred."""
    waiting = [v]
    while waiting:
        u = waiting.pop()
        if u in barred:
            barred.discard(u)
            waiting += freed_by.pop(u, ())


def _around(graph: Structure, v: int) -> Iterator[int]:
    return iter(sorted({*graph.parents[v], *graph.children[v]}))


def shortest_open_path(graph: Structure, xs: set[int], ys: set[int], zs: set[int]) -> list[int]:
    """A shortest open walk between sets that are not separated.

    It visits no node twice, or it could be cut short there.  Breadth first over (node, whether the walk
    arrives from a parent).
    """
    turns_up = open_colliders(graph, zs)
    came_from: dict[tuple[int, bool], tuple[int, bool] | None] = {(x, False): None for x in sorted(xs)}
    queue = deque(came_from)
    while True:
        state = queue.popleft()
        v, down = state
        if v in ys:
            break
        nexts: list[tuple[int, bool]] = []
        if turns_up[v] if down else v not in zs:
            nexts += [(u, False) for u in graph.parents[v]]
        if v not in zs:
            nexts += [(w, True) for w in graph.children[v]]
        for following in nexts:
            if following not in came_from:
                came_from[following] = state
                queue.append(following)
    path = [v]
    while (earlier := came_from[state]) is not None:
        state = earlier
        path.append(state[0])
    return path[::-1]


def _witnesses(graph: Structure, zs: set[int]) -> dict[int, int]:
    """For each node of ``zs`` and above it, the first observed node that it is or that lies below it."""
    out: dict[int, int] = {}
    for z in sorted(zs):
        stack = [z]
        while stack:
            v = stack.pop()
            if v not in out:
                out[v] = z
                stack += graph.parents[v]
    return out


def explain_path(
    content: Content, path: list[int], zs: set[int], witness: dict[int, int] | None = None
) -> PathExplanation:
    """What each inner node of ``path`` does, given ``zs``."""
    graph, names = content.structure, content.names
    if witness is None:
        witness = _witnesses(graph, zs)
    forward = [a in graph.parents[b] for a, b in pairwise(path)]
    junctions = []
    for v, arrives, leaves in zip(path[1:-1], forward[:-1], forward[1:], strict=True):
        name, observed = names.all[v], v in zs
        if not arrives or leaves:
            rule: Rule = "chain" if arrives == leaves else "fork"
            junctions.append(Junction(name, rule, observed, not observed))
        elif v in witness and not observed:
            below = names.all[witness[v]]
            junctions.append(Junction(name, "collider with an observed descendant", False, True, below))
        else:
            junctions.append(Junction(name, "collider", observed, observed, name if observed else None))
    arrows = tuple("->" if f else "<-" for f in forward)
    return PathExplanation(names.of(path), arrows, tuple(junctions))
