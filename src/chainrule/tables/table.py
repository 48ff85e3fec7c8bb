"""Rows under a schema: small integer codes, -1 where a value is missing, and weights if there are any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import ShapeError, ValuesError
from chainrule.tables.schema import Schema

__all__ = ["MISSING", "Table"]

MISSING = -1


@dataclass(frozen=True, eq=False)
class Table:
    """n rows of d variables: ``codes`` (n, d), each the index of a state, -1 where missing.

    ``codes`` are uint8 where nothing is missing and no variable has more than 256 states (rows of 0 and 1 are then
    the array that was passed, not a copy), else int16, or int32 above 32,767 states.  ``weights`` (n,) float64 say
    how much each row counts; ``None`` is one each.

    >>> t = Table(Schema.of({"rain": ["no", "yes"], "wet": ["no", "yes"]}), [[0, 0], [1, 1], [1, -1]])
    >>> t.n_rows, t.is_complete
    (3, False)
    """

    schema: Schema
    codes: NDArray[np.integer[Any]]
    weights: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        codes = np.asarray(self.codes)
        d = len(self.schema)
        if codes.ndim != 2 or codes.shape[1] != d:
            raise ShapeError(f"codes of shape {codes.shape} for {d} columns; pass (rows, {d})")
        if codes.dtype.kind not in "iu":
            raise ValuesError(f"codes must be whole numbers, they are {codes.dtype}")
        if codes.size:
            too_large = codes >= np.array(self.schema.sizes)
            bad = too_large if codes.dtype.kind == "u" else too_large | (codes < MISSING)
            if bad.any():
                i, j = np.argwhere(bad)[0]
                raise ValuesError(
                    f"row {i}, column {self.schema.names[j]!r}: the code {codes[i, j]} is no state; codes are 0 to "
                    f"{self.schema.sizes[j] - 1}, or -1 for a missing value"
                )
        object.__setattr__(self, "codes", _narrow(codes, max(self.schema.sizes)))

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return self.codes.shape[0]

    @property
    def is_complete(self) -> bool:
        """Whether no value is missing."""
        return self.codes.dtype.kind == "u"

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which cells are missing, (n, d)."""
        return np.zeros(self.codes.shape, bool) if self.is_complete else self.codes < 0

    def __len__(self) -> int:
        return self.n_rows


def _narrow(codes: NDArray[np.integer[Any]], most_states: int) -> NDArray[np.integer[Any]]:
    """``codes`` in the smallest type that the class promises; unsigned says that nothing is missing."""
    complete = codes.dtype.kind == "u" or not (codes < 0).any()
    if complete:
        dtype = np.uint8 if most_states <= 2**8 else np.uint32
    else:
        dtype = np.int16 if most_states <= 2**15 - 1 else np.int32
    return np.ascontiguousarray(codes, dtype)
