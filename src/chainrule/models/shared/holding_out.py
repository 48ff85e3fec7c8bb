"""Rows that are kept from the fit to judge it: a stated share, drawn by a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_real
from chainrule.core.errors import InputError
from chainrule.core.randomness import RandomState, as_generator
from chainrule.tables.table import Table

__all__ = ["LEAST_ROWS", "Split", "hold_out"]

LEAST_ROWS = 10  # of a table that can spare any


@dataclass(frozen=True, eq=False)
class Split:
    """A table in two parts; ``places`` (k,) are the rows of the second in the table, in rising order."""

    train: Table
    held_out: Table
    places: NDArray[np.intp]


def hold_out(table: Table, share: float = 0.1, rng: RandomState = 0) -> Split:
    """``share`` of the rows, at least one: the first of ``default_rng(rng).permutation(n_rows)``.

    Raises ``InputError`` for a share that is not between 0 and 1, and for a table of fewer than ten rows.

    >>> from chainrule.tables.schema import Schema
    >>> table = Table(Schema.of({"a": 2}), np.zeros((20, 1), int))
    >>> hold_out(table, 0.1).train.n_rows, hold_out(table, 0.1).places.tolist()
    (18, [4, 19])
    """
    share = check_real(share, "the share of rows to hold out", strictly=True)
    if share >= 1:
        raise InputError(f"the share of rows to hold out must be below 1; got {share:g}")
    n = table.n_rows
    if n < LEAST_ROWS:
        raise InputError(
            f"the table has {n} rows, too few to hold any out (at least {LEAST_ROWS}); give rows to judge by"
        )
    k = min(max(1, round(share * n)), n - 1)
    places = np.sort(as_generator(rng).permutation(n)[:k])
    kept = np.ones(n, bool)
    kept[places] = False
    return Split(table[kept], table[places], places)
