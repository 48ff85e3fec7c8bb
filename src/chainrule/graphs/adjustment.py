"""Which sets identify the effect of a cause by adjustment: sum over them, and confounding is gone.

Z is an *adjustment set* for X and Y when, in every distribution along the DAG,

    P(y | do(x)) = sum_z P(y | x, z) P(z).

A *causal* path leads from X to Y along the arrows, and is *proper* when only its first node is in X.  The sets are
exactly those that (Shpitser, VanderWeele and Robins 2010; Perković et al. 2015)

1. hold no descendant of a node that lies, after X, on a proper causal path; and
2. separate X from Y in the graph without the first edges of these paths (van der Zander et al. 2014).

So they are separators in another graph, and are listed by the same means.  Pearl's *back-door* criterion (1993)
is stricter: no descendant of X at all, and X separated from Y in the graph without any edge out of X.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from chainrule.core.errors import InputError
from chainrule.graphs.digraph import DirectedGraph, Names, reachable
from chainrule.graphs.explanation import PathExplanation, explain_path, shortest_open_path
from chainrule.graphs.notation import set_text
from chainrule.graphs.separation import is_open, query
from chainrule.graphs.separators import all_separators, minimal_separators, minimum_separator

__all__ = ["Adjustment", "AdjustmentExplanation", "Kind"]

Kind = Literal["minimal", "minimum", "all"]


@dataclass(frozen=True)
class AdjustmentExplanation:
    """Whether a set is an adjustment set, and if not, why.

    ``forbidden`` are its nodes that a causal path leads through or that lie below one; ``open_path`` is a path
    that is not causal and that the set leaves open (a shortest one).
    """

    cause: tuple[str, ...]
    effect: tuple[str, ...]
    given: tuple[str, ...]
    forbidden: tuple[str, ...]
    open_path: PathExplanation | None

    @property
    def valid(self) -> bool:
        """Whether it is one."""
        return not self.forbidden and self.open_path is None

    def text(self) -> str:
        """The verdict in the first line, then one line for each reason."""
        verdict = "is" if self.valid else "is not"
        lines = [
            f"{set_text(self.given)} {verdict} an adjustment set for the effect of {set_text(self.cause)} "
            f"on {set_text(self.effect)}"
        ]
        lines += [f"  {node} is on a causal path, or below one" for node in self.forbidden]
        lines += [f"  {self.open_path.text()}"] if self.open_path else []
        return "\n".join(lines)


@dataclass(frozen=True)
class Adjustment:
    """A question: the causes ``xs``, the effects ``ys``, and what the criterion makes of the graph.

    A set answers it when it has no ``forbidden`` node and separates xs from ys in the graph ``cut``.
    """

    graph: DirectedGraph
    cut: DirectedGraph
    xs: set[int]
    ys: set[int]
    forbidden: set[int]

    @classmethod
    def of(cls, graph: DirectedGraph, cause: Names, effect: Names) -> Adjustment:
        """The adjustment criterion, which is complete; raises as ``query`` does."""
        xs, ys, _ = query(graph, cause, effect, ())
        below = _reachable_past(graph._children, xs, xs)
        on_causal_paths = (below & _reachable_past(graph._parents, ys, xs)) - xs
        forbidden = reachable(graph._children, on_causal_paths)
        return cls(graph, _without_edges(graph, xs, on_causal_paths), xs, ys, forbidden)

    @classmethod
    def by_back_door(cls, graph: DirectedGraph, cause: str, effect: Names) -> Adjustment:
        """Pearl's back-door criterion, which is about one cause."""
        if not isinstance(cause, str):
            raise InputError(
                f"the back-door criterion is about one cause; got {cause!r}; for several use adjustment_sets"
            )
        xs, ys, _ = query(graph, cause, effect, ())
        below = reachable(graph._children, xs)
        return cls(graph, _without_edges(graph, xs, below), xs, ys, below)

    def sets(self, kind: Kind) -> Iterator[tuple[int, ...]]:
        """The sets (sorted indices) of observed nodes that answer the question."""
        if kind not in get_args(Kind):
            raise InputError(f"kind must be one of {', '.join(get_args(Kind))}; got {kind!r}")
        asked = (self.cut, self.xs, self.ys, self.forbidden | self.graph._latent)
        if kind == "all":
            return all_separators(*asked)
        if kind == "minimal":
            return minimal_separators(*asked)
        least = minimum_separator(*asked)
        return iter(() if least is None else (least,))

    def explain(self, given: Names) -> AdjustmentExplanation:
        """What makes ``given`` an answer, or spoils it."""
        names = self.graph._to_names
        _, _, zs = query(self.graph, names(self.xs), names(self.ys), given)
        path = None
        if is_open(self.cut, self.xs, self.ys, zs):
            path = explain_path(self.graph, shortest_open_path(self.cut, self.xs, self.ys, zs), zs)
        sets = (sorted(s) for s in (self.xs, self.ys, zs, zs & self.forbidden))
        return AdjustmentExplanation(*map(names, sets), open_path=path)


def _reachable_past(neighbours: tuple[tuple[int, ...], ...], start: set[int], barred: set[int]) -> set[int]:
    """``start`` and what can be reached from it without entering ``barred``."""
    seen, stack = set(start), list(start)
    while stack:
        fresh = set(neighbours[stack.pop()]) - seen - barred
        seen |= fresh
        stack += fresh
    return seen


def _without_edges(graph: DirectedGraph, sources: set[int], targets: set[int]) -> DirectedGraph:
    """``graph`` without the edges from ``sources`` to ``targets``."""
    return graph._with_parents(
        [
            [u for u in above if u not in sources] if v in targets else above
            for v, above in enumerate(graph._parents)
        ]
    )
