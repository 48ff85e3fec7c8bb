"""Whether what a model calls 30 % happens in 30 % of cases: its conditional probabilities against complete rows.

Each cell gives a prediction for each state that it could have, and one of them is what it has.  Predictions of all
cells are pooled in ten bins of equal width; in each, the mean prediction stands against the share that came true,
with Wilson's interval (1927).  The expected calibration error is the mean of |share - prediction| over bins, weighted
by their predictions (Naeini, Cooper and Hauskrecht 2015), here over all states (Nixon et al. 2019).

A model with factors predicts each cell from those before it, so that its errors do not add up within a row; of any
other model a cell is predicted from all others, and the intervals are then too narrow.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainrule.core.numerics import log_sum_exp
from chainrule.core.progress import track
from chainrule.models.contract import DiscreteModel
from chainrule.tables.table import Table
from chainrule.tasks.describing.record import Calibration, CalibrationBin

__all__ = ["BEFORE", "OTHERS", "calibrated", "calibration_of"]

BEFORE, OTHERS = "the cells before it", "all other cells"
_N_BINS = 10
_Z = 1.959963984540054  # of a normal variable, for 95 %
_MOST_PREDICTIONS = 2_000_000  # that are held at once
_MOST_ASKED, _MOST_ROWS = (
    200_000,
    300,
)  # rows that a model without factors is asked for, and how many of the table's


def calibration_of(model: DiscreteModel, rows: Table, seed: int) -> Calibration | None:
    """How calibrated ``model`` is on complete ``rows``, or on some of them, by the seed; ``None`` where there are none.

    >>> from chainrule.models import Independent
    >>> table = Table.read({"a": [0, 0, 0, 1], "b": [0, 1, 0, 1]})
    >>> found = calibration_of(Independent().fit(table), table, 0)
    >>> [(b.n, b.predicted, b.observed) for b in found.bins]
    [(4, 0.25, 0.25), (8, 0.5, 0.5), (4, 0.75, 0.75)]
    """
    if not rows.n_rows:
        return None
    generator = np.random.default_rng(seed)
    if model.factors_ is not None:
        n = max(1, _MOST_PREDICTIONS // sum(rows.schema.sizes))
        used, columns, given = _some(rows, n, generator), len(rows.schema), BEFORE
        parts = iter([_of_factors(model, used)])
    else:
        used = _some(rows, _MOST_ROWS, generator)
        chosen = _columns(rows.schema.sizes, _MOST_ASKED // used.n_rows, generator)
        columns, given = len(chosen), OTHERS
        parts = _of_others(model, used, chosen)
    p, true, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    return calibrated(p, true, weights, given, used.n_rows, columns)


def calibrated(
    p: NDArray[np.float64],
    true: NDArray[np.bool_],
    weights: NDArray[np.float64],
    given: str,
    n_rows: int,
    n_columns: int,
) -> Calibration:
    """How predictions ``p`` (n,) compare with what came ``true`` (n,), each with a weight, in ten bins.

    >>> calibrated(np.array([0.25, 0.25]), np.array([True, False]), np.ones(2), OTHERS, 1, 2).bins[0].observed
    0.5
    """
    bins = list(_bins(p, true, weights))
    total = sum(w for _, w in bins) or 1.0
    error = sum(w * abs(b.observed - b.predicted) for b, w in bins) / total
    return Calibration(given, n_rows, n_columns, len(p), error, [b for b, _ in bins])


_Predictions = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]  # p, came true, weight


def _of_factors(model: DiscreteModel, rows: Table) -> _Predictions:
    p = np.exp(model.state_log_probs(rows))
    sizes = rows.schema.sizes
    states = np.concatenate([np.arange(size) for size in sizes])
    true = np.repeat(rows.codes, sizes, axis=1) == states
    return p.ravel(), true.ravel(), np.repeat(_weights(rows), p.shape[1])


def _of_others(model: DiscreteModel, rows: Table, columns: NDArray[np.intp]) -> Iterator[_Predictions]:
    """p(x_j = k | all others) from the probabilities of the row with each state of x_j; impossible rows have none."""
    for j in track(columns.tolist(), "calibrating"):
        size = rows.schema.sizes[j]
        codes = np.repeat(rows.codes, size, axis=0)
        codes[:, j] = np.tile(np.arange(size), rows.n_rows)
        log_p = model.log_prob(Table(rows.schema, codes)).reshape(rows.n_rows, size)
        total = log_sum_exp(log_p, axis=1)
        known = total > -np.inf
        p = np.exp(log_p[known] - total[known, None])
        true = rows.codes[known, j][:, None] == np.arange(size)
        yield p.ravel(), true.ravel(), np.repeat(_weights(rows)[known], size)


def _bins(
    p: NDArray[np.float64], true: NDArray[np.bool_], weights: NDArray[np.float64]
) -> Iterator[tuple[CalibrationBin, float]]:
    """The bins that have predictions, each with the weight of its predictions."""
    place = np.minimum((p * _N_BINS).astype(np.intp), _N_BINS - 1)
    for b in range(_N_BINS):
        inside = (place == b) & (weights > 0)
        if not inside.any():
            continue
        w = weights[inside]
        total = float(w.sum())
        observed = float((w * true[inside]).sum() / total)
        low, high = _wilson(observed, total**2 / float((w**2).sum()))
        predicted = float((w * p[inside]).sum() / total)
        n = int(inside.sum())
        yield CalibrationBin(b / _N_BINS, (b + 1) / _N_BINS, n, predicted, observed, low, high), total


def _wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's interval of a share of n: (s + z²/2n ± z sqrt(s(1 - s)/n + z²/4n²)) / (1 + z²/n)."""
    middle = share + _Z**2 / (2 * n)
    half = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    below = (middle - half) / (1 + _Z**2 / n)
    return float(max(below, 0.0)), float(min((middle + half) / (1 + _Z**2 / n), 1.0))


def _some(rows: Table, n: int, generator: np.random.Generator) -> Table:
    return rows if rows.n_rows <= n else rows[np.sort(generator.permutation(rows.n_rows)[:n])]


def _columns(sizes: tuple[int, ...], most: int, generator: np.random.Generator) -> NDArray[np.intp]:
    """Columns whose states are at most ``most`` in all, drawn where there are more; at least one."""
    order = np.arange(len(sizes)) if sum(sizes) <= most else generator.permutation(len(sizes))
    n = max(1, int(np.searchsorted(np.cumsum(np.array(sizes)[order]), most, side="right")))
    return np.sort(order[:n])


def _weights(rows: Table) -> NDArray[np.float64]:
    return np.ones(rows.n_rows) if rows.weights is None else rows.weights
