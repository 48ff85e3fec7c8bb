"""Several members asked for the same variable at each turn, each in the way that costs it least."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.shared.members import Member
from chainrule.models.shared.state_columns import state_begins

__all__ = ["joint_turns"]

JointTurns = Generator[tuple[int, list[NDArray[np.float64]]], NDArray[np.integer[Any]], None]


def joint_turns(
    members: Sequence[Member], order: NDArray[np.intp], sizes: tuple[int, ...], n: int
) -> JointTurns:
    """Column by column in ``order``, which fits all members: ``log p`` of its states (n, K) by each of them.

    Wants to be sent the codes (n,) of the column.
    """
    rows = np.zeros((n, len(order)), np.int32)
    takers = [_InTurn(m, n) if _goes_along(m, order) else _Whole(m, sizes) for m in members]
    for i in order.tolist():
        rows[:, i] = yield i, [taker.log_p(i, rows) for taker in takers]


def _goes_along(member: Member, order: NDArray[np.intp]) -> bool:
    """Whether each level of the member's factors ends in ``order`` before the next one begins."""
    factors, place = member.model.factors_, np.argsort(order)
    assert factors is not None
    spans = [place[member.places[level]] for level in factors.levels]
    return all(a.max() < b.min() for a, b in pairwise(spans))


class _InTurn:
    """A member whose own turns follow the order of the whole."""

    def __init__(self, member: Member, n: int) -> None:
        self.turns, self.places = member.model.states_in_turn(n), member.places
        self._take(next(self.turns))

    def _take(self, turn: tuple[NDArray[np.intp], list[NDArray[np.float64]]]) -> None:
        self.columns = self.places[turn[0]]
        self.found = dict(zip(self.columns.tolist(), turn[1], strict=True))

    def log_p(self, i: int, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        if i not in self.found:
            self._take(self.turns.send(rows[:, self.columns]))
        return self.found[i]


class _Whole:
    """A member that is asked for all states at once, and again when the next variable reads one that has come in."""

    def __init__(self, member: Member, sizes: tuple[int, ...]) -> None:
        parents = member.parents()
        assert parents is not None
        self.member, self.parents, self.begins = member, parents, state_begins(sizes)
        self.known = np.zeros(len(sizes), bool)  # when it was asked last
        self.decided = np.zeros(len(sizes), bool)
        self.found: NDArray[np.float64] | None = None

    def log_p(self, i: int, rows: NDArray[np.int32]) -> NDArray[np.float64]:
        if self.found is None or (self.parents[i] & ~self.known).any():
            self.found, self.known = self.member.state_log_probs(rows), self.decided.copy()
        self.decided[i] = True  # before the next turn
        return self.found[:, self.begins[i] : self.begins[i + 1]]
