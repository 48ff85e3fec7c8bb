"""What PC found, as a record that reads well: the graph, and for each pair of columns the test that decided."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from chainrule.core.checks import check_integer
from chainrule.core.records import to_plain
from chainrule.evaluate.independence_report import TEST_NAMES, IndependenceTest, Statistic, listed, p_text
from chainrule.graphs import PDAG
from chainrule.graphs.notation import set_text
from chainrule.tables.showing import text_table

__all__ = ["KeptEdge", "PCResult"]


@dataclass(frozen=True)
class KeptEdge:
    """An edge that no test took out.

    ``p_value`` is the largest of its tests, found ``given`` that set: what came nearest to taking it out; ``None``
    where no test could tell.  ``n_untestable`` of its ``n_tests`` could not.  A ``required`` edge is not tested.
    """

    x: str
    y: str
    p_value: float | None
    given: tuple[str, ...]
    n_tests: int
    n_untestable: int
    required: bool = False

    @property
    def is_untested(self) -> bool:
        """Whether it stays only because no test could tell."""
        return self.p_value is None and not self.required


@dataclass(frozen=True)
class PCResult:
    """The graph ``pdag``; the ``kept`` edges; for each pair without an edge the test that took it out.

    ``removed`` tests hold the separating set (``given``) and its p value.  ``barred`` pairs have no edge by what was
    known ahead.  ``untestable`` are all tests that could not tell, with their reasons: they take no edge out.
    ``conflicts`` say where tests contradict each other or what was known.  ``constant`` columns have one value in these
    rows: nothing about them can be tested, and no edge is drawn to them.  ``max_given`` is the size of the largest sets
    that were allowed, ``largest_given`` of those that were tried.
    """

    pdag: PDAG
    kept: tuple[KeptEdge, ...]
    removed: tuple[IndependenceTest, ...]
    barred: tuple[tuple[str, str], ...]
    untestable: tuple[IndependenceTest, ...]
    conflicts: tuple[str, ...]
    constant: tuple[str, ...]
    test: Statistic
    alpha: float
    n_rows: int
    n_tests: int
    largest_given: int
    max_given: int | None

    def text(self, *, most: int = 10) -> str:
        """The edges in a table, then what the rows could not tell; at most ``most`` of each further list."""
        most = check_integer(most, "most", least=0)
        lines = [self._edges_table()]
        if self.constant:
            lines.append(f"one value in these rows, so nothing was tested: {', '.join(self.constant)}")
        nearest = sorted(self.removed, key=lambda t: (t.p_value or 0.0, t.x, t.y))
        lines += listed(
            f"{len(self.removed):,} pairs have no edge; the least clear",
            [_removed_text(t) for t in nearest],
            most,
        )
        lines += listed("no edge, by what is known ahead", [f"{a} -- {b}" for a, b in self.barred], most)
        reasons = Counter(t.reason for t in self.untestable)
        lines += listed(
            f"{len(self.untestable):,} of {self.n_tests:,} tests could not tell, and took no edge out",
            [f"{n:,}: {reason}" for reason, n in reasons.most_common()],
            most,
        )
        untested = [f"{e.x} -- {e.y}" for e in self.kept if e.is_untested]
        lines += listed("edges that stay since no test of theirs could tell", untested, most)
        lines += listed("tests contradict each other", list(self.conflicts), most)
        return "\n".join([*lines, self._class_text()])

    def _edges_table(self) -> str:
        limit = "" if self.max_given is None else f" (at most {self.max_given})"
        headline = (
            f"{self.pdag.n_edges} edges between {len(self.pdag)} columns, {len(self.pdag.directed)} of them directed, "
            f"by PC: {TEST_NAMES[self.test]} on {self.n_rows:,} rows, alpha {self.alpha:g}, {self.n_tests:,} tests "
            f"given up to {self.largest_given} columns{limit}"
        )
        ways = {frozenset(edge): f"{edge[0]} -> {edge[1]}" for edge in self.pdag.directed}
        head = ["edge", "largest p", "given", "tests", "untestable"]
        rows = []
        for e in self.kept:
            p = "required" if e.required else "none" if e.p_value is None else p_text(e.p_value)
            edge = ways.get(frozenset((e.x, e.y)), f"{e.x} -- {e.y}")
            rows.append([edge, p, set_text(e.given), f"{e.n_tests:,}", f"{e.n_untestable:,}"])
        return text_table(headline, head, rows) if rows else headline

    def _class_text(self) -> str:
        why = self.pdag.explain_cpdag()
        if why.without_extension:
            return f"{why.without_extension} (tests that err contradict each other)"
        if why.is_cpdag:
            return "a CPDAG: rows cannot tell the DAGs of its class apart"
        return "arrows beyond those of a CPDAG come from what is known ahead, or from tests that err"

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        plain = asdict(self) | {
            "pdag": {
                "nodes": list(self.pdag.nodes),
                "directed": [list(edge) for edge in self.pdag.directed],
                "undirected": [list(edge) for edge in self.pdag.undirected],
            },
            "kept": [asdict(e) | {"untested": e.is_untested} for e in self.kept],
            "is_cpdag": self.pdag.is_cpdag(),
        }
        return to_plain(plain)


def _removed_text(t: IndependenceTest) -> str:
    given = f" given {set_text(t.given)}" if t.given else ""
    return f"{t.x[0]}, {t.y[0]}{given}: p {p_text(t.p_value or 0.0)}"
