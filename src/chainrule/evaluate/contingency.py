"""Stratified contingency tables: how often the states of x and y meet, within each stratum of given variables.

A stratum is one configuration of the given variables.  Only cells that hold rows are kept, so the cost is
linear in the rows, however many configurations there could be.  Letters: N rows of a stratum, R_i and C_j
its row and column totals, O_ij its cells; under independence a cell expects E_ij = R_i C_j / N rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.core.forks import cached_property

__all__ = ["StratifiedTable", "joint_codes", "relabel"]

_ADEQUATE_SHARE = 0.8  # of the cells of a stratum (Cochran 1954) …
_LEAST_SHARE = 0.2  # … and what the smallest expected count may be, as a share of the adequate one


@dataclass(frozen=True, eq=False)
class StratifiedTable:
    """The nonempty cells, rows and columns of the tables of all strata.

    ``count`` (k,) holds O of each nonempty cell; ``row``, ``column`` and ``stratum`` (k,) say where it lies.
    ``row_total`` and ``column_total`` hold R and C, ``row_stratum`` and ``column_stratum`` (ascending) the
    stratum of each, ``total`` N of each stratum.
    """

    count: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    stratum: NDArray[np.int64]
    row_total: NDArray[np.int64]
    row_stratum: NDArray[np.int64]
    column_total: NDArray[np.int64]
    column_stratum: NDArray[np.int64]
    total: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        x: NDArray[np.int64],
        y: NDArray[np.int64],
        z: NDArray[np.int64],
        times: NDArray[np.int64] | None = None,
    ) -> StratifiedTable:
        """The tables of n >= 1 rows with the codes ``x``, ``y`` and strata ``z``, each (n,), from 0 on.

        A row is there as many ``times`` (n,) as that says.

        >>> zeros = np.zeros(4, np.int64)
        >>> t = StratifiedTable.of(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), zeros)
        >>> t.dof.tolist(), t.g.round(6).tolist(), t.chi2.tolist()
        ([1], [5.545177], [4.0])
        """
        (x, n_x), (y, n_y), (z, n_z) = (relabel(codes, int(codes.max()) + 1) for codes in (x, y, z))
        row, n_rows = relabel(z * n_x + x, n_z * n_x)
        column, n_columns = relabel(z * n_y + y, n_z * n_y)
        cell, n_cells = relabel(row * n_y + y, n_rows * n_y)
        return cls(
            count=_sums(cell, times),
            row=_owner(cell, row, n_cells),
            column=_owner(cell, column, n_cells),
            stratum=_owner(cell, z, n_cells),
            row_total=_sums(row, times),
            row_stratum=_owner(row, z, n_rows),
            column_total=_sums(column, times),
            column_stratum=_owner(column, z, n_columns),
            total=_sums(z, times),
        )

    @cached_property
    def n_rows(self) -> NDArray[np.int64]:
        """The number of states of x that occur in each stratum."""
        return np.bincount(self.row_stratum)

    @cached_property
    def n_columns(self) -> NDArray[np.int64]:
        """The number of states of y that occur in each stratum."""
        return np.bincount(self.column_stratum)

    @property
    def dof(self) -> NDArray[np.int64]:
        """The degrees of freedom of each stratum: states that do not occur in it do not count."""
        return (self.n_rows - 1) * (self.n_columns - 1)

    @property
    def g(self) -> NDArray[np.float64]:
        """The likelihood ratio statistic of each stratum, 2 Σ O log(O / E); 2 N times its mutual information."""
        terms = self.count * np.log(self.count / self._expected)
        return 2 * np.maximum(np.bincount(self.stratum, terms), 0)

    @property
    def chi2(self) -> NDArray[np.float64]:
        """Pearson's statistic of each stratum, Σ (O − E)² / E; cells with O = 0 are the −N in Σ O² / E − N."""
        return np.maximum(np.bincount(self.stratum, self.count**2 / self._expected) - self.total, 0)

    @cached_property
    def _expected(self) -> NDArray[np.float64]:
        product = self.row_total[self.row].astype(np.float64) * self.column_total[self.column]
        return product / self.total[self.stratum]

    def adequate(self, min_expected: float) -> NDArray[np.bool_]:
        """Whether each stratum expects enough rows for the chi-square approximation (Cochran 1954).

        At least 80 % of its cells, empty ones included, expect ``min_expected`` rows and none expects less than a
        fifth of that.  The rule reads the margins only, so choosing strata by it does not bias a test.
        """
        if min_expected == 0:
            return np.ones(len(self.total), bool)
        smallest = (
            np.minimum.reduceat(self.row_total, _starts(self.n_rows)).astype(np.float64)
            * np.minimum.reduceat(self.column_total, _starts(self.n_columns))
            / self.total
        )
        good = smallest >= _LEAST_SHARE * min_expected
        rows = np.flatnonzero(good[self.row_stratum])
        strata = self.row_stratum[rows]
        width = self.n_columns[strata]
        step = np.arange(width.sum()) - np.repeat(_starts(width), width)
        columns = np.repeat(_starts(self.n_columns)[strata], width) + step
        of = np.repeat(strata, width)
        expected = np.repeat(self.row_total[rows], width) * self.column_total[columns] / self.total[of]
        enough = np.bincount(of, expected >= min_expected, minlength=len(good))
        return good & (enough >= _ADEQUATE_SHARE * self.n_rows * self.n_columns)


def joint_codes(columns: Sequence[NDArray[np.int64]], sizes: Sequence[int], n: int) -> NDArray[np.int64]:
    """One code (n,) for the joint state of several columns; all 0 for none.

    >>> joint_codes([np.array([0, 1, 1]), np.array([1, 0, 1])], [2, 2], 3).tolist()
    [1, 2, 3]
    """
    joint, size = np.zeros(n, np.int64), 1
    for codes, k in zip(columns, sizes, strict=True):
        if size * k > _SPREAD * max(n, k):
            joint, size = relabel(joint, size)
        joint, size = joint * k + codes, size * k
    return joint


_SPREAD = 1 << 20  # how thinly codes may lie; keeps them far from where 64 bits end


def relabel(codes: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], int]:
    """Codes below ``size`` renumbered so that every one occurs, in the same order; and how many there are.

    >>> relabel(np.array([7, 2, 7]), 8)[0].tolist()
    [1, 0, 1]
    """
    if size > 4 * len(codes) + 256:  # counting would take longer than sorting
        values, inverse = np.unique(codes, return_inverse=True)
        return inverse, len(values)
    occurs = np.bincount(codes, minlength=size) > 0
    place = np.cumsum(occurs) - 1
    return place[codes], int(place[-1]) + 1


def _sums(places: NDArray[np.int64], times: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """How many rows fall on each place."""
    if times is None:
        return np.bincount(places)
    return np.bincount(places, times).astype(np.int64)  # exact: whole numbers far below 2^53


def _owner(parts: NDArray[np.int64], wholes: NDArray[np.int64], n_parts: int) -> NDArray[np.int64]:
    """The whole that each part lies in, from the rows of both."""
    out = np.empty(n_parts, np.int64)
    out[parts] = wholes
    return out


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where runs of these lengths begin."""
    return np.cumsum(lengths) - lengths
