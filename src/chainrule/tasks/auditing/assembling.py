"""A model audited: read what there is to ask with, go through the laws, draw what came out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import check_integer, check_real
from chainrule.core.errors import InputError
from chainrule.core.files import check_place
from chainrule.core.records import versions
from chainrule.core.text import as_written
from chainrule.evaluate.audit.inquiry import Inquiry
from chainrule.evaluate.audit.laws import Law, examine
from chainrule.evaluate.audit.other_model import OtherModel
from chainrule.evaluate.audit.subject import Scorer, Subject, subject_of
from chainrule.models.contract import DiscreteModel
from chainrule.models.shared.members import Member
from chainrule.tables.schema import Schema
from chainrule.tasks.auditing.coding import law_of_code_lengths
from chainrule.tasks.auditing.pictures import Pictures
from chainrule.tasks.auditing.record import Audit
from chainrule.tasks.dialects import PYTHON, Dialect
from chainrule.tasks.models import ModelOrPath, loaded
from chainrule.tasks.reading import read_known

__all__ = ["audit"]

_LONG = 10**12  # rows whose number is written out


def audit(
    model: ModelOrPath | OtherModel,
    X: Any = None,
    *,
    train: Any = None,
    truth: ModelOrPath | Callable[..., Any] | None = None,
    entropy_nats: float | None = None,
    draws: int = 20_000,
    most_states: int = 2**22,
    false_alarm_rate: float = 1e-3,
    seed: int = 0,
    out: str | Path | None = None,
    dialect: Dialect = PYTHON,
    **reading: Any,
) -> Audit:
    """Hold ``model``, or the model in that file, to the laws of a distribution: a verdict on each.

    A model that is not of this package comes as an ``OtherModel``.  ``X`` are rows that it should fit, best such as it
    has not seen; ``train`` those that it learned from, to find them among the others.  Where it is known what ``X`` was
    drawn from, ``truth`` is that model (or a function from rows of codes to log p), or ``entropy_nats`` its entropy.
    Up to ``most_states`` rows are enumerated, ``draws`` are drawn of a sampler, all by ``seed``.  A right model fails
    anywhere with at most ``false_alarm_rate``.  ``out`` also writes the record as JSON.  ``reading``: the settings of
    ``Table.read`` that do not contradict the model's schema.

    Raises ``InputError`` and its kinds, ``DataError``; what the model itself raises is a finding.

    >>> from chainrule.models import Independent
    >>> found = audit(Independent(pseudocount=1).fit([[0, 1], [1, 1]]), draws=1000)
    >>> found.passed, found["mass"].verdict, found["duplicates"].verdict
    (True, 'pass', 'cannot tell')
    """
    start = time.perf_counter()
    n_draws = check_integer(draws, "draws", least=100)
    rate = check_real(false_alarm_rate, "false_alarm_rate", strictly=True)
    if rate >= 1:
        raise InputError(
            f"false_alarm_rate must lie between 0 and 1; got {as_written(false_alarm_rate)}; use e.g. 1e-3"
        )
    if out is not None:
        check_place(out)
    fitted, subject, schema = _subject(model)
    options = {k: v for k, v in reading.items() if v is not None}
    data, learned = (
        None if rows is None else read_known(rows, schema, name, dialect, **options)
        for rows, name in ((X, "X"), (train, "train"))
    )
    inquiry = Inquiry(
        subject,
        data=None if data is None else data.codes.astype(np.int64),
        train=None if learned is None else learned.codes.astype(np.int64),
        truth=None if truth is None else _scorer(truth, schema),
        entropy_nats=None if entropy_nats is None else check_real(entropy_nats, "entropy_nats"),
        n_draws=n_draws,
        most_states=check_integer(most_states, "most_states"),
        seed=check_integer(seed, "seed", least=0),
    )
    pictures = Pictures(inquiry)
    more = [Law("code length", law_of_code_lengths(fitted)), Law("calibration", pictures.law_of_calibration)]
    findings = examine(inquiry, more=more, false_alarm_rate=rate)
    n = subject.n_states
    found = Audit(
        model=subject.name,
        n_columns=subject.d,
        n_states=f"{n:,}" if n < _LONG else f"about 10^{math.log10(n):.0f}",
        findings=findings,
        false_alarm_rate=rate,
        seed=inquiry.seed,
        n_draws=n_draws,
        n_rows=None if data is None else data.n_rows,
        **pictures.to_record(),
        seconds=time.perf_counter() - start,
        versions=versions(),
    )
    if out is not None:
        found.save(out)
    return found


def _subject(model: Any) -> tuple[DiscreteModel | None, Subject, Schema]:
    """The model if it is ours, the subject, and the schema of its rows."""
    if isinstance(model, OtherModel):
        subject = model.subject()
        return None, subject, Schema.of_sizes(subject.sizes, subject.names)
    if not isinstance(model, DiscreteModel) and callable(getattr(model, "log_prob", None)):
        raise InputError(
            f"a {type(model).__name__} is no model of this package's tables; say what its rows are: "
            "chainrule.OtherModel(model.log_prob, sizes=[...])"
        )
    fitted = loaded(model)
    check_is_fitted(fitted)
    return fitted, subject_of(fitted), fitted.schema_


def _scorer(truth: Any, schema: Schema) -> Scorer:
    """log p of rows of codes under what they were drawn from."""
    if isinstance(truth, OtherModel):
        return truth.subject().log_prob
    if not isinstance(truth, DiscreteModel) and callable(truth):
        function: Any = truth
        return function
    return Member.of(loaded(truth), schema, "truth").log_prob
