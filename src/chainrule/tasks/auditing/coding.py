"""The law of code lengths: rows coded with a model cost what its likelihood says, and come back.

    bytes = -sum over rows of log2 p(x) / 8, but for some bytes of a head and the grain of the coder's numbers

A model of ours is coded by ``compress``.  Any other is asked as a decoder would ask: for the probabilities of the next
variable where those before are known and nothing else is, which are those that its factors give with zeros for what
comes later, or sums over its table.  What depends on anything later is then not decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from chainrule.core.numerics import log_sum_exp
from chainrule.evaluate.audit.inquiry import Inquiry
from chainrule.evaluate.audit.laws import Check
from chainrule.evaluate.audit.record import Finding, unknown
from chainrule.evaluate.audit.subject import Codes
from chainrule.evaluate.enumeration import rows_of
from chainrule.models.contract import DiscreteModel
from chainrule.models.shared.state_columns import state_begins
from chainrule.tables.door import rows as read_rows
from chainrule.tasks.compression.bits import pop, push, stack, stack_bytes
from chainrule.tasks.compression.predictor import probabilities
from chainrule.tasks.compression.rows import compress, decompress

__all__ = ["law_of_code_lengths"]

_MOST_ROWS, _MOST_CELLS = 1_000, 200_000
_HEAD, _GRAIN = 40.0, 2e-3  # bytes, and relative: probabilities are rounded to 24 bits
_LAW = "code length"

Predictor = Callable[[int, Codes], NDArray[np.float64]]  # place in the order, rows with zeros from there on


def law_of_code_lengths(model: DiscreteModel | None) -> Check:
    """The law for ``model``, if it is one of ours, else for what its subject gives."""

    def law(q: Inquiry) -> Iterator[Finding]:
        """Rows cost as many bits as their likelihood says, and are decoded as they were."""
        rows = _rows(q)
        if not len(rows):
            yield unknown(_LAW, "there are no complete rows that are possible")
        elif model is not None:
            coded = compress(model, rows_of(model, rows))
            yield _found(q, rows, len(coded), read_rows(decompress(model, coded), model.schema_).codes)
        else:
            order, predict = _predictor(q)
            if predict is None:
                yield unknown(
                    _LAW, "it gives neither state_log_probs along an order nor few enough rows for a table"
                )
                return
            coded = _encoded(rows, order, predict)
            yield _found(q, rows, len(coded), _decoded(coded, rows.shape, order, predict))

    return law


def _rows(q: Inquiry) -> Codes:
    """Some complete and possible rows of the data, or draws."""
    rows = q.legal_draws if q.data is None else q.data[(q.data >= 0).all(axis=1)]
    rows = q.probe if rows is None or not len(rows) else rows
    rows = rows[: min(_MOST_ROWS, max(20, _MOST_CELLS // q.subject.d))].astype(np.int64)
    return rows[np.isfinite(q.subject.scores(rows))]


def _found(q: Inquiry, rows: Codes, n_bytes: int, again: Codes) -> Finding:
    expected = -float(q.subject.scores(rows).sum()) / np.log(2) / 8
    same = np.array_equal(rows, again)
    off = abs(n_bytes - expected)
    fits = off <= _HEAD + _GRAIN * expected
    faults = [] if same else [f"{int((rows != again).any(axis=1).sum()):,} rows are decoded as others"]
    faults += [] if fits else [f"the code is {n_bytes - expected:+,.0f} bytes from what the likelihood says"]
    how = f"{len(rows):,} rows coded and decoded (constriction), to {_HEAD:.0f} bytes and {_GRAIN:.1%}"
    figure = f"{n_bytes:,} bytes for {expected:,.1f} bytes of -log2 p"
    return Finding(_LAW, how, figure, "fail" if faults else "pass", "; ".join(faults), float(n_bytes))


def _predictor(q: Inquiry) -> tuple[NDArray[np.intp], Predictor | None]:
    subject = q.subject
    begins = state_begins(subject.sizes)
    if subject.state_log_probs is not None and subject.order is not None:
        order = subject.order

        def ask(t: int, rows: Codes) -> NDArray[np.float64]:
            found = subject.state_scores(rows)
            assert found is not None
            return found[:, begins[order[t]] : begins[order[t] + 1]]

        return order, ask
    order = np.arange(subject.d)
    if q.table is None:
        return order, None
    table = q.table.reshape(subject.sizes)

    def look(t: int, rows: Codes) -> NDArray[np.float64]:
        joint = log_sum_exp(table, axis=tuple(range(t + 1, subject.d))) if t + 1 < subject.d else table
        return np.asarray(joint[tuple(rows[:, :t].T)]) if t else np.repeat(joint[None], len(rows), axis=0)

    return order, look


def _encoded(rows: Codes, order: NDArray[np.intp], predict: Predictor) -> bytes:
    coder = stack()
    known, parts = np.zeros_like(rows), []
    for t, i in enumerate(order):
        parts.append(_normal(predict(t, known)))
        known[:, i] = rows[:, i]
    for i, p in zip(order[::-1], reversed(parts), strict=True):
        if p.shape[1] > 1:
            push(coder, rows[:, i], p)
    return stack_bytes(coder)


def _decoded(coded: bytes, shape: tuple[int, ...], order: NDArray[np.intp], predict: Predictor) -> Codes:
    coder = stack(coded)
    rows = np.zeros(shape, np.int64)
    for t, i in enumerate(order):
        p = _normal(predict(t, rows))
        if p.shape[1] > 1:
            rows[:, i] = pop(coder, p)
    return rows


def _normal(log_p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities (n, K) that sum to one."""
    top = log_p.max(axis=1, keepdims=True)
    p = probabilities(log_p - np.where(np.isfinite(top), top, 0.0))
    return p / p.sum(axis=1, keepdims=True)
