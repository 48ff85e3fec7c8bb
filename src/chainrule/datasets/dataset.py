"""A data set: binary rows in three splits, and where they came from."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from chainrule.core.checks import (
    as_floats,
    as_list,
    as_matrix,
    check_binary,
    check_instance,
    check_integer,
    check_size,
)
from chainrule.core.errors import InputError, ShapeError
from chainrule.core.forks import cached_property
from chainrule.core.randomness import RandomState, as_generator
from chainrule.core.shapes import Shaped, UInt8
from chainrule.core.text import as_written

__all__ = ["Dataset", "split_rows"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Binary data in three splits: each (n, d) uint8 of 0 and 1, the same d columns in all of them.

    ``shape`` is (height, width) where a row is an image, row by row from the top left; 1 is ink.
    ``binarization`` says how 0 and 1 came about, ``source`` where each file came from, ``reason`` why
    this data set was taken, ``files`` holds the SHA-256 of each uncompressed file.

    Raises ``ShapeError`` or ``ValuesError`` where the arrays do not fit this description.

    >>> Dataset("tiny", train=[[0, 1], [1, 1]], valid=[[0, 0]], test=[[1, 0]])
    Dataset('tiny': 2 train, 1 valid and 1 test rows of 2 columns)
    """

    name: str
    train: UInt8[np.ndarray, "n d"]
    valid: UInt8[np.ndarray, "m d"]
    test: UInt8[np.ndarray, "k d"]
    shape: tuple[int, int] | None = None
    feature_names: tuple[str, ...] | None = None
    binarization: str = ""
    source: str = ""
    reason: str = ""
    files: dict[str, str] = field(default_factory=dict)
    description: str = ""
    licence: str = ""
    citation: str = ""

    def __post_init__(self) -> None:
        check_instance(self.name, str, "name", like="a text")
        d = None
        for split, min_rows in (("train", 1), ("valid", 0), ("test", 0)):
            rows = check_binary(getattr(self, split), name=f"{self.name} {split}", min_rows=min_rows)
            d = d or rows.shape[1]
            if rows.shape[1] != d:
                raise ShapeError(
                    f"{self.name}: {split} has {rows.shape[1]} columns, train has {d}; "
                    "pass splits of one width"
                )
            object.__setattr__(self, split, rows)
        if self.shape is not None:
            sides = [
                check_integer(n, "a side of shape") for n in as_list(self.shape, "shape", of="two numbers")
            ]
            if len(sides) != 2 or math.prod(sides) != d:
                raise ShapeError(
                    f"{self.name}: images of shape {tuple(sides)} do not fill rows of {d} columns"
                )
        if self.feature_names is not None:
            named = as_list(self.feature_names, "feature_names", of="names")
            if len(named) != d:
                raise ShapeError(f"{self.name}: {len(named)} names for {d} columns; name each once")

    def __repr__(self) -> str:
        n = self.n_rows
        return (
            f"Dataset({self.name!r}: {n['train']} train, {n['valid']} valid and {n['test']} test rows "
            f"of {self.n_columns} columns)"
        )

    @property
    def n_columns(self) -> int:
        """The number of variables."""
        return self.train.shape[1]

    @property
    def n_rows(self) -> dict[str, int]:
        """The number of rows of each split."""
        return {"train": len(self.train), "valid": len(self.valid), "test": len(self.test)}

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the numbers themselves: equal exactly when all three splits are equal.

        >>> a, b = (Dataset(name, [[0, 1]], [[1, 1]], [[0, 0]]) for name in "ab")
        >>> a.digest == b.digest
        True
        """
        sha = hashlib.sha256()
        for rows in (self.train, self.valid, self.test):
            sha.update(f"uint8 {rows.shape};".encode())
            sha.update(rows.tobytes())
        return sha.hexdigest()

    def describe(self) -> dict[str, Any]:
        """What a record says about the data it used, as plain data (no rows).

        >>> Dataset("a", [[0, 1]], [[1, 1]], [[0, 0]]).describe()["rows"]
        {'train': 1, 'valid': 1, 'test': 1}
        """
        return {
            "name": self.name,
            "rows": self.n_rows,
            "columns": self.n_columns,
            "shape": None if self.shape is None else list(self.shape),
            "binarization": self.binarization,
            "digest": self.digest,
            "files": dict(self.files),
            "source": self.source,
            "reason": self.reason,
            "description": self.description,
            "licence": self.licence,
            "citation": self.citation,
        }


def split_rows(X: ArrayLike, fractions: Sequence[float], rng: RandomState) -> list[Shaped[np.ndarray, "_ d"]]:
    """The rows of ``X`` (n, d) dealt at random into parts of the given fractions, which sum to one.

    Every row lands in exactly one part; sizes are within one row of ``fraction * n``.
    Raises ``InputError`` where the fractions are negative or do not sum to one.

    >>> [len(part) for part in split_rows([[i] for i in range(10)], [0.7, 0.1, 0.2], rng=0)]
    [7, 1, 2]
    """
    X = as_matrix(X)
    check_size(X.size * X.itemsize, "X", instead="pass fewer rows")
    f = as_floats(fractions, "fractions")
    if f.ndim != 1 or not f.size or not (f >= 0).all() or abs(f.sum() - 1) > 1e-9:
        raise InputError(f"fractions must be non-negative and sum to one; got {as_written(fractions)}")
    cuts = np.rint(np.cumsum(f)[:-1] * len(X)).astype(int)
    return [X[part] for part in np.split(as_generator(rng).permutation(len(X)), cuts)]
