"""How unusual rows are: compared with rows that the model itself draws, the same cells hidden.

Complete rows are compared with all draws.  Each pattern of holes needs the marginals of the draws under that pattern,
so patterns share the work that is allowed, those of most rows first; what is left over has no quantile (NaN).
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from chainrule.core.progress import track
from chainrule.models.contract import DiscreteModel
from chainrule.tables.missing import MISSING
from chainrule.tables.table import Table
from chainrule.tasks.cells import answering

__all__ = ["quantiles_of"]

_WORK_ANY, _WORK_FEW = (
    1_000_000,
    300_000,
)  # rows scored for holes: by models that sum out any, completions by others
_LEAST, _MOST = 100, 1_000  # draws for a pattern
_SAME = 1e-9  # nats, relative: below that a row and a draw are equally probable


def quantiles_of(
    model: DiscreteModel, table: Table, nats: NDArray[np.float64], draws: int, seed: int
) -> NDArray[np.float64]:
    """The share (n,) of draws that are at most as probable as each row, (1 + k) / (1 + N).

    Rows are compared with draws of the model that answered them, where there are two.
    """
    out = np.full(len(nats), np.nan)
    for answerer, rows in answering(model, table):
        drawn = Table.read(answerer.sample(draws, rng=seed), schema=answerer.schema_).codes.astype(np.int32)
        out[rows] = _of_one(answerer, table[rows], nats[rows], drawn)
    return out


def _of_one(
    model: DiscreteModel, table: Table, nats: NDArray[np.float64], drawn: NDArray[np.int32]
) -> NDArray[np.float64]:
    if table.is_complete:
        return _share(model, drawn, np.zeros(drawn.shape[1], bool), nats)
    out = np.full(len(nats), np.nan)
    patterns, which, counts = np.unique(table.missing, axis=0, return_inverse=True, return_counts=True)
    left, sizes = _WORK_ANY if model.marginalises_ == "any" else _WORK_FEW, np.array(table.schema.sizes)
    some = min(int(np.clip(left // (2 * len(patterns)), _LEAST, _MOST)), len(drawn))
    for r in track(np.argsort(-counts, kind="stable").tolist(), "comparing with draws"):
        holes, n = patterns[r], len(drawn)
        if holes.any():
            n = some
            cost = n * (1 if model.marginalises_ == "any" else prod(sizes[holes].tolist()))
            if cost > left:
                continue
            left -= cost
        members = which.reshape(-1) == r
        out[members] = _share(model, drawn[:n], holes, nats[members])
    return out


def _share(
    model: DiscreteModel, drawn: NDArray[np.int32], holes: NDArray[np.bool_], nats: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The share for rows that have these holes."""
    table = Table(model.schema_, np.where(holes, MISSING, drawn))
    reference = np.sort(-model.log_prob(table))
    slack = _SAME * (1 + np.abs(np.where(np.isinf(nats), 0.0, nats)))
    as_improbable = len(reference) - np.searchsorted(reference, nats - slack, side="left")
    return (1 + as_improbable) / (1 + len(reference))
