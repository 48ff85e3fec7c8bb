"""Columns that can be read and look like a mistake: said to people, never a reason to refuse.

A text such as ``?`` among numbers, or in a column of a text file, often means "not known".  A column with few rows for
each of its many states is often an identifier, a date or a measurement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from chainrule.tables.problems import Problem
from chainrule.tables.schema import Variable
from chainrule.tables.table import Table
from chainrule.tables.values import number_of

__all__ = ["doubts_of", "odd_texts"]

_NOT_KNOWN = ("?", "#N/A", "#NV", "N.A.", "n.a.")  # in any column of a text file
_NOT_A_NUMBER = (*_NOT_KNOWN, "-", "--", ".", "*")  # in a column of numbers
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?(?:[T ].*)?|\d\d?[./]\d\d?[./]\d{2,4}(?: .*)?")
_MANY = 30  # states, from which on rows for each are counted
_FEW_ROWS = 10  # for each state of a text
_FEW_NUMBERS = 50  # for each number
_MONTHS = 12  # dates of so many days are states like others


def doubts_of(table: Table, settings: Mapping[str, Any]) -> list[Problem]:
    """What is odd about columns that no setting of the user names, each with the setting that would mend it.

    >>> rows = {"id": list(range(60)), "wet": ["no", "yes"] * 30}
    >>> print(doubts_of(Table.read(rows), {})[0].text())
    column 'id' has another number in almost every row; is it an identifier?: ignore=['id']
    """
    named = _named(settings)
    found = [_doubt(v, table) for v in table.schema.variables if v.name not in named and v.cuts is None]
    return [p for p in found if p is not None]


def odd_texts(X: Any, settings: Mapping[str, Any]) -> list[Problem]:
    """The texts of a file that seem to mean missing, by column, also where the columns cannot be states."""
    counts = Table.counts(X, **{k: v for k, v in settings.items() if k != "weights"})
    found = [_odd_text(name, [str(v) for v in c.counts]) for name, c in counts.columns.items()]
    return [p for p in found if p is not None]


def _doubt(variable: Variable, table: Table) -> Problem | None:
    if variable.dtype == "text" and (odd := _odd_text(variable.name, variable.states)):
        return odd
    name, size = variable.name, variable.size
    if variable.dtype not in (None, "text") and "dictionary" in variable.dtype:
        return None
    dates = sum(_DATE.fullmatch(s.strip()) is not None for s in variable.states)
    if size > _MONTHS and dates > size / 2:
        return Problem(name, f"holds {size} dates; keep the month, or leave it out", ("ignore",), size)
    if 2 * sum(_DECIMAL_COMMA.fullmatch(s.strip()) is not None for s in variable.states) > size:
        reason = "holds decimal commas, so its numbers are read as texts; write points, or leave it out"
        return Problem(name, reason, ("ignore",), size)
    if size <= _MANY:
        return None
    n_known = int(np.count_nonzero(table.column(name) >= 0)) if not table.is_complete else table.n_rows
    numeric = variable.kind in ("integer", "number")
    if size > 0.8 * n_known:
        what = "number" if numeric else "text"
        reason = f"has another {what} in almost every row; is it an identifier?"
        return Problem(name, reason, ("ignore",), size)
    if n_known < size * (_FEW_NUMBERS if numeric else _FEW_ROWS):
        reason = (
            f"has {size} {'numbers' if numeric else 'categories'}, about {n_known / size:.0f} rows for each"
        )
        return Problem(name, reason, ("bins", "ignore") if numeric else ("ignore",), size)
    return None


def _odd_text(name: str, states: Iterable[str]) -> Problem | None:
    texts = list(states)
    others = [t for t in texts if t not in _NOT_A_NUMBER]
    numeric = bool(others) and all(number_of(t) is not None for t in others)
    odd = [t for t in texts if t in (_NOT_A_NUMBER if numeric else _NOT_KNOWN)]
    if not odd or not others:
        return None
    shown = ", ".join(map(repr, odd))
    reason = f"holds {shown}{' among numbers' if numeric else ''}, which often means missing"
    return Problem(name, reason, ("missing",), texts=tuple(odd))


def _named(settings: Mapping[str, Any]) -> set[str]:
    """The columns that the user has decided about."""
    found: set[str] = set()
    for setting in ("bins", "ordinal", "schema", "columns"):
        value = settings.get(setting) or ()
        found |= {value} if isinstance(value, str) else set(map(str, value))
    return found
