"""The setting ``sample_weight`` of a fit: weights of rows that are all there, or come part by part."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import as_array
from chainrule.core.errors import ShapeError, ValuesError
from chainrule.tables.weights import checked_weights

__all__ = ["check_one_each", "sample_weights"]


def sample_weights(sample_weight: Any, n_rows: int | None = None) -> NDArray[np.float64]:
    """``sample_weight`` as float64 (n,): finite, none below 0, not all 0; ``ShapeError`` or ``ValuesError``.

    There must be ``n_rows`` of them, where that number is known.

    >>> sample_weights([1, 0, 2]).tolist()
    [1.0, 0.0, 2.0]
    """
    found = sample_weight if isinstance(sample_weight, str) else as_array(sample_weight, "sample_weight")
    if n_rows is not None and getattr(found, "ndim", 0) == 1:
        check_one_each(len(found), n_rows)
    weights = checked_weights(found, name="sample_weight")
    if not weights.any():
        raise ValuesError("sample_weight is 0 for every row, so there is nothing to learn from; leave it out")
    return weights


def check_one_each(n_weights: int, n_rows: int) -> None:
    """``ShapeError`` where there are more or fewer weights than rows.

    >>> check_one_each(3, 3)
    """
    if n_weights != n_rows:
        raise ShapeError(
            f"sample_weight has {n_weights} weights, X has {n_rows} rows; pass one weight for each"
        )
