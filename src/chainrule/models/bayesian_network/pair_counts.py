"""How often each state of a variable comes with each state of another, for all pairs at once; what pairs share.

The states of all variables stand one after another, S of them: row i, column j of a matrix (S, S) belong to one
state each.  The counts add up over parts of a table, and the count of a tree's families can be read off them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError, TooLargeError, ValuesError
from chainrule.core.forks import cached_property
from chainrule.core.progress import track
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.conditional_tables import Counts
from chainrule.models.bayesian_network.family_counts import FamilyCounts, Missing
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table, TablePart

__all__ = ["PairCounts", "count_pairs", "count_pairs_of"]

_BLOCK_ROWS = 2**13  # quick to multiply, small in memory; counts below 2^24 are exact in float32
_BYTES = 8
_MATRICES = 4  # of (S, S): the counts, and what mutual information makes of them


@dataclass(frozen=True, eq=False)
class PairCounts:
    """``counts`` (S, S) of pairs of states, int64, or float64 where rows have weights, from ``n_rows`` rows.

    ``known`` (d, d) says how many rows know both variables.  ``a + b`` are the counts of both parts.

    >>> pairs = count_pairs(Table(Schema.of({"a": 2, "b": 2}), np.array([[0, 1], [1, 1], [1, 0]])))
    >>> pairs.table("a", "b").tolist()
    [[0, 1], [1, 1]]
    """

    schema: Schema
    counts: Counts
    known: NDArray[np.int64]
    n_rows: int

    def __add__(self, other: Any) -> PairCounts:
        if not isinstance(other, PairCounts):
            return NotImplemented
        if list(self.schema.states.items()) != list(other.schema.states.items()):
            raise InputError(
                "counts of pairs add up over the same variables with the same states; name them ahead"
            )
        return PairCounts(
            self.schema, self.counts + other.counts, self.known + other.known, self.n_rows + other.n_rows
        )

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """Where the states of each variable start, (d,)."""
        return np.cumsum([0, *self.schema.sizes[:-1]])

    def table(self, a: str, b: str) -> Counts:
        """The counts of the states of ``a`` (rows) with those of ``b`` (columns)."""
        rows, columns = (
            slice(self.starts[j], self.starts[j] + self.schema.sizes[j])
            for j in map(self.schema.index, (a, b))
        )
        return self.counts[rows, columns]

    def families(self, forest: DAG) -> FamilyCounts:
        """The counts of each variable with its parent, of which it has at most one, as rows would give them."""
        tables, left_out = {}, {}
        for v in self.schema.names:
            above = (*forest.parents(v), v)[0]
            table = self.table(above, v)
            tables[v] = table.diagonal() if above == v else table
            left_out[v] = self.n_rows - int(self.known[self.schema.index(above), self.schema.index(v)])
        return FamilyCounts(
            forest, self.schema, tables, self.n_rows, {v: n for v, n in left_out.items() if n}
        )

    @cached_property
    def weights(self) -> Counts:
        """How much the rows that know both variables weigh, (d, d)."""
        return self._sums(self._sums(self.counts, 1), 0)

    @cached_property
    def freedoms(self) -> NDArray[np.int64]:
        """Parameters that an edge adds, (d, d): (K_i - 1)(K_j - 1) for K states that occur in the rows."""
        several = np.maximum(self._sums((self.counts.diagonal() > 0).astype(np.int64), 0) - 1, 0)
        return np.outer(several, several)

    @cached_property
    def information(self) -> NDArray[np.float64]:
        """Mutual information in nats of all pairs, (d, d), each over the rows that know both; symmetric bit for bit.

        >>> pairs = count_pairs(Table(Schema.of({"a": 2, "b": 2}), np.array([[0, 1], [1, 0]])))
        >>> pairs.information.round(4).tolist()
        [[0.6931, 0.6931], [0.6931, 0.6931]]
        """
        variable = np.repeat(np.arange(len(self.schema)), self.schema.sizes)  # of each state, (S,)
        # how often a state occurs where the other variable is known, too, and its share of those rows
        occurs = self._sums(self.counts, 1).astype(np.float64)  # (S, d)
        weights = self.weights.astype(np.float64)[variable]  # (S, d)
        share = np.divide(occurs, weights, out=np.zeros_like(occurs), where=weights > 0)
        expected = occurs[:, variable] * share[:, variable].T
        terms = np.divide(self.counts, expected, out=expected, where=self.counts > 0)
        np.log(terms, out=terms, where=self.counts > 0)
        terms[self.counts == 0] = 0.0
        terms *= self.counts
        gain = self._sums(self._sums(terms, 1), 0)
        out = np.divide(gain, self.weights, out=np.zeros_like(gain), where=self.weights > 0)
        upper = np.triu(out)  # (i, j) and (j, i) add up in another order
        return upper + np.triu(out, 1).T

    def _sums(self, values: NDArray[Any], axis: int) -> NDArray[Any]:
        """Sums over the states of each variable."""
        return np.add.reduceat(values, self.starts, axis=axis)


def count_pairs(
    table: Table,
    *,
    missing: Missing = "refuse",
    max_bytes: int = 2**30,
    first_row: int = 0,
    name: str = "X",
) -> PairCounts:
    """The counts of all pairs in ``table``; a row counts its weight.

    With ``missing="complete_families"`` a row counts for each pair in which nothing is missing; otherwise a missing
    value is a ``ValuesError``.  Cost: a matrix product of n S² for S states, ``TooLargeError`` where S² counts and
    what is made of them need more than ``max_bytes``.
    """
    schema = table.schema
    n_bytes = _MATRICES * _BYTES * sum(schema.sizes) ** 2
    if n_bytes > max_bytes:
        raise TooLargeError(
            f"the counts of all pairs of {sum(schema.sizes):,} states of {len(schema)} columns need {n_bytes:,} "
            f"bytes, at most {max_bytes:,} are allowed; join rare states, take fewer columns, or raise max_bytes"
        )
    if not table.is_complete and missing == "refuse":
        i, j = np.argwhere(table.missing)[0]
        raise ValuesError(
            f"{name} has a missing value in row {first_row + i}, column {j} ({schema.names[j]!r}); fill or drop such "
            "rows, or set missing='complete_families' to count each pair where it is complete"
        )
    known = np.full((len(schema), len(schema)), table.n_rows, np.int64)
    if not table.is_complete:
        known[:] = 0
        for codes in _blocks(table.codes):
            seen = (codes >= 0).astype(np.float32)
            known += (seen.T @ seen).astype(np.int64)
    exact = table.is_complete and table.weights is None
    counts = _complete_counts(table) if exact else _products(table, *_states(schema.sizes, 0))
    return PairCounts(schema, counts, known, table.n_rows)


def count_pairs_of(part: TablePart, *, missing: Missing, max_bytes: int) -> PairCounts:
    """The counts in the batches of a part of a table together."""

    def batches() -> Iterator[PairCounts]:
        first_row = 0
        for table in part:
            yield count_pairs(
                table, missing=missing, max_bytes=max_bytes, first_row=first_row, name=part.name
            )
            first_row += table.n_rows

    return reduce(add, batches())


def _complete_counts(table: Table) -> NDArray[np.int64]:
    """Counts of rows without gaps: all but the last state of each variable are multiplied, the last is what is left.

    A binary variable takes one column of the product in place of two, so the product a quarter of the time.
    """
    sizes, n = table.schema.sizes, table.n_rows
    of, state = _states(sizes, 1)
    inner = _products(table, of, state)
    member = np.zeros((len(of), len(sizes)))
    member[np.arange(len(of)), of] = 1.0
    margin = inner.diagonal()
    left = margin[:, None] - np.rint(inner @ member).astype(
        np.int64
    )  # the other variable is in its last state
    both = n - np.rint(margin @ member).astype(np.int64)[:, None] - np.rint(left.T @ member).astype(np.int64)
    last = np.cumsum(sizes) - 1
    others = np.setdiff1d(np.arange(sum(sizes)), last)
    counts = np.empty((sum(sizes), sum(sizes)), np.int64)
    counts[np.ix_(others, others)] = inner
    counts[np.ix_(others, last)] = left
    counts[np.ix_(last, others)] = left.T
    counts[np.ix_(last, last)] = both
    return counts


def _states(sizes: tuple[int, ...], without: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Variable and code of each state, one after another, without the last ones of each variable."""
    of = np.repeat(np.arange(len(sizes)), np.array(sizes) - without)
    return of, np.concatenate([np.arange(k - without) for k in sizes])


def _products(table: Table, of: NDArray[np.intp], state: NDArray[np.intp]) -> Counts:
    """How often each of these states comes with each other, by weight."""
    if table.weights is None:
        counts = np.zeros((len(of), len(of)), np.int64)
        for codes in track(_blocks(table.codes), "counting pairs"):
            shown = (codes[:, of] == state).astype(np.float32)
            counts += (shown.T @ shown).astype(np.int64)
        return counts
    weighed = np.zeros((len(of), len(of)))
    blocks = list(zip(_blocks(table.codes), _blocks(table.weights), strict=True))
    for codes, weights in track(blocks, "counting pairs"):
        shown = (codes[:, of] == state).astype(np.float64)
        weighed += (shown * weights[:, None]).T @ shown
    return np.triu(weighed) + np.triu(weighed, 1).T  # a product of two matrices is symmetric within rounding


def _blocks(rows: NDArray[Any]) -> list[NDArray[Any]]:
    return [rows[start : start + _BLOCK_ROWS] for start in range(0, len(rows), _BLOCK_ROWS)]
