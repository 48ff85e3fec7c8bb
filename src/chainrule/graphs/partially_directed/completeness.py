"""Is a partially directed graph the CPDAG of a class?  If not, which of its edges say too much or too little.

It is one exactly if it has a consistent extension and is the CPDAG of that (Andersson, Madigan and Perlman 1997 say the
same by properties of the graph alone).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from chainrule.core.records import to_plain

__all__ = ["CompletenessExplanation"]

_MOST_EDGES = 10  # that a text lists

Edge = tuple[str, str]


@dataclass(frozen=True)
class CompletenessExplanation:
    """Whether a graph is a CPDAG, and if not, why.

    ``without_extension`` says why no DAG extends it.  Else ``too_directed`` edges may go either way in the class, and
    ``too_open`` ones, undirected in the graph, are given as all members of the class have them.

    >>> from chainrule.graphs import PDAG
    >>> print(PDAG.parse("A -> B -- C; D -> E").explain_cpdag().text())
    not a CPDAG
      A -> B is directed, and the class has both ways
      D -> E is directed, and the class has both ways
    """

    is_cpdag: bool
    without_extension: str = ""
    too_directed: tuple[Edge, ...] = ()
    too_open: tuple[Edge, ...] = ()

    def text(self) -> str:
        """The verdict in the first line, then a reason in each line."""
        if self.is_cpdag:
            return "a CPDAG: its directed edges are those that all DAGs of its class share"
        reasons = [self.without_extension] if self.without_extension else []
        reasons += [f"{a} -> {b} is directed, and the class has both ways" for a, b in self.too_directed]
        reasons += [
            f"{a} -- {b} is undirected, and all of the class have {a} -> {b}" for a, b in self.too_open
        ]
        rest = [f"… and {len(reasons) - _MOST_EDGES:,} more"] if len(reasons) > _MOST_EDGES else []
        return "\n  ".join(["not a CPDAG", *reasons[:_MOST_EDGES], *rest])

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return to_plain(asdict(self))
