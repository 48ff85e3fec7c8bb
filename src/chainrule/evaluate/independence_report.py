"""What tests of independence found, as plain records that read well."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from chainrule.core.checks import check_integer
from chainrule.core.choices import check_choice
from chainrule.core.records import to_plain
from chainrule.evaluate.corrections import Correction
from chainrule.graphs.independencies import Independence, Kind

__all__ = [
    "TEST_NAMES",
    "BlamedPair",
    "IndependenceReport",
    "IndependenceTest",
    "Statistic",
    "Verdict",
    "listed",
    "p_text",
]

Statistic = Literal["g", "chi2", "permutation"]
Verdict = Literal["consistent", "contradicted", "untestable"]

TEST_NAMES = {"g": "G test", "chi2": "χ² test", "permutation": "permutation test"}
_CORRECTIONS = {"holm": "Holm", "bh": "Benjamini-Hochberg", None: "uncorrected"}
_HONEST = (
    "A contradicted statement says that the two depend on each other beyond what the graph allows: by an edge "
    "that is missing, by a common cause that nobody measured, or because an edge elsewhere is wrong, so that "
    "the given variables do not separate them."
)


@dataclass(frozen=True)
class IndependenceTest:
    """The test of one statement "x is independent of y, given a set" on the rows that have all its values.

    ``n`` rows were tested, in ``n_strata`` strata; ``n_missing`` rows lack a value; ``n_sparse`` rows lie in
    strata with too few rows for the approximation and were left out.  ``statistic`` is G or χ² (G for a
    permutation test), summed over the strata, ``dof`` its degrees of freedom, and ``dof_by_stratum`` where they
    come from: pairs (degrees of freedom of one stratum, number of strata that have so many).  ``cmi_nats``
    is the effect size: the conditional mutual information of the tested rows, of which G is 2 n times.  It is
    above zero by chance alone; ``excess_nats`` takes off what independent variables would show on average.
    ``p_value`` and ``p_corrected`` are ``None`` where the statement is untestable.
    """

    x: tuple[str, ...]
    y: tuple[str, ...]
    given: tuple[str, ...]
    test: Statistic
    n: int = 0
    n_missing: int = 0
    n_sparse: int = 0
    n_strata: int = 0
    statistic: float = 0.0
    dof: int = 0
    dof_by_stratum: tuple[tuple[int, int], ...] = ()
    cmi_nats: float = 0.0
    p_value: float | None = None
    p_corrected: float | None = None
    verdict: Verdict = "untestable"
    reason: str = ""

    @property
    def statement(self) -> Independence:
        """The statement that was tested."""
        return Independence(self.x, self.y, self.given)

    @property
    def excess_nats(self) -> float:
        """``cmi_nats`` less its mean under independence, dof / 2n; not below zero."""
        return max(0.0, self.cmi_nats - self.dof / (2 * self.n)) if self.n else 0.0

    def text(self) -> str:
        """The test in one line."""
        head = f"{self.statement.text()}: {self.verdict}"
        if self.p_value is None or self.p_corrected is None:
            return f"{head}, {self.reason}"
        name = "χ²" if self.test == "chi2" else "G"
        corrected = "" if self.p_corrected == self.p_value else f", corrected {p_text(self.p_corrected)}"
        left_out = f", {self.n_sparse:,} rows in sparse strata left out" if self.n_sparse else ""
        left_out += f", {self.n_missing:,} incomplete rows left out" if self.n_missing else ""
        return (
            f"{head}, {name} {self.statistic:.4g}, dof {self.dof}, p {p_text(self.p_value)}{corrected}, "
            f"{self.cmi_nats:.3g} nats, n {self.n:,}{left_out}"
        )

    def to_row(self) -> dict[str, Any]:
        """The test as plain data."""
        return to_plain(asdict(self))


@dataclass(frozen=True)
class BlamedPair:
    """A pair without an edge whose independence the data contradict: how many of its statements, how strongly.

    ``weakest_nats`` is the smallest excess conditional mutual information over its testable statements: what no
    set that should separate the pair takes away.
    """

    x: str
    y: str
    n_contradicted: int
    n_consistent: int
    n_untestable: int
    weakest_nats: float

    @property
    def share_contradicted(self) -> float:
        """The share of its tested statements that are contradicted."""
        return self.n_contradicted / (self.n_contradicted + self.n_consistent)

    def text(self) -> str:
        """The evidence in one line."""
        tested = self.n_contradicted + self.n_consistent
        untestable = f", {self.n_untestable} untestable" if self.n_untestable else ""
        return (
            f"{self.x} – {self.y}: {self.n_contradicted} of {tested} tested statements "
            f"contradicted{untestable}, at least {self.weakest_nats:.3g} nats of dependence left"
        )


@dataclass(frozen=True)
class IndependenceReport:
    """Every independence that a graph implies, tested; and the pairs that the contradicted ones blame.

    ``complete`` is False where a limit cut the list of statements off.  The first of ``missing_edges_blamed`` has
    the strongest evidence.
    """

    kind: Kind
    test: Statistic
    alpha: float
    correction: Correction | None
    n_rows: int
    complete: bool
    tests: tuple[IndependenceTest, ...]
    missing_edges_blamed: tuple[BlamedPair, ...]

    def having(self, verdict: Verdict) -> tuple[IndependenceTest, ...]:
        """The tests with this verdict."""
        check_choice(verdict, "verdict", get_args(Verdict))
        return tuple(t for t in self.tests if t.verdict == verdict)

    def rows_text(self) -> str:
        """How many of the rows the tests used, and why not all of them; ``""`` where nothing could be tested."""
        tested = [t for t in self.tests if t.p_value is not None]
        if not tested:
            return ""
        least, most = min(t.n for t in tested), max(t.n for t in tested)
        if least == self.n_rows:
            return f"each test used all {self.n_rows:,} rows"
        reasons = {
            "a value is missing": "n_missing",
            "the stratum is too small for the approximation": "n_sparse",
        }
        left_out = [
            f"{_span([getattr(t, field) for t in tested])} because {why}"
            for why, field in reasons.items()
            if any(getattr(t, field) for t in tested)
        ]
        return (
            f"tests used {_span([least, most])} of {self.n_rows:,} rows; left out were "
            f"{' and '.join(left_out)}"
        )

    def text(self, *, most: int = 10) -> str:
        """The report in a few lines; at most ``most`` of each list."""
        most = check_integer(most, "most", least=0)
        counts = Counter(t.verdict for t in self.tests)
        lines = [
            f"{len(self.tests):,} statements ({self.kind}{'' if self.complete else ', cut off by the limit'}), "
            f"{TEST_NAMES[self.test]} on {self.n_rows:,} rows, alpha {self.alpha:g}, {_CORRECTIONS[self.correction]}",
            f"{counts['contradicted']:,} contradicted, {counts['consistent']:,} consistent, "
            f"{counts['untestable']:,} untestable",
        ]
        lines += [rows] if (rows := self.rows_text()) else []
        contradicted = sorted(self.having("contradicted"), key=lambda t: -t.excess_nats)
        lines += listed("contradicted, strongest first", [t.text() for t in contradicted], most)
        reasons = Counter(t.reason for t in self.having("untestable"))
        lines += listed("untestable", [f"{n:,}: {reason}" for reason, n in reasons.most_common()], most)
        lines += listed(
            "pairs without an edge to look at", [pair.text() for pair in self.missing_edges_blamed], most
        )
        return "\n".join([*lines, _HONEST] if contradicted else lines)

    def to_rows(self) -> list[dict[str, Any]]:
        """One dict of plain data for each test."""
        return [test.to_row() for test in self.tests]


def p_text(p: float) -> str:
    """A p value with two digits."""
    return f"{p:.2g}" if p else "< 1e-300"


def _span(numbers: list[int]) -> str:
    """``3`` or ``3 to 5``."""
    low, high = min(numbers), max(numbers)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def listed(head: str, items: list[str], most: int) -> list[str]:
    """Lines under a heading, at most so many; none where there are no items."""
    if not items:
        return []
    rest = [f"  … and {len(items) - most:,} more"] if len(items) > most else []
    return [f"{head}:", *(f"  {item}" for item in items[:most]), *rest]
