"""d-separation: which sets of nodes a DAG makes independent, decided.

A path is *blocked* by a set Z when one of its inner nodes blocks it:

- a **chain** (a -> v -> b) or a **fork** (a <- v -> b) blocks when v is in Z;
- a **collider** (a -> v <- b) blocks when neither v nor any descendant of v is in Z.

X and Y are d-separated by Z when Z blocks every path between them; then X is independent of Y given Z
in every distribution that factorises along the DAG (Pearl 1988; Verma and Pearl 1990), and where they are
not, almost every choice of conditional probabilities makes them dependent (Meek 1995).

Whether any path is open is decided without listing paths: walk over (node, direction of arrival), two
states for each node (the "Bayes ball", Shachter 1998).  Latent nodes may be asked about, not conditioned on.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from chainrule.core.errors import InputError
from chainrule.graphs.content import Content
from chainrule.graphs.names import Names
from chainrule.graphs.structure import Structure

__all__ = ["conditioned", "is_open", "open_colliders", "open_from", "query", "separated_from"]


def query(graph: Content, x: Names, y: Names, given: Names) -> tuple[set[int], set[int], set[int]]:
    """The three sets of a question as indices, checked.

    Raises ``InputError`` where x or y is empty, a node is in two sets, or a latent one is in ``given``.
    """
    xs, ys = graph.names.ids("x", x), graph.names.ids("y", y)
    zs = conditioned(graph, given)
    for a, b, one, other in ((xs, ys, "x", "y"), (xs, zs, "x", "given"), (ys, zs, "y", "given")):
        if a & b:
            shared = graph.names.all[min(a & b)]
            raise InputError(f"{one} and {other} both hold {shared!r}; the three sets must not overlap")
    return xs, ys, zs


def conditioned(graph: Content, given: Names, what: str = "given") -> set[int]:
    """``given`` as indices, which may be empty; ``InputError`` where it holds a latent node."""
    zs = graph.names.ids(what, given, may_be_empty=True)
    if hidden := zs & graph.structure.latent:
        raise InputError(
            f"{what} holds {graph.names.all[min(hidden)]!r}, which is latent; only observed nodes can be "
            "conditioned on: take it out, or drop its latent mark"
        )
    return zs


def separated_from(content: Content, x: Names, given: Names) -> list[int]:
    """All observed nodes that are d-separated from ``x`` given the set; raises as ``query``."""
    xs, zs = content.names.ids("x", x), conditioned(content, given)
    if xs & zs:
        shared = content.names.all[min(xs & zs)]
        raise InputError(f"x and given both hold {shared!r}; the sets must not overlap")
    _, reached = open_from(content.structure, xs, zs)
    unlisted = zs | content.structure.latent
    return [v for v in range(len(content.structure)) if not reached[v] and v not in unlisted]


def is_open(graph: Structure, xs: set[int], ys: set[int], zs: set[int]) -> bool:
    """Whether an open path joins ``xs`` and ``ys`` given ``zs``."""
    met, _ = open_from(graph, xs, zs, until=ys)
    return met[-1] in ys


def open_from(
    graph: Structure, xs: set[int], zs: set[int], *, until: Container[int] = ()
) -> tuple[list[int], bytearray]:
    """What open paths from ``xs`` reach given ``zs``: the nodes as met, ``xs`` first, and a flag for each node.

    Members of ``zs`` are there too, where such a path ends at them.  The walk ends early at a node of
    ``until``, which is then the last one met.  Linear.
    """
    parents, children, n = graph.parents, graph.children, len(graph)
    seen, climbed = _flags(n, xs), _flags(n, xs)  # climbed: its parents have been visited
    descended = _flags(n, xs | zs)  # its children have been visited; from an observed node they never are
    turns_up = open_colliders(graph, zs)
    met, climb, descend = list(xs), list(xs), list(xs)
    while climb or descend:
        while climb:
            for v in parents[climb.pop()]:  # arrives from a child: a chain or a fork
                if not seen[v]:
                    seen[v] = 1
                    met.append(v)
                    if v in until:
                        return met, seen
                if not climbed[v] and v not in zs:
                    climbed[v] = 1
                    climb.append(v)
                    if not descended[v]:
                        descended[v] = 1
                        descend.append(v)
        while descend:
            for v in children[descend.pop()]:  # arrives from a parent: a chain on the way down, or a collider
                if not seen[v]:
                    seen[v] = 1
                    met.append(v)
                    if v in until:
                        return met, seen
                if not descended[v]:
                    descended[v] = 1
                    descend.append(v)
                if turns_up[v] and not climbed[v]:
                    climbed[v] = 1
                    climb.append(v)
    return met, seen


def open_colliders(graph: Structure, zs: set[int]) -> bytearray:
    """A flag for each node: whether paths pass it as a collider, since it or a node below it is observed."""
    out, climb, parents = _flags(len(graph), zs), list(zs), graph.parents
    while climb:
        for u in parents[climb.pop()]:
            if not out[u]:
                out[u] = 1
                climb.append(u)
    return out


def _flags(n: int, members: Iterable[int]) -> bytearray:
    """``n`` bytes: 1 for each of ``members``, 0 for all else."""
    out = bytearray(n)
    for v in members:
        out[v] = 1
    return out
