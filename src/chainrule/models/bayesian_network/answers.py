"""What a Bayesian network answers, with names: posteriors, most probable states, tables, costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.records import to_plain
from chainrule.graphs.notation import probability_text
from chainrule.models.shared.posterior import assignment_text, table_lines

__all__ = ["ConditionalTable", "InferenceCost", "MostProbable"]

_FLOAT64 = 8  # bytes


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
        given = f" given {assignment_text(self.evidence)}" if self.evidence else ""
        return f"{assignment_text(found)}{given}: log-probability {self.log_prob:.6g} nats{tie}"

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
        return "\n".join([head, *table_lines(self.states[:-1], self.probabilities)])

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

    Tables are formed block by block; what is held of one answer, messages in float64, takes no more than all of them.
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
