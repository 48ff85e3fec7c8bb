"""How many rounds of boosting each variable keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["rounds_to_keep"]


def rounds_to_keep(curves: Sequence[NDArray[np.float64]], borrow: float) -> NDArray[np.int64]:
    """For each variable the number of rounds (d,) at which its own loss and ``borrow`` times the mean loss are least.

    ``curves[i]`` holds the loss of validation rows after 0, 1, ... rounds of variable i; one that stopped early stays
    where it was.  A variable's own curve alone is noise where validation rows are few, and one number for all is too
    coarse where they are many.

    >>> rounds_to_keep([np.array([3.0, 2.0, 2.1]), np.array([3.0, 1.0])], 0.0).tolist()
    [1, 1]
    """
    longest = max(map(len, curves))
    mean = np.mean([np.pad(c, (0, longest - len(c)), mode="edge") for c in curves], axis=0)
    return np.array([int(np.argmin(c + borrow * mean[: len(c)])) for c in curves], np.int64)
