"""The graph of largest score with certainty, by a dynamic programme over sets of variables.

Every graph without cycles has a *sink*, a variable that is nobody's parent.  So with R(W) the best score of a graph on
the variables W, and B_x(W) the best score of x with parents among W,

    B_x(W) = max over S ⊆ W of score(x, S),      R(W) = max over x in W of  R(W without x) + B_x(W without x)

and the best graph is read off from all variables downwards (Silander and Myllymäki 2006).  d variables have 2^d sets:
each is counted once, and B holds d 2^(d-1) numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.core.progress import track
from chainrule.models.bayesian_network.structure.edge_rules import EdgeRules
from chainrule.models.bayesian_network.structure.family_scores import FamilyScores
from chainrule.models.bayesian_network.structure.set_counts import members

__all__ = ["best_parents"]

_BYTES = 8
_PIECE = 2**12  # sets between two words on how far it is

Sets = NDArray[np.int64]  # a whole number for each set


def best_parents(scores: FamilyScores, rules: EdgeRules, max_bytes: int) -> list[int]:
    """The parents of each variable, as sets, in a graph of largest score; ``TooLargeError`` above ``max_bytes``."""
    d = scores.n_variables
    _check_cost(d, max_bytes)
    best = _Families(scores, rules).best()
    sinks, left, parents = _sinks(best), 2**d - 1, [0] * d
    while left:
        child = int(sinks[left])
        left ^= 1 << child
        parents[child] = _smallest(best[child], child, left)
    return parents


def _check_cost(d: int, max_bytes: int) -> None:
    def n_bytes(k: int) -> int:  # of what is best for each variable, what sets are worth, and what is at work
        return _BYTES * 2**k * (k + 16) // 2

    if n_bytes(d) > max_bytes:
        most = max((k for k in range(1, d) if n_bytes(k) <= max_bytes), default=0)
        raise TooLargeError(
            f"an exact search over {d} columns counts {2**d:,} sets of them and needs {n_bytes(d):,} bytes; at most "
            f"{max_bytes:,} are allowed, enough for {most} columns.  Take fewer columns, or climb (hill_climb, in a "
            "shell --method hill-climb); in Python max_bytes may be raised"
        )


class _Families:
    """The best score of each variable among each set of parents, from sets that are counted once, small ones first.

    Under a price, a family is left out where its price alone is more than what it could gain on one with fewer parents:
    its likelihood is at most that with all others as parents (after de Campos and Ji 2011).
    """

    def __init__(self, scores: FamilyScores, rules: EdgeRules) -> None:
        self._scores, self._rules, d = scores, rules, scores.n_variables
        self._n_states, self._configurations = _products(scores.sizes), _products(scores.states)
        self._counted = np.zeros(2**d, np.bool_)
        self._joint = np.zeros(2**d)
        sizes = scores.sizes if scores.score.adds_to_cells else ()
        self._margin = {size: np.zeros(2**d) for size in sizes}
        self._best = np.full((d, 2 ** (d - 1)), -np.inf)
        self._most_likely = [self._bound(child) for child in range(d)]

    def best(self) -> NDArray[np.float64]:
        """(d, 2^(d-1)): the best score of each variable with parents among each set of others, by ``_squeezed``."""
        d = len(self._best)
        n_inside = np.bitwise_count(np.arange(2 ** (d - 1)))
        for n in range(min(self._rules.max_parents, d - 1) + 1):
            places = np.flatnonzero(n_inside == n)
            hopeful = [self._hopeful(child, places) for child in range(d)]
            self._count(hopeful, f"counting sets of {n + 1} columns")
            for child, here in enumerate(hopeful):
                self._best[child, here] = np.maximum(self._best[child, here], self._values(child, here))
        for best, b in product(self._best, range(d - 1)):  # of larger sets, in which no family was hopeful
            halves = best.reshape(-1, 2, 2**b)
            np.maximum(halves[:, 1], halves[:, 0], out=halves[:, 1])
        return self._best

    def _bound(self, child: int) -> float:
        """What no likelihood of ``child`` exceeds; infinite where a score has no price to compare it with."""
        score, counts = self._scores.score, self._scores.counts
        if not score.is_penalised or counts.holed:
            return np.inf
        everything = 2**counts.n_variables - 1
        both, others = (counts.cells(variables) for variables in (everything, everything ^ 1 << child))
        return score.joint(both, 1.0) - score.margin(others, 1.0, 1)

    def _hopeful(self, child: int, places: Sets) -> Sets:
        """The places of sets of parents, all of one size, that may be and can be better than those that they hold."""
        best = self._best[child]
        for b in range(len(self._best) - 1):
            with_b = places[places >> b & 1 == 1]
            best[with_b] = np.maximum(best[with_b], best[with_b ^ 1 << b])
        parents, required = _spread(places, child), self._rules.required[child]
        n_bytes = _BYTES * self._scores.sizes[child] * self._n_states[parents]
        may = (
            (parents & ~self._rules.allowed[child] == 0)
            & (parents & required == required)
            & (n_bytes <= self._scores.max_bytes)
            & (self._most_likely[child] - self._price(child, parents) > best[places])
        )
        return places[may]

    def _count(self, hopeful: list[Sets], label: str) -> None:
        """What the sets of these families, and of their parents, are worth that have no missing values."""
        scores, needed = self._scores, np.zeros_like(self._counted)
        for child, places in enumerate(hopeful):
            parents = _spread(places, child)
            needed[parents] = needed[parents | 1 << child] = True
        todo = np.flatnonzero(needed & ~self._counted)
        todo = todo[todo & scores.counts.holed == 0]
        self._counted[todo] = True
        pieces = np.array_split(todo, -(-len(todo) // _PIECE) or 1)
        for piece in track(pieces, label) if len(pieces) > 1 else pieces:
            for variables in map(int, piece):
                counts, n_states = scores.counts.cells(variables), float(self._n_states[variables])
                self._joint[variables] = scores.score.joint(counts, n_states)
                for size, values in self._margin.items():
                    values[variables] = scores.score.margin(counts, n_states, size)

    def _values(self, child: int, places: Sets) -> NDArray[np.float64]:
        """The scores of ``child`` with these sets of parents."""
        parents = _spread(places, child)
        family = parents | 1 << child
        margin = self._margin.get(self._scores.sizes[child], self._joint)
        out = self._joint[family] - margin[parents] - self._price(child, parents)
        for at in np.flatnonzero(family & self._scores.counts.holed):
            out[at] = self._scores.of(child, int(parents[at]))
        return out

    def _price(self, child: int, parents: Sets) -> NDArray[np.float64]:
        n_parameters = (self._scores.states[child] - 1) * self._configurations[parents]
        return np.asarray(self._scores.score.price(n_parameters, self._scores.weight))


def _sinks(best: NDArray[np.float64]) -> NDArray[np.int8]:
    """A sink of a best graph on each set of variables."""
    d = len(best)
    top, sinks = np.full(2**d, -np.inf), np.zeros(2**d, np.int8)
    top[0] = 0.0
    sets = np.arange(2**d)
    n_inside = np.bitwise_count(sets)
    for n in range(1, d + 1):
        layer = sets[n_inside == n]
        for x in range(d):
            here = layer[layer >> x & 1 == 1]
            rest = here ^ 1 << x
            found = top[rest] + best[x, _squeezed(rest, x)]
            better = found > top[here]
            top[here[better]] = found[better]
            sinks[here[better]] = x
    return sinks


def _smallest(best: NDArray[np.float64], child: int, among: int) -> int:
    """The parents among a set that make its best score, none of them without need."""
    value = best[_squeezed(among, child)]
    for j in members(among):
        if best[_squeezed(among ^ 1 << j, child)] == value:
            among ^= 1 << j
    return among


def _products(sizes: Sequence[int]) -> NDArray[np.float64]:
    """The product of the sizes of each set, (2^d,)."""
    out = np.ones(1)
    for size in sizes:
        out = np.concatenate([out, out * size])
    return out


def _squeezed(sets: Any, child: int) -> Any:
    """Sets without ``child``, as numbers without its bit: those above it move down."""
    return (sets >> child + 1 << child) | sets & (1 << child) - 1


def _spread(places: Sets, child: int) -> Sets:
    """The sets that ``_squeezed`` makes these places of."""
    return (places >> child << child + 1) | places & (1 << child) - 1
