"""The pictures of an audit, and the law that goes with one: calibration, who pays the nats, draws beside expectations.

Calibration is no law of a distribution: a right one may be of other rows than these.  So the verdict is "fail" only
where probabilities are off by more than a tenth on average and by more than chance, "pass" where they are off by no
more than chance (Bennett's inequality in each of the ten bins), and in between nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.evaluate.audit.inquiry import Inquiry, block_of
from chainrule.evaluate.audit.record import Finding, unknown
from chainrule.evaluate.audit.subject import Codes
from chainrule.evaluate.audit.tails import bennett
from chainrule.models.shared.state_columns import picked, state_begins
from chainrule.models.shared.states import state_numbers
from chainrule.tasks.auditing.record import DrawnShares
from chainrule.tasks.describing.calibration import BEFORE, OTHERS, calibrated
from chainrule.tasks.describing.record import Calibration, ColumnCost

__all__ = ["Pictures"]

_MOST_PREDICTIONS = 500_000
_OTHER_ROWS, _OTHER_COLUMNS = 300, 20  # of a model that is asked for each cell given all others
_GROSS = 0.1  # expected calibration error
_BINS = 10
_MOST_POINTS = 400
_COST_DRAWS = 500
_CHANCE = 1e-3


class Pictures:
    """What there is to draw of one ``inquiry``, formed once."""

    def __init__(self, inquiry: Inquiry) -> None:
        self._q = inquiry
        self._calibration: Calibration | None = None

    def law_of_calibration(self, q: Inquiry) -> Iterator[Finding]:
        """What is called 30 % happens in three of ten cases, in rows that are given."""
        law = "calibration"
        rows = None if q.data is None else q.data[(q.data >= 0).all(axis=1)].astype(np.int64)
        if rows is None or not len(rows):
            yield unknown(law, "no complete rows were given")
            return
        p, true, given, n_rows, n_columns = _predictions(q, rows)
        if not len(p):
            yield unknown(law, "all rows that were tried are impossible")
            return
        self._calibration = calibrated(p, true, np.ones(len(p)), given, n_rows, n_columns)
        error = self._calibration.expected_calibration_error
        p_value = _by_chance(p, true)
        how = f"{len(p):,} predictions of cells given {given}, in ten bins"
        figure = f"off by {error:.4f} on average, p = {p_value:.2g}"
        if error > _GROSS:
            why = f"off by more than {_GROSS} on average"
            yield Finding(law, how, figure, "cannot tell", why, error, p_value)  # a fail, if it is not chance
        elif p_value > _CHANCE:
            yield Finding(law, how, figure, "pass", value=error)
        else:
            why = f"{figure}: more than chance, and no more than a model that fits badly may be"
            yield Finding(law, how, figure, "cannot tell", why, error)

    def to_record(self) -> dict[str, Any]:
        """The parts of an ``Audit`` that are drawn; what cannot be had is left out, and the findings say why."""
        try:
            costs, n_rows, n_draws = _costs(self._q)
            shares = _shares(self._q)
        except Exception:  # that the model cannot be asked is told by the laws
            return {"calibration": self._calibration}
        return {
            "calibration": self._calibration,
            "costs": costs,
            "n_cost_rows": n_rows,
            "n_cost_draws": n_draws,
            "shares": shares,
        }


_Predictions = tuple[NDArray[np.float64], NDArray[np.bool_], str, int, int]


def _predictions(q: Inquiry, rows: Codes) -> _Predictions:
    """Probabilities of states of cells, which of them came true, given what, of how many rows and columns."""
    subject, rng = q.subject, q.rng("calibration")
    n = max(1, _MOST_PREDICTIONS // sum(subject.sizes)) if subject.state_log_probs else _OTHER_ROWS
    rows = rows[rng.permutation(len(rows))[:n]]
    rows = rows[np.isfinite(subject.scores(rows))]
    states = subject.state_scores(rows) if len(rows) else None
    if states is not None:
        kinds = np.concatenate([np.arange(k) for k in subject.sizes])
        true = np.repeat(rows, subject.sizes, axis=1) == kinds
        return np.exp(states).ravel(), true.ravel(), BEFORE, len(rows), subject.d
    parts, columns = [], np.sort(rng.permutation(subject.d)[:_OTHER_COLUMNS])
    for i in columns if len(rows) else []:
        k = subject.sizes[i]
        p = np.exp(block_of(subject, rows, np.array([i]), np.arange(k)[:, None]))
        parts.append((p.ravel(), (rows[:, i][:, None] == np.arange(k)).ravel()))
    if not parts:
        return np.empty(0), np.empty(0, bool), OTHERS, 0, 0
    p, true = (np.concatenate(part) for part in zip(*parts, strict=True))
    return p, true, OTHERS, len(rows), len(columns)


def _by_chance(p: NDArray[np.float64], true: NDArray[np.bool_]) -> float:
    """At most how probable differences as large are in any of the bins, where the predictions are right."""
    place = np.minimum((p * _BINS).astype(np.intp), _BINS - 1)
    totals = np.bincount(place, true - p, _BINS)
    variances = np.bincount(place, p * (1 - p), _BINS)
    return float(min(1.0, _BINS * bennett(totals, variances).min()))


def _costs(q: Inquiry) -> tuple[list[ColumnCost], int, int]:
    """What the cells of each column cost in the rows given, or in draws, beside what they cost in draws."""
    subject = q.subject
    drawn = q.legal_draws
    if subject.state_log_probs is None or (q.data is None and drawn is None):
        return [], 0, 0
    rows = drawn if q.data is None else q.data[(q.data >= 0).all(axis=1)]
    assert rows is not None
    rows = rows[: max(20, _MOST_PREDICTIONS // sum(subject.sizes))].astype(np.int64)
    rows = rows[np.isfinite(subject.scores(rows))]
    if not len(rows):
        return [], 0, 0
    cells = _cells(q, rows)
    own = None if drawn is None or q.data is None else _cells(q, drawn[:_COST_DRAWS].astype(np.int64))
    errors = cells.std(axis=0, ddof=1) / np.sqrt(len(cells)) if len(cells) > 1 else None
    costs = [
        ColumnCost(
            name,
            float(cells[:, j].mean()),
            None if errors is None else float(errors[j]),
            None if own is None or not np.isfinite(own[:, j]).all() else float(own[:, j].mean()),
        )
        for j, name in enumerate(subject.names)
    ]
    return costs, len(rows), 0 if own is None else len(own)


def _cells(q: Inquiry, rows: Codes) -> NDArray[np.float64]:
    states = q.subject.state_scores(rows)
    assert states is not None
    return 0.0 - picked(states, rows, q.subject.sizes)


def _shares(q: Inquiry) -> DrawnShares | None:
    """The most frequent rows, or states along the order, in draws and as log_prob has them."""
    draws, subject = q.legal_draws, q.subject
    if draws is None:
        return None
    draws = draws.astype(np.int64)
    if q.table is not None:
        expected = len(draws) * np.exp(q.table)
        observed = np.bincount(state_numbers(draws, subject.sizes), minlength=len(expected))
        return _shown("rows", len(draws), expected, observed)
    if subject.state_log_probs is None:
        return None
    part = draws[: max(100, _MOST_PREDICTIONS // sum(subject.sizes))]
    states = subject.state_scores(part)
    assert states is not None
    begins = state_begins(subject.sizes)
    observed = np.zeros(sum(subject.sizes))
    np.add.at(observed, (part + begins[:-1]).ravel(), 1)
    return _shown("states along the order", len(part), np.exp(states).sum(axis=0), observed)


def _shown(of: str, n: int, expected: NDArray[Any], observed: NDArray[Any]) -> DrawnShares:
    """The cells that are expected most often and those that are drawn most often, at most 400."""
    top = np.argsort(-np.maximum(expected, observed), kind="stable")[:_MOST_POINTS]
    return DrawnShares(of, n, expected[top], observed[top].astype(float))
