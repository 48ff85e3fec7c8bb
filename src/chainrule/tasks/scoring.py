"""How probable each row is, how unusual that is, and which cell is to blame.

Three numbers a row.  ``nats`` is -log p of what is known of it.  ``quantile`` is how probable it is that a row of the
model, with the same cells hidden, is at most as probable, so a small one is unusual: exact where there are few states,
else (1 + k) / (1 + N) for k of N draws, and ``quantile_draws`` says N.  ``blame`` is the column whose cell costs most
beyond what the column costs on average over draws.  The cells' nats sum to the row's: they are the factors of the
model, or, in a row with holes, the steps of the chain rule over what is known, in the model's order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from chainrule.core.checks import check_flag, check_integer
from chainrule.core.files import check_place
from chainrule.core.records import to_plain
from chainrule.core.units import bits_per_dim
from chainrule.models.auto.leaderboard import weighted_mean
from chainrule.models.contract import DiscreteModel
from chainrule.models.shared.scoring_parts import log_prob_in_parts
from chainrule.tables.raw_files import raw_table
from chainrule.tables.reading import is_files
from chainrule.tables.showing import text_table
from chainrule.tables.table import Table
from chainrule.tables.writing import check_end, write_table
from chainrule.tasks.cells import cell_nats
from chainrule.tasks.dialects import PYTHON, Dialect
from chainrule.tasks.fitting import in_nats
from chainrule.tasks.models import ModelOrPath, loaded
from chainrule.tasks.quantiles import quantiles_of
from chainrule.tasks.reading import read_known

__all__ = ["Scores", "score"]

_ODD_ROWS = 5  # that a text shows
_EXPECTED_BY = 500  # draws that say what a column costs on average


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of the n rows of ``table``.

    ``nats`` (n,) is -log p, ``inf`` for an impossible row; ``quantile`` (n,) the probability of rows of the model that
    are at most as probable, by ``quantile_draws`` (n,) draws, 0 where it is exact (NaN, and 0, where the model refuses
    draws with these holes); ``cells`` (n, d) the nats of each cell, NaN in holes, or ``None``;
    ``blame`` (n,) the place of a column, -1 for none or where it was not asked.
    """

    table: Table
    nats: NDArray[np.float64]
    quantile: NDArray[np.float64]
    quantile_draws: NDArray[np.int64]
    blame: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    cells: NDArray[np.float64] | None = None
    source: pa.Table | None = None  # the file that was scored, as it is

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that the model has."""
        return self.table.schema.names

    @property
    def mean_nll_nats(self) -> float:
        """The mean of ``nats``, by weight where rows have any."""
        return self._mean()[0]

    @property
    def standard_error(self) -> float | None:
        """That of the mean; ``None`` for a single row, or an impossible one."""
        return self._mean()[1]

    def _mean(self) -> tuple[float, float | None]:
        weights = self.table.weights
        return weighted_mean(self.nats, np.ones(len(self.nats)) if weights is None else weights)

    @property
    def oddest(self) -> list[int]:
        """The places of the rows that are least usual, at most five, worst first."""
        rank = np.where(np.isnan(self.quantile), 2.0, self.quantile)
        return np.lexsort((-self.nats, rank))[:_ODD_ROWS].tolist()

    def text(self) -> str:
        """The mean, how many rows are impossible or have holes, and the oddest rows."""
        mean, error = self._mean()
        bits = "" if np.isinf(mean) else f", {bits_per_dim(-mean, len(self.columns)):.4f} bits a cell"
        lines = [f"{len(self.nats):,} rows: {in_nats(mean, error)}{bits}"]
        if n := int(np.isinf(self.nats).sum()):
            lines.append(f"{n:,} rows are impossible under the model")
        if n := int(self.table.missing.any(axis=1).sum()):
            lines.append(f"{n:,} rows have holes, which are summed out: their nats are of what is known")
        if n := int(np.isnan(self.quantile).sum()):
            lines.append(f"{n:,} rows have no quantile: the model refuses draws with the same holes")
        lines.append(self._quantiles_are())
        rows = [self._shown(i) for i in self.oddest]
        head = ["row", "nats", "so improbable or more", "cell to blame"]
        return "\n".join([*lines, text_table("the most unusual rows (counted from 1)", head, rows)])

    def _quantiles_are(self) -> str:
        by = self.quantile_draws[self.quantile_draws > 0]
        if not len(by):
            return "how unusual a row is: exact"
        least, most = int(by.min()), int(by.max())
        some = f"; {n:,} rows exactly" if (n := int(np.sum(self.quantile_draws == 0))) else ""
        return f"how unusual a row is: by {most:,}{f' to {least:,}' if least < most else ''} draws of the model{some}"

    def _shown(self, i: int) -> list[str]:
        q, j = self.quantile[i], int(self.blame[i])
        share = "" if np.isnan(q) else f"{q:.2%}"
        return [str(i + 1), f"{self.nats[i]:.4f}", share, "" if j < 0 else self._cell(i, j)]

    def _cell(self, i: int, j: int) -> str:
        v = self.table.schema.variables[j]
        return f"{v.name}={v.states[int(self.table.codes[i, j])]}"

    def to_dict(self) -> dict[str, Any]:
        """The summary as plain data; ``to_arrow`` has each row."""
        mean, error = self._mean()
        odd = [
            {
                "row": i + 1,
                "nats": self.nats[i],
                "quantile": None if np.isnan(self.quantile[i]) else self.quantile[i],
                "quantile_draws": int(self.quantile_draws[i]),
                "blame": None if self.blame[i] < 0 else self.columns[self.blame[i]],
            }
            for i in self.oddest
        ]
        return to_plain(
            {
                "rows": len(self.nats),
                "mean_nll_nats": mean,
                "standard_error": error,
                "bits_per_cell": None if np.isinf(mean) else bits_per_dim(-mean, len(self.columns)),
                "impossible_rows": int(np.isinf(self.nats).sum()),
                "rows_with_holes": int(self.table.missing.any(axis=1).sum()),
                "oddest": odd,
            }
        )

    def to_arrow(self) -> pa.Table:
        """A row for each, as an Arrow table: all columns of the file that was scored, then the scores.

        ``.nats``, ``.quantile`` with the ``.quantile.draws`` that it is from (0: it is exact), ``.blame``, and
        ``.nats.NAME`` for each column where cells were scored.  Of rows that came from memory it has the scores only.
        """
        names = np.array([*self.columns, None], object)
        new: dict[str, Any] = {
            ".nats": self.nats,
            ".quantile": pa.array(self.quantile, mask=np.isnan(self.quantile)),
            ".quantile.draws": pa.array(self.quantile_draws, mask=np.isnan(self.quantile)),
            ".blame": pa.array(names[self.blame].tolist(), pa.string()),
        }
        if self.cells is not None:
            for j, name in enumerate(self.columns):
                new[f".nats.{name}"] = pa.array(self.cells[:, j], mask=np.isnan(self.cells[:, j]))
        before = {} if self.source is None else {n: self.source[n] for n in self.source.column_names}
        return pa.table({**before, **new})

    def write(self, path: str | Path) -> None:
        """Write ``to_arrow`` to CSV, TSV, Parquet or Feather, by the end of the name."""
        write_table(path, self.to_arrow())


def score(
    model: ModelOrPath,
    X: Any,
    *,
    out: str | Path | None = None,
    cells: bool | None = None,
    draws: int = 10_000,
    seed: int = 0,
    dialect: Dialect = PYTHON,
    **reading: Any,
) -> Scores:
    """Score the rows of ``X`` by ``model``, or by the model in that file; ``out`` also writes them.

    ``cells`` scores each cell of each row (by default where ``out`` is given), else only those of the oddest rows.
    ``draws`` rows of the model, by ``seed``, are what ``quantile`` compares with, where it is not exact.  ``reading``:
    the settings of ``Table.read`` that do not contradict the model's schema, such as ``unseen="missing"``.

    >>> from chainrule.models import chow_liu
    >>> rows = {"a": ["x", "y"] * 40, "b": ["u", "v"] * 40}
    >>> found = score(chow_liu(rows), {"a": ["x", "x"], "b": ["u", "v"]})
    >>> found.oddest[0], found.quantile.round(1).tolist()
    (1, [1.0, 0.0])
    """
    check_integer(draws, "draws", least=1)
    if out is not None:
        check_end(out)
        check_place(out)
    fitted = loaded(model)
    options: Mapping[str, Any] = {k: v for k, v in reading.items() if v is not None}
    table = read_known(X, fitted.schema_, "X", dialect, **options)
    nats = 0.0 - log_prob_in_parts(fitted, table)  # not -0.0 where a row is certain
    unusual = quantiles_of(fitted, table, nats, draws, seed)
    plain = Scores(table, nats, unusual.shares, unusual.draws)
    every = out is not None if cells is None else check_flag(cells, "cells")
    wanted = np.arange(table.n_rows) if every else np.array(plain.oddest, np.intp)
    costs = cell_nats(fitted, table[wanted])
    found = replace(
        plain,
        blame=_blamed(fitted, costs, wanted, table.n_rows, seed),
        cells=costs if every else None,
        source=raw_table(X, _encoding(fitted, options), options.get("header"))
        if out and is_files(X)
        else None,
    )
    if out is not None:
        found.write(out)
    return found


def _blamed(
    model: DiscreteModel, costs: NDArray[np.float64], rows: NDArray[np.intp], n: int, seed: int
) -> NDArray[np.intp]:
    """The column to blame in these rows, of n; -1 in others and where nothing costs more than it does on average."""
    draws = Table.read(model.sample(_EXPECTED_BY, rng=seed), schema=model.schema_)
    expected = cell_nats(model, draws).mean(axis=0)
    excess = np.nan_to_num(costs - expected, nan=-np.inf, posinf=np.inf)
    out = np.full(n, -1, np.intp)
    worst = excess.argmax(axis=1) if costs.shape[1] else out[rows]
    out[rows] = np.where(excess.max(axis=1, initial=-np.inf) > 0, worst, -1)
    return out


def _encoding(model: DiscreteModel, options: Mapping[str, Any]) -> str | None:
    return options.get("encoding") or model.schema_.encoding
