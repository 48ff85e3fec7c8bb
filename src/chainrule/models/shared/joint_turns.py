"""Several members asked for the same variable at each turn."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.shared.members import Member

__all__ = ["joint_turns"]

JointTurns = Generator[tuple[int, list[NDArray[np.float64]]], NDArray[np.integer[Any]], None]


def joint_turns(members: Sequence[Member], order: NDArray[np.intp], n: int) -> JointTurns:
    """Column by column in ``order``, which fits all members: ``log p`` of its states (n, K) by each of them.

    Wants to be sent the codes (n,) of the column.
    """
    takers = [member.states_in_turn(n, order) for member in members]
    sent: Any = None  # a generator begins so
    for i in order.tolist():
        found = [taker.send(sent)[1][0] for taker in takers]
        sent = (yield i, found)[:, None]
