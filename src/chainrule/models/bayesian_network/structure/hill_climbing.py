"""Hill climbing over graphs: the edge to add, to take out or to turn that gains most, until none gains anything.

On a peak, *tabu search* goes on: for some steps it makes the best change all the same, even at a loss, and leaves the
edges alone that it changed last, so that it does not walk straight back (Glover 1986; for graphs Bouckaert 1995).
*Restarts* take out and turn edges of the best graph at random, and climb again (iterated local search), until so many
in a row have found nothing better.  They add none: families that chance makes large are long to count and seldom good.

A change of one edge changes the family of its child only, two where an edge is turned; only their gains are found anew,
and of these only what is asked for: many changes would close a cycle.
Whether an edge would close a cycle is a look at the ancestors of its ends, which are kept as sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import frexp, log

import numpy as np
from numpy.typing import NDArray

from chainrule.core.progress import track
from chainrule.models.bayesian_network.structure.edge_rules import EdgeRules
from chainrule.models.bayesian_network.structure.family_scores import FamilyScores
from chainrule.models.bayesian_network.structure.set_counts import members

__all__ = ["climb"]

_ADD, _TAKE_OUT, _TURN = range(3)
# gains are whole steps, powers of two of a nat and of the largest numbers that they are differences of: what is equal
# but for rounding is equal
_LEAST_STEP, _RELATIVE_STEP = -24, -46
_SHARE_SHAKEN = 0.6  # of the edges, before a climb begins again


def climb(
    scores: FamilyScores, rules: EdgeRules, *, tabu: int, restarts: int, rng: np.random.Generator
) -> tuple[list[int], int]:
    """The parents of each variable, as sets, in the best graph that was met, and how many changes were made."""
    graph = _Graph(scores, rules, list(rules.required))
    n_changes, better = _climb(graph, tabu), restarts > 0
    while better:
        better = False
        for _ in track(range(restarts), "climbing again"):  # a better graph begins the count anew
            other = _Graph(scores, rules, graph.parents)
            other.shake(rng)
            n_changes += _climb(other, tabu)
            if graph.whole(other.total() - graph.total()) > 0:
                graph, better = other, True
                break
    return graph.parents, n_changes


def _climb(graph: _Graph, tabu: int) -> int:
    """Leave ``graph`` as the best that is met, up to ``tabu`` changes beyond each peak; how many changes there were."""
    d = len(graph.parents)
    begun, best, score, top, on_top, n = graph.total(), list(graph.parents), 0.0, 0.0, 0, 0
    locked_until = np.zeros((d, d), int)  # the ends of an edge, whichever way it leads
    while True:
        gains = graph.gains()
        gains[(locked_until > n) & (score + gains <= top)] = -np.inf
        kind, parent, child = map(int, np.unravel_index(gains.argmax(), gains.shape))
        gain = float(gains[kind, parent, child])
        if gain == -np.inf or (gain <= 0 and n - on_top >= tabu):
            break
        graph.change(kind, parent, child)
        # not the sum of the gains, each of which is rounded: on a way around they would add up to a peak of their own
        score, n = graph.whole(graph.total() - begun), n + 1
        locked_until[[parent, child], [child, parent]] = n + tabu
        if score > top:
            best, top, on_top = list(graph.parents), score, n
    graph.reset(best)
    return n


class _Graph:
    """A graph on the way, and what each change of it would gain."""

    def __init__(self, scores: FamilyScores, rules: EdgeRules, parents: Sequence[int]) -> None:
        self._scores, self._rules = scores, rules
        self._allowed, self._required = _matrix(rules.allowed), _matrix(rules.required)
        largest = scores.weight * log(max(scores.weight, 1.0))
        self._step = 2.0 ** max(_LEAST_STEP, frexp(largest)[1] + _RELATIVE_STEP)
        self.reset(parents)

    def reset(self, parents: Sequence[int]) -> None:
        """Make it the graph in which the variables have these parents."""
        d = len(parents)
        self.parents, self._above = [0] * d, [0] * d
        for child, found in enumerate(parents):
            for parent in members(found):
                self._link(parent, child)
        # [other, child]: where other becomes a parent, or is one no more; NaN until it is asked for
        self._toggles = np.full((d, d), np.nan)

    def gains(self) -> NDArray[np.float64]:
        """What to add, take out or turn the edge parent -> child would gain, (3, parent, child); -inf where barred."""
        may = self._may()
        asked = np.isnan(self._toggles) & (may.any(axis=0) | may[_TURN].T)
        for child in map(int, np.flatnonzero(asked.any(axis=0))):
            others = np.flatnonzero(asked[:, child])
            self._toggles[others, child] = self._scores.toggled(child, self.parents[child], others.tolist())
        gains = np.stack([self._toggles, self._toggles, self._toggles + self._toggles.T])
        gains = np.rint(gains / self._step) * self._step
        may[_ADD] &= gains[_ADD] != 0  # an edge that changes nothing is none
        return np.where(may, gains, -np.inf)

    def total(self) -> float:
        """The score in nats."""
        return self._scores.total(self.parents)

    def whole(self, nats: float) -> float:
        """A difference of scores in whole steps."""
        return float(np.rint(nats / self._step) * self._step)

    def change(self, kind: int, parent: int, child: int) -> None:
        """Add, take out or turn the edge."""
        if kind == _ADD:
            self._link(parent, child)
        else:
            self._unlink(parent, child)
        if kind == _TURN:
            self._link(child, parent)
            self._toggles[:, parent] = np.nan
        self._toggles[:, child] = np.nan

    def shake(self, rng: np.random.Generator) -> None:
        """Take out or turn a share of the edges at random, one as often as the other."""
        for _ in range(max(2, round(_SHARE_SHAKEN * sum(found.bit_count() for found in self.parents)))):
            kind = int(rng.choice([_TAKE_OUT, _TURN]))
            places = np.argwhere(self._may()[kind])
            if len(places):
                parent, child = map(int, places[rng.integers(len(places))])
                if kind == _TAKE_OUT or self._scores.fits(parent, self.parents[parent] | 1 << child):
                    self.change(kind, parent, child)

    def _may(self) -> NDArray[np.bool_]:
        """The changes that leave a graph without cycles that keeps to the rules, (3, parent, child)."""
        has, above = _matrix(self.parents), _matrix(self._above)
        full = np.array([found.bit_count() >= self._rules.max_parents for found in self.parents])
        detour = (above.astype(np.float32) @ has.astype(np.float32)) > 0  # another way from parent to child
        loose = has & ~self._required
        addable, turnable = self._allowed & ~full, self._allowed.T & ~full[:, None]
        return np.stack([addable & ~has & ~above.T, loose, loose & turnable & ~detour])

    def _link(self, parent: int, child: int) -> None:
        self.parents[child] |= 1 << parent
        gained = self._above[parent] | 1 << parent
        for v, above in enumerate(self._above):
            if v == child or above >> child & 1:
                self._above[v] |= gained

    def _unlink(self, parent: int, child: int) -> None:
        self.parents[child] ^= 1 << parent
        below = [v for v, above in enumerate(self._above) if v == child or above >> child & 1]
        for v in sorted(
            below, key=lambda v: self._above[v].bit_count()
        ):  # who has fewer ancestors comes first
            self._above[v] = 0
            for u in members(self.parents[v]):
                self._above[v] |= self._above[u] | 1 << u


def _matrix(sets: Sequence[int]) -> NDArray[np.bool_]:
    """[u, v]: whether u is in the set of v."""
    d = len(sets)
    packed = b"".join(found.to_bytes(-(-d // 8), "little") for found in sets)
    bits = np.unpackbits(np.frombuffer(packed, np.uint8).reshape(d, -1), axis=1, bitorder="little")
    return bits[:, :d].T.astype(bool)
