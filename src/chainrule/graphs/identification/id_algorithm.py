"""The ID algorithm: P(y | do(x)) from the observed distribution wherever that is possible, else a hedge.

Complete by Shpitser and Pearl (2006) and Huang and Valtorta (2006).  It is written in the terms of Tian and Pearl
(2002).  Q[S](v) is the distribution of the nodes S when all others are set,

    P(y | do(x)) = ∑_{D - y} ∏_i Q[D_i],        D the ancestors of y in the graph without x, D_i its c-components,

and each Q[D_i] is found in Q[S] of the c-component S of the whole graph that holds it, by two steps in turn:

- a set A of S that holds all its ancestors in S:  Q[A] = ∑_{S - A} Q[S];
- a c-component T of A:  Q[T] = the product over its nodes of Q[those of A up to the node] / Q[those before it].

Where neither makes S smaller, S and D_i are a hedge.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass

from chainrule.graphs.identification.formulas import ONE, Formula, Probability
from chainrule.graphs.identification.hedge import Hedge, hedge_of
from chainrule.graphs.identification.projection import Projection
from chainrule.graphs.identification.simplifying import product, quotient, total
from chainrule.graphs.names import NodeNames

__all__ = ["identified"]


def identified(projection: Projection, names: NodeNames, xs: Set[int], ys: Set[int]) -> Formula | Hedge:
    """A formula for P(ys | do(xs)), or the hedge that shows that there is none."""
    observed = set(projection.directed.observed)
    whole = projection.ancestors(ys, observed)
    asked = projection.ancestors(ys, observed - xs)
    factors = []
    for part in projection.components(asked):
        component = projection.component(min(part), whole)
        found = _found_in(projection, names, part, _observed_factors(projection, names, component, whole))
        if isinstance(found, set):
            return hedge_of(projection, names, found, part, xs)
        factors.append(found)
    return total(names.of(v for v in projection.order(asked) if v not in ys), product(factors))


@dataclass(frozen=True)
class _Kernel:
    """Q[S] as ∑_summed ∏ of ``factors``, one for each node of S and ``summed``, parents first.

    The factor of a node is a distribution of it given nodes before it, and some that are set.
    """

    factors: dict[int, Formula]
    summed: frozenset[int] = frozenset()

    @property
    def nodes(self) -> set[int]:
        """S."""
        return set(self.factors) - self.summed


def _observed_factors(
    projection: Projection, names: NodeNames, component: Set[int], whole: Set[int]
) -> _Kernel:
    """Q[component] = ∏ P(v | all before v), in which v needs of these only its Markov boundary.

    That is its c-component among the nodes up to v, and the parents of all in it (Tian and Pearl 2002).
    """
    factors: dict[int, Formula] = {}
    before: set[int] = set()
    for v in projection.order(whole):
        before.add(v)
        if v in component:
            part = projection.component(v, before)
            boundary = part.union(*(projection.directed.parents[u] for u in part)) - {v}
            factors[v] = Probability(names.of([v]), names.of(sorted(boundary)))
    return _Kernel(factors)


def _found_in(
    projection: Projection, names: NodeNames, part: set[int], kernel: _Kernel
) -> Formula | set[int]:
    """Q[part], or the nodes in which it cannot be found."""
    nodes = kernel.nodes
    above = projection.ancestors(part, nodes)
    if above == part:
        return _total(names, _without(kernel, names, nodes - above))
    if above == nodes:
        return nodes
    smaller = _without(kernel, names, nodes - above)
    component = projection.component(min(part), above)
    return _found_in(projection, names, part, _component_of(projection, names, smaller, component))


def _without(kernel: _Kernel, names: NodeNames, gone: Iterable[int]) -> _Kernel:
    """The kernel summed over ``gone``; a factor whose node no other reads sums to one."""
    factors, summed = dict(kernel.factors), kernel.summed.union(gone)
    for v in reversed(kernel.factors):
        if v in summed and not any(names.all[v] in f.free for u, f in factors.items() if u != v):
            del factors[v]
    return _Kernel(factors, summed & factors.keys())


def _component_of(projection: Projection, names: NodeNames, kernel: _Kernel, component: Set[int]) -> _Kernel:
    """Q of a c-component of the nodes of ``kernel``."""
    if not kernel.summed:
        return _Kernel({v: f for v, f in kernel.factors.items() if v in component})
    order = projection.order(kernel.nodes)
    upto = [
        ONE,
        *(_total(names, _without(kernel, names, order[i:])) for i in range(1, len(order))),
        _total(names, kernel),
    ]
    return _Kernel({v: quotient(upto[i + 1], upto[i]) for i, v in enumerate(order) if v in component})


def _total(names: NodeNames, kernel: _Kernel) -> Formula:
    over = [v for v in kernel.factors if v in kernel.summed]
    return total(names.of(over), product(kernel.factors.values()))
