"""The parts of a model's page about rows: who pays the nats, calibration, the oddest rows."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.core.figures import Line, LineChart
from chainrule.core.records import Figure, Table, Text
from chainrule.core.text import literal
from chainrule.report.documents import Section
from chainrule.report.numbers import counted
from chainrule.tasks.describing.record import Calibration, ColumnCost, OddRow, RowSummary

__all__ = ["calibration_section", "costs_section", "odd_section"]

_MOST_COLUMNS = 30


def costs_section(
    costs: Sequence[ColumnCost], n_rows: int, n_draws: int, rows: str = "complete row"
) -> Section:
    """What the cells of each column cost in ``n_rows`` rows and in ``n_draws`` draws, the costliest first."""
    ranked = sorted(costs, key=lambda c: -c.mean_nats)
    shown = ranked[:_MOST_COLUMNS]
    lines = [
        [
            literal(c.column, 60),
            f"{c.mean_nats:.4f}",
            "" if c.standard_error is None else f"{c.standard_error:.4f}",
            "" if c.expected_nats is None else f"{c.expected_nats:.4f}",
        ]
        for c in shown
    ]
    caption = f"Mean nats of a cell over {counted(n_rows, rows)}, ± standard error."
    caption += f" Expected over {n_draws:,} draws." if n_draws else ""
    if rest := ranked[_MOST_COLUMNS:]:
        others = sum(c.mean_nats for c in rest)
        caption += f" The {len(shown)} costliest columns; {len(rest):,} others cost {others:.4f} together."
    text = (
        "What a cell costs is -log p of its state given those that the model reads before it; the costs of a row's "
        "cells are its nats."
    )
    if n_draws:
        text += (
            ' "Expected" is the mean over rows that the model drew: a column that costs more than that is worse '
            "understood than the model believes."
        )
    table = Table(["column", "nats", "±", "expected"], lines, caption, bars=[1, 3] if n_draws else [1])
    return Section("Who pays the nats", [Text(text), table])


def calibration_section(found: Calibration) -> Section:
    """Predicted probabilities against what came true."""
    bins = found.bins
    points = Line(
        "observed, with 95 % intervals",
        [b.predicted for b in bins],
        [b.observed for b in bins],
        style="points",
        low=[b.interval_low for b in bins],
        high=[b.interval_high for b in bins],
    )
    perfect = Line("perfectly calibrated", [0, 1], [0, 1], style="dashed")
    data = LineChart([points, perfect], "predicted probability", "share that came true")
    cells = f"{counted(found.n_columns, 'column')} in {counted(found.n_rows, 'complete row')}"
    caption = (
        f"Predictions of all states of {cells}, each cell given {found.given}: {found.n_predictions:,} in ten bins. "
        f"Expected calibration error {found.expected_calibration_error:.4f}."
    )
    worst = max(bins, key=lambda b: abs(b.observed - b.predicted))
    alt = (
        f"Points along the line y = x; the furthest predicts {worst.predicted:.3f}, where {worst.observed:.3f} came "
        "true."
    )
    rows = [
        [
            f"{b.low:.1f} to {b.high:.1f}",
            b.n,
            f"{b.predicted:.4f}",
            f"{b.observed:.4f}",
            f"{b.interval_low:.4f}",
            f"{b.interval_high:.4f}",
        ]
        for b in bins
    ]
    head = ["predictions", "how many", "mean predicted", "came true", "95 % from", "to"]
    outside = sum(not b.interval_low <= b.predicted <= b.interval_high for b in bins)
    text = (
        f"Where a model says 0.3, three in ten should come true. In {outside} of {len(bins)} bins the mean prediction "
        "lies outside the interval of what came true."
    )
    if found.given != "the cells before it":
        text += " Predictions within a row are then not independent, so the intervals are too narrow."
    table = Table(head, rows, "The bins; intervals are Wilson's.")
    return Section("Calibration", [Text(text), Figure("calibration", data, caption, alt), table])


def odd_section(rows: RowSummary) -> Section:
    """The rows that are least usual for the model."""
    lines = [
        [o.row, f"{o.nats:.4f}" if o.nats < float("inf") else "inf", _quantile(o), *_blamed(o)]
        for o in rows.odd
    ]
    head = ["row", "nats", "draws as improbable", "to blame", "its nats"]
    caption = (
        "The least usual rows, counted from 1 below the names; the share of the model's own draws that are as "
        "improbable or more; the cell that costs most beyond what its column costs on average."
    )
    return Section("The oddest rows", [Table(head, lines, caption)])


def _quantile(odd: OddRow) -> str:
    return "" if odd.quantile is None else f"{odd.quantile:.2%}"


def _blamed(odd: OddRow) -> list[str]:
    if odd.column is None or odd.state is None:
        return ["", ""]
    nats = "" if odd.cell_nats is None else f"{odd.cell_nats:.4f}" if odd.cell_nats < float("inf") else "inf"
    return [f"{literal(odd.column, 60)} = {literal(odd.state, 60)}", nats]
