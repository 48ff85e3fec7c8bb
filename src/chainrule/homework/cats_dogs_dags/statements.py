"""Problem 3's graph, the statements that the homework makes about it, and how each is judged."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from chainrule.core.records import Verdict
from chainrule.evaluate.tables import joint_table, random_tables
from chainrule.graphs import DAG, Independence, SeparationExplanation
from chainrule.graphs.notation import names_latex

__all__ = [
    "CONFOUNDED",
    "GRAPH",
    "LEFT_OUT",
    "MEANINGS",
    "STATEMENTS",
    "Judgement",
    "Measured",
    "Statement",
    "judge",
    "measure",
    "n_questions",
    "reason",
]

MEANINGS = {
    "S": "Season",
    "AP": "Atmospheric pressure",
    "A": "Allergies",
    "R": "Rain",
    "G": "Grass",
    "U": "Umbrella",
    "DB": "Dog bark",
    "CM": "Cat mood",
    "CH": "Cat hides",
}
GRAPH = DAG(DAG.parse("S -> {A U R}; AP -> R; R -> {G U DB CM}; {DB CM} -> CH").edges, nodes=MEANINGS)


def _stated(x: str, y: str, given: str = "") -> Independence:
    return Independence((x,), tuple(y.split()), tuple(given.split()))


@dataclass(frozen=True)
class Statement:
    """An independence as the homework states it; ``flaw`` says what is wrong with how it is written."""

    slug: str
    stated: Independence
    flaw: str = ""


STATEMENTS = (
    Statement(
        "ap-s",
        _stated("AP", "S"),
        r"it is written as a conditional, $\mathrm{AP} \mid S$, which states nothing; what the comparison "
        r"beside it shows is $\mathrm{AP} \perp S$",
    ),
    Statement("a-ap", _stated("A", "AP", "S")),
    Statement("r-a", _stated("R", "A", "S AP")),
    Statement("g", _stated("G", "S AP A", "R")),
    Statement("u", _stated("U", "AP A G", "S R")),
    Statement("db", _stated("DB", "S AP A G", "R")),
    Statement("cm", _stated("CM", "S AP A G U", "R")),
    Statement("ch", _stated("CH", "S AP A R G U", "DB CM")),
)
LEFT_OUT = (_stated("DB", "U", "R"), _stated("CM", "DB", "R"))

# Two hidden common causes more: a world that obeys the homework's list as written, but not the graph.
CONFOUNDED = DAG([*GRAPH.edges, ("H1", "U"), ("H1", "DB"), ("H2", "DB"), ("H2", "CM")])


@dataclass(frozen=True)
class Judgement:
    """A statement beside ``full``, what the comparison with the chain rule gives for the same node.

    ``missing`` is what the statement leaves out of it.
    """

    statement: Statement
    full: Independence
    why: SeparationExplanation
    missing: tuple[str, ...]
    why_missing: SeparationExplanation | None

    @property
    def verdict(self) -> Verdict:
        """Fails when not implied; holds in part when incomplete or not written as a statement."""
        if not self.why.separated:
            return "fails"
        return "holds in part" if self.missing or self.statement.flaw else "holds"

    def evidence(self) -> str:
        """The verdict's reason, with the path that decides it."""
        parts = [f"${self.statement.stated.latex()}$ {reason(self.why)}"]
        if self.statement.flaw:
            parts.append(f"But {self.statement.flaw}")
        if self.why_missing is not None:
            parts.append(f"It leaves out ${names_latex(self.missing)}$; in full, ${self.full.latex()}$")
            parts.append(f"The part left out {reason(self.why_missing)}")
        if self.verdict == "holds":
            parts.append("It is all that this comparison gives")
        return ". ".join(parts) + "."


def judge(statement: Statement) -> Judgement:
    """Compare a statement with the one that the chain rule, in the graph's own order, gives for its node."""
    stated = statement.stated
    full = next(s for s in GRAPH.implied_independencies("ordered") if s.x == stated.x)
    missing = tuple(v for v in full.y if v not in stated.y)
    return Judgement(
        statement,
        full,
        GRAPH.explain_d_separation(stated.x, stated.y, stated.given),
        missing,
        GRAPH.explain_d_separation(stated.x, missing, stated.given) if missing else None,
    )


def reason(why: SeparationExplanation) -> str:
    """Holds or fails, and the shortest path that shows it."""
    if why.separated and not why.paths:
        return "holds: no path joins them"
    if why.separated:
        n = len(why.paths)
        count = {1: "the only path is", 2: "both paths are"}.get(n, f"all {n} paths are")
        return f"holds: {count} blocked{', the shortest' if n > 1 else ''}: `{why.paths[0].text()}`"
    return f"fails: `{next(p for p in why.paths if p.is_open).text()}`"


@dataclass(frozen=True)
class Measured:
    """Random tables along the graph, and what they say to every question "is this pair independent given this?".

    Mutual information in nats, one for each question, by the answer of d-separation; ``n_disagree`` counts
    the questions that exact integer arithmetic answers otherwise.
    """

    separated_nats: list[float]
    connected_nats: list[float]
    n_disagree: int
    db_cm_given_r_nats: float
    db_cm_given_r_ch_nats: float
    confounded_stated_nats: list[float]
    confounded_left_out_nats: list[float]


def measure(seed: int) -> Measured:
    """Draw tables along both graphs and measure every conditional mutual information."""
    joint = joint_table(GRAPH, random_tables(GRAPH, np.random.default_rng([seed, 3, 1]), denominator=10_007))
    nats: dict[bool, list[float]] = {True: [], False: []}
    n_disagree = 0
    for x, y in combinations(GRAPH.nodes, 2):
        rest = [v for v in GRAPH.nodes if v not in (x, y)]
        for given in (z for k in range(len(rest) + 1) for z in combinations(rest, k)):
            separated = GRAPH.is_d_separated(x, y, given)
            nats[separated].append(joint.mutual_information_nats(x, y, given))
            n_disagree += joint.is_independent(x, y, given) != separated
    other = joint_table(CONFOUNDED, random_tables(CONFOUNDED, np.random.default_rng([seed, 3, 2])))
    return Measured(
        nats[True],
        nats[False],
        n_disagree,
        joint.mutual_information_nats("DB", "CM", "R"),
        joint.mutual_information_nats("DB", "CM", ("R", "CH")),
        [other.mutual_information_nats(*_sets(s.stated)) for s in STATEMENTS],
        [other.mutual_information_nats(*_sets(s)) for s in LEFT_OUT],
    )


def n_questions() -> int:
    """How many pairs with a conditioning set the graph has."""
    n = len(GRAPH)
    return n * (n - 1) // 2 * 2 ** (n - 2)


def _sets(s: Independence) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    return s.x, s.y, s.given
