"""Laws of missing values: log p of a row with holes is that of the sum over their completions, however computed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.core.numerics import log_sum_exp
from chainrule.evaluate.audit.inquiry import Inquiry, difference
from chainrule.evaluate.audit.record import Finding, unknown
from chainrule.evaluate.audit.subject import Codes
from chainrule.models.shared.states import n_states, states_between

__all__ = ["law_of_holes"]

_ROWS = 24
_MOST_COMPLETIONS = 512  # of a row
_MISSING = -1


def law_of_holes(q: Inquiry) -> Iterator[Finding]:
    """A row with holes has the p of all its completions; and a row is never less probable for knowing less of it."""
    if not q.subject.takes_holes:
        for law in ("missing values", "monotone"):
            yield unknown(law, "it takes no rows with missing values")
        return
    patterns = list(_patterns(q))
    found, refused = _asked(q, [row for row, _ in patterns])
    kept = [(row, whole) for (row, whole), p in zip(patterns, found, strict=True) if p is not None]
    values = np.array([p for p in found if p is not None])
    if not len(values):
        why = f"it refuses the holes that were tried: {refused}"
        yield unknown("missing values", why)
        yield unknown("monotone", why)
        return
    yield _sums(q, [row for row, _ in kept], values, len(patterns))
    yield _monotone(q, kept, values)


def _patterns(q: Inquiry) -> Iterator[tuple[Codes, Codes]]:
    """Rows with holes, and the rows that they were made of; the last has no known cell."""
    rng, sizes = q.rng("holes"), np.array(q.subject.sizes)
    rows = np.concatenate([q.probable[: _ROWS * 3 // 4], q.anyhow[: _ROWS // 4]])
    for row in rows:
        holed, n = row.copy(), 1
        for i in rng.permutation(len(sizes)):
            if n * sizes[i] > _MOST_COMPLETIONS or rng.random() < 0.3:
                continue
            n *= int(sizes[i])
            holed[i] = _MISSING
        yield holed, row
    yield np.full(len(sizes), _MISSING), rows[0]


def _asked(q: Inquiry, rows: list[Codes]) -> tuple[list[float | None], str]:
    """log p of each row, ``None`` where it is refused, and what the last refusal says."""
    try:
        return list(q.subject.scores(np.array(rows))), ""
    except InputError:
        pass  # some of them are refused: one by one
    found: list[float | None] = []
    why = ""
    for row in rows:
        try:
            found.append(float(q.subject.scores(row[None])[0]))
        except InputError as e:
            found.append(None)
            why = str(e)
    return found, why


def _sums(q: Inquiry, rows: list[Codes], values: NDArray[np.float64], n_tried: int) -> Finding:
    expected = np.array([_log_sum(q, row) for row in rows])
    apart = difference(values, expected)
    value, worst = float(apart.max()), int(apart.argmax())
    how = (
        f"{len(rows)} of {n_tried} rows: up to {_MOST_COMPLETIONS} completions, or nothing known, {q.within}"
    )
    good = value <= q.tolerance
    detail = (
        ""
        if good
        else f"{rows[worst].tolist()[:12]} has {values[worst]:.6g} nats, its completions {expected[worst]:.6g}"
    )
    return Finding(
        "missing values", how, f"differ by at most {value:.2g}", "pass" if good else "fail", detail, value
    )


def _log_sum(q: Inquiry, row: Codes) -> float:
    """The log of the sum of p over the completions of ``row``; of one with nothing known, log 1."""
    holes = np.flatnonzero(row < 0)
    sizes = [q.subject.sizes[i] for i in holes]
    if len(holes) == len(row) and n_states(sizes) > _MOST_COMPLETIONS:
        return 0.0
    filled = np.repeat(row[None], n_states(sizes), axis=0)
    filled[:, holes] = states_between(0, n_states(sizes), sizes)
    return float(log_sum_exp(q.subject.scores(filled)))


def _monotone(q: Inquiry, rows: list[tuple[Codes, Codes]], values: NDArray[np.float64]) -> Finding:
    """Rows as they are beside the same rows with holes, and each with one hole filled."""
    whole = q.subject.scores(np.array([row for _, row in rows]))
    fuller = []
    for holed, row in rows:
        part, holes = holed.copy(), np.flatnonzero(holed < 0)
        part[holes[: max(1, len(holes) // 2)]] = row[holes[: max(1, len(holes) // 2)]]
        fuller.append(part)
    found, _ = _asked(q, fuller)
    middle = np.array([v if p is None else p for p, v in zip(found, values, strict=True)])
    with np.errstate(invalid="ignore"):
        drop = np.maximum(whole - middle, middle - values)
    drop = np.where(np.isnan(drop), 0.0, drop) / np.maximum(1, np.abs(values))
    value = float(drop.max(initial=0.0))
    good = value <= q.tolerance
    figure = "never less" if value <= 0 else f"less by at most {value:.2g}"
    how = f"{len(rows)} rows with nothing, some and all of their holes hidden, {q.within}"
    return Finding("monotone", how, figure, "pass" if good else "fail", "" if good else figure, value)
