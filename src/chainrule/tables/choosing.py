"""Which variable a column is, by what occurs in it: its states in order, or what keeps it from being one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from chainrule.tables.bins import BinRule, bin_labels
from chainrule.tables.column_counts import ColumnCounts
from chainrule.tables.intervals import interval_of
from chainrule.tables.missing import MISSING_TEXTS, missing_in
from chainrule.tables.problems import Problem
from chainrule.tables.schema import Schema, Variable
from chainrule.tables.settings import Reading
from chainrule.tables.values import Kind, label_of, number_of

__all__ = ["variable_of"]

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?")  # not 007, which is a name
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?(?:[T ].*)?|\d\d?[./]\d\d?[./]\d{2,4}(?: .*)?")


def variable_of(
    found: ColumnCounts, reading: Reading, *, as_codes: bool, label: int | None
) -> Variable | Problem:
    """The variable that a column is, with how its later cells are read and given back."""
    name = found.name
    if found.problem is not None and not (found.kind is None and name in reading.schema):
        return found.problem
    chosen = _states(found, reading, as_codes)
    if isinstance(chosen, Problem):
        return chosen
    missing, in_file = missing_in(name, reading.missing), found.column.in_file
    if missing is None:
        missing = chosen.missing if chosen.missing is not None else MISSING_TEXTS if in_file else None
    if as_codes:
        missing = (*(missing or ()), "-1")
    unseen = reading.unseen_in(name)
    unseen = chosen.unseen if unseen == "error" else unseen
    done = Variable(  # not by ``replace``, which takes as long as all the rest where there are 40,000 columns
        chosen.name,
        chosen.states,
        chosen.kind,
        chosen.ordered,
        chosen.cuts,
        closed=chosen.closed if chosen.cuts is not None else found.column.closed,
        missing=missing,
        strip=chosen.strip if reading.strip is None else reading.strip,
        unseen=unseen,
        usual=chosen.usual,
        dtype=found.column.dtype,
        label=label,
    )
    usual = _most_frequent(found, done) if unseen == "most_frequent" else None
    return done if usual is None else replace(done, usual=usual)


def _states(found: ColumnCounts, reading: Reading, as_codes: bool) -> Variable | Problem:
    """Which states a column has: those that are stated, bins, or what occurs, in its order."""
    name = found.name
    kind = found.kind or "text"
    if name in reading.bins:
        return _binned(found, reading.bins[name])
    if name in reading.schema:
        stated = reading.schema[name]
        return replace(
            stated,
            name=name,
            kind=_kind_of_stated(stated, kind),
            ordered=stated.ordered or name in reading.ordinal,
        )
    listed = reading.ordinal.get(name)
    if listed is not None:
        return Variable(name, listed, _kind_of_stated(Variable(name, listed), kind), True)
    if problem := _unfit(found, reading.max_states):
        return problem
    ordered = name in reading.ordinal or found.column.ordered
    if found.column.declared:
        labels = tuple(label_of(value) or "" for value in found.counts)
        return Variable(name, labels, kind, ordered)
    if as_codes and (top := _largest_code(found)) is not None and top < reading.max_states:
        return Variable(name, Schema.of({name: max(2, top + 1)})[name].states, "integer", ordered)
    states = _in_order(found)
    if kind == "text" and found.column.in_file:
        kind = _text_kind(states)
    return Variable(name, _both_truths(states) if kind == "boolean" else states, kind, ordered)


def _in_order(found: ColumnCounts) -> tuple[str, ...]:
    """The labels that occur: numbers (also as text) by value, texts by character."""
    if found.kind == "integer":
        return tuple(map(str, sorted(found.counts)))
    labels = list(dict.fromkeys(label_of(value) or "" for value in found.counts))
    if found.kind == "interval":
        return tuple(sorted(labels, key=lambda label: interval_of(label) or (0.0, 0.0)))
    numbers = {label: number_of(label) for label in labels}
    if all(x is not None for x in numbers.values()):
        return tuple(sorted(labels, key=lambda label: (numbers[label], label)))
    return tuple(sorted(labels))


def _unfit(found: ColumnCounts, most: int) -> Problem | None:
    """Why the values that occur make no states, if they do not."""
    name = found.name
    if found.column.declared:
        return (
            None if found.counts else Problem(name, "has no states (no value is given)", ("schema", "ignore"))
        )
    if not found.counts:
        return Problem(name, "has no states (no value is given)", ("schema", "ignore"))
    size = len(found.counts)
    shown = f"more than {size:,}" if found.full else f"{size:,}"
    values = list(found.counts)
    numbers = [number_of(v) for v in values] if found.kind == "text" else values
    numeric = found.kind in ("integer", "number") or (found.column.in_file and None not in numbers)
    if numeric and found.kind != "integer":
        fraction = next(
            (v for v, x in zip(values, numbers, strict=True) if not float(x or 0).is_integer()), None
        )
        if fraction is not None:
            return Problem(name, f"looks continuous (it holds {fraction})", ("bins", "ignore"))
    if size <= most:
        return None
    unique = size == found.n_present > 1
    reason = f"has {shown} categories, more than {most:,}"
    if numeric:
        settings = ("ignore", "bins") if unique or found.full else ("bins", "max_states", "ignore")
        return Problem(name, f"{reason}; is it a measurement or a number of rows?", settings, size)
    texts = [v for v in values if isinstance(v, str)]
    if sum(_DATE.fullmatch(t.strip()) is not None for t in texts) > len(texts) / 2:
        return Problem(
            name,
            f"{reason}; it holds dates, such as {texts[0]!r}: keep the month, or leave it out",
            ("ignore",),
        )
    if (commas := sum(_DECIMAL_COMMA.fullmatch(t.strip()) is not None for t in texts)) and 2 * commas > len(
        texts
    ):
        return Problem(
            name,
            f"{reason}; it holds decimal commas, such as {texts[0]!r}: write points, or leave it out",
            ("ignore",),
        )
    if sum(map(len, texts)) > 40 * len(texts):
        return Problem(name, f"{reason}; it looks like free text", ("ignore",), size)
    if unique or found.full:
        return Problem(name, f"{reason}; is it an identifier?", ("ignore",), size)
    return Problem(name, reason, ("max_states", "ignore"), size)


def _binned(found: ColumnCounts, rule: BinRule) -> Variable | Problem:
    if found.kind not in ("integer", "number", "text", None):
        return Problem(found.name, f"is to be cut into bins, but it holds {found.kind} values", ("ignore",))
    numbers = {v: number_of(v) if found.kind == "text" else float(v) for v in found.counts}
    if (word := next((v for v, x in numbers.items() if x is None), None)) is not None:
        reason = f"is to be cut into bins, but it holds {word!r}, which is no number"
        return Problem(found.name, reason, ("missing", "ignore"), texts=(word,))
    if not numbers and rule.cuts is None:
        return Problem(found.name, "has no states (no value is given)", ("schema", "ignore"))
    values = np.array(list(numbers.values()), np.float64)
    values, place = np.unique(values, return_inverse=True)  # texts may spell a number in two ways
    cuts = rule.cut(values, np.bincount(place, list(found.counts.values())).astype(np.int64))
    return Variable(found.name, bin_labels(cuts), "interval", True, cuts)


def _kind_of_stated(stated: Variable, kind: Kind) -> Kind:
    """The kind of stated states: that of the column, where they all are of it."""
    if stated.kind != "text":
        return stated.kind
    numbers = [number_of(label) for label in stated.states]
    if kind == "integer" and all(x is not None and x.is_integer() for x in numbers):
        return "integer"
    if kind == "number" and None not in numbers:
        return "number"
    return "boolean" if kind == "boolean" and set(stated.states) <= {"False", "True"} else "text"


def _text_kind(labels: Iterable[str]) -> Kind:
    """What the texts of a file are: truth values and numbers where they are written as such, else texts.

    >>> _text_kind(["1", "-2"]), _text_kind(["1.0", "2"]), _text_kind(["01", "2"]), _text_kind(["TRUE"])
    ('integer', 'number', 'text', 'boolean')
    """
    texts = list(labels)
    if {text.lower() for text in texts} <= {"true", "false"}:
        return "boolean"
    if not all(_NUMBER.fullmatch(text) for text in texts) or len(set(map(float, texts))) < len(texts):
        return "text"
    return "number" if any("." in text for text in texts) else "integer"


def _both_truths(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Truth values in order, written as they are, also where only one occurs.

    >>> _both_truths(("TRUE",)), _both_truths(("no", "yes"))
    (('FALSE', 'TRUE'), ('no', 'yes'))
    """
    for both in (("False", "True"), ("false", "true"), ("FALSE", "TRUE")):
        if set(labels) <= set(both):
            return both
    return labels


def _largest_code(found: ColumnCounts) -> int | None:
    """The largest value where all are codes, else ``None``; -1 is missing."""
    numbers = [number_of(str(v)) for v in found.counts]
    if any(x is None or not x.is_integer() or x < -1 for x in numbers):
        return None
    return int(max((x for x in numbers if x is not None), default=0))


def _most_frequent(found: ColumnCounts, variable: Variable) -> int | None:
    totals: dict[int, int] = {}
    for value, n in found.counts.items():
        code = variable.find(label_of(value) or "", in_file=found.column.in_file)
        if code is not None and code >= 0:
            totals[code] = totals.get(code, 0) + n
    return min(totals, key=lambda code: (-totals[code], code)) if totals else None
