"""From the cells of a column to the codes of a variable's states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.errors import UnknownNameError
from chainrule.core.shapes import Integer
from chainrule.tables.bins import bin_of
from chainrule.tables.columns import Column
from chainrule.tables.missing import MISSING
from chainrule.tables.problems import Problem
from chainrule.tables.schema import Variable

__all__ = ["Coded", "code_type", "column_codes", "unseen_problem"]


class Coded(NamedTuple):
    """Codes (n,), and the first row whose category is unseen where that is an error."""

    codes: Integer[np.ndarray, " n"]
    unseen: int | None


def code_type(sizes: Sequence[int]) -> type[np.integer[Any]]:
    """A type for codes of variables with so many states, -1 and one more."""
    return np.int16 if max(sizes) < 2**15 - 1 else np.int32


def column_codes(column: Column, variable: Variable, *, minus_one_is_missing: bool = False) -> Coded:
    """The codes of a column's cells by the states, cuts and policies of ``variable``.

    >>> column = Column(["no", "yes", "maybe"], np.array([0, 2, -1]), "text")
    >>> column_codes(column, Variable("wet", ("no", "yes"), unseen="missing")).codes.tolist()
    [0, -1, -1]
    """
    if len(column.distinct) == variable.size and list(variable.states) == column.labels:
        return Coded(column.indices, None)
    unknown = variable.size
    instead = {"missing": MISSING, "most_frequent": variable.usual}.get(variable.unseen)
    recode = _places(column, variable)
    if minus_one_is_missing:
        recode = [
            MISSING if k is None and t == "-1" else k for k, t in zip(recode, column.labels, strict=True)
        ]
    unseen = unknown if instead is None else instead
    table = np.array([*(unseen if k is None else k for k in recode), MISSING], code_type([unknown + 1]))
    codes = table[column.indices.astype(np.intp, copy=False)]
    if None not in recode or instead is not None:
        return Coded(codes, None)
    bad = np.flatnonzero(codes == unknown)
    return Coded(codes, int(bad[0]) if bad.size else None)


def unseen_problem(column: Column, variable: Variable, row: int, place: str) -> Problem:
    """The category in ``row`` that is none of the variable's states.

    >>> column = Column(["yse"], np.array([0]), "text")
    >>> print(unseen_problem(column, Variable("wet", ("no", "yes")), 0, "line 7").reason)
    line 7, column 'wet': there is no category 'yse'; did you mean 'yes'? (known: no, yes)
    """
    label = column.labels[int(column.indices[row])]
    reason = UnknownNameError.of("category", label, list(variable.states))
    return Problem(variable.name, f"{place}, column {variable.name!r}: {reason}", ("unseen",))


def _places(column: Column, variable: Variable) -> list[int | None]:
    """The code of each distinct value, -1 for one that means missing, ``None`` for one that is no state."""
    numbers = column.numbers if variable.cuts is not None else None
    if numbers is None or variable.cuts is None:
        return [variable.find(label, in_file=column.in_file) for label in column.labels]
    bins: list[int | None] = list(bin_of(numbers, variable.cuts).tolist())
    if column.kind == "text":  # a text may be a label, or mean missing, though it spells a number
        special = {*variable.states, *(variable.missing or ())}
        for i, label in enumerate(column.labels):
            if np.isnan(numbers[i]) or label in special or label.strip() in special:
                bins[i] = variable.find(label, in_file=column.in_file)
    return bins
