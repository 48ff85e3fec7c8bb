"""Most probable states of some variables, all others summed out (marginal MAP), or of all of them (MPE).

Maxima of sums are not sums of maxima, so what is summed out goes first (a *constrained* order of elimination; Park and
Darwiche 2004).  Hidden variables that are summed out fall into groups that share a table; each group leaves one table
over the variables around it, which therefore meet in one clique: that is what marginal MAP costs more than other
questions.  What is left is a product of tables over the variables that are asked for, of which ``ranking`` lists the
best states.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.models.bayesian_network.inference.buckets import Buckets, Factor
from chainrule.models.bayesian_network.inference.elimination import (
    Elimination,
    best_order,
    follow_order,
    interaction_graph,
)
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.bayesian_network.inference.ranking import ranked_rows
from chainrule.models.bayesian_network.inference.slices import Slice, slice_of

__all__ = ["Maximisation", "plan_maximisation"]

_MOST_AXES = 63  # of a numpy array, besides that for rows


@dataclass(frozen=True, eq=False)
class Maximisation:
    """A plan: the groups of variables that are summed out, each in its order, then the order of the maxima."""

    slice: Slice
    groups: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]
    plan: Elimination

    def ranked(self) -> Iterator[tuple[float, NDArray[np.int32]]]:
        """The possible states of what is asked for, most probable first, with their log-probability in nats.

        That of the states together with what is known.  Rows are (d,), 0 where summed out.  Raises ``TooLargeError``.
        """
        network = self.slice.network
        if self.plan.total_bytes > network.max_bytes or self.plan.induced_width >= _MOST_AXES:
            raise TooLargeError(
                f"the most probable states need tables of {self.plan.total_entries:,} entries "
                f"({self.plan.total_bytes:,} bytes, induced width {self.plan.induced_width}), at most "
                f"{network.max_bytes:,} bytes are allowed: what is not asked for is summed out first, which joins all "
                "around it; ask over fewer variables or over all, give more evidence, or raise max_bytes"
            )
        return ranked_rows(self._maxima(), self.slice.row)

    def _maxima(self) -> Buckets:
        last = {v: i for i, v in enumerate(self.order)}
        summed = {v for group in self.groups for v in group}
        waiting: dict[int, list[int]] = {}  # the families of each group; -1 for those of no group
        group_of = {v: g for g, group in enumerate(self.groups) for v in group}
        for family, scope in zip(self.slice.families, self.slice.scopes(), strict=True):
            touched = scope & summed
            waiting.setdefault(group_of[min(touched)] if touched else -1, []).append(family)
        factors = list(self.slice.factors(waiting.pop(-1, []), last))
        for g, families in waiting.items():
            around = {u for v in families for u in self.slice.family(v)} & last.keys()
            keep = sorted(around, key=last.__getitem__, reverse=True)
            place = {v: i for i, v in enumerate((*self.groups[g], *reversed(keep)))}
            buckets = Buckets(self.slice.factors(families, place), self.groups[g], keep, holds="nothing")
            factors.append(Factor(tuple(keep), buckets.log_remainder))
        return Buckets(factors, self.order, maximise=True, holds="tables")


def plan_maximisation(
    network: DiscreteNetwork, row: NDArray[Any], over: Sequence[int] | None = None
) -> Maximisation:
    """How the most probable states of ``over`` (default: all variables) given ``row`` will be found; nothing is yet.

    >>> tables = [np.array([0.4, 0.6]), np.array([[0.9, 0.1], [0.5, 0.5]])]
    >>> network = DiscreteNetwork([(), (0,)], tables, [0, 1])
    >>> value, states = next(plan_maximisation(network, np.array([-1, -1]), [1]).ranked())
    >>> int(states[1]), round(float(np.exp(value)), 3)
    (0, 0.66)
    """
    of = slice_of(network, row, over)
    scopes, sizes = of.scopes(), network.sizes
    asked = of.hidden if over is None else of.hidden.intersection(over)
    summed = of.hidden - asked
    first = best_order(scopes, sizes, keep=sorted(asked)).order if summed else ()
    groups = _groups(scopes, summed, first)
    left = [scope for scope in scopes if not scope & summed]
    left += [
        frozenset().union(*(scope for scope in scopes if scope & set(group))) & asked for group in groups
    ]
    then = best_order(left, sizes).order
    return Maximisation(of, groups, then, follow_order([*first, *then], scopes, sizes))


def _groups(
    scopes: Sequence[Collection[int]], summed: frozenset[int], order: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    """The variables of ``summed`` that tables join, directly or through others of them, each group in ``order``."""
    around = interaction_graph([summed.intersection(scope) for scope in scopes])
    groups: list[tuple[int, ...]] = []
    seen: set[int] = set()
    for start in order:
        if start in seen:
            continue
        group, stack = {start}, [start]
        while stack:
            new = around[stack.pop()] - group
            group |= new
            stack += new
        seen |= group
        groups.append(tuple(v for v in order if v in group))
    return tuple(groups)
