"""Values that are no argument anywhere, or only here and there: each is made anew for each call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sparse

__all__ = ["HOSTILE"]


class _Odd:
    """An object whose text is long and has many lines."""

    def __repr__(self) -> str:
        return "odd\n" * 1000


def _itself() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


def _deep() -> list[Any]:
    inner: list[Any] = []
    for _ in range(100_000):
        inner = [inner]
    return inner


def _read_only() -> np.ndarray:
    rows = np.array([[0, 1, 0], [1, 0, 1]])
    rows.setflags(write=False)
    return rows


HOSTILE: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "a half": lambda: 2.5,
    "negative": lambda: -1,
    "zero": lambda: 0,
    "10^12": lambda: 10**12,
    "10^30": lambda: 10**30,
    "10^5000": lambda: 10**5000,
    "nan": lambda: float("nan"),
    "infinite": lambda: float("inf"),
    "a fraction": lambda: Fraction(1, 3),
    "a decimal": lambda: Decimal("0.5"),
    "complex": lambda: 1j,
    "no text": lambda: "",
    "NUL": lambda: "\0",
    "text": lambda: "a\nb",
    "surrogate": lambda: "\ud800",
    "long text": lambda: "x" * 100_000,
    "braces": lambda: "{0.__class__}%s",
    "bytes": lambda: b"bytes",
    "path": lambda: Path("nowhere") / "at all",
    "empty": list,
    "nothing in it": lambda: [None],
    "numbers": lambda: [0, 1, 2],
    "texts": lambda: ["a", "zz"],
    "ragged": lambda: [[1, 2], [3]],
    "within itself": _itself,
    "deep": _deep,
    "pairs": lambda: [("a", "b"), ("b", 3)],
    "dict": lambda: {"a": None},
    "dict of odd keys": lambda: {1: 2, None: [3], ("a",): {}},
    "dict of dicts": lambda: {"a": {"no": float("nan"), "zz": -1}},
    "set": lambda: {"a", 1},
    "generator": lambda: (k for k in range(3)),
    "long range": lambda: range(10**12),
    "object": object,
    "odd": _Odd,
    "class": lambda: _Odd,
    "function": lambda: len,
    "date": lambda: datetime(2020, 1, 1),
    "module": lambda: np,
    "masked": lambda: np.ma.masked_array(np.eye(2, 3), np.array([[0, 1, 0], [1, 1, 1]], bool)),
    "sparse": lambda: sparse.csr_matrix(np.eye(3)),
    "no axes": lambda: np.array(3),
    "three axes": lambda: np.zeros((2, 3, 2)),
    "no rows": lambda: np.empty((0, 3)),
    "no columns": lambda: np.empty((3, 0)),
    "objects": lambda: np.array([[1, 2], [3, None]], object),
    "complex array": lambda: np.ones((2, 3)) * 1j,
    "dates": lambda: np.array(["2020-01-01", "NaT"], "datetime64[D]"),
    "records": lambda: np.zeros(3, [("a", "i4"), ("b", "f8")]),
    "long": lambda: np.broadcast_to(np.int8(0), (10**9,)),
    "huge": lambda: np.broadcast_to(0, (10**9, 10**4)),
    "odd floats": lambda: np.array([[np.nan, np.inf, -np.inf]]),
    "halves": lambda: np.array([[0.5, 1.5, 0.0]]),
    "large codes": lambda: np.full((2, 3), 2**64 - 1, np.uint64),
    "negative codes": lambda: np.full((2, 3), -7, np.int8),
    "flags": lambda: np.array([[True, False, True]]),
    "read-only": _read_only,
    "backwards": lambda: np.asfortranarray(np.array([[0, 1, 0], [1, 0, 1]], ">i4"))[::-1],
    "half floats": lambda: np.ones((2, 3), np.float16),
    "pandas": lambda: pd.DataFrame({"a": [1.5, None], "zz": ["x", None]}),
    "pandas twice": lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "series": lambda: pd.Series([1, 2, None], name="a"),
    "polars": lambda: pl.DataFrame({"a": ["no", None], "b": [[1], [2]]}),
    "lazy": lambda: pl.DataFrame({"a": ["no", None]}).lazy(),
    "arrow": lambda: pa.table({"a": pa.array([{"b": 1}, None])}),
    "arrow column": lambda: pa.chunked_array([["no", None]]),
}
