"""How much each row counts: the one check of weights, whether a table has them or a fit is given them."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.checks import MOST_INTEGER, as_array, as_floats
from chainrule.core.errors import InputError, ShapeError, ValuesError
from chainrule.core.shapes import Float64

__all__ = ["checked_weights"]


def checked_weights(
    weights: Any, n_rows: int | None = None, *, name: str = "weights"
) -> Float64[np.ndarray, " n"]:
    """Weights (n,) as float64, finite and at least 0; of ``n_rows`` rows where their number is known.

    Raises ``InputError`` for a column's name, ``ValuesError`` or ``ShapeError``; they call the weights ``name``.

    >>> checked_weights([1, 0, 2], 3).tolist()
    [1.0, 0.0, 2.0]
    """
    if isinstance(weights, str):
        raise InputError(
            f"{name}={weights!r} names a column, and these rows have no column of weights; pass numbers, or read "
            f"the table with Table.read(X, weights={weights!r})"
        )
    found = as_array(weights, name)
    if found.ndim != 1 or (n_rows is not None and len(found) != n_rows):
        rows = "" if n_rows is None else f", there are {n_rows} rows"
        raise ShapeError(f"{name} has the shape {found.shape}{rows}; pass one weight for each row")
    found = as_floats(found, name, most=MOST_INTEGER if n_rows is None else n_rows)
    bad = np.flatnonzero(~((found >= 0) & np.isfinite(found)))
    if bad.size:
        raise ValuesError(
            f"{name} must be finite and at least 0, but that of row {bad[0]} is {found[bad[0]]:g}"
        )
    return found
