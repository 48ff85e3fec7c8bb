"""Turns of models that can tell the states of one variable without looking at the others that do not matter to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.contract import Codes, Turns
from chainrule.models.shared.factorization import Factorization

__all__ = ["column_turns"]


def column_turns(
    factors: Factorization,
    sizes: tuple[int, ...],
    n: int,
    order: NDArray[np.intp] | None,
    states_of: Callable[[int, Codes], NDArray[np.float64]],
) -> Turns:
    """See ``DiscreteModel.states_in_turn``; ``states_of(i, rows)`` is ``log p`` of the states (n, K_i) of column i.

    What is not decided yet is 0 in ``rows`` (n, d), and the factor of i does not read it.
    """
    rows: NDArray[Any] = np.zeros((n, len(sizes)), np.uint8 if max(sizes) <= 2**8 else np.int32)
    for columns in factors.turns(order):
        rows[:, columns] = yield columns, [states_of(i, rows) for i in columns.tolist()]
