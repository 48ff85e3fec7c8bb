"""What there is to say of a fitted model, as plain typed data: to JSON and back without loss, to a page with no model.

Rows count from 1, as a spreadsheet counts them below its line of names; nats are of -log p; an error is a standard
error.  A number that was estimated from draws stands beside their number; where there are none, it is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from chainrule.core.errors import DataError, InputError
from chainrule.core.typed import Matrix, Typed, Vector

__all__ = [
    "LEAST_SHOWN",
    "Calibration",
    "CalibrationBin",
    "ColumnCost",
    "Dependence",
    "Description",
    "Edge",
    "Graph",
    "Marginal",
    "ModelFacts",
    "OddRow",
    "Pair",
    "RowSummary",
    "Unscored",
]

LEAST_SHOWN = 5e-5  # nats of mutual information: less would be written as 0.0000


@dataclass(frozen=True)
class ModelFacts(Typed):
    """What the model is: its ``family``, how large, what it learned from, how it was judged where that is known.

    ``seconds`` are those of the fit; of ``auto``, of all that it tried.
    """

    family: str
    kind: str
    n_columns: int
    n_parameters: int | None = None
    fitted_rows: int | None = None
    seed: int | None = None
    seconds: float | None = None
    mean_nll_nats: float | None = None
    standard_error: float | None = None
    judging_rows: int | None = None
    stand_in: str | None = None
    why: str | None = None


@dataclass(frozen=True)
class Marginal(Typed):
    """p(x = k) of each state k of a column under the model, with errors where it comes from draws.

    ``data`` is the share of each state among the ``n_known`` cells of the rows that are no holes.
    """

    column: str
    model: Vector
    error: Vector | None = None
    data: Vector | None = None
    n_known: int | None = None


@dataclass(frozen=True)
class Pair(Typed):
    """The mutual information of two columns, under the model and in the rows."""

    a: str
    b: str
    nats: float
    error: float | None = None
    data_nats: float | None = None
    data_error: float | None = None


@dataclass(frozen=True)
class Dependence(Typed):
    """Mutual information in nats of pairs of columns.

    ``strongest`` are the first of ``n_pairs`` pairs by the model, ``furthest`` those in which rows and model differ
    most.  ``matrix`` has those ``columns`` that are in the strongest pairs; ``n_left_out`` columns are in no pair,
    since they were too many.  Of ``n_draws`` draws, and of the ``n_rows`` rows, the bias of estimates is taken off.
    """

    n_pairs: int
    strongest: Sequence[Pair]
    columns: Sequence[str]
    matrix: Matrix
    furthest: Sequence[Pair] = ()
    n_left_out: int = 0
    n_draws: int | None = None
    n_rows: int | None = None


@dataclass(frozen=True)
class Edge(Typed):
    """``child`` reads ``parent``; ``nats`` is their mutual information."""

    parent: str
    child: str
    nats: float | None = None


@dataclass(frozen=True)
class Graph(Typed):
    """Whom each factor reads: ``columns`` with parents first; all ``edges``, or none where each reads all before it."""

    columns: Sequence[str]
    edges: Sequence[Edge]
    is_complete: bool = False


@dataclass(frozen=True)
class ColumnCost(Typed):
    """What the cells of a column cost, in the rows and in draws of the model."""

    column: str
    mean_nats: float
    standard_error: float | None = None
    expected_nats: float | None = None


@dataclass(frozen=True)
class OddRow(Typed):
    """An unusual row: its ``quantile`` among draws of the model, and the cell to blame."""

    row: int
    nats: float
    quantile: float | None = None
    column: str | None = None
    state: str | None = None
    cell_nats: float | None = None


@dataclass(frozen=True)
class Unscored(Typed):
    """So many rows have no score, and why."""

    n_rows: int
    why: str


@dataclass(frozen=True)
class RowSummary(Typed):
    """How probable rows are: ``n_used`` of ``n_rows``, drawn by the seed or held out where that is fewer.

    The mean is over the rows that are possible; costs of columns are over ``n_cell_rows`` complete ones
    and, where they are expected, over ``n_cell_draws`` draws.
    """

    n_rows: int
    n_used: int
    n_scored: int
    n_impossible: int
    n_with_holes: int
    are_held_out: bool = False
    mean_nll_nats: float | None = None
    standard_error: float | None = None
    bits_per_cell: float | None = None
    costs: Sequence[ColumnCost] = ()
    n_cell_rows: int = 0
    n_cell_draws: int = 0
    odd: Sequence[OddRow] = ()
    unscored: Sequence[Unscored] = ()


@dataclass(frozen=True)
class CalibrationBin(Typed):
    """Predictions between ``low`` and ``high``: their mean, and how often what they are of came true.

    The interval is Wilson's at 95 %.
    """

    low: float
    high: float
    n: int
    predicted: float
    observed: float
    interval_low: float
    interval_high: float


@dataclass(frozen=True)
class Calibration(Typed):
    """The probabilities of all states of a cell ``given`` others, against what the cells are, pooled over cells.

    ``expected_calibration_error`` is the mean of |observed - predicted| over bins, weighted by their predictions.
    """

    given: str
    n_rows: int
    n_columns: int
    n_predictions: int
    expected_calibration_error: float
    bins: Sequence[CalibrationBin]


@dataclass(frozen=True)
class Description(Typed):
    """All that a page about a model shows; ``schema`` and ``leaderboard`` as their own ``to_plain`` and ``to_dict``."""

    FORMAT: ClassVar[str] = "chainrule-description-1"

    model: ModelFacts
    schema: dict
    marginals: Sequence[Marginal]
    seed: int
    n_draws: int | None = None
    dependence: Dependence | None = None
    graph: Graph | None = None
    rows: RowSummary | None = None
    calibration: Calibration | None = None
    leaderboard: dict | None = None
    command: str = ""
    versions: dict | None = None

    def text(self) -> str:
        """The numbers that matter most, a line each."""
        m = self.model
        size = "" if m.n_parameters is None else f", {m.n_parameters:,} parameters"
        lines = [f"{m.family}: {m.n_columns:,} columns{size}"]
        if self.dependence is not None and (pair := self.dependence.strongest[0]).nats >= LEAST_SHOWN:
            lines.append(
                f"the strongest pair is {pair.a} and {pair.b}: {pair.nats:.4f} nats of mutual information"
            )
        if self.rows is not None:
            lines += _rows_text(self.rows)
        if self.calibration is not None:
            c = self.calibration
            lines.append(
                f"expected calibration error {c.expected_calibration_error:.4f} over {c.n_predictions:,} predictions"
            )
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The record as plain data, with its format."""
        return {"format": self.FORMAT} | self.to_plain()

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Description:
        """The record that ``to_dict`` gave; ``DataError`` where it is none."""
        try:
            return cls.from_plain({k: v for k, v in plain.items() if k != "format"})
        except (InputError, AttributeError, TypeError, ValueError) as e:
            raise DataError(f"not a description of a model ({e}); run `chainrule report` again") from e


def _rows_text(rows: RowSummary) -> list[str]:
    error = "" if rows.standard_error is None else f" ± {rows.standard_error:.4f}"
    mean = "" if rows.mean_nll_nats is None else f", {rows.mean_nll_nats:.4f}{error} nats a row"
    lines = [f"{rows.n_scored:,} of {rows.n_rows:,} rows scored{mean}"]
    if rows.n_impossible:
        lines.append(f"{rows.n_impossible:,} rows are impossible under the model and not in the mean")
    return lines + [f"{u.n_rows:,} rows have no score: {u.why}" for u in rows.unscored]
