"""The independencies that a DAG implies, in the four ways in which people list them.

- ``ordered``: compare the chain rule in a topological order, where each node is given everything before it,
  with the factorisation, where it is given its parents.  Each node is independent of what the factor drops.
- ``local``: each node is independent of all its non-descendants, given its parents.
- ``missing_edge``: each pair without an edge, with *every* minimal set that separates it.
- ``all_pairs``: each pair with every set that separates it, minimal or not; exponential.

``ordered`` and ``local`` are bases: all other independencies follow from either.

Latent nodes are in no statement.  A pair that no observed set separates has none of the kinds ``missing_edge``
and ``all_pairs``.  For ``ordered`` and ``local`` the node's parents are replaced by the least observed set that
takes their place, which is its neighbours in the moral graph of the nodes concerned and their ancestors, those
behind latent nodes included (its Markov boundary there; without latent nodes, its parents).  Each statement is
then a d-separation, but others may hold that do not follow from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations, islice
from typing import Literal

from chainrule.core.errors import TooLargeError
from chainrule.graphs.content import Content
from chainrule.graphs.counts import count_text
from chainrule.graphs.moral import blanket
from chainrule.graphs.notation import names_latex, probability_latex, set_text
from chainrule.graphs.separation import open_from
from chainrule.graphs.separators import separators_of_pairs
from chainrule.graphs.structure import Structure, reachable

__all__ = ["Independence", "Kind", "all_pairs", "check_all_pairs", "local", "missing_edge", "ordered"]

Kind = Literal["missing_edge", "local", "ordered", "all_pairs"]

_SORTED = 1000  # how many separators of one pair wait for each other to come small ones first


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


def ordered(content: Content, order: Sequence[int]) -> Iterator[Independence]:
    """One statement for each node that has earlier nodes which its factor does not need."""
    graph, names = content.structure, content.names
    before: list[int] = []
    for v in order:
        if v in graph.latent:
            continue
        needed = _boundary(graph, v, before)
        dropped = [u for u in before if u not in needed]
        if dropped:
            name, given = names.all[v], names.of(u for u in before if u in needed)
            short = probability_latex([name], given)
            long = probability_latex([name], names.of(before))
            yield Independence((name,), names.of(dropped), given, f"{short} = {long}")
        before.append(v)


def local(content: Content) -> Iterator[Independence]:
    """One statement for each node that has non-descendants which it does not need."""
    graph = content.structure
    for v in graph.topological_order():
        if v in graph.latent:
            continue
        excluded = reachable(graph.children, [v]) | graph.latent
        others = [u for u in range(len(graph)) if u not in excluded]
        needed = _boundary(graph, v, others)
        dropped = [u for u in others if u not in needed]
        if dropped:
            yield _statement(content, [v], dropped, sorted(needed))


def _boundary(graph: Structure, v: int, others: list[int]) -> set[int]:
    """The least part of ``others``, non-descendants of ``v``, given which ``v`` is independent of the rest."""
    if graph.latent.isdisjoint(graph.parents[v]):
        return set(graph.parents[v])
    return blanket(graph, v, others)


def missing_edge(content: Content) -> Iterator[Independence]:
    """Each non-adjacent pair with each of its minimal separators.

    Small separators come first among the first 1,000 of a pair; what comes after streams as it is found.
    """
    names = content.names
    for a, b, separators in separators_of_pairs(content.structure):
        x, y = names.of([a]), names.of([b])
        first = sorted(islice(separators, _SORTED), key=lambda z: (len(z), z))
        for separator in chain(first, separators):
            yield Independence(x, y, names.of(separator))


def all_pairs(content: Content) -> Iterator[Independence]:
    """Each pair with each set that separates it."""
    graph, observed = content.structure, content.structure.observed
    for a in observed:
        for size in range(len(observed) - 1):
            for z in combinations([v for v in observed if v != a], size):
                _, reached = open_from(graph, {a}, set(z))
                for b in observed:
                    if b > a and not reached[b] and b not in z:
                        yield _statement(content, [a], [b], z)


def check_all_pairs(graph: Structure, limit: int) -> None:
    """``TooLargeError`` if ``all_pairs`` would check more than ``limit`` separations."""
    n = len(graph.observed)
    questions = n * (n - 1) // 2 * 2 ** max(n - 2, 0)
    if questions > limit:
        raise TooLargeError(
            f"all pairs with all sets of {n:,} nodes are {count_text(questions)} questions, "
            f"more than the limit of {count_text(limit)}; "
            "ask for kind='missing_edge' or 'local', or raise the limit"
        )


def _statement(content: Content, x: list[int], y: list[int], given: Iterable[int]) -> Independence:
    names = content.names
    return Independence(names.of(x), names.of(y), names.of(given))
