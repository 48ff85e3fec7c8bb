"""What a Bayesian network answers, with names: posteriors, most probable states, tables, costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError, UnknownNameError
from chainrule.core.records import to_plain
from chainrule.graphs.notation import probability_text
from chainrule.tables.schema import Schema, Variable

__all__ = ["ConditionalTable", "InferenceCost", "MostProbable", "Posterior", "impossible", "places"]

_MOST_LINES = 60
_MOST_SHOWN = 8  # names in a message
_FLOAT64 = 8  # bytes


@dataclass(frozen=True, eq=False)
class Posterior:
    """p(variables | evidence): ``probabilities`` has an axis for each of ``variables``, in their order.

    >>> p = Posterior(("rain",), (("no", "yes"),), np.array([0.25, 0.75]), {"grass": "wet"})
    >>> p.probability(rain="yes")
    0.75
    >>> print(p.text())
    P(rain | grass)  where grass=wet
      no   0.25
      yes  0.75
    """

    variables: tuple[str, ...]
    states: tuple[tuple[str, ...], ...]
    probabilities: NDArray[np.float64]
    evidence: dict[str, str]

    def probability(self, **assignment: Any) -> float:
        """The probability of these states; variables that are not named are summed out."""
        for name in assignment:
            if name not in self.variables:
                raise UnknownNameError.of("variable", name, list(self.variables))
        index = tuple(
            Variable(v, labels).code(assignment[v]) if v in assignment else slice(None)
            for v, labels in zip(self.variables, self.states, strict=True)
        )
        return float(self.probabilities[index].sum())

    def text(self) -> str:
        """One line for each combination of states."""
        head = probability_text(list(self.variables), list(self.evidence))
        if self.evidence:
            head += f"  where {_assignment_text(self.evidence)}"
        return "\n".join([head, *_table_lines(self.states, self.probabilities)])

    def to_plain(self) -> dict[str, Any]:
        """The posterior as plain data."""
        return to_plain(
            {
                "variables": dict(zip(self.variables, self.states, strict=True)),
                "evidence": self.evidence,
                "probabilities": self.probabilities,
            }
        )


@dataclass(frozen=True)
class MostProbable:
    """A most probable state of all variables given the evidence.

    ``assignment`` names a state for each variable, evidence included; ``log_prob`` is the log-probability in
    nats of that whole row.  ``unique`` is false where another row is as probable (within rounding).
    """

    assignment: dict[str, str]
    log_prob: float
    unique: bool
    evidence: dict[str, str]

    def text(self) -> str:
        """The states, and how probable they are together."""
        found = {v: s for v, s in self.assignment.items() if v not in self.evidence}
        tie = "" if self.unique else " (one of several that are equally probable)"
        given = f" given {_assignment_text(self.evidence)}" if self.evidence else ""
        return f"{_assignment_text(found)}{given}: log-probability {self.log_prob:.6g} nats{tie}"

    def to_plain(self) -> dict[str, Any]:
        """The answer as plain data."""
        return to_plain(
            {
                "assignment": self.assignment,
                "log_prob_nats": self.log_prob,
                "unique": self.unique,
                "evidence": self.evidence,
            }
        )


@dataclass(frozen=True, eq=False)
class ConditionalTable:
    """p(node | parents): ``probabilities`` has an axis for each parent, then one for the node.

    >>> print(ConditionalTable("b", ("a",), (("0", "1"), ("no", "yes")), np.array([[0.5, 0.5], [1, 0]])).text())
    P(b | a)  columns: no, yes
      0  0.5  0.5
      1    1    0
    """

    node: str
    parents: tuple[str, ...]
    states: tuple[tuple[str, ...], ...]
    probabilities: NDArray[np.float64]

    def text(self) -> str:
        """One line for each configuration of the parents."""
        head = f"{probability_text([self.node], list(self.parents))}  columns: {', '.join(self.states[-1])}"
        return "\n".join([head, *_table_lines(self.states[:-1], self.probabilities)])

    def to_plain(self) -> dict[str, Any]:
        """The table as plain data."""
        return to_plain(
            {
                "node": self.node,
                "parents": self.parents,
                "states": dict(zip((*self.parents, self.node), self.states, strict=True)),
                "probabilities": self.probabilities,
            }
        )


@dataclass(frozen=True)
class InferenceCost:
    """What an answer would take: ``order`` of elimination, its induced width, entries of its tables.

    The tables of one answer are held together, as logarithms in float64.
    """

    order: tuple[str, ...]
    induced_width: int
    largest_entries: int
    total_entries: int

    @property
    def largest_bytes(self) -> int:
        """Bytes of the largest table."""
        return _FLOAT64 * self.largest_entries

    @property
    def total_bytes(self) -> int:
        """Bytes of all tables; this is held against ``max_bytes``."""
        return _FLOAT64 * self.total_entries

    def text(self) -> str:
        """The figures in one line."""
        return (
            f"induced width {self.induced_width}; largest table {self.largest_entries:,} entries "
            f"({self.largest_bytes:,} bytes); all tables {self.total_entries:,} entries ({self.total_bytes:,} bytes)"
        )

    def to_plain(self) -> dict[str, Any]:
        """The figures as plain data."""
        return to_plain(
            {
                "order": self.order,
                "induced_width": self.induced_width,
                "largest_entries": self.largest_entries,
                "largest_bytes": self.largest_bytes,
                "total_entries": self.total_entries,
                "total_bytes": self.total_bytes,
            }
        )


def places(
    schema: Schema, names: Any, what: str = "variables", *, unknown_in: NDArray[np.integer[Any]] | None = None
) -> list[int]:
    """The places of variables that are asked for by name, each once; none of them may be known already.

    >>> places(Schema.of({"a": 2, "b": 2}), ["b", "a"]), places(Schema.of({"a": 2}), "a")
    ([1, 0], [0])
    """
    try:
        listed = [names] if isinstance(names, str) else list(names)
    except TypeError as e:
        raise InputError(f"{what} must be the name of a variable or a list of names; got {names!r}") from e
    found = [schema.index(name) for name in listed]
    if len(set(found)) < len(found) or (unknown_in is not None and not found):
        raise InputError(f"{what} must be named once each, and at least one; got {listed!r}")
    for name, v in zip(listed, found, strict=True):
        if unknown_in is not None and unknown_in[v] >= 0:
            raise InputError(f"{name!r} is asked for and is in the evidence; leave it out of one")
    return found


def impossible(what: str, known: Mapping[str, str]) -> InputError:
    """The error for states that cannot come together; ``what`` says which argument holds them.

    >>> print(impossible("evidence", {"rain": "no", "roof": "wet"}))
    evidence rain=no, roof=wet has probability zero under the model; leave some of it out, or fit with a \
pseudocount above 0
    """
    shown = [f"{v}={s}" for v, s in known.items()]
    more = f", … {len(shown)} in all" if len(shown) > _MOST_SHOWN else ""
    return InputError(
        f"{what} {', '.join(shown[:_MOST_SHOWN])}{more} has probability zero under the model; leave some of it "
        "out, or fit with a pseudocount above 0"
    )


def _assignment_text(assignment: dict[str, str]) -> str:
    return ", ".join(f"{v}={s}" for v, s in assignment.items())


def _table_lines(states: tuple[tuple[str, ...], ...], values: NDArray[np.float64]) -> Iterator[str]:
    """The labels of each configuration and its number or numbers, in columns."""
    n_rows = int(np.prod([len(s) for s in states], dtype=np.int64))
    rows = values.reshape(n_rows, -1)[:_MOST_LINES]
    cells = [[f"{p:.6g}" for p in row] for row in rows]
    label_widths = [max(map(len, s)) for s in states]
    width = max(len(c) for row in cells for c in row)
    for labels, row in zip(product(*states), cells, strict=False):
        shown = [label.ljust(w) for label, w in zip(labels, label_widths, strict=True)]
        yield "  " + "  ".join([*shown, *(c.rjust(width) for c in row)])
    if n_rows > _MOST_LINES:
        yield f"  … {n_rows:,} lines in all"
