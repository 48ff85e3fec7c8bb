"""Exact answers of a network of decision trees about rows of which not all is known.

Two ways.  Where the full tables p(variable | parents) are small, the network is a ``DiscreteNetwork``, which answers
many rows that know the same variables in one pass.  Else each different row reduces the trees by what it knows, and
factors over what is left are summed out (``reduction``).  What nothing known depends on is never looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.core.forks import cached_property
from chainrule.core.progress import track
from chainrule.models.bayesian_network.inference.buckets import Buckets
from chainrule.models.bayesian_network.inference.elimination import (
    Elimination,
    interaction_graph,
    plan_elimination,
)
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.bayesian_network.row_inference.answers import RowInference
from chainrule.models.shared.decision_tables import DecisionTables
from chainrule.models.shared.posterior import MOST_AXES, answer_shape
from chainrule.models.tree_network.reduction import ReducedTree, reduce_tree

__all__ = ["TreeInference", "full_table"]

_FULL_ENTRIES = 2**20  # of all full tables, up to which they are formed
_FULL_BYTES = 2**24  # of an answer from them; a larger one may be smaller with the trees
_BYTES = 8

Answer = TypeVar("Answer")


class TreeInference:
    """Answers over integers: rows of evidence (n, d) hold -1 where unknown.

    ``log_p`` (T, K) stands at the nodes of ``tables``, ``order`` (d,) lists parents first, ``max_bytes`` bounds the
    tables of one answer (``TooLargeError``).
    """

    def __init__(
        self, tables: DecisionTables, log_p: NDArray[np.float64], order: NDArray[np.intp], max_bytes: int
    ) -> None:
        self.tables, self.log_p, self.order, self.max_bytes = tables, log_p, order, max_bytes

    def log_prob(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Log-probability in nats of what is known of each row, (n,)."""
        return self._either(lambda: self._full_rows.log_prob(rows), lambda: self._log_prob(rows))

    def draw(
        self, rows: NDArray[Any], generator: np.random.Generator
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """``rows`` with what is unknown drawn, and which of them (n,) have probability zero.

        What is above the known comes from its posterior, the rest forward.
        """
        filled, bad = rows.astype(np.int32), np.zeros(len(rows), bool)
        if (filled >= 0).any():
            filled, bad = self._either(
                lambda: self._full_rows.draw(rows, generator), lambda: self._draw_above(rows, generator)
            )
        below = np.exp(self.log_p).cumsum(axis=1)
        self.tables.draw(below, self.order, generator.random(filled.shape), filled)
        return filled, bad

    def maximum(self, rows: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """A most probable completion of each row, and its log-probability in nats."""
        return self._either(lambda: self._full_rows.maximum(rows), lambda: self._maximum(rows))

    def posterior(self, row: NDArray[Any], wanted: Sequence[int]) -> NDArray[np.float64] | None:
        """p(wanted | row) in the shape that ``answer_shape`` says; ``None`` where the evidence is impossible."""
        full = self._full
        return self._either(
            lambda: None if full is None else full.posterior(row, wanted),
            lambda: self._posterior(row, wanted),
        )

    @cached_property
    def _full(self) -> DiscreteNetwork | None:
        """The network of full tables, where they are small."""
        sizes, parents = self.tables.sizes, self.tables.parents
        above = [np.flatnonzero(row).tolist() for row in parents]
        if sum(prod(sizes[u] for u in (*us, v)) for v, us in enumerate(above)) > _FULL_ENTRIES:
            return None
        p = np.exp(self.log_p)
        found = [full_table(self.tables, p, v, us) for v, us in enumerate(above)]
        return DiscreteNetwork(above, found, self.order.tolist(), max_bytes=min(_FULL_BYTES, self.max_bytes))

    @cached_property
    def _has_zeros(self) -> bool:
        """Whether some state is impossible at some leaf, as ``do`` makes it."""
        leaves, sizes = self.tables.is_leaf, np.array(self.tables.sizes)[self.tables.variable]
        there = np.arange(self.log_p.shape[1]) < sizes[:, None]
        return bool(np.isneginf(self.log_p[leaves][there[leaves]]).any())

    @cached_property
    def _full_rows(self) -> RowInference:
        assert self._full is not None  # asked before
        return RowInference(self._full)

    def _either(self, full: Callable[[], Answer], reduced: Callable[[], Answer]) -> Answer:
        if self._full is not None:
            try:
                return full()
            except TooLargeError:
                pass  # the trees may need less
        return reduced()

    # by trees that what is known has reduced

    def _log_prob(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        out = np.empty(len(rows))
        for row, members in self._distinct(rows):
            trees = self._relevant(row, np.flatnonzero(row >= 0))
            out[members] = self._buckets(trees, self._plan(trees)).log_remainder[0]
        return out

    def _maximum(self, rows: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        out, log_p = rows.astype(np.int32), np.empty(len(rows))
        for row, members in self._distinct(rows):
            trees = [reduce_tree(self.tables, v, row) for v in range(len(row))]
            found = np.maximum(row, 0)[None].astype(np.int32)
            buckets = self._buckets(trees, self._plan(trees), maximise=True)
            buckets.maximum(found)
            out[members], log_p[members] = found, buckets.log_remainder[0]
        return out, log_p

    def _draw_above(
        self, rows: NDArray[Any], generator: np.random.Generator
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """``rows`` with what is unknown above what is known drawn, and which of them have probability zero."""
        filled, bad = rows.astype(np.int32), np.zeros(len(rows), bool)
        for row, members in self._distinct(rows):
            trees = self._relevant(row, np.flatnonzero(row >= 0))
            buckets = self._buckets(trees, self._plan(trees))
            if buckets.log_remainder[0] == -np.inf:
                bad[members] = True
                continue
            part = filled[members]
            buckets.draw(part, np.zeros(len(part), np.intp), generator)
            filled[members] = part
        return filled, bad

    def _posterior(self, row: NDArray[Any], wanted: Sequence[int]) -> NDArray[np.float64] | None:
        sizes = self.tables.sizes
        several = [v for v in wanted if sizes[v] > 1]
        known = np.flatnonzero(row >= 0).tolist()
        if self._has_zeros and self._log_prob(row[None])[0] == -np.inf:
            return None
        trees = self._relevant(row, [*known, *several])
        around = interaction_graph(tree.scope for tree in trees)
        reached, stack = set(several), list(several)
        while stack:  # what shares no unknown variable with what is asked for scales the answer alone
            new = around[stack.pop()] - reached
            reached |= new
            stack += new
        trees = [tree for tree in trees if tree.scope & reached]
        log_table = self._buckets(trees, self._plan(trees, several)).log_remainder[0]
        table = np.exp(log_table - log_table.max())
        return (table / table.sum()).reshape(answer_shape([sizes[v] for v in wanted]))

    def _relevant(self, row: NDArray[Any], start: Iterable[int]) -> list[ReducedTree]:
        """The reduced trees of ``start`` and of everything above it that is not known."""
        found: dict[int, ReducedTree] = {}
        stack = [int(v) for v in start]
        while stack:
            v = stack.pop()
            if v not in found:
                found[v] = reduce_tree(self.tables, v, row)
                stack += found[v].asked
        return [found[v] for v in sorted(found)]

    def _plan(self, trees: list[ReducedTree], keep: Sequence[int] = ()) -> Elimination:
        plan = plan_elimination([tree.scope for tree in trees], self.tables.sizes, keep)
        if plan.total_bytes > self.max_bytes or plan.induced_width >= MOST_AXES:
            raise TooLargeError(
                f"this answer needs tables of {plan.total_entries:,} entries ({plan.total_bytes:,} bytes), at most "
                f"{self.max_bytes:,} bytes are allowed; give more evidence, ask for fewer variables, raise max_bytes, "
                "or use the tree that chow_liu learns, which sums out any"
            )
        return plan

    def _buckets(self, trees: list[ReducedTree], plan: Elimination, *, maximise: bool = False) -> Buckets:
        place = {v: i for i, v in enumerate((*plan.order, *reversed(plan.keep)))}
        factors = (
            tree.factor(
                self.log_p,
                self.tables.sizes,
                tuple(sorted(tree.scope, key=place.__getitem__, reverse=True)),
            )
            for tree in trees
        )
        return Buckets(factors, plan.order, plan.keep, maximise=maximise)

    def _distinct(self, rows: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[np.intp]]]:
        """Each different row, and the places of the rows that are like it."""
        if not len(rows):
            return
        different, which = np.unique(rows, axis=0, return_inverse=True)
        by_row = np.argsort(which.reshape(-1), kind="stable")
        members = np.split(by_row, np.cumsum(np.bincount(which.reshape(-1)))[:-1])
        yield from track(zip(different, members, strict=True), "rows with missing values", len(different))


def full_table(
    tables: DecisionTables, values: NDArray[np.float64], v: int, parents: Sequence[int]
) -> NDArray[np.float64]:
    """The table p(v | parents) that a tree stands for: an axis for each parent, then one for ``v``."""
    tree = reduce_tree(tables, v, np.full(tables.n_variables, -1))
    sizes = [tables.sizes[u] for u in (*parents, v)]
    if tables.sizes[v] == 1:
        return np.ones(sizes)
    return tree.factor(values, tables.sizes, (*parents, v)).log_values[0]
