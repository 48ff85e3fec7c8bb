"""How often an edge is found again in rows drawn anew: the bootstrap of graphs (Friedman, Goldszmidt and Wyner 1999).

A resample has as many rows, drawn with replacement.  An edge counts whichever way it leads, and its direction in the
CPDAG of the graph that was found: where graphs of one class differ in it, and nothing that is known ahead decides,
each way counts a half.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.core.progress import track
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.structure.edge_rules import EdgeRules
from chainrule.tables.table import Table

__all__ = ["EdgeStrengths", "edge_strengths"]


@dataclass(frozen=True, eq=False)
class EdgeStrengths:
    """``arcs[i, j]`` (d, d): the share of ``n_resamples`` in which i leads to j, half of an undirected edge's."""

    names: tuple[str, ...]
    arcs: NDArray[np.float64]
    n_resamples: int

    def of(self, parent: str, child: str) -> tuple[float, float | None]:
        """The share with the edge either way, and the share of these in which it leads from ``parent`` to ``child``."""
        i, j = self.names.index(parent), self.names.index(child)
        there = float(self.arcs[i, j] + self.arcs[j, i])
        return there, float(self.arcs[i, j]) / there if there else None

    def others(self, dag: DAG, least: float = 0.5) -> list[tuple[str, str, float]]:
        """Pairs that are found in at least this share and are no edge of ``dag``, most often found first."""
        pairs = [
            (a, b, self.of(a, b)[0])
            for j, b in enumerate(self.names)
            for a in self.names[:j]
            if not (dag.has_edge(a, b) or dag.has_edge(b, a))
        ]
        return sorted((pair for pair in pairs if pair[2] >= least), key=lambda pair: -pair[2])


def edge_strengths(
    table: Table, graph_of: Callable[[Table], DAG], rules: EdgeRules, n: int, rng: np.random.Generator
) -> EdgeStrengths:
    """What ``graph_of`` finds in ``n`` resamples of ``table``, whose weights are then how often a row was drawn.

    >>> from chainrule.models import chow_liu
    >>> rows = Table.read({"a": [0, 1] * 40, "b": [0, 1] * 40, "c": [0, 0, 1, 1] * 20})
    >>> rules = EdgeRules.of(rows.schema.names, forbidden="b -> a")
    >>> found = edge_strengths(rows, lambda t: chow_liu(t).dag_, rules, 20, np.random.default_rng(0))
    >>> found.of("a", "b"), found.of("a", "c")[0] < 0.3
    ((1.0, 1.0), True)
    """
    names, d = table.schema.names, len(table.schema)
    may = np.array(
        [[rules.allowed[j] >> i & 1 and not rules.required[i] >> j & 1 for j in range(d)] for i in range(d)]
    )
    arcs = np.zeros((d, d))
    weights = np.ones(table.n_rows) if table.weights is None else table.weights
    for _ in track(range(n), "learning from resampled rows"):
        drawn = np.bincount(rng.integers(table.n_rows, size=table.n_rows), minlength=table.n_rows)
        found = graph_of(Table(table.schema, table.codes, drawn * weights)).cpdag()
        for a, b in found.directed:
            arcs[names.index(a), names.index(b)] += 1
        for a, b in found.undirected:
            i, j = names.index(a), names.index(b)
            ways = max(int(may[i, j]) + int(may[j, i]), 1)
            arcs[i, j] += may[i, j] / ways
            arcs[j, i] += may[j, i] / ways
    return EdgeStrengths(names, arcs / n, n)
