"""Effects of interventions, and whether the observed nodes say what they are.

Asked in turn, since the first formulas are the ones that people know:

1. no treatment that matters: no directed path leads from one to an outcome, past the others;
2. a back-door set, or for several treatments an adjustment set (``adjustment``), one with the fewest nodes;
3. a front-door set (``front_door``);
4. the ID algorithm, which is complete (``id_algorithm``).

With conditions, IDC (Shpitser and Pearl 2006) goes first: a condition that cannot be told from an intervention (rule
2 of the do-calculus) becomes one.  If some are left, P(y | do(x), z) = P(y, z | do(x)) / ∑_y P(y, z | do(x)), or
∑_w P(y | x, z, w) P(w | z) where z and w together are a back-door set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from chainrule.core.errors import InputError
from chainrule.core.records import to_plain
from chainrule.graphs.adjustment import Adjustment
from chainrule.graphs.content import Content
from chainrule.graphs.identification.formulas import Formula, Probability, Sum, latex, text
from chainrule.graphs.identification.front_door import front_door_set
from chainrule.graphs.identification.hedge import Hedge
from chainrule.graphs.identification.id_algorithm import identified
from chainrule.graphs.identification.projection import Projection
from chainrule.graphs.identification.simplifying import product, quotient, total
from chainrule.graphs.names import Names
from chainrule.graphs.notation import probability_latex, probability_text, set_text
from chainrule.graphs.separation import is_open, query
from chainrule.graphs.structure import Structure

__all__ = ["Effect", "Method", "identify"]

Method = Literal["no causal path", "back-door", "adjustment", "front-door", "ID", "IDC"]


@dataclass(frozen=True)
class Effect:
    """P(outcomes | do(treatments), given): its ``formula`` by a ``method``, or the ``hedge`` that says there is none.

    ``through`` are the nodes of the back-door, adjustment or front-door set.  ``evaluate.estimate_effect`` computes
    the formula from rows, or from a fitted model.
    """

    treatments: tuple[str, ...]
    outcomes: tuple[str, ...]
    given: tuple[str, ...]
    method: Method | None = None
    through: tuple[str, ...] = ()
    formula: Formula | None = None
    hedge: Hedge | None = None

    @property
    def identifiable(self) -> bool:
        """Whether the distribution of the observed nodes determines it."""
        return self.formula is not None

    @property
    def arbitrary(self) -> tuple[str, ...]:
        """Names in the formula that are not asked about: it has the same value whatever theirs are."""
        free = frozenset() if self.formula is None else self.formula.free
        return tuple(sorted(free.difference(self._asked)))

    def text(self) -> str:
        """The equation and how it was found, or why there is none."""
        effect = probability_text(self.outcomes, self.given, self.treatments)
        if self.formula is None:
            reason = "" if self.hedge is None else "\n" + _indented(f"a hedge shows it:\n{self.hedge.text()}")
            return f"{effect} is not identifiable from the observed variables{reason}"
        any_value = f"  for any value of {', '.join(self.arbitrary)}" if self.arbitrary else ""
        return f"{effect} = {text(self.formula, self._asked)}{any_value}\n{_indented(self._found_by())}"

    def latex(self) -> str:
        """The equation in LaTeX; ``InputError`` where there is none."""
        if self.formula is None:
            raise InputError(
                "there is no formula, since the effect is not identifiable; .text() says why, and measuring one of "
                "the latent nodes may help"
            )
        effect = probability_latex(self.outcomes, self.given, self.treatments)
        return f"{effect} = {latex(self.formula, self._asked)}"

    def to_plain(self) -> dict[str, Any]:
        """The answer as plain data."""
        return to_plain(
            {
                "treatments": self.treatments,
                "outcomes": self.outcomes,
                "given": self.given,
                "identifiable": self.identifiable,
                "method": self.method,
                "through": self.through,
                "formula": None if self.formula is None else text(self.formula, self._asked),
                "latex": None if self.formula is None else self.latex(),
                "arbitrary": self.arbitrary,
                "hedge": None if self.hedge is None else self.hedge.to_plain(),
            }
        )

    @property
    def _asked(self) -> tuple[str, ...]:
        return (*self.treatments, *self.outcomes, *self.given)

    def _found_by(self) -> str:
        if self.method == "no causal path":
            return "no causal path leads from a treatment to an outcome"
        if self.method in ("back-door", "adjustment"):
            if not self.through:
                return "no adjustment is needed"
            return f"by the {self.method} set {set_text(self.through)}"
        if self.method == "front-door":
            return f"by the front-door set {set_text(self.through)}; there is no adjustment set"
        if self.method == "IDC":
            return "by the ID algorithm for conditional effects"
        return "by the ID algorithm; there is no adjustment set and no front-door set"


def identify(content: Content, treatments: Names, outcomes: Names, given: Names = ()) -> Effect:
    """Whether and how P(outcomes | do(treatments), given) follows from the observed distribution.

    Raises ``InputError`` for sets that overlap, are empty or hold a latent node, ``UnknownNameError``.
    """
    xs, ys, zs = query(content, treatments, outcomes, given)
    graph, names = content.structure, content.names
    for what, some in (("treatments", xs), ("outcomes", ys)):
        if hidden := some & graph.latent:
            raise InputError(
                f"{what} hold {names.all[min(hidden)]!r}, which is latent; only effects between observed nodes can be "
                "identified: ask about others, or drop its latent mark"
            )
    treated, asked, known = (names.of(sorted(some)) for some in (xs, ys, zs))
    xs, zs = _conditions_as_actions(graph, xs, ys, zs)
    xs = _relevant(graph, xs, ys | zs)
    found = _by_known_set(content, xs, ys, zs)
    if found is None:
        complete = identified(Projection.of(graph), names, xs, ys | zs)
        if isinstance(complete, Hedge):
            return Effect(treated, asked, known, hedge=complete)
        if zs:
            complete = quotient(complete, total(names.of(sorted(ys)), complete))
        found = "IDC" if zs else "ID", (), complete
    method, through, formula = found
    return Effect(treated, asked, known, method, through, formula)


def _conditions_as_actions(
    graph: Structure, xs: set[int], ys: set[int], zs: set[int]
) -> tuple[set[int], set[int]]:
    """Treatments and conditions once every condition is an action that rule 2 of the do-calculus allows to be one."""
    for z in sorted(zs):
        others = zs - {z}
        cut = graph.with_parents(
            () if v in xs else [u for u in above if u != z] for v, above in enumerate(graph.parents)
        )
        if not is_open(cut, ys, {z}, xs | others):
            return _conditions_as_actions(graph, xs | {z}, ys, others)
    return xs, zs


def _relevant(graph: Structure, xs: set[int], targets: set[int]) -> set[int]:
    """Those treatments from which a directed path leads to ``targets`` past all others."""
    seen, stack = set(targets), list(targets)
    while stack:
        v = stack.pop()
        fresh = set(() if v in xs else graph.parents[v]) - seen
        seen |= fresh
        stack += fresh
    return xs & seen


def _by_known_set(
    content: Content, xs: set[int], ys: set[int], zs: set[int]
) -> tuple[Method, tuple[str, ...], Formula] | None:
    """Method, set and formula by one of the sets that have a name."""
    names = content.names
    x, y, z = (names.of(sorted(some)) for some in (xs, ys, zs))
    if not xs:
        return "no causal path", (), Probability(y, z)
    adjusting: Method = "back-door" if len(xs) == 1 else "adjustment"
    question = None
    if len(xs) == 1:
        question = Adjustment.by_back_door(content, x[0], y, z)
    elif not zs:
        question = Adjustment.of(content, x, y, ())
    found = None if question is None else next(question.sets("minimum"), None)
    if found is not None:
        through = names.of(found)
        summed = tuple(name for name in through if name not in z)
        weighted = [Probability(y, (*x, *through)), Probability(summed, z)]
        return adjusting, through, total(summed, product(weighted)) if summed else weighted[0]
    if not zs and (front := front_door_set(content.structure, xs, ys)) is not None:
        m = names.of(front)
        inner = Sum(x, product([Probability(y, (*x, *m)), Probability(x)]))
        return "front-door", m, Sum(m, product([Probability(m, x), inner]))
    return None


def _indented(lines: str) -> str:
    return "\n".join(f"  {line}" for line in lines.split("\n"))
