"""The graph of largest score with certainty, by a dynamic programme over sets of variables.

Every graph without cycles has a *sink*, a variable that is nobody's parent.  So with R(W) the best score of a graph on
the variables W, and B_x(W) the best score of x with parents among W,

    B_x(W) = max over S ⊆ W of score(x, S),      R(W) = max over x in W of  R(W without x) + B_x(W without x)

and the best graph is read off from all variables downwards (Silander and Myllymäki 2006).  d variables have 2^d sets:
each is counted once, and B holds d 2^(d-1) numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    families = _Families(scores, rules)
    best = np.empty((d, 2 ** (d - 1)))
    for child in range(d):
        best[child] = families.of(child)
        for b in range(d - 1):  # now of the sets of these parents and of all that are part of them
            halves = best[child].reshape(-1, 2, 2**b)
            np.maximum(halves[:, 1], halves[:, 0], out=halves[:, 1])
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
    """The scores of all families that may be: from what their sets are worth, each counted once."""

    def __init__(self, scores: FamilyScores, rules: EdgeRules) -> None:
        self._scores, self._rules, d = scores, rules, scores.n_variables
        self._sets = np.arange(2**d)
        self._n_states, self._configurations = _products(scores.sizes), _products(scores.states)
        self._joint = np.zeros(2**d)
        of_size = scores.sizes if scores.score.name == "k2" else ()
        self._margin = {size: np.zeros(2**d) for size in of_size}
        self._count()

    def of(self, child: int) -> NDArray[np.float64]:
        """The score of ``child`` with each set of parents, (2^(d-1),) by ``_squeezed``; -inf where barred."""
        scores = self._scores
        parents, may = _without(self._sets, child), self._may_be(child)
        margin = _without(self._margin.get(scores.sizes[child], self._joint), child)
        parameters = (scores.states[child] - 1) * _without(self._configurations, child)
        out = _with(self._joint, child) - margin - scores.score.price(parameters, scores.weight)
        out[~may] = -np.inf
        for at in np.flatnonzero(may & ((parents | 1 << child) & scores.counts.holed != 0)):
            out[at] = scores.of(child, int(parents[at]))
        return out

    def _may_be(self, child: int) -> NDArray[np.bool_]:
        parents, required = _without(self._sets, child), self._rules.required[child]
        n_bytes = _BYTES * self._scores.sizes[child] * _without(self._n_states, child)
        return (
            (parents & ~self._rules.allowed[child] == 0)
            & (parents & required == required)
            & (np.bitwise_count(parents) <= self._rules.max_parents)
            & (n_bytes <= self._scores.max_bytes)
        )

    def _count(self) -> None:
        """What all sets are worth that are a family, or the parents of one, and have no missing values."""
        scores, needed = self._scores, np.zeros(len(self._sets), bool)
        for child in range(scores.n_variables):
            parents = _without(self._sets, child)[self._may_be(child)]
            needed[parents] = needed[parents | 1 << child] = True
        needed[self._sets & scores.counts.holed != 0] = False
        todo = np.flatnonzero(needed)
        pieces = np.array_split(todo, -(-len(todo) // _PIECE) or 1)
        for piece in track(pieces, "counting sets of columns") if len(pieces) > 1 else pieces:
            for variables in map(int, piece):
                counts, n_states = scores.counts.cells(variables), float(self._n_states[variables])
                self._joint[variables] = scores.score.joint(counts, n_states)
                for size, values in self._margin.items():
                    values[variables] = scores.score.margin(counts, n_states, size)


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


def _squeezed(sets: int, child: int) -> int:
    """Sets without ``child`` as numbers without its bit: those above it move down."""
    return (sets >> child + 1 << child) | sets & (1 << child) - 1


def _without(of_sets: NDArray[np.generic], child: int) -> NDArray:
    """Those of 2^d entries whose sets do not have ``child``, in the order of ``_squeezed``."""
    return of_sets.reshape(-1, 2, 1 << child)[:, 0].reshape(-1)


def _with(of_sets: NDArray[np.generic], child: int) -> NDArray:
    return of_sets.reshape(-1, 2, 1 << child)[:, 1].reshape(-1)
