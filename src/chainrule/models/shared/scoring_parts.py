"""Rows scored some at a time, so that memory does not grow with them and long work is heard of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.progress import track
from chainrule.tables.table import Table

__all__ = ["log_prob_in_parts"]

_TOGETHER = 20_000  # rows


def log_prob_in_parts(
    model: Any, table: Table, asked: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """``model.log_prob`` (n,) of the rows of ``table`` that are ``asked`` (n,), by default all; NaN for the others."""
    out = np.full(table.n_rows, np.nan)
    places = np.arange(table.n_rows) if asked is None else np.flatnonzero(asked)
    parts = np.array_split(places, max(1, -(-len(places) // _TOGETHER)))
    for part in track(parts, "scoring rows"):
        if len(part):
            out[part] = model.log_prob(table[part])
    return out
