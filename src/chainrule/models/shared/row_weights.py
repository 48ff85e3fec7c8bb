"""How much each row counts: the check of ``sample_weight``, for rows that come part by part."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import ShapeError, ValuesError

__all__ = ["checked_weights"]


def checked_weights(sample_weight: Any) -> NDArray[np.float64]:
    """``sample_weight`` as float64 (n,): finite, none below 0, not all 0; ``ShapeError`` or ``ValuesError``.

    >>> checked_weights([1, 0, 2]).tolist()
    [1.0, 0.0, 2.0]
    """
    try:
        weights = np.asarray(sample_weight, np.float64)
    except (TypeError, ValueError) as e:
        raise ValuesError(f"sample_weight must hold numbers ({e}); pass one for each row") from e
    if weights.ndim != 1:
        raise ShapeError(f"sample_weight has the shape {weights.shape}; pass one weight for each row")
    bad = np.flatnonzero(~((weights >= 0) & np.isfinite(weights)))
    if bad.size:
        raise ValuesError(
            f"sample_weight must be finite and at least 0, but that of row {bad[0]} is {weights[bad[0]]:g}"
        )
    if not weights.any():
        raise ValuesError("sample_weight is 0 for every row, so there is nothing to learn from; leave it out")
    return weights
