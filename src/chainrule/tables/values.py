"""Values and their texts: the label of a state, and the value that a label stands for."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from chainrule.core.text import as_written
from chainrule.tables.intervals import interval_label, interval_of

__all__ = ["Kind", "label_of", "number_of", "value_of"]

Kind = Literal["integer", "number", "boolean", "text", "interval"]


def label_of(value: Any) -> str | None:
    """A value as text: whole floats lose their ``.0``; ``None``, NaN and their like have no label.

    >>> label_of(2.0), label_of(True), label_of("2.0"), label_of(float("nan"))
    ('2', 'True', '2.0', None)
    """
    if isinstance(value, str):
        return value
    of_numpy = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.size == 1)
    if of_numpy:
        value = value.item()
    if isinstance(value, float):
        return None if math.isnan(value) else str(int(value)) if value.is_integer() else str(value)
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    interval: Any = value
    if hasattr(interval, "left") and hasattr(interval, "closed"):  # of pandas
        return interval_label(interval.left, interval.right, interval.closed)
    try:
        return str(value)
    except (ValueError, RecursionError):  # a number of too many digits, a list nested too deeply
        return as_written(value)


def value_of(label: str, kind: Kind) -> Any:
    """The value that the state ``label`` of a variable of this kind stands for; an interval as (left, right).

    >>> value_of("2", "integer"), value_of("0.5", "number"), value_of("True", "boolean"), value_of("(1, 2]", "interval")
    (2, 0.5, True, (1.0, 2.0))
    """
    if kind == "integer":
        return int(label)
    if kind == "number":
        return float(label)
    if kind == "boolean":
        return label.lower() == "true"
    return interval_of(label) if kind == "interval" else label


def number_of(label: str) -> float | None:
    """The number that a text spells, or ``None``; Python's ``1_000`` is not what a data file means.

    >>> number_of(" 1e3"), number_of("1_000"), number_of("nan")
    (1000.0, None, None)
    """
    try:
        value = None if "_" in label else float(label)
    except ValueError:
        return None
    return None if value is None or math.isnan(value) else value
