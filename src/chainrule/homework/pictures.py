"""Rows of a table as pictures: nested lists that a figure of kind ``images`` can hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.datasets import Dataset

__all__ = ["as_images", "some_rows"]


def some_rows(rows: NDArray[Any], n: int, seed: list[int]) -> NDArray[Any]:
    """``n`` different rows (all, if there are fewer), drawn at random and kept in their order."""
    chosen = np.random.default_rng(seed).choice(len(rows), min(n, len(rows)), replace=False)
    return rows[np.sort(chosen)]


def as_images(rows: ArrayLike, data: Dataset) -> list[Any]:
    """Rows (n, d) or one row (d,) as images (h, w); probabilities are rounded to four digits.

    Data that are not images become one line of pixels.
    """
    a = np.atleast_2d(np.asarray(rows))
    h, w = data.shape or (1, a.shape[1])
    if a.dtype.kind == "f":
        a = a.round(4)
    return a.reshape(-1, h, w).tolist()
