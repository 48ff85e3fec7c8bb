"""The page of a comparison: the leaderboard, how far behind the best each model is, what was not fitted and why."""

from __future__ import annotations

from chainrule.core.figures import BarChart, BarSeries
from chainrule.core.records import Block, Figure, Table, Text
from chainrule.core.text import literal
from chainrule.models.auto.leaderboard import Entry, Leaderboard
from chainrule.report.documents import Document, Section
from chainrule.report.numbers import format_value
from chainrule.tasks.comparing import Comparison

__all__ = ["comparison_document", "leaderboard_blocks", "with_error"]


def comparison_document(found: Comparison) -> Document:
    """What the page of a comparison shows."""
    board = found.leaderboard
    facts = [
        (
            "Rows",
            f"{found.n_train:,} to learn from, {found.n_valid:,} to choose epochs by, {found.n_test:,} to judge by",
        ),
        ("Columns", f"{found.n_columns:,}"),
        ("Seed", f"{found.seed}"),
        ("Budget", f"{found.budget_seconds:,.0f} seconds for all models together"),
        *([("Command", f"{literal(found.command, 400)}")] if found.command else []),
    ]
    sections = [Section("Leaderboard", leaderboard_blocks(board, "rows that no model has learned from"))]
    if found.notes:
        sections.append(
            Section("How the table was read", [Text(literal(note, 2_000)) for note in found.notes])
        )
    return Document("comparison", "Models side by side", _lede(found), facts, sections)


def leaderboard_blocks(board: Leaderboard, judges: str) -> list[Block]:
    """The leaderboard on rows that are ``judges``: as a table, as a chart, and what is not in it."""
    rows = [
        [
            literal(e.name),
            with_error(e.mean_nll_nats, e.standard_error),
            "" if i == 0 else with_error(e.behind_nats, e.behind_standard_error),
            _behind_in_errors(e) if i else "",
            f"{e.n_parameters:,}",
            f"{e.seconds:,.1f}",
        ]
        for i, e in enumerate(board.entries)
    ]
    head = ["model", "nats a row", "behind the best", "in its errors", "parameters", "seconds"]
    caption = (
        f"Mean of -log p in nats over {board.n_rows:,} {judges}, ± its standard error; fewer are better. The "
        "difference to the best is paired: its error is that of the differences row by row; beyond two of them it is "
        "hardly chance."
    )
    if board.n_left_out:
        caption += f" {board.left_out_text()}."
    blocks: list[Block] = [Table(head, rows, caption)]
    if len(board.entries) > 1:
        blocks.append(_behind(board))
    if board.skipped:
        skipped = [[literal(name), literal(why, 2_000)] for name, why in board.skipped]
        blocks.append(Table(["left out", "why"], skipped, f"{len(skipped)} that could not be judged."))
    return blocks


def with_error(value: float, error: float | None) -> str:
    """A number with four decimals, and its standard error where it has one."""
    if value in (float("inf"), float("-inf")):
        return format_value(value)
    return f"{value:.4f}" if error is None else f"{value:.4f} ± {error:.4f}"


def _lede(found: Comparison) -> str:
    board = found.leaderboard
    best = board.best
    text = (
        f"**{literal(best.name)}** is the best of {len(board.entries)} on {board.n_rows:,} rows that no model has "
        f"seen: {with_error(best.mean_nll_nats, best.standard_error)} nats a row."
    )
    if len(board.entries) > 1:
        second = board.entries[1]
        gap = with_error(second.behind_nats, second.behind_standard_error)
        text += f" The next, {literal(second.name)}, is {gap} nats behind"
        near = sum(e.behind_nats <= 2 * (e.behind_standard_error or 0.0) for e in board.entries[1:])
        text += f"; {near} of the others are within two standard errors of the best." if near else "."
    if board.skipped:
        text += f" {len(board.skipped)} could not be judged, for reasons given below."
    return text + ("\n\nThe comparison was stopped; what was done by then is shown." if found.stopped else "")


def _behind_in_errors(entry: Entry) -> str:
    error = entry.behind_standard_error
    return "" if not error else f"{entry.behind_nats / error:.1f}"


def _behind(board: Leaderboard) -> Figure:
    data = BarChart(
        [e.name for e in board.entries],
        [
            BarSeries(
                "behind the best",
                [e.behind_nats for e in board.entries],
                [e.behind_standard_error or 0.0 for e in board.entries],
            )
        ],
        "",
        f"nats a row behind {board.best.name}",
    )
    worst = board.entries[-1]
    alt = (
        f"Bars of {len(board.entries)} models, from {board.best.name} at 0 to {worst.name} at "
        f"{with_error(worst.behind_nats, worst.behind_standard_error)} nats a row behind."
    )
    return Figure(
        "behind", data, "How far each model is behind the best, with the paired standard error.", alt
    )
