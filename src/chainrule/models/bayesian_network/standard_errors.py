"""Standard errors of the entries of a network's tables, by resampling rows or by the observed information.

Bootstrap (Efron 1979): rows are drawn with replacement, as many as there are, tables are fitted to them from the tables
of the model on, and the standard deviation of each entry over the resamples is its standard error.

Observed information: minus the second derivatives of the log-posterior at its maximum, inverted, are the covariances
of the log-odds against the most probable state of each row of a table; the delta method makes them those of
probabilities.  The first derivatives are expected counts less what the tables expect, n_jk - n_j p(k | j) (Louis 1982);
the second are their central differences.  An entry that is 0 is at the edge and has none: NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.core.progress import track
from chainrule.models.bayesian_network.em import Ascent, Tables
from chainrule.models.bayesian_network.em_fit import Climbs, EMSettings
from chainrule.tables.table import Table

__all__ = ["bootstrap_errors", "information_errors"]

_STEP = 1e-4  # of log-odds: the error of central differences is about its square


def bootstrap_errors(
    parts: Sequence[Table],
    ascent_on: Callable[[Iterable[Table]], Ascent],
    tables: Tables,
    settings: EMSettings,
    n_resamples: int,
    generator: np.random.Generator,
) -> Tables:
    """The standard error of each entry of ``tables`` over resamples of the rows of ``parts``, by their weights.

    A resample has as many rows as the rows weigh; ``ascent_on`` is EM on such a table.
    """
    weights = [np.ones(t.n_rows) if t.weights is None else t.weights for t in parts]
    share = np.concatenate(weights)
    ends = np.cumsum([len(w) for w in weights])[:-1]
    found = []
    for _ in track(range(n_resamples), "bootstrap"):
        drawn = generator.multinomial(max(1, round(share.sum())), share / share.sum()).astype(np.float64)
        resample = [
            Table(t.schema, t.codes, w) for t, w in zip(parts, np.split(drawn, ends), strict=True) if w.any()
        ]
        climbs = Climbs(ascent_on(resample), settings, tables)
        climbs.climb_all()
        found.append(climbs.result()[0])
    return [np.std(several, axis=0, ddof=1) for several in zip(*found, strict=True)]


def information_errors(ascent: Ascent, tables: Tables) -> Tables:
    """The standard error of each entry of ``tables``, at which ``ascent`` is highest; NaN for entries that are 0.

    Takes two E steps for each free entry.  ``InputError`` where the log-posterior does not fall in every direction.
    """
    free = [_free(table) for table in tables]
    begins = np.cumsum([0, *(cells.sum() for cells in free)])
    n = int(begins[-1])
    slopes = np.empty((n, n))
    for i in track(range(n), "observed information"):
        ends = [_slopes(ascent, _moved(tables, free, i, step), free) for step in (_STEP, -_STEP)]
        slopes[i] = (ends[0] - ends[1]) / (2 * _STEP)
    covariance = _inverted(-(slopes + slopes.T) / 2)
    out = []
    for table, cells, begin, end in zip(tables, free, begins[:-1], begins[1:], strict=True):
        part = _expanded(covariance[begin:end, begin:end], cells)
        out.append(_delta(table, part))
    return out


def _free(table: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The entries whose log-odds are free: neither 0 nor the first of the largest of their row."""
    reference = np.arange(table.shape[-1]) == table.argmax(axis=-1)[..., None]
    return (table > 0) & ~reference


def _moved(tables: Tables, free: Sequence[NDArray[np.bool_]], i: int, step: float) -> Tables:
    """``tables`` with ``step`` added to the i-th of the free log-odds."""
    out = list(tables)
    for j, cells in enumerate(free):
        k = int(cells.sum())
        if i < k:
            table = tables[j].copy()
            table[tuple(axis[i] for axis in np.nonzero(cells))] *= np.exp(step)
            out[j] = table / table.sum(axis=-1, keepdims=True)
            return out
        i -= k
    raise IndexError(i)


def _slopes(ascent: Ascent, tables: Tables, free: Sequence[NDArray[np.bool_]]) -> NDArray[np.float64]:
    """The derivatives of the log-posterior by the free log-odds."""
    counts = ascent.with_prior(ascent.expected(tables).counts)
    return np.concatenate(
        [
            (n - n.sum(axis=-1, keepdims=True) * table)[cells]
            for n, table, cells in zip(counts, tables, free, strict=True)
        ]
    )


def _inverted(information: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(information):
        return information
    scale = np.sqrt(np.abs(np.diag(information)))
    scale[scale == 0] = 1.0
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    if values[0] <= _STEP**2:
        raise InputError(
            "the log-posterior is flat or not highest at these tables, so its curvature gives no standard errors: the "
            "rows do not tell all entries (more latent states than they can, configurations without rows), or EM had "
            "not converged; fit with a lower tolerance or with a pseudocount, or take method='bootstrap'"
        )
    return (vectors / values) @ vectors.T / np.outer(scale, scale)


def _expanded(covariance: NDArray[np.float64], cells: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Covariances of the log-odds of each row of a table, (rows, K, K), 0 where these are not free."""
    k = cells.shape[-1]
    out = np.zeros((cells.size // k, k, k))
    row, state = np.divmod(np.flatnonzero(cells), k)
    for r in np.unique(row):
        mine = row == r
        out[np.ix_([r], state[mine], state[mine])] = covariance[np.ix_(mine, mine)]
    return out


def _delta(table: NDArray[np.float64], covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    p = table.reshape(-1, table.shape[-1])
    jacobian = p[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])
    variances = np.einsum("rik,rkl,ril->ri", jacobian, covariance, jacobian)
    return np.where(p > 0, np.sqrt(np.maximum(variances, 0.0)), np.nan).reshape(table.shape)
