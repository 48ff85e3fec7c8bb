"""Conditional tables as decision trees: p(x_i | parents) is what stands at the leaf that a row comes to.

A tree asks for one variable at a time whether its state lies in a range: one state against the rest (low = high), or
for states with an order at least some state.  All trees are one array of nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.compiled.calls import loops_are_on, use_threads
from chainrule.core.forks import cached_property
from chainrule.models.shared.decision_tables.checking import check_trees
from chainrule.models.shared.decision_tables.walking_loops import (
    count_nodes,
    draw_rows,
    find_leaves,
    read_terms,
    read_totals,
)

__all__ = ["DecisionTables", "loaded_tables"]

Codes = NDArray[np.integer[Any]]

_STEPS = 8  # nodes that a cell passes, for the choice of threads


@dataclass(frozen=True, eq=False)
class DecisionTables:
    """A tree for each of d variables with ``sizes`` states; node i < d is the root of variable i.

    ``nodes`` (T, 4) int32: the column asked (-1 at a leaf), the lowest and the highest state for which the answer is
    yes, and the child for no (-1 at a leaf); the child for yes follows it.  Children come after their parents.

    >>> nodes = np.array([[-1, 0, 0, -1], [0, 1, 1, 2], [-1, 0, 0, -1], [-1, 0, 0, -1]], np.int32)
    >>> tables = DecisionTables((2, 3), nodes)
    >>> tables.leaves(np.array([[0, 2], [1, 2]])).tolist(), tables.parents.tolist()
    ([[0, 2], [0, 3]], [[False, False], [True, False]])
    """

    sizes: tuple[int, ...]
    nodes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.nodes)

    @property
    def n_variables(self) -> int:
        """The number of variables, d."""
        return len(self.sizes)

    @cached_property
    def is_leaf(self) -> NDArray[np.bool_]:
        """Which nodes ask nothing, (T,)."""
        return self.nodes[:, 0] < 0

    @cached_property
    def above(self) -> NDArray[np.intp]:
        """The parent of each node, (T,); -1 for roots."""
        out = np.full(len(self), -1, np.intp)
        inner = np.flatnonzero(~self.is_leaf)
        first = self.nodes[inner, 3]
        out[first], out[first + 1] = inner, inner
        return out

    @cached_property
    def levels(self) -> list[NDArray[np.intp]]:
        """The nodes by their depth, roots first."""
        found = [np.arange(self.n_variables, dtype=np.intp)]
        while True:
            inner = found[-1][~self.is_leaf[found[-1]]]
            if not len(inner):
                return found
            first = self.nodes[inner, 3].astype(np.intp)
            found.append(np.stack([first, first + 1], axis=1).ravel())

    @cached_property
    def variable(self) -> NDArray[np.intp]:
        """The variable whose tree each node belongs to, (T,)."""
        out = np.empty(len(self), np.intp)
        out[: self.n_variables] = np.arange(self.n_variables)
        for level in self.levels[1:]:
            out[level] = out[self.above[level]]
        return out

    @cached_property
    def parents(self) -> NDArray[np.bool_]:
        """Whether the tree of variable i asks for variable j, (d, d)."""
        out = np.zeros((self.n_variables, self.n_variables), np.bool_)
        inner = ~self.is_leaf
        out[self.variable[inner], self.nodes[inner, 0]] = True
        return out

    def pruned(self, variables: Sequence[int]) -> tuple[DecisionTables, NDArray[np.intp]]:
        """The tables in which the trees of ``variables`` ask nothing, and which of the nodes here are left, rising.

        >>> nodes = np.array([[1, 1, 1, 2], [-1, 0, 0, -1], [-1, 0, 0, -1], [-1, 0, 0, -1]], np.int32)
        >>> tables, kept = DecisionTables((2, 2), nodes).pruned([0])
        >>> tables.nodes.tolist(), kept.tolist()
        ([[-1, 0, 0, -1], [-1, 0, 0, -1]], [0, 1])
        """
        stays = ~np.isin(self.variable, variables)
        stays[: self.n_variables] = True
        nodes = self.nodes.copy()
        nodes[list(variables)] = (-1, 0, 0, -1)
        inner = nodes[:, 0] >= 0
        nodes[inner, 3] = (np.cumsum(stays) - 1)[nodes[inner, 3]]
        return DecisionTables(self.sizes, nodes[stays]), np.flatnonzero(stays)

    def leaves(self, codes: Codes) -> NDArray[np.int32]:
        """The leaf of each cell of complete rows, (n, d)."""
        if not loops_are_on():
            return np.stack(
                [self.leaves_of(i, codes) for i in range(self.n_variables)], axis=1, dtype=np.int32
            )
        out = np.empty(codes.shape, np.int32)
        find_leaves(self.nodes, _narrow(codes), out, use_threads(_STEPS * codes.size))
        return out

    def terms(self, values: NDArray[np.float64], codes: Codes) -> NDArray[np.float64]:
        """``values[leaf, x_i]`` of each cell of complete rows, (n, d); ``values`` is (T, K)."""
        if not loops_are_on():
            return values[self.leaves(codes), codes]
        out = np.empty(codes.shape)
        read_terms(self.nodes, values, _narrow(codes), out, use_threads(_STEPS * codes.size))
        return out

    def states(self, values: NDArray[np.float64], codes: Codes) -> NDArray[np.float64]:
        """``values`` (T, K) at the leaf of each cell, for all states of its variable side by side, (n, Σ K_i)."""
        has = np.arange(max(self.sizes)) < np.array(self.sizes)[:, None]  # (d, K)
        return values[self.leaves(codes)][:, has]

    def totals(self, values: NDArray[np.float64], codes: Codes) -> NDArray[np.float64]:
        """The sum of ``terms`` of each row, (n,)."""
        if not loops_are_on():
            return self.terms(values, codes).sum(axis=1)
        out = np.empty(len(codes))
        read_totals(self.nodes, values, _narrow(codes), out, use_threads(_STEPS * codes.size))
        return out

    def counts(self, codes: Codes, weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """The rows (by weight) that pass each node with each state of its variable, (T, K)."""
        out = np.zeros((len(self), max(self.sizes)))
        if loops_are_on():
            count_nodes(self.nodes, _narrow(codes), np.empty(0) if weights is None else weights, out)
            return out
        leaves = self.leaves(codes)
        for i in range(self.n_variables):
            np.add.at(out, (leaves[:, i], codes[:, i]), 1.0 if weights is None else weights)
        for level in reversed(self.levels[1:]):
            np.add.at(out, self.above[level], out[level])
        return out

    def draw(
        self,
        below: NDArray[np.float64],
        order: NDArray[np.intp],
        uniforms: NDArray[np.float64],
        rows: NDArray[np.int32],
    ) -> None:
        """Fill in each -1 of ``rows`` (n, d), parents first: the first state whose ``below`` exceeds its uniform.

        ``below`` (T, K) are cumulative probabilities, ``order`` (d,) lists parents before children.
        """
        if loops_are_on():
            sizes = np.array(self.sizes)
            draw_rows(self.nodes, below, sizes, order, uniforms, rows, use_threads(_STEPS * rows.size))
            return
        for i in order:
            open_rows = np.flatnonzero(rows[:, i] < 0)
            steps = below[self.leaves_of(i, rows[open_rows]), : self.sizes[i] - 1]
            rows[open_rows, i] = (uniforms[open_rows, i, None] >= steps).sum(axis=1)

    def leaves_of(self, i: int, codes: Codes) -> NDArray[np.intp]:
        """The leaf of each row in the tree of one variable, (n,)."""
        at, rows = np.full(len(codes), i, np.intp), np.arange(len(codes))
        while True:
            inner = ~self.is_leaf[at]
            if not inner.any():
                return at
            asked, low, high, child = self.nodes[at[inner]].T
            x = codes[rows[inner], asked]
            at[inner] = child + ((low <= x) & (x <= high))


def loaded_tables(
    nodes: NDArray[Any], sizes: tuple[int, ...], place: NDArray[np.intp] | None = None
) -> DecisionTables:
    """The tables of a file; ``DataError`` where ``nodes`` are none, or ask for what is not before them by ``place``."""
    variables = np.arange(len(sizes))
    check_trees(nodes, variables, variables, sizes, place)
    return DecisionTables(sizes, nodes)


def _narrow(codes: Codes) -> Codes:
    """One of the two types that the loops are compiled for."""
    return np.ascontiguousarray(codes, np.uint8 if codes.dtype == np.uint8 else np.int32)
