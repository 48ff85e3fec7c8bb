"""The ``given`` argument of every ``sample``: which values are fixed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.checks import check_binary
from chainrule.core.errors import ShapeError

__all__ = ["check_given"]


def check_given(given: ArrayLike | None, d: int) -> NDArray[np.float64]:
    """``given`` as float64 (d,) with NaN where values are to be drawn; raises ``InputError``.

    >>> check_given(None, 2).tolist(), check_given([1, np.nan], 2).tolist()
    ([nan, nan], [1.0, nan])
    """
    if given is None:
        return np.full(d, np.nan)
    values = np.asarray(given)
    if values.ndim != 1:
        raise ShapeError(
            f"given must be one row ({d},) with NaN where values are to be drawn; its shape is {values.shape}"
        )
    return check_binary(values[None], name="given", n_columns=d, allow_missing=True)[0].astype(np.float64)
