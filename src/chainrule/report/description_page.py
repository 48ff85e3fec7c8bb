"""The page of a model: its columns, marginals, dependences, and how well all of it fits some rows."""

from __future__ import annotations

import math

from chainrule.core.errors import DataError
from chainrule.core.records import Block, Table, Text
from chainrule.core.text import literal
from chainrule.models.auto.leaderboard import Leaderboard
from chainrule.report.comparison_page import leaderboard_blocks, with_error
from chainrule.report.dependence_part import dependence_section
from chainrule.report.documents import Document, Section, how_it_was_made
from chainrule.report.marginals_part import marginals_section
from chainrule.report.numbers import counted
from chainrule.report.rows_part import calibration_section, costs_section, odd_section
from chainrule.tables.schema import Schema
from chainrule.tables.showing import schema_rows
from chainrule.tasks.describing.record import LEAST_SHOWN, Description, ModelFacts, RowSummary

__all__ = ["description_document"]

_MOST_COLUMNS = 100  # of the table of columns


def description_document(found: Description) -> Document:
    """What the page of a model shows; raises ``DataError`` where the record's schema or leaderboard is none."""
    sections = [_columns_section(Schema.from_plain(found.schema)), marginals_section(found)]
    if found.dependence is not None:
        sections.append(dependence_section(found))
    if found.rows is not None and found.rows.n_scored:
        if found.rows.costs:
            rows = found.rows
            sections.append(costs_section(rows.costs, rows.n_cell_rows, rows.n_cell_draws))
        if found.calibration is not None:
            sections.append(calibration_section(found.calibration))
        sections.append(odd_section(found.rows))
    if found.leaderboard is not None:
        sections.append(_tried_section(found))
    title = f"{found.model.family}: {counted(found.model.n_columns, 'column')}"
    return Document("model", title, _lede(found), _facts(found), sections)


def _lede(found: Description) -> str:
    parts = []
    if found.dependence is not None and found.dependence.strongest[0].nats >= LEAST_SHOWN:
        pair, pairs = found.dependence.strongest[0], counted(found.dependence.n_pairs, "pair")
        parts.append(
            f"Of {pairs} of columns, {literal(pair.a, 40)} and {literal(pair.b, 40)} depend most on each other under "
            f"the model: {with_error(pair.nats, pair.error)} nats of mutual information."
        )
    if found.rows is not None:
        parts.append(_of_rows(found.rows))
    else:
        parts.append("No rows were given, so nothing here says how well the model fits any.")
    if found.calibration is not None:
        c = found.calibration
        parts.append(
            f"Its probabilities are off by {c.expected_calibration_error:.4f} on average (expected calibration "
            f"error over {c.n_predictions:,} predictions)."
        )
    return "\n\n".join(parts)


def _of_rows(rows: RowSummary) -> str:
    how = "held out of the fit" if rows.are_held_out else "drawn by the seed"
    drawn = "" if rows.n_used == rows.n_rows else f" ({how}, of {rows.n_rows:,})"
    text = f"Of {counted(rows.n_used, 'row')}{drawn}, {rows.n_scored:,} have a score"
    if rows.mean_nll_nats is not None and rows.bits_per_cell is not None:
        mean = with_error(rows.mean_nll_nats, rows.standard_error)
        text += f": {mean} nats a row, {rows.bits_per_cell:.4f} bits a cell"
    text += "."
    if rows.n_impossible:
        text += f" {rows.n_impossible:,} are impossible under the model (-log p is infinite) and not in that mean."
    if rows.n_with_holes:
        text += f" {rows.n_with_holes:,} have holes, which are summed out: their nats are of what is known."
    if rows.are_held_out:
        text += " The model has not learned from them, but it was chosen by them among others."
    else:
        text += " If the model learned from these rows, it looks better on them than it is on others."
    return text + "".join(
        f"\n\n{u.n_rows:,} rows have no score: {literal(u.why, 500)}." for u in rows.unscored
    )


def _facts(found: Description) -> list[tuple[str, str]]:
    m = found.model
    facts = [("Model", literal(m.family if m.family == m.kind else f"{m.family} ({m.kind})"))]
    if m.n_parameters is not None:
        facts.append(("Parameters", f"{m.n_parameters:,}"))
    if m.fitted_rows is not None:
        seconds = "" if m.seconds is None else f", {m.seconds:,.1f} seconds"
        facts.append(("Learned from", f"{counted(m.fitted_rows, 'row')}{seconds}"))
    if m.mean_nll_nats is not None and m.judging_rows is not None:
        facts.append(("Judged by", _judged(m)))
    if m.stand_in is not None:
        facts.append(
            (
                "Stand-in",
                f"{literal(m.stand_in)} answers rows whose holes {literal(m.family)} does not sum out",
            )
        )
    seeds = f"{found.seed} for this page"
    facts.append(("Seed", seeds if m.seed is None else f"{seeds}, {m.seed} of the fit"))
    return [*facts, *how_it_was_made(found.command, found.versions)]


def _judged(m: ModelFacts) -> str:
    mean = with_error(m.mean_nll_nats or 0.0, m.standard_error)
    return f"{mean} nats a row on {m.judging_rows:,} rows that it was chosen by among others"


def _columns_section(schema: Schema) -> Section:
    """What each column is and how its cells are read."""
    head, rows = schema_rows(schema.variables[:_MOST_COLUMNS])
    missing = _common(head, rows, "missing")
    numbered = [[i, *(literal(cell) if cell else "" for cell in row)] for i, row in enumerate(rows, 1)]
    n, total = len(schema), sum(schema.sizes)
    caption = f"{counted(n, 'column')} with {counted(total, 'state')} in all"
    left_out = n - len(rows)
    caption += f"; the first {len(rows)} are shown, {left_out:,} are left out." if left_out else "."
    blocks: list[Block] = [Table(["", *head], numbered, caption)]
    notes = [literal(note, 500) for note in schema.notes]
    if missing is not None:
        notes.append(f"Missing in all columns is what is written {literal(missing, 500)}.")
    joint = sum(math.log10(size) for size in schema.sizes)
    size = f"{math.prod(schema.sizes):,}" if joint < 12 else f"about $10^{{{math.floor(joint)}}}$"
    notes.append(f"There are {size} different rows; their probabilities sum to one.")
    return Section("Columns", [*blocks, Text("\n\n".join(notes))])


def _common(head: list[str], rows: list[list[str]], name: str) -> str | None:
    """What all rows have in the column ``name``, which is then taken out of them; ``None`` where they differ."""
    if name not in head or len({row[head.index(name)] for row in rows}) > 1:
        return None
    place = head.index(name)
    del head[place]
    return {row.pop(place) for row in rows}.pop()


def _tried_section(found: Description) -> Section:
    """What was tried before the model was chosen."""
    try:
        board = Leaderboard.from_dict(found.leaderboard or {})
    except (AttributeError, KeyError, TypeError) as e:
        raise DataError(
            f"the leaderboard of the record is damaged ({e}); run `chainrule report` again"
        ) from e
    blocks: list[Block] = [Text(f"Chosen: {literal(found.model.why, 500)}.")] if found.model.why else []
    return Section("What was tried", [*blocks, *leaderboard_blocks(board, "rows that it was chosen by")])
