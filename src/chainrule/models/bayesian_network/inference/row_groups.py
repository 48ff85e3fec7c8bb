"""Rows of evidence that can be answered together: those that know the same variables, and those that are alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.bayesian_network.inference.elimination import Elimination

__all__ = [
    "Members",
    "blocks",
    "by_pattern",
    "distinct_evidence",
    "put_back",
    "rows_at_once",
    "stretches",
    "zero_where_unknown",
]

_DRAWN_AT_ONCE = 2**17  # random numbers for many rows at once, which stay in the cache
_BLOCK_BYTES = 2**24  # tables for many rows at once: large enough to be quick, small next to any memory

Members = slice | NDArray[np.intp]  # some rows; a slice is all of them, which need no copy


def by_pattern(missing: NDArray[np.bool_]) -> list[Members]:
    """Which rows of ``missing`` (n, d) are equal."""
    if not len(missing):
        return []
    if (missing == missing[0]).all():
        return [slice(None)]
    _, which = np.unique(np.packbits(missing, axis=1), axis=0, return_inverse=True)
    order = np.argsort(which.reshape(-1), kind="stable")
    return list(np.split(order, np.flatnonzero(np.diff(which.reshape(-1)[order])) + 1))


def distinct_evidence(
    rows: NDArray[Any], same: Members, at_once: int
) -> Iterator[tuple[NDArray[Any], NDArray[np.intp], Members]]:
    """The distinct rows of ``rows[same]``, so many ``at_once``.

    With each block: which of its rows a member has, and the members as indices of ``rows``.
    """
    alike = rows[same]
    if (alike == alike[0]).all():  # draws with one evidence for all, without sorting
        yield alike[:1], np.zeros(len(alike), np.intp), same
        return
    distinct, which = np.unique(alike, axis=0, return_inverse=True)
    order = np.argsort(which.reshape(-1), kind="stable")
    which, members = which.reshape(-1)[order], np.arange(len(rows))[same][order]
    for start in range(0, len(distinct), at_once):
        stop = start + at_once
        inside = slice(*np.searchsorted(which, [start, stop]))
        yield distinct[start:stop], which[inside] - start, members[inside]


def put_back(part: NDArray[np.int32], rows: NDArray[np.int32], members: Members) -> None:
    """Write ``part`` into ``rows[members]``, from which it was taken: a slice of it shows what was written to it."""
    if not isinstance(members, slice):
        rows[members] = part


def blocks(n: int, plan: Elimination) -> Iterator[tuple[int, int]]:
    """Where blocks of ``n`` rows start and stop, so that the tables of one are not too large."""
    step = rows_at_once(plan)
    for start in range(0, n, step):
        yield start, min(start + step, n)


def rows_at_once(plan: Elimination) -> int:
    """How many rows have tables that are not too large together."""
    return max(1, _BLOCK_BYTES // plan.total_bytes)


def stretches(n: int, n_numbers: int) -> Iterator[slice]:
    """Parts of ``n`` rows that are drawn at once, with so many random numbers for each."""
    step = max(1, _DRAWN_AT_ONCE // max(1, n_numbers))
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def zero_where_unknown(rows: NDArray[Any]) -> NDArray[np.int32]:
    """A copy of ``rows`` to be filled in."""
    return np.maximum(rows, 0).astype(np.int32, copy=False)
