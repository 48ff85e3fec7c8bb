"""What a question to a network depends on, and in which order that is summed out.

Before tables are multiplied, what cannot matter is left out:

- a *barren* variable, not observed and above nothing that is observed or asked for, sums to one;
- given the evidence, tables fall into components that share no unknown variable.  Those without a variable
  that is asked for are a factor of the answer's scale alone: their variables are d-separated from it.

(Shachter 1988; Lauritzen et al. 1990: separation in the moral graph of the ancestors.)

One order of elimination is found for the whole network, and serves any evidence: without what is known its cliques
are parts of what they were, so evidence never makes them larger.  Where a question is dear all the same, orders are
tried on what is left of the graph, and the cheapest is taken.  So it is for the first question too, since the order of
the whole takes longer than most answers.  A question about one variable may be answered with that variable in the last
table, or from messages up and down the tree of the order, whichever is cheaper: but for the first, it never costs more
than the marginals of all variables without evidence.

Evidence that only scales the answer is looked at no further than to say whether it is possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.core.forks import cached_property
from chainrule.models.bayesian_network.inference.elimination import (
    Elimination,
    best_order,
    cheapest_order,
    follow_order,
    interaction_graph,
)

__all__ = ["CHEAP", "ENTRIES_PER_STEP", "STOP", "UP_AND_DOWN", "Plans", "is_dear", "known_in", "remember"]

CHEAP = 2**13  # entries of all tables up to which evidence is calibrated at once
ENTRIES_PER_STEP = 10_000  # table entries computed in the time that it takes to choose one step of an order
STOP = 2**40  # entries of all tables at which an order is no longer chosen with care
UP_AND_DOWN = 2  # how many times each table is formed for marginals
_MOST_KEPT = 256  # orders


class Plans:
    """Of a network whose variables have ``parents`` and numbers of states ``sizes``.

    ``base`` are those of a network whose order serves this one too, after the variables that are new.
    """

    def __init__(
        self,
        parents: Sequence[tuple[int, ...]],
        sizes: Sequence[int],
        max_bytes: int,
        base: Plans | None = None,
    ) -> None:
        self.parents, self.sizes, self.max_bytes = parents, sizes, max_bytes
        self._base = base
        self._orders: dict[Any, Elimination] = {}

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """In which order to sum variables out where nothing is known, of all that have several states."""
        if self._base is not None:
            new = np.arange(len(self._base.sizes), len(self.sizes))
            return np.concatenate([new, self._base.order])
        scopes = self.scopes(range(len(self.sizes)), self.hidden(np.full(len(self.sizes), -1)))
        return cheapest_order(scopes, self.sizes, most=STOP)

    def elimination(self, families: Iterable[int], hidden: set[int], keep: Sequence[int] = ()) -> Elimination:
        """How to sum what is hidden out of ``families``: in the order of the network or, if that pays, in another."""
        scopes = self.scopes(families, hidden)
        plan = follow_order(self.order.tolist(), scopes, self.sizes, keep)
        if plan.total_entries <= ENTRIES_PER_STEP * len(plan.order):
            return plan
        key = (tuple(plan.order), frozenset(map(frozenset, scopes)), tuple(keep))
        found = self._orders.get(key)
        if found is None:
            found = min(plan, best_order(scopes, self.sizes, keep), key=lambda x: x.total_entries)
            remember(self._orders, key, found)
        return found

    def full(self, row: NDArray[Any]) -> Elimination:
        """How all that is not known is summed out of all tables."""
        return self.elimination(range(len(row)), self.hidden(row))

    @cached_property
    def free_entries(self) -> int:
        """What all marginals take where nothing is known."""
        return self.full(np.full(len(self.sizes), -1)).total_entries

    def question(
        self, row: NDArray[Any], wanted: list[int]
    ) -> tuple[list[int], list[int], set[int], Elimination]:
        """What ``requisite`` says, and the cheaper plan: without ``keep`` where it is one of messages up and down."""
        asked, others, hidden = self.requisite(row, wanted)
        plan = self.elimination(asked, hidden, wanted)
        if len(wanted) == 1 and plan.total_entries > CHEAP:
            two_way = self.elimination(asked, hidden)
            entries = plan.total_entries, two_way.total_entries
            if entries[1] <= entries[0] and is_dear(*entries, self.free_entries):
                plan = two_way
        return asked, others, hidden, plan

    def requisite(self, row: NDArray[Any], wanted: Sequence[int]) -> tuple[list[int], list[int], set[int]]:
        """Families that the answer depends on, families that only scale it, and what is not known."""
        hidden = self.hidden(row)
        relevant = self.ancestors([*known_in(row), *wanted])
        around = interaction_graph(self.scopes(relevant, hidden))
        reached, stack = set(wanted), list(wanted)
        while stack:
            new = around[stack.pop()] - reached
            reached |= new
            stack += new
        asked = [v for v in sorted(relevant) if reached.intersection(self.family(v))]
        return asked, sorted(relevant.difference(asked)), hidden

    def within_limit(self, plan: Elimination) -> Elimination:
        """``plan``, or ``TooLargeError`` where its tables are above ``max_bytes``."""
        if plan.total_bytes > self.max_bytes:
            raise TooLargeError(
                f"this answer needs tables of {plan.total_entries:,} entries ({plan.total_bytes:,} bytes, induced "
                f"width {plan.induced_width}), at most {self.max_bytes:,} bytes are allowed; give more "
                "evidence, ask for fewer variables, or raise max_bytes"
            )
        return plan

    def family(self, v: int) -> tuple[int, ...]:
        """The variables of the table of ``v``, in the order of its axes."""
        return (*self.parents[v], v)

    def hidden(self, row: NDArray[Any]) -> set[int]:
        """Unknown variables; one that has a single state is known."""
        return {v for v in np.flatnonzero(row < 0).tolist() if self.sizes[v] > 1}

    def ancestors(self, start: Iterable[int]) -> set[int]:
        """``start`` and everything above it."""
        seen = set(start)
        stack = list(seen)
        while stack:
            new = set(self.parents[stack.pop()]) - seen
            seen |= new
            stack += new
        return seen

    def scopes(self, families: Iterable[int], hidden: set[int]) -> list[set[int]]:
        """What is hidden of the table of each of ``families``."""
        return [hidden.intersection(self.family(v)) for v in families]


def known_in(row: NDArray[Any]) -> list[int]:
    """The variables that ``row`` knows."""
    return np.flatnonzero(row >= 0).tolist()


def is_dear(entries: float, two_way: float, free: float) -> bool:
    """Whether a question whose last table is of its variable, with so many entries, had better go two ways."""
    return entries > min(UP_AND_DOWN * two_way, free)


def remember(kept: dict[Any, Any], key: Any, value: Any) -> None:
    """Keep ``value``, and forget all others where there are too many."""
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    kept[key] = value
