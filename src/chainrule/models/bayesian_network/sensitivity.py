"""How an answer of a network depends on each entry of its tables.

Let one entry, now θ, be t, and the other entries of its row keep their proportions (*proportional co-variation*): they
become (1 - t) θ_j / (1 - θ), or share 1 - t evenly where θ is 1.  Then p(answer, evidence) and p(evidence) are linear
in t, so

    P(answer | evidence)(t) = (a + b t) / (c + d t)      (Castillo, Gutiérrez and Hadi 1997)

with coefficients that follow from the derivatives of both (Darwiche 2003).  They are divided by p(evidence), so that
c + d t is 1 at the present value, where the derivative is b c - a d.  With new marginals (Jeffrey's rule) the answer is
put together from such terms, one for each joint state of the variables that have them (``term_weights``).  A change
multiplies the odds of no event by more than exp |log-odds of t - log-odds of θ| (Chan and Darwiche 2002): that is how
large it is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_integer, check_real
from chainrule.core.errors import InputError
from chainrule.core.records import to_plain
from chainrule.core.text import as_written
from chainrule.models.bayesian_network.term_weights import TermWeights
from chainrule.models.shared.posterior import assignment_text, soft_texts
from chainrule.tables.schema import Schema

__all__ = ["EntryChange", "EntrySensitivity", "Sensitivity", "lines_along"]

Numbers = NDArray[np.float64]
Term = tuple[float, float, float, float]  # a, b, c, d

_MOST_LINES = 10


@dataclass(frozen=True)
class EntrySensitivity:
    """The answer as a function of the entry t = ``p(node = state | parents)``, now ``value``; ``derivative`` is there.

    It is (a + b t) / (c + d t) with the numbers of the only one of ``terms``, or several such terms by ``weights``.

    >>> entry = EntrySensitivity("x", "yes", {}, 0.2, 1.35, ((0.0, 1.5, 0.9, 0.5),))
    >>> round(entry.at(0.2), 3), round(entry.needed(0.6), 3)
    (0.3, 0.45)
    """

    node: str
    state: str
    parents: dict[str, str]
    value: float
    derivative: float
    terms: tuple[Term, ...]
    weights: TermWeights = field(default_factory=TermWeights)

    def at(self, t: float) -> float:
        """The answer where the entry is ``t`` in [0, 1]; NaN where what is known would be impossible."""
        a, b, c, d = np.array(self.terms).T
        return float(np.clip(self.weights.mean(a + b * t, np.maximum(c + d * t, 0.0)), 0.0, 1.0))

    def needed(self, wanted: float) -> float | None:
        """The value of the entry at which the answer is ``wanted``; ``None`` where no value in [0, 1] makes it so.

        Of several, that with the least change of log-odds.
        """
        roots = self.weights.roots(np.array(self.terms), wanted)
        found = [t for t in roots if not np.isnan(self.at(t))]
        return min(found, key=self.change, default=None)

    def change(self, t: float) -> float:
        """By how much the log-odds of the entry move from its present value to ``t``."""
        return abs(_log_odds(t) - _log_odds(self.value)) if t != self.value else 0.0

    def name(self) -> str:
        """``P(node=state | parents)``."""
        given = f" | {assignment_text(self.parents)}" if self.parents else ""
        return f"P({self.node}={self.state}{given})"

    def to_plain(self) -> dict[str, Any]:
        """The function as plain data."""
        plain = [dict(zip("abcd", term, strict=True)) for term in self.terms]
        return to_plain(
            {
                "node": self.node,
                "state": self.state,
                "parents": self.parents,
                "value": self.value,
                "derivative": self.derivative,
                "coefficients": plain if self.weights.marginals else plain[0],
            }
        )


@dataclass(frozen=True)
class EntryChange:
    """To set ``entry`` to ``value`` makes the answer what is wanted; ``log_odds`` is by how much that moves it."""

    entry: EntrySensitivity
    value: float
    log_odds: float

    def to_plain(self) -> dict[str, Any]:
        """The change as plain data."""
        return to_plain({**self.entry.to_plain(), "needed": self.value, "change_of_log_odds": self.log_odds})


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """``probability`` is P(answer | evidence); ``functions[node]`` (table's shape, T, 4) has a, b, c, d of each entry.

    There are T terms, which ``weights`` puts together; T is 1 without new marginals.  ``parts`` and ``masses`` (T,) are
    what a + b t and c + d t are now: p(answer, v | evidence) and p(v | evidence).  ``derivatives[node]``, as the table
    is, are those of ``probability``.  Nodes that are left out, and those that were set by do(), have no influence.
    ``tables`` are those of the network.
    """

    answer: dict[str, str]
    evidence: dict[str, str]
    probability: float
    functions: dict[str, Numbers]
    derivatives: dict[str, Numbers]
    tables: dict[str, Numbers]
    parents: dict[str, tuple[str, ...]]
    nodes: Schema
    parts: Numbers
    masses: Numbers
    weights: TermWeights = field(default_factory=TermWeights)
    likelihood: dict[str, dict[str, float]] = field(default_factory=dict)
    jeffrey: dict[str, dict[str, float]] = field(default_factory=dict)

    def entry(self, node: str, state: Any, parents: Mapping[str, Any] | None = None) -> EntrySensitivity:
        """The function of one entry: ``node`` in ``state``, given a state of each of its parents."""
        given = {} if parents is None else parents
        self.nodes.index(node)
        family = (*self.parents[node], node)
        if not isinstance(given, Mapping) or set(given) != set(self.parents[node]):
            raise InputError(
                f"an entry of the table of {node!r} is named by a state of each of its parents "
                f"({', '.join(self.parents[node]) or 'it has none'}); got {as_written(given)}"
            )
        return self._entry(node, tuple(self.nodes[v].code({**given, node: state}[v]) for v in family))

    def ranked(self, limit: int | None = None) -> list[EntrySensitivity]:
        """The entries that have an influence, largest absolute derivative first, at most ``limit``.

        Where a node has two states, the entries of a row mirror each other, and that of the second one is listed.
        """
        listed: list[tuple[float, str, int]] = []
        for node, table in self.derivatives.items():
            size = np.abs(table).ravel()
            if table.shape[-1] == 2:
                size[::2] = 0.0
            listed += [(-size[i], node, int(i)) for i in np.flatnonzero(size > _NOTHING)]
        listed.sort(key=lambda one: one[0])  # stable: equals stay in the order of nodes and entries
        most = len(listed) if limit is None else check_integer(limit, "limit")
        return [
            self._entry(node, tuple(map(int, np.unravel_index(i, self.tables[node].shape))))
            for _, node, i in listed[:most]
        ]

    def changes(self, wanted: float, limit: int | None = None) -> list[EntryChange]:
        """Changes of one entry that make the answer ``wanted``, the smallest first; log-odds tell how large they are.

        Empty where no single entry can.
        """
        p = check_real(wanted, "wanted")
        if p > 1:
            raise InputError(f"wanted must be a probability, from 0 to 1; got {as_written(wanted)}")
        found = [
            EntryChange(entry, t, entry.change(t))
            for entry in self.ranked()
            if (t := entry.needed(p)) is not None
        ]
        found.sort(key=lambda change: change.log_odds)
        return found if limit is None else found[: check_integer(limit, "limit")]

    def text(self, limit: int = _MOST_LINES) -> str:
        """The answer, and the entries on which it depends most."""
        entries = self.ranked()
        head = f"{self._question()} = {self.probability:.6g}"
        if not entries:
            return f"{head}; no single entry of a table changes it"
        few = entries[: check_integer(limit, "limit")]
        rows = [("table entry", "value", "derivative", "answer as it goes from 0 to 1")]
        rows += [
            (
                e.name(),
                f"{e.value:.6g}",
                f"{e.derivative:+.4g}",
                f"{_shown(e.at(0.0))} to {_shown(e.at(1.0))}",
            )
            for e in few
        ]
        return "\n".join(
            [f"{head}; table entries that change it: {len(entries):,}, most of all", *_columns(rows)]
        )

    def changes_text(self, wanted: float, limit: int = _MOST_LINES) -> str:
        """The smallest changes of one entry that make the answer ``wanted``."""
        found = self.changes(wanted)
        if not found:
            return f"no change of a single table entry makes {self._question()} = {wanted:g}"
        rows = [("table entry", "value", "needed", "change of log-odds")]
        rows += [
            (c.entry.name(), f"{c.entry.value:.6g}", f"{c.value:.6g}", f"{c.log_odds:.4g}")
            for c in found[: check_integer(limit, "limit")]
        ]
        head = f"single entries that can make {self._question()} = {wanted:g}: {len(found):,}, the least moved first"
        return "\n".join([head, *_columns(rows)])

    def to_plain(self, limit: int | None = None) -> dict[str, Any]:
        """The answer and the entries with an influence, largest first, as plain data."""
        return to_plain(
            {
                "answer": self.answer,
                "evidence": self.evidence,
                "likelihood": self.likelihood,
                "jeffrey": self.jeffrey,
                "probability": self.probability,
                "entries": [entry.to_plain() for entry in self.ranked(limit)],
            }
        )

    def _question(self) -> str:
        known = [assignment_text(self.evidence)] if self.evidence else []
        known += soft_texts("likelihood", self.likelihood) + soft_texts("jeffrey", self.jeffrey)
        return f"P({assignment_text(self.answer)}{' | ' if known else ''}{', '.join(known)})"

    def _entry(self, node: str, index: tuple[int, ...]) -> EntrySensitivity:
        family = (*self.parents[node], node)
        labels = {v: self.nodes[v].states[k] for v, k in zip(family, index, strict=True)}
        state = labels.pop(node)
        value, slope = float(self.tables[node][index]), 0.0
        terms = np.stack([self.parts, 0 * self.parts, self.masses, 0 * self.masses], axis=-1)
        if node in self.functions:
            terms, slope = self.functions[node][index], float(self.derivatives[node][index])
        listed: Any = tuple(map(tuple, terms.tolist()))
        return EntrySensitivity(node, state, labels, value, slope, listed, self.weights)


_NOTHING = 1e-12  # a derivative within rounding of 0


def lines_along(table: Numbers, gradient: Numbers) -> Numbers:
    """The line of a value along each entry (table's shape, 2): where it begins, how steep it is; by its derivatives."""
    k = table.shape[-1]
    of_rows = (table * gradient).sum(axis=-1)  # they sum to the value: each event uses one row of the table
    rest = _without_each(of_rows.ravel()).reshape(*of_rows.shape, 1)
    others = _without_each(table)
    kept = np.divide(_without_each(table * gradient), others, out=np.zeros_like(table), where=others > 0)
    even = _without_each(gradient) / max(k - 1, 1)
    moved = np.where(others > 0, kept, even)  # the derivative along the others' proportions
    return np.stack([rest + moved, gradient - moved], axis=-1)


def _without_each(values: Numbers) -> Numbers:
    """The sum along the last axis without each entry itself, and without subtracting it.

    >>> _without_each(np.array([1.0, 2.0, 4.0])).tolist()
    [6.0, 5.0, 3.0]
    """
    zero = np.zeros_like(values[..., :1])
    before = np.concatenate([zero, np.cumsum(values[..., :-1], axis=-1)], axis=-1)
    after = np.concatenate([zero, np.cumsum(values[..., :0:-1], axis=-1)], axis=-1)[..., ::-1]
    return before + after


def _log_odds(p: float) -> float:
    with np.errstate(divide="ignore"):
        return float(np.log(p) - np.log1p(-p))


def _shown(p: float) -> str:
    return "impossible evidence" if np.isnan(p) else f"{p:.4g}"


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
