"""The best tree from rows with holes, by structural EM (Friedman 1997), both steps of which are exact for trees.

    E:  N(x_i, x_j) = Σ_rows w p(x_i, x_j | what the row knows, tree), for all pairs    (``tree_expectation``)
    M:  the maximum spanning forest under what edges gain by N, and its tables from N    (Chow and Liu 1968)

What never falls is the penalised log-posterior, Σ w log p(what a row knows) + Σ α log p(k | j) - Σ prices of edges.
The prior is that of ``pseudocount`` rows spread evenly over all joint states, "bdeu", which says the same of every
tree; so a pair gains by N and its share of them.  As any EM it climbs to the nearest top: the first tree is that of the
pairs which rows know both of.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.numerics import xlogy
from chainrule.core.progress import note, track
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.conditional_tables import estimate_table
from chainrule.models.bayesian_network.inference.components import distinct_rows
from chainrule.models.bayesian_network.pair_counts import PairCounts, count_pairs
from chainrule.models.bayesian_network.spanning_forest import edge_prices, maximum_spanning_forest
from chainrule.models.bayesian_network.tree_expectation import Forest, expected_pairs
from chainrule.tables.table import Table

__all__ = ["TreeClimb", "climb_to_tree"]

_MOST_STEPS = 1000
_TOLERANCE = 1e-7  # nats a row that a step gains at least
_ROUNDING = 1e-9  # of a log-posterior, relative

Edges = list[tuple[int, int]]  # (parent, child), a parent's own first


@dataclass
class TreeClimb:
    """Where a climb is: ``pairs`` expected under the tree before, ``edges``, tables by variable, and its way so far."""

    pairs: PairCounts
    edges: Edges
    tables: dict[str, NDArray[np.float64]]
    log_likelihoods: list[float] = field(default_factory=list)
    penalised: list[float] = field(default_factory=list)
    converged: bool = False


def climb_to_tree(table: Table, *, penalty: Any, pseudocount: float, root: int, max_bytes: int) -> TreeClimb:
    """The best tree or forest by structural EM from rows with holes; those that know nothing are left out."""
    rows = _Rows.of(table, max_bytes)
    prices = edge_prices(rows.known, penalty, np.full(rows.known.weights.shape, rows.weight))
    least = -np.inf if penalty == "none" else 0.0
    known = rows.known
    edges = maximum_spanning_forest(
        known.weights * known.information - edge_prices(known, penalty), root, least=least
    )
    inside = replace(known, counts=known.counts + 1.0)  # an entry that is 0 would stay so
    climb = TreeClimb(known, edges, _tables(inside, edges, pseudocount))
    for _ in (steps := track(range(_MOST_STEPS), "structural EM")):
        pairs, log_likelihood = rows.expected(climb.edges, climb.tables)
        _go_to(climb, log_likelihood, pseudocount, prices)
        steps.detail = f"{log_likelihood / rows.weight:.6f} nats a row"
        gains = _gains(pairs, pseudocount) - prices
        better = maximum_spanning_forest(gains, root, least=least)
        slow = (
            len(climb.penalised) > 1 and climb.penalised[-1] - climb.penalised[-2] <= _TOLERANCE * rows.weight
        )
        if slow and set(better) == set(climb.edges):
            climb.converged = True
            return climb
        climb.pairs, climb.edges, climb.tables = pairs, better, _tables(pairs, better, pseudocount)
    note(f"structural EM has not converged in {_MOST_STEPS:,} steps; its tree and tables are the best so far")
    return climb


def _go_to(climb: TreeClimb, log_likelihood: float, pseudocount: float, prices: NDArray[np.float64]) -> None:
    """Note where the climb is; what it climbs must not have fallen."""
    log_prior = sum(float(xlogy(pseudocount / t.size, t).sum()) for t in climb.tables.values())
    here = log_likelihood + log_prior - sum(float(prices[i, j]) for i, j in climb.edges)
    if climb.penalised and not here >= climb.penalised[-1] - _ROUNDING * (1 + abs(here)):
        raise RuntimeError(
            f"structural EM never goes down, but went from {climb.penalised[-1]!r} to {here!r} nats; this is an error "
            "of chainrule, please report it with the rows"
        )
    climb.log_likelihoods.append(log_likelihood)
    climb.penalised.append(here)


def _smoothed(pairs: PairCounts, pseudocount: float) -> PairCounts:
    """The counts with so many rows more that are spread evenly over all joint states."""
    share = np.repeat(1.0 / np.array(pairs.schema.sizes), pairs.schema.sizes)
    added = pseudocount * np.outer(share, share)
    for start, size in zip(pairs.starts, pairs.schema.sizes, strict=True):
        own = slice(start, start + size)
        added[own, own] = pseudocount * np.diag(share[own])
    return replace(pairs, counts=pairs.counts + added)


def _gains(pairs: PairCounts, pseudocount: float) -> NDArray[np.float64]:
    smoothed = _smoothed(pairs, pseudocount)
    return smoothed.weights * smoothed.information


def _tables(pairs: PairCounts, edges: Edges, pseudocount: float) -> dict[str, NDArray[np.float64]]:
    names = pairs.schema.names
    counts = pairs.families(DAG([(names[i], names[j]) for i, j in edges], names))
    return {
        v: estimate_table(n, node=v, pseudocount=pseudocount, prior="bdeu")[0]
        for v, n in counts.tables.items()
    }


@dataclass(frozen=True)
class _Rows:
    """Rows that know something: pairs ``known`` in any, pairs of ``whole`` rows, and the distinct ones with holes."""

    known: PairCounts
    whole: PairCounts
    codes: NDArray[np.integer[Any]]
    weights: NDArray[np.float64]
    weight: float

    @classmethod
    def of(cls, table: Table, max_bytes: int) -> _Rows:
        table = table[np.flatnonzero((~table.missing).any(axis=1))]
        has_holes = table.missing.any(axis=1)
        open_rows, whole_rows = np.flatnonzero(has_holes), np.flatnonzero(~has_holes)
        holed = table[open_rows]
        first, which = distinct_rows(
            holed.codes.astype(np.int64) + 1, [size + 1 for size in table.schema.sizes]
        )
        weights = np.ones(table.n_rows) if table.weights is None else table.weights
        return cls(
            count_pairs(table, missing="complete_families", max_bytes=max_bytes),
            count_pairs(table[whole_rows], max_bytes=max_bytes),
            holed.codes[first],
            np.bincount(which, weights[open_rows], len(first)).astype(np.float64),
            float(weights.sum()),
        )

    def expected(self, edges: Edges, tables: dict[str, NDArray[np.float64]]) -> tuple[PairCounts, float]:
        """The pairs expected under a tree with these tables, and the log-likelihood of the rows in nats."""
        names = self.known.schema.names
        parent = {child: above for above, child in edges}
        order = tuple(_in_order(len(names), parent))
        forest = Forest(
            order,
            tuple(parent.get(v, -1) for v in range(len(names))),
            tuple(tables[name] for name in names),
        )
        counts, log_likelihood = expected_pairs(forest, self.codes, self.weights)
        dag = DAG([(names[i], names[j]) for i, j in edges], names)
        families = self.whole.families(dag).tables
        log_likelihood += sum(float(xlogy(n, tables[v]).sum()) for v, n in families.items())
        everyone = np.full(self.known.known.shape, self.known.n_rows)
        return PairCounts(
            self.known.schema, self.whole.counts + counts, everyone, self.known.n_rows
        ), log_likelihood


def _in_order(d: int, parent: dict[int, int]) -> list[int]:
    """The variables, parents first."""
    below: dict[int, list[int]] = {}
    for child, above in parent.items():
        below.setdefault(above, []).append(child)
    out = [v for v in range(d) if v not in parent]
    for v in out:
        out += below.get(v, [])
    return out
