"""Which sets identify the effect of a cause by adjustment: sum over them, and confounding is gone.

Z is an *adjustment set* for X and Y when, in every distribution along the DAG,

    P(y | do(x)) = sum_z P(y | x, z) P(z).

A *causal* path leads from X to Y along the arrows, and is *proper* when only its first node is in X.  The sets are
exactly those that (Shpitser, VanderWeele and Robins 2010; Perković et al. 2015)

1. hold no descendant of a node that lies, after X, on a proper causal path; and
2. separate X from Y in the graph without the first edges of these paths (van der Zander et al. 2014).

So they are separators in another graph, and are listed by the same means, also those that must hold some nodes
(the ones that a study has adjusted for in any case).  Pearl's *back-door* criterion (1993)
is stricter: no descendant of X at all, and X separated from Y in the graph without any edge out of X.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError
from chainrule.core.text import as_written
from chainrule.graphs.content import Content
from chainrule.graphs.explanation import PathExplanation, explain_path, shortest_open_path
from chainrule.graphs.names import Names
from chainrule.graphs.notation import set_text
from chainrule.graphs.separation import conditioned, is_open, query
from chainrule.graphs.separators import all_separators, minimal_separators, minimum_separator
from chainrule.graphs.structure import Structure, reachable

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

    A set answers it when it has no ``forbidden`` node and separates xs from ys in the graph ``cut``; it is asked for
    only if it also holds all that is ``included``.
    """

    content: Content
    cut: Structure
    xs: set[int]
    ys: set[int]
    forbidden: set[int]
    included: set[int]

    @classmethod
    def of(cls, content: Content, cause: Names, effect: Names, included: Names | None = None) -> Adjustment:
        """The adjustment criterion, which is complete; raises as ``query`` does.

        Without ``included``, the nodes that the graph marks as adjusted are it.
        """
        xs, ys, forced = _asked(content, cause, effect, included)
        graph = content.structure
        below = _reachable_past(graph.children, xs, xs)
        on_causal_paths = (below & _reachable_past(graph.parents, ys, xs)) - xs
        forbidden = reachable(graph.children, on_causal_paths)
        return cls(content, _without_edges(graph, xs, on_causal_paths), xs, ys, forbidden, forced)

    @classmethod
    def by_back_door(
        cls, content: Content, cause: str, effect: Names, included: Names | None = None
    ) -> Adjustment:
        """Pearl's back-door criterion, which is about one cause; ``included`` as in ``of``."""
        if not isinstance(cause, str):
            raise InputError(
                f"the back-door criterion is about one cause; got {as_written(cause)}; for several use adjustment_sets"
            )
        xs, ys, forced = _asked(content, cause, effect, included)
        below = reachable(content.structure.children, xs)
        return cls(content, _without_edges(content.structure, xs, below), xs, ys, below, forced)

    def sets(self, kind: Kind) -> Iterator[tuple[int, ...]]:
        """The sets (sorted indices) of observed nodes that answer the question."""
        check_choice(kind, "kind", get_args(Kind))
        unusable = self.forbidden | self.content.structure.latent
        if kind == "all":
            return all_separators(self.cut, self.xs, self.ys, unusable, self.included)
        if kind == "minimal":
            return minimal_separators(self.cut, self.xs, self.ys, unusable, self.included)
        least = minimum_separator(self.cut, self.xs, self.ys, unusable, self.included)
        return iter(() if least is None else (least,))

    def explain(self, given: Names | None) -> AdjustmentExplanation:
        """What makes ``given``, or without it what is included, an answer, or spoils it."""
        names = self.content.names.of
        zs = self.included
        if given is not None:
            _, _, zs = query(self.content, names(self.xs), names(self.ys), given)
        path = None
        if is_open(self.cut, self.xs, self.ys, zs):
            path = explain_path(self.content, shortest_open_path(self.cut, self.xs, self.ys, zs), zs)
        sets = (sorted(s) for s in (self.xs, self.ys, zs, zs & self.forbidden))
        return AdjustmentExplanation(*map(names, sets), open_path=path)


def _asked(
    content: Content, cause: Names, effect: Names, included: Names | None
) -> tuple[set[int], set[int], set[int]]:
    """Causes, effects and what every set must hold, as indices; without ``included`` the graph's marks say it."""
    xs, ys, _ = query(content, cause, effect, ())
    forced = conditioned(content, content.marks.adjusted if included is None else included, "included")
    for what, some in (("cause", xs), ("effect", ys)):
        if shared := some & forced:
            name, source = content.names.all[min(shared)], " by its mark [adjusted]" * (included is None)
            raise InputError(
                f"{name!r} is the {what} and must be adjusted for{source}; pass included without it, "
                "such as included=()"
            )
    return xs, ys, forced


def _reachable_past(neighbours: tuple[tuple[int, ...], ...], start: set[int], barred: set[int]) -> set[int]:
    """``start`` and what can be reached from it without entering ``barred``."""
    seen, stack = set(start), list(start)
    while stack:
        fresh = set(neighbours[stack.pop()]) - seen - barred
        seen |= fresh
        stack += fresh
    return seen


def _without_edges(graph: Structure, sources: set[int], targets: set[int]) -> Structure:
    """``graph`` without the edges from ``sources`` to ``targets``."""
    return graph.with_parents(
        [u for u in above if u not in sources] if v in targets else above
        for v, above in enumerate(graph.parents)
    )
