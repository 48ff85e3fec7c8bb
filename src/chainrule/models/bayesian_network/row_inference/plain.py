"""The plain twin of draws by ``loops``: the same states from the same uniforms, by buckets of logarithms.

The other answers of the loops have a twin in ``DiscreteNetwork``, whose draws take uniforms in another order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from chainrule.core.time_limit import check_time
from chainrule.models.bayesian_network.inference.buckets import Buckets, Factor, cumulative
from chainrule.models.bayesian_network.inference.elimination import follow_order
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.bayesian_network.inference.row_groups import by_pattern
from chainrule.models.bayesian_network.row_inference.layout import MOST

__all__ = ["draw_plain"]

Rows = NDArray[np.int32]
Numbers = NDArray[np.float64]


def draw_plain(network: DiscreteNetwork, order: Sequence[int], rows: Rows, uniforms: Numbers) -> Numbers:
    """Draw into ``rows`` (n, d) what they lack; the log-mass of what each knew (n,), nan where it is not answered.

    ``order`` is that of elimination, ``uniforms`` as for ``answer_rows``.
    """
    out = np.empty(len(rows))
    holes = rows < 0
    firsts = np.cumsum(holes.sum(axis=1)) - holes.sum(axis=1)
    for same in by_pattern(holes):
        check_time()
        part = np.arange(len(rows))[same]
        own = uniforms[firsts[part, None] + np.arange(holes[part[0]].sum())]
        filled = rows[part]
        out[part] = _draw_alike(network, order, filled, own)
        rows[part] = filled
    return out


def _draw_alike(network: DiscreteNetwork, order: Sequence[int], rows: Rows, uniforms: Numbers) -> Numbers:
    """``draw_plain`` of rows that know the same variables; ``uniforms`` (n, holes)."""
    known, sizes = rows[0] >= 0, network.sizes
    matters = known.copy()
    for v in reversed(network.order):
        if matters[v]:
            matters[list(network.parents[v])] = True
    free = {v for v in np.flatnonzero(matters & ~known).tolist() if sizes[v] > 1}
    above = np.flatnonzero(matters).tolist()
    scopes = [free.intersection((*network.parents[v], v)) for v in above]
    plan = follow_order(order, scopes, sizes)
    rows[:, ~known] = 0
    if sum(prod(sizes[u] for u in clique) for clique in plan.cliques if len(clique) > 1) > MOST:
        return np.full(len(rows), np.nan)
    factors = _factors(network, above, free, {v: i for i, v in enumerate(plan.order)}, rows)
    buckets = Buckets(factors, plan.order, holds="tables")
    columns = iter(uniforms.T)
    for v, table in zip(reversed(buckets.order), reversed(buckets.tables), strict=True):
        row = 0 if len(table.log_values) == 1 else np.arange(len(rows))
        found = table.log_values[(row, *(rows[:, u] for u in table.scope[:-1]))]
        rows[:, v] = _first_above(found, next(columns))
    for v in network.order:
        if not matters[v]:
            rows[:, v] = _first_above(
                network.log_tables[v][tuple(rows[:, u] for u in network.parents[v])], next(columns)
            )
    return np.broadcast_to(buckets.log_remainder, len(rows))


def _factors(
    network: DiscreteNetwork, families: Sequence[int], free: set[int], place: dict[int, int], rows: Rows
) -> Iterator[Factor]:
    """The log-tables of ``families`` at what ``rows`` know, axes as ``Buckets`` wants them."""
    for v in families:
        family = (*network.parents[v], v)
        scope = tuple(sorted(free.intersection(family), key=place.__getitem__, reverse=True))
        known = [u for u in family if u not in free]
        table = network.log_tables[v].transpose([family.index(u) for u in (*known, *scope)])
        yield Factor(scope, table[tuple(rows[:, u] for u in known)] if known else table[None])


def _first_above(log_p: Numbers, uniforms: Numbers) -> NDArray[np.int64]:
    """The first state up to which the probabilities, of (n, k) or (k,), add up to more than the uniform (n,).

    The last one where there is none, in rows that cannot be.
    """
    return (uniforms[:, None] >= cumulative(log_p)[..., :-1]).sum(axis=-1)
