"""How probable rows are under a model: their mean, what columns cost, the oddest of them, and what has no score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.core.units import bits_per_dim
from chainrule.models.auto.estimator import Auto
from chainrule.models.auto.leaderboard import weighted_mean
from chainrule.models.contract import DiscreteModel
from chainrule.tables.table import Table
from chainrule.tasks.cells import answering, cell_nats
from chainrule.tasks.describing.record import ColumnCost, OddRow, RowSummary, Unscored
from chainrule.tasks.scoring import Scores, score

__all__ = ["UsedRows", "row_summary", "used_rows"]

_MOST_PATTERNS = 100  # of holes that are tried, where a model may refuse some
_MOST_FACTORS, _MOST_ASKED = (
    1_000_000,
    100_000,
)  # cells of rows with factors; rows that another model is asked for
_EXPECTED_BY = 500  # draws that say what a column costs on average


@dataclass(frozen=True, eq=False)
class UsedRows:
    """The ``sample`` of ``n_rows`` rows that is looked at, and the ``table`` of those in it that have a score.

    ``places`` are the places (from 0) of the latter among all rows.
    """

    sample: Table
    table: Table
    places: NDArray[np.intp]
    n_rows: int
    are_held_out: bool
    unscored: tuple[Unscored, ...]


def used_rows(
    model: DiscreteModel, table: Table, most: int, seed: int, held_out: NDArray[np.intp] | None = None
) -> UsedRows:
    """At most ``most`` rows of ``table``, by the seed, less those whose holes the model does not sum out.

    ``held_out`` are the places (from 0) of those that it has not learned from, where only these are wanted.
    """
    places = np.arange(table.n_rows) if held_out is None else held_out
    if len(places) > most:
        places = np.sort(np.random.default_rng(seed).permutation(places)[:most])
    part = table[places]
    refused = np.zeros(len(places), bool)
    unscored = []
    if not part.is_complete and not _sums_out_any(model):
        for members, why in _refusals(model, part):
            refused |= members
            unscored.append(Unscored(int(members.sum()), why))
    found = part[~refused], places[~refused]
    return UsedRows(part, *found, table.n_rows, held_out is not None, tuple(unscored))


def _sums_out_any(model: DiscreteModel) -> bool:
    return model.marginalises_ == "any" or (isinstance(model, Auto) and model.stand_in_ is not None)


def _refusals(model: DiscreteModel, table: Table) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """The rows (n,) that the model refuses for their holes, by what it says; a row of each pattern is tried."""
    patterns, which, counts = np.unique(table.missing, axis=0, return_inverse=True, return_counts=True)
    which = which.reshape(-1)
    told: dict[str, NDArray[np.bool_]] = {}
    for tried, r in enumerate(np.argsort(-counts, kind="stable").tolist()):
        members = which == r
        why = f"they have other holes than the {_MOST_PATTERNS} most frequent patterns, which are all that were tried"
        if tried < _MOST_PATTERNS or not patterns[r].any():
            try:
                model.log_prob(table[np.flatnonzero(members)[:1]])
                continue
            except TooLargeError as e:
                why = str(e)
        told[why] = told.get(why, np.zeros(table.n_rows, bool)) | members
    yield from ((members, why) for why, members in told.items())


def row_summary(model: DiscreteModel, used: UsedRows, draws: int, seed: int) -> RowSummary:
    """The numbers of the rows that have a score; comparisons are with ``draws`` rows of the model."""
    table = used.table
    plain: dict[str, Any] = {"n_rows": used.n_rows, "n_used": used.sample.n_rows, "unscored": used.unscored}
    plain["are_held_out"] = used.are_held_out
    if not table.n_rows:
        return RowSummary(n_scored=0, n_impossible=0, n_with_holes=0, **plain)
    found = score(model, table, draws=draws, seed=seed)
    possible = np.isfinite(found.nats)
    weights = np.ones(table.n_rows) if table.weights is None else table.weights
    mean, error = weighted_mean(found.nats[possible], weights[possible]) if possible.any() else (None, None)
    cell_rows = np.flatnonzero(possible & ~table.missing.any(axis=1))[: _cell_rows(model, table)]
    n_cell_draws = min(_EXPECTED_BY, len(cell_rows))
    return RowSummary(
        n_scored=table.n_rows,
        n_impossible=int((~possible).sum()),
        n_with_holes=int(table.missing.any(axis=1).sum()),
        mean_nll_nats=mean,
        standard_error=error,
        bits_per_cell=None if mean is None else bits_per_dim(-mean, len(table.schema)),
        costs=list(_costs(model, table[cell_rows], n_cell_draws, seed)) if len(cell_rows) else [],
        n_cell_rows=len(cell_rows),
        n_cell_draws=n_cell_draws,
        odd=list(_odd(model, found, used.places)),
        **plain,
    )


def _cell_rows(model: DiscreteModel, table: Table) -> int:
    """How many rows' cells are scored, so that a wide table takes no longer than a narrow one."""
    parts = [part for part, _ in answering(model, table[:1])]
    with_factors = all(part.factors_ is not None for part in parts)
    each = len(table.schema) if with_factors else sum(table.schema.sizes)
    return max(20, (_MOST_FACTORS if with_factors else _MOST_ASKED) // each)


def _costs(model: DiscreteModel, rows: Table, draws: int, seed: int) -> Iterator[ColumnCost]:
    """Each column's cells in these rows, which are possible and complete, and in draws of the model."""
    costs = cell_nats(model, rows)
    weights = np.ones(rows.n_rows) if rows.weights is None else rows.weights
    expected = cell_nats(model, Table.read(model.sample(draws, rng=seed), schema=model.schema_)).mean(axis=0)
    for j, name in enumerate(rows.schema.names):
        mean, error = weighted_mean(costs[:, j], weights)
        yield ColumnCost(name, mean, error, float(expected[j]))


def _odd(model: DiscreteModel, found: Scores, places: NDArray[np.intp]) -> Iterator[OddRow]:
    table = found.table
    costs = cell_nats(model, table[np.array(found.oddest, np.intp)])
    for i, cells in zip(found.oddest, costs, strict=True):
        j = int(found.blame[i])
        row = {"row": int(places[i]) + 1, "nats": float(found.nats[i])}
        quantile = None if np.isnan(found.quantile[i]) else float(found.quantile[i])
        if j < 0:
            yield OddRow(**row, quantile=quantile)
        else:
            v = table.schema.variables[j]
            state = v.states[int(table.codes[i, j])]
            yield OddRow(**row, quantile=quantile, column=v.name, state=state, cell_nats=float(cells[j]))
