"""The distribution nearest to a table that has given marginals (iterative proportional fitting).

Deming and Stephan (1940) scale a table along one axis after the other until its marginals are those that are wanted.
Where any table with these marginals and the zeros of p exists, the limit q is the I-projection of p: of all such tables
the one of least Kullback-Leibler divergence KL(q ‖ p) (Csiszár 1975).

    q(x) = p(x) · s_1(x_1) · s_2(x_2) …      unless q has zeros where p has none

In that exception the scales run off to 0 and infinity and the steps become endless.  Which cells are zero in every
table that has the marginals is then found by a linear programme; without them the steps are few again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError, TooLargeError
from chainrule.core.progress import track

__all__ = ["TOLERANCE", "Fitted", "fit_marginals", "no_convergence"]

TOLERANCE = 1e-10  # by how much a marginal may miss the wanted one
_SOON = 200  # sweeps after which it is asked whether there is a solution at all
_MOST_SWEEPS = 20_000
_MOST_CELLS = 2**14  # of a linear programme

Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fitted:
    """``table`` has the marginals.  ``scales`` of each axis made it of p, or are ``None`` where no finite ones do."""

    table: Numbers
    scales: dict[int, Numbers] | None


def fit_marginals(p: Numbers, wanted: Mapping[int, Numbers]) -> Fitted:
    """The I-projection of ``p`` on the tables whose marginal along each axis of ``wanted`` is as given there.

    All sum to one.  Raises ``InputError`` where no table with the zeros of ``p`` has these marginals.

    >>> p = np.array([[0.4, 0.1], [0.1, 0.4]])
    >>> q = fit_marginals(p, {0: np.array([0.5, 0.5]), 1: np.array([0.8, 0.2])}).table
    >>> q.sum(axis=0).round(9).tolist(), q.sum(axis=1).round(9).tolist()
    ([0.8, 0.2], [0.5, 0.5])
    """
    found, difference = _sweep(p, wanted, _SOON)
    if difference <= TOLERANCE:
        return found
    possible = _possible_cells(p, wanted)
    if not possible.any():
        raise InputError(
            "no distribution has these marginals together, since some combinations of states are impossible; change "
            "or leave out one of jeffrey, or fit with a pseudocount above 0"
        )
    restricted = bool((possible < (p > 0)).any())
    start = np.where(possible, p, 0.0)
    found, difference = _sweep(start / start.sum(), wanted, _MOST_SWEEPS)
    if difference > TOLERANCE:
        raise no_convergence(_MOST_SWEEPS, difference)
    return Fitted(found.table, None) if restricted else found


def no_convergence(sweeps: int, difference: float) -> InputError:
    """The error for marginals that so many ``sweeps`` do not reach."""
    return InputError(
        f"after {sweeps:,} steps of iterative proportional fitting the marginals still miss the wanted ones by "
        f"{difference:.2g}, more than {TOLERANCE:g}; they ask for what is almost impossible: change one of jeffrey"
    )


def _sweep(p: Numbers, wanted: Mapping[int, Numbers], most: int) -> tuple[Fitted, float]:
    """Scale all axes in turn, at most so often; and by how much a marginal misses then."""
    q, scales = p.copy(), {axis: np.ones(p.shape[axis]) for axis in wanted}
    difference = np.inf
    sweeps = track(range(most), "proportional fitting")
    for _ in sweeps:
        for axis, target in wanted.items():
            scale = _ratio(target, _marginal(q, axis))
            q *= scale.reshape([-1 if i == axis else 1 for i in range(q.ndim)])
            with np.errstate(over="ignore"):  # where they run off
                scales[axis] *= scale
        difference = max(float(np.abs(_marginal(q, axis) - r).max()) for axis, r in wanted.items())
        sweeps.detail = f"marginals miss by {difference:.1e}"
        if difference <= TOLERANCE:
            break
    finite = all(np.isfinite(scale).all() for scale in scales.values())
    return Fitted(q, scales if finite else None), difference


def _marginal(table: Numbers, axis: int) -> Numbers:
    return table.sum(axis=tuple(i for i in range(table.ndim) if i != axis))


def _ratio(target: Numbers, now: Numbers) -> Numbers:
    return np.divide(target, now, out=np.zeros_like(target), where=now > 0)


def _possible_cells(p: Numbers, wanted: Mapping[int, Numbers]) -> NDArray[np.bool_]:
    """Where some table with the marginals and the zeros of ``p`` is above 0; nowhere, if there is no such table.

    Maximises Σ z over tables τq with these marginals, scaled by any τ, and 0 <= z <= min(1, τq): then z is 1 wherever
    any table can be above 0.
    """
    from scipy.optimize import linprog  # slow to load, and rarely needed
    from scipy.sparse import csr_array, eye_array, hstack, vstack

    cells = np.flatnonzero(p)
    n = len(cells)
    if n == p.size:  # the product of the marginals, for one
        return np.ones(p.shape, bool)
    if n > _MOST_CELLS:
        raise TooLargeError(
            f"whether any distribution has these marginals is asked of {n:,} combinations of states, at most "
            f"{_MOST_CELLS:,} are tried; give a new marginal to fewer variables"
        )
    places = np.stack(np.unravel_index(cells, p.shape))
    sums = [csr_array((np.ones(n), (places[axis], np.arange(n))), (len(r), n)) for axis, r in wanted.items()]
    targets = np.concatenate(list(wanted.values()))
    a_eq = hstack([vstack(sums), csr_array((len(targets), n)), -csr_array(targets[:, None])], "csr")
    a_ub = hstack([-eye_array(n), eye_array(n), csr_array((n, 1))], "csr")
    cost = np.concatenate([np.zeros(n), -np.ones(n), [0.0]])
    bounds = [(0, None)] * n + [(0, 1)] * n + [(0, None)]
    found = linprog(cost, A_ub=a_ub, b_ub=np.zeros(n), A_eq=a_eq, b_eq=np.zeros(len(targets)), bounds=bounds)
    if found.x is None:
        raise InputError(
            f"whether any distribution has these marginals could not be decided ({found.message}); change or leave out "
            "one of jeffrey"
        )
    out = np.zeros(p.size, bool)
    out[cells] = found.x[n : 2 * n] > 0.5
    return out.reshape(p.shape)
