"""How often the joint states of any set of variables occur.  A set is a whole number: bit j stands for variable j.

Only states that occur are held, at most one for each row, so no set is too large.  Rows that are equal are made one, if
that makes them fewer by a third.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.bayesian_network.conditional_tables import Counts
from chainrule.tables.table import Table

__all__ = ["SetCounts", "members"]

_MOST_KEPT = 2**26  # bytes of labels
_ROOM = 16  # entries of a table for each row, above which labels are sorted instead


def members(variables: int) -> list[int]:
    """The variables of a set, rising.

    >>> members(0b1101)
    [0, 2, 3]
    """
    found = []
    while variables:
        found.append((variables & -variables).bit_length() - 1)
        variables &= variables - 1
    return found


class SetCounts:
    """Counts of sets of the columns of ``table``; rows count their weight, and those of weight 0 not at all.

    Where rows are in ``groups`` (n,), whole numbers from 0 on, counts have a column for each.

    ``holed`` is the set of the variables with missing values; a row counts for the sets of which it knows all.

    >>> from chainrule.tables.schema import Schema
    >>> counts = SetCounts(Table(Schema.of({"a": 2, "b": 2}), np.array([[0, 0], [1, 1], [1, 1]])))
    >>> counts.cells(0b11).tolist(), counts.cells(0b01).tolist(), counts.cells(0).tolist()
    ([1.0, 2.0], [1.0, 2.0], [3.0])
    """

    def __init__(self, table: Table, groups: NDArray[np.intp] | None = None) -> None:
        codes, weights = table.codes, table.weights
        if groups is not None:
            weights = np.ones(len(codes)) if weights is None else weights
            weights = np.eye(int(groups.max(initial=0)) + 1)[groups] * weights[:, None]
        if weights is not None and not weights.all():
            some = weights.reshape(len(codes), -1).any(axis=1)
            codes, weights = codes[some], weights[some]
        self.sizes = table.schema.sizes
        self._columns, self._weights = _distinct(np.ascontiguousarray(codes.T), weights, self.sizes)
        self._n = self._columns.shape[1]
        self._room = _ROOM * self._n + 2**16  # entries of a table
        holes = self._columns.min(axis=1, initial=0) < 0
        self.holed = sum(1 << int(j) for j in np.flatnonzero(holes))
        self._labels: OrderedDict[int, tuple[NDArray[np.intp], int]] = OrderedDict()
        self._most_labels = max(2 * len(self.sizes), _MOST_KEPT // max(8 * self._n, 1))

    @property
    def n_variables(self) -> int:
        """The number of variables."""
        return len(self.sizes)

    def n_states(self, variables: int) -> int:
        """The joint states of a set, whether they occur or not."""
        return prod(self.sizes[j] for j in members(variables))

    def cells(self, variables: int) -> Counts:
        """The counts (m,) of the joint states of a set that occur; (m, G) where rows are in groups."""
        if not variables:
            return self._counted(np.zeros(self._n, np.intp), 1)
        labels, n, j = self._all_but_one(variables)
        return self._counted(self._joined(labels, j), n * self.sizes[j])

    def beside(self, variables: int, one: int, others: list[int]) -> Iterator[tuple[int, Counts, Counts]]:
        """For each of ``others``: it, the ``cells`` of the set with it, and those of the set with it, without ``one``.

        All are counted from the same labels, and the second are sums of the first.  No variable may have missing
        values; one whose table would be far larger than the rows is left out.

        >>> from chainrule.tables.schema import Schema
        >>> counts = SetCounts(Table(Schema.of({"a": 2, "b": 2}), np.array([[0, 0], [1, 1], [0, 1]])))
        >>> [(j, cells.tolist(), without.tolist()) for j, cells, without in counts.beside(0b01, 0, [1])]
        [(1, [1, 1, 1], [1, 2])]
        """
        (labels, n), (rest, _) = self.labels(variables), self.labels(variables ^ 1 << one)
        place = np.empty(n, np.intp)
        place[labels] = rest
        order = np.argsort(place, kind="stable")
        first = np.flatnonzero(np.diff(place[order], prepend=-1))
        for j in others:
            size = self.sizes[j]
            if n * size > self._room:
                continue
            both = labels.astype(_narrow(n * size))
            both *= size
            both += self._columns[j]
            table = _sums(both, self._weights, n * size)
            by_label = table.reshape(n, size, *table.shape[1:])[order]
            without = np.add.reduceat(by_label, first, axis=0).reshape(-1, *table.shape[1:])
            yield j, _occurring(table), _occurring(without)

    def family(self, child: int, parents: int) -> tuple[Counts, Counts, Counts]:
        """Over the rows that know them all: counts of the cells, the configurations of the parents, the child's states.

        Only what occurs is listed; each sums to the weight of those rows.
        """
        labels, n = self.labels(parents)
        both = self._joined(labels, child)
        known = both >= 0
        column = np.where(known, self._columns[child], -1)
        size = self.sizes[child]
        return (
            self._counted(both, n * size),
            self._counted(np.where(known, labels, -1), n),
            self._counted(column, size),
        )

    def labels(self, variables: int) -> tuple[NDArray[np.intp], int]:
        """Which joint state each distinct row has, -1 where it does not know all, and how many occur; kept a while."""
        kept = self._labels.get(variables)
        if kept is not None:
            self._labels.move_to_end(variables)
            return kept
        if not variables:
            return np.zeros(self._n, np.intp), 1
        labels, n, j = self._all_but_one(variables)
        found = _relabelled(self._joined(labels, j), n * self.sizes[j])
        self._labels[variables] = found
        if len(self._labels) > self._most_labels:
            self._labels.popitem(last=False)
        return found

    def _all_but_one(self, variables: int) -> tuple[NDArray[np.intp], int, int]:
        """The labels of the set without one variable, how many there are, and that variable: kept labels if any are."""
        inside = members(variables)
        j = next((j for j in inside if variables ^ 1 << j in self._labels), inside[0])
        return (*self.labels(variables ^ 1 << j), j)

    def _joined(self, labels: NDArray[np.intp], j: int) -> NDArray[np.intp]:
        column = self._columns[j]
        both = labels * self.sizes[j]
        both += column
        if self.holed:
            both[(labels < 0) | (column < 0)] = -1
        return both

    def _counted(self, labels: NDArray[np.intp], most: int) -> Counts:
        """The counts of the labels that occur, all below ``most``."""
        weights = self._weights
        if self.holed:
            known = labels >= 0
            labels, weights = labels[known], None if weights is None else weights[known]
        if most > self._room:
            labels, most = _relabelled(labels, most)
        return _occurring(_sums(labels, weights, 1))


def _sums(labels: NDArray[np.intp], weights: NDArray[np.float64] | None, least: int) -> Counts:
    """What the rows of each label weigh, or their number; by columns of weights, where these have several."""
    if weights is None or weights.ndim == 1:
        return np.bincount(labels, weights, least)
    return np.stack([np.bincount(labels, column, least) for column in weights.T], axis=1)


def _occurring(counts: Counts) -> Counts:
    return counts[counts > 0] if counts.ndim == 1 else counts[counts.any(axis=1)]


def _narrow(most: int) -> type[np.signedinteger[Any]]:
    """The smallest type of at least two bytes for numbers up to ``most``."""
    return np.int16 if most < 2**15 else np.int32 if most < 2**31 else np.int64


def _relabelled(labels: NDArray[np.intp], most: int) -> tuple[NDArray[np.intp], int]:
    """Labels below ``most`` as 0, 1, … in their order, -1 as it is, and how many there are."""
    if most > _ROOM * len(labels) + 2**16:
        found, places = np.unique(labels, return_inverse=True)
        below = int(len(found) > 0 and found[0] < 0)
        return places.reshape(-1) - below, len(found) - below
    occurs = np.zeros(most + 1, np.bool_)  # the last one is that of -1
    occurs[labels] = True
    occurs[-1] = False
    places = np.cumsum(occurs) - 1
    places[-1] = -1
    return places[labels], int(places[-2]) + 1 if most else 0


def _distinct(
    columns: NDArray[Any], weights: NDArray[np.float64] | None, sizes: tuple[int, ...]
) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
    """The distinct rows (d, m) of ``columns`` (d, n) and what they weigh; as they come where most are distinct."""
    n = columns.shape[1]
    labels, m = np.zeros(n, np.intp), 1
    for column, size in zip(columns, sizes, strict=True):
        labels, m = _relabelled(labels * (size + 1) + column + 1, m * (size + 1))  # a hole is a state here
        if 3 * m > 2 * n:  # weights cost about what fewer rows save
            return columns, weights
    first = np.empty(m, np.intp)
    first[labels[::-1]] = np.arange(n - 1, -1, -1)
    return np.ascontiguousarray(columns[:, first]), _sums(labels, weights, m).astype(np.float64)
