"""The part of a model's page about each column on its own: the model's marginals beside the shares in the rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chainrule.core.figures import Cloud, ScatterPlot
from chainrule.core.records import Block, Figure, Table, Text
from chainrule.core.text import literal
from chainrule.report.documents import Section
from chainrule.tables.schema import Schema
from chainrule.tasks.describing.record import Description, Marginal

__all__ = ["marginals_section"]

_MOST_COLUMNS, _MOST_STATES = 40, 8  # that the table lists
_MOST_POINTS = 2_000


@dataclass(frozen=True)
class _State:
    """A state of a column: p under the model, its share in the rows, and how many standard errors lie between."""

    column: str
    label: str
    p: float
    share: float | None
    apart: float


def marginals_section(found: Description) -> Section:
    """Each column on its own, all states of few columns, the furthest of many."""
    states = Schema.from_plain(found.schema).states
    columns = [_states(m, states[m.column], found.n_draws) for m in found.marginals]
    with_rows = any(m.data is not None for m in found.marginals)
    order = list(range(len(columns)))
    if len(columns) > _MOST_COLUMNS and with_rows:
        furthest = sorted(order, key=lambda j: -max(abs(s.apart) for s in columns[j]))
        order = sorted(furthest[:_MOST_COLUMNS])
    shown = order[:_MOST_COLUMNS]
    rows = [row for j in shown for row in _lines(columns[j], with_rows)]
    head = ["column", "state", "model"] + (["rows", "errors apart"] if with_rows else [])
    blocks: list[Block] = [Text(_source(found, with_rows))]
    if with_rows:
        blocks.append(_scatter([s for column in columns for s in column]))
    caption = _caption(len(columns), len(shown), with_rows)
    blocks.append(Table(head, rows, caption, bars=[2, 3] if with_rows else [2]))
    return Section("Each column on its own", blocks)


def _share_text(p: float) -> str:
    """A share with three decimals, or with one digit where that would make a small one zero.

    >>> _share_text(0.25), _share_text(0.00004), _share_text(0.0)
    ('0.250', '4e-05', '0.000')
    """
    return f"{p:.3f}" if p >= 0.001 or p == 0 else f"{p:.1g}"


def _tenths(x: float) -> str:
    return "inf" if x == math.inf else "-inf" if x == -math.inf else f"{round(x, 1) + 0.0:.1f}"


def _states(m: Marginal, labels: tuple[str, ...], n_draws: int | None) -> list[_State]:
    shares = [None] * len(m.model) if m.data is None or not m.n_known else m.data
    return [
        _State(m.column, label, p, share, 0.0 if share is None else _apart(p, share, m.n_known or 0, n_draws))
        for label, p, share in zip(labels, m.model, shares, strict=True)
    ]


def _apart(p: float, share: float, n: int, n_draws: int | None) -> float:
    """(share - p) in standard errors that a share of n rows has where p is true, and p from draws its own."""
    variance = p * (1 - p) * (1 / n + (1 / n_draws if n_draws else 0.0))
    if abs(share - p) < 1e-12:
        return 0.0
    return (share - p) / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, share - p)


def _lines(states: list[_State], with_rows: bool) -> list[list[str]]:
    """A line for each of the most probable states, and one for all others."""
    listed = sorted(states, key=lambda s: -max(s.p, s.share or 0.0))[:_MOST_STATES]
    kept = [s for s in states if s in listed]
    lines: list[list[str]] = []
    for s in kept:
        line = [literal(s.column, 60), literal(s.label, 60), _share_text(s.p)]
        if with_rows:
            line += ["", ""] if s.share is None else [_share_text(s.share), _tenths(s.apart)]
        lines.append(line)
    if rest := len(states) - len(kept):
        others = [s for s in states if s not in kept]
        line = [literal(states[0].column, 60), f"{rest:,} others", _share_text(sum(s.p for s in others))]
        if with_rows:
            shares = [s.share for s in others if s.share is not None]
            line += [_share_text(sum(shares)) if shares else "", ""]
        lines.append(line)
    return lines


def _source(found: Description, with_rows: bool) -> str:
    if found.n_draws is None:
        text = "The model's probabilities are exact."
    else:
        worst = max(max(m.error or (0.0,)) for m in found.marginals)
        text = (
            f"The model's probabilities are shares of {found.n_draws:,} exact draws (seed {found.seed}): their "
            f"standard errors are at most {worst:.2g}, and 0 says that no draw had the state."
        )
    if with_rows:
        text += (
            ' Those of the rows are shares of known cells. "Errors apart" is their difference in standard errors: '
            "beyond 3 it is hardly chance."
        )
    return text


def _caption(n: int, shown: int, with_rows: bool) -> str:
    text = "Probabilities of states under the model" + (
        " and their shares in the rows." if with_rows else "."
    )
    if n > shown:
        which = "in which they are furthest apart" if with_rows else "that come first"
        text += f" The {shown} columns {which}; {n - shown:,} are left out."
    return text


def _scatter(states: list[_State]) -> Figure:
    """All states at once, or the furthest of very many: on the line the model has the shares of the rows."""
    known = [s for s in states if s.share is not None]
    drawn = sorted(known, key=lambda s: -abs(s.apart))[:_MOST_POINTS]
    beyond = sum(abs(s.apart) > 3 for s in known)
    cloud = Cloud("states", [s.share for s in drawn], [s.p for s in drawn])
    data = ScatterPlot([cloud], "share in the rows", "probability under the model", diagonal=True)
    left_out = f" The {len(drawn):,} furthest of {len(known):,} are drawn." if len(drawn) < len(known) else ""
    caption = (
        f"Each point is a state of a column, {len(known):,} in all, of which {beyond:,} more than three standard "
        f"errors off the line.{left_out}"
    )
    worst = float(np.abs([s.p - (s.share or 0.0) for s in drawn]).max(initial=0.0))
    return Figure(
        "marginals", data, caption, f"Points near the line y = x; the furthest is {worst:.3g} off it."
    )
