"""Pairs of names to the lists of parents that a graph is made of."""

from __future__ import annotations

from collections.abc import Iterable

from chainrule.core.checks import is_listing
from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.text import as_written

__all__ = ["mixed_edges", "parents_by_node"]


def parents_by_node(
    edges: Iterable[tuple[str, str]], nodes: Iterable[str] | None
) -> tuple[list[str], list[list[int]]]:
    """Names, and the sorted parents of each as indices, from pairs (parent, child).

    Without ``nodes`` the names come as the edges name them.  Raises ``InputError`` for what is not a pair of
    names and for repeated nodes, ``UnknownNameError`` for an edge to a node that ``nodes`` does not have.

    >>> parents_by_node([("A", "C"), ("B", "C")], None)
    (['A', 'C', 'B'], [[], [0, 2], []])
    """
    if isinstance(edges, str) or isinstance(nodes, str):
        raise InputError("edges must be pairs of names and nodes a list of names; for text use .parse(text)")
    for what, given in (("edges", edges), ("nodes", nodes if nodes is not None else ())):
        if not is_listing(given):
            raise InputError(
                f"{what} must be a list, "
                f"got {as_written(given)}; give edges as pairs such as ('A', 'B'), nodes as names"
            )
    index: dict[str, int] = {}
    for name in nodes if nodes is not None else ():
        if _name(name) in index:
            raise InputError(f"nodes has {name!r} twice; name each node once")
        index[name] = len(index)
    parents: list[set[int]] = [set() for _ in index]
    for edge in edges:
        if not isinstance(edge, (tuple, list)) or len(edge) != 2:
            raise InputError(f"an edge must be a pair (parent, child); got {as_written(edge)}")
        for name in edge:
            if _name(name) not in index:
                if nodes is not None:
                    raise UnknownNameError.of("node", name, list(index))
                index[name] = len(index)
                parents.append(set())
        parents[index[edge[1]]].add(index[edge[0]])
    return list(index), [sorted(above) for above in parents]


def mixed_edges(
    directed: Iterable[tuple[str, str]], undirected: Iterable[tuple[str, str]], nodes: Iterable[str] | None
) -> tuple[list[str], list[list[int]], list[tuple[int, int]]]:
    """Names, the sorted parents of each, and sorted pairs (u, v) with u < v that undirected edges join.

    Raises as ``parents_by_node``, and ``InputError`` where two nodes are joined in two ways, or one with itself.

    >>> mixed_edges([("A", "C")], [("C", "B")], None)
    (['A', 'C', 'B'], [[], [0], []], [(1, 2)])
    """
    names, parents = parents_by_node(directed, nodes)
    others, beside = parents_by_node(undirected, None if nodes is None else names)
    names = list(dict.fromkeys([*names, *others]))
    parents += [[] for _ in names[len(parents) :]]
    index = {name: i for i, name in enumerate(names)}
    joined = ((index[others[u]], index[others[v]]) for v, us in enumerate(beside) for u in us)
    pairs = sorted({(min(edge), max(edge)) for edge in joined})
    ways = dict.fromkeys(pairs, "--")
    for u, v in ((u, v) for v, us in enumerate(parents) for u in us):
        pair = min(u, v), max(u, v)
        if pair in ways:
            raise InputError(
                f"{names[u]} -> {names[v]} is not all that joins the two: there is {names[pair[0]]} "
                f"{ways[pair]} {names[pair[1]]}, too; keep one of these edges"
            )
        ways[pair] = "->" if pair == (u, v) else "<-"
    for u, v in ways:
        if u == v:
            raise InputError(f"an edge joins {names[u]} with itself; remove it")
    return names, parents, pairs


def _name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise InputError(f"a node name must be a string that is not empty; got {as_written(name)}")
    return name
