"""What the page shows of problem 3: the graph, the comparisons, the lists, and how they were checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.figures import Counts, Histogram
from chainrule.core.records import (
    Block,
    Figure,
    Formula,
    Heading,
    Step,
    Steps,
    Table,
)
from chainrule.graphs import DAG, Independence, SeparationExplanation
from chainrule.graphs.notation import names_latex, set_text
from chainrule.homework.cats_dogs_dags import TEXTS
from chainrule.homework.cats_dogs_dags.numbers import largest
from chainrule.homework.cats_dogs_dags.statements import (
    CONFOUNDED,
    GRAPH,
    LEFT_OUT,
    MEANINGS,
    STATEMENTS,
    Judgement,
    Measured,
    n_questions,
    reason,
)
from chainrule.homework.words import nats
from chainrule.report.graph_drawing import graph_drawing

__all__ = [
    "belief_part",
    "chain_rule_part",
    "completeness_part",
    "graph_part",
    "lists_part",
    "numbers_part",
    "statements_part",
]

_LABELS = {v: f"{meaning} ({v})" for v, meaning in MEANINGS.items()}


def graph_part() -> list[Block]:
    """The graph, its factorisation, and how many numbers that saves."""
    f = GRAPH.factorization()
    rows = [
        [
            f"${names_latex([v])}$",
            MEANINGS[v],
            f"${names_latex(parents)}$" if parents else "none",
            2 ** len(parents),
            2**i,
        ]
        for i, (v, parents) in enumerate(f.factors)
    ]
    return [
        Heading("The graph and its factorisation"),
        TEXTS.figure(
            "p3-dag", graph_drawing(GRAPH, labels=_LABELS), n_graph=len(GRAPH), n_edges=GRAPH.n_edges
        ),
        TEXTS.block("factorisation"),
        Formula(f.latex(factors_per_line=5)),
        Table(
            ["Node", "Meaning", "Parents", "Numbers, given its parents", "Numbers, given all before it"],
            rows,
            f"Free probabilities of binary variables: {f.n_parameters()} with the independencies of the graph, "
            f"{f.n_parameters_of_full_table()} without any.",
        ),
    ]


def chain_rule_part() -> list[Block]:
    """The chain rule beside the factorisation, node by node."""
    order = GRAPH.topological_order()
    steps = []
    for s in GRAPH.implied_independencies("ordered"):
        n_paths = len(GRAPH.explain_d_separation(s.x, s.y, s.given).paths)
        separated = GRAPH.is_d_separated(s.x, s.y, s.given)
        steps.append(
            Step(
                f"The factor of ${names_latex(s.x)}$ leaves out ${names_latex(s.y)}$.",
                rf"\begin{{aligned}} & {s.comparison} \\ & \Rightarrow {s.latex()} \end{{aligned}}",
                f"d-separation: {'blocked' if separated else 'not blocked'}, {n_paths} paths examined",
            )
        )
    return [
        Heading("From the chain rule, one comparison at a time"),
        TEXTS.block("chain rule", order=names_latex(order)),
        Formula(DAG.fully_connected(order).factorization().latex(factors_per_line=2)),
        TEXTS.block("one by one"),
        Steps("Each comparison gives one independence", steps),
    ]


def lists_part() -> list[Block]:
    """The implied independencies as local statements, by missing edge, and all of them counted."""
    missing = GRAPH.implied_independencies("missing_edge")
    by_pair: dict[str, list[str]] = {}
    for s in missing:
        given = rf"$\{{{names_latex(s.given)}\}}$" if s.given else "nothing"
        by_pair.setdefault(f"${names_latex(s.x)}$ and ${names_latex(s.y)}$", []).append(given)
    n_all = len(GRAPH.implied_independencies("all_pairs"))
    return [
        Heading("All the independencies, listed in four ways"),
        TEXTS.block("two lists"),
        Table(
            ["Node", "Local statement"],
            [[MEANINGS[s.x[0]], f"${s.latex()}$"] for s in GRAPH.implied_independencies("local")],
        ),
        TEXTS.block("missing edges"),
        Table(
            ["Nodes without an edge", "Separated by"],
            [[pair, ", or ".join(sets)] for pair, sets in by_pair.items()],
            f"{len(by_pair)} missing edges, {len(missing)} statements.",
        ),
        TEXTS.block("all pairs", n_questions=n_questions(), n_all=n_all),
    ]


def statements_part(judgements: list[Judgement]) -> list[Block]:
    """The homework's statements, judged, and what each leaves out."""
    rows = []
    for j in judgements:
        s = j.statement.stated
        rows.append(
            [
                f"${s.latex()}$",
                j.verdict,
                f"${names_latex(j.missing)}$" if j.missing else "nothing",
                f"`{j.why.paths[0].text()}`",
                f"${names_latex(GRAPH.d_separated_from(s.x, s.given))}$",
            ]
        )
    steps = [
        Step(
            f"${_left_out(j).latex()}$ is left out, and every path says that it holds.",
            "",
            "; ".join(path.text() for path in j.why_missing.paths),
        )
        for j in judgements
        if j.why_missing is not None
    ]
    return [
        Heading("The homework's statements, one by one"),
        TEXTS.block("the list"),
        Table(["Statement", "Verdict", "Left out", "A deciding path", "The most one can say"], rows),
        Steps("What was left out", steps),
    ]


def _left_out(j: Judgement) -> Independence:
    return Independence(j.statement.stated.x, j.missing, j.statement.stated.given)


def completeness_part(measured: Measured) -> list[Block]:
    """A world in which the homework's list holds and the graph's does not."""
    rows: list[list[Any]] = []
    values = [*measured.confounded_stated_nats, *measured.confounded_left_out_nats]
    for s, value in zip([*(s.stated for s in STATEMENTS), *LEFT_OUT], values, strict=True):
        why = CONFOUNDED.explain_d_separation(s.x, s.y, s.given)
        holds = "holds" if why.separated else reason(why)
        rows.append([f"${s.latex()}$", holds, f"{abs(value):.1e}"])
    labels = _LABELS | {"H1": "hidden cause 1", "H2": "hidden cause 2"}
    return [
        Heading("Can what was left out be recovered from the rest?"),
        TEXTS.block("not a basis"),
        TEXTS.figure(
            "p3-confounded",
            graph_drawing(
                CONFOUNDED,
                labels=labels,
                node_marks={"H1": "highlight", "H2": "highlight"},
                edge_marks={(h, v): "highlight" for h in ("H1", "H2") for v in CONFOUNDED.children(h)},
            ),
        ),
        Table(
            ["Statement", "With the hidden causes", "Conditional mutual information in nats"],
            rows,
            "The last two are those left out. Measured on one draw of random tables along this second graph.",
        ),
    ]


def belief_part(measured: Measured) -> list[Block]:
    """The one that the homework rejects and the one that it accepts."""
    apart = GRAPH.explain_d_separation("DB", "CM", "R")
    joined = GRAPH.explain_d_separation("DB", "CM", ("R", "CH"))
    agreed = GRAPH.explain_d_separation("A", "R", "S")
    return [
        Heading("Which of them to believe"),
        TEXTS.block("believe"),
        Table(
            ["Nodes", "Given", "Answer of the graph", "Paths"],
            [_answer(why) for why in (agreed, apart, joined)],
        ),
        _highlighted(
            "p3-rain-known", apart, "Rain known: both paths between dog bark and cat mood are blocked."
        ),
        _highlighted(
            "p3-rain-and-hiding-known",
            joined,
            "Rain known, and whether the cat hides: the common effect of dog bark and cat mood makes them dependent.",
        ),
        TEXTS.block(
            "objection",
            given_rain=nats(measured.db_cm_given_r_nats),
            db_cm_given_r_ch_nats=measured.db_cm_given_r_ch_nats,
        ),
    ]


def _answer(why: SeparationExplanation) -> list[Any]:
    return [
        f"${names_latex([*why.x, *why.y])}$",
        f"${names_latex(why.given)}$",
        "independent" if why.separated else "dependent",
        "; ".join(f"`{path.text()}`" for path in why.paths[:3])
        + (f"; and {len(why.paths) - 3} longer ones" if len(why.paths) > 3 else ""),
    ]


def _highlighted(name: str, why: SeparationExplanation, caption: str) -> Figure:
    """The graph with the paths of ``why`` marked as open or blocked, and the observed nodes highlighted."""
    marks: dict[tuple[str, str], str] = {}
    for path in sorted(why.paths, key=lambda p: p.is_open):  # an open path is drawn over a blocked one
        for a, arrow, b in zip(path.nodes, path.arrows, path.nodes[1:], strict=False):
            marks[(a, b) if arrow == "->" else (b, a)] = "open" if path.is_open else "blocked"
    observed = dict.fromkeys(why.given, "highlight")
    alt = f"The graph, {set_text(why.given)} observed. " + "; ".join(path.text() for path in why.paths)
    drawn = graph_drawing(GRAPH, labels=_LABELS, node_marks=observed, edge_marks=marks)
    return Figure(name, drawn, f"{caption} Observed nodes are highlighted.", alt)


def numbers_part(measured: Measured) -> list[Block]:
    """d-separation against the mutual information of random tables."""
    edges = np.arange(-18.0, 0.5, 0.5)
    series = []
    for label, values in (
        ("d-separated", measured.separated_nats),
        ("not d-separated", measured.connected_nats),
    ):
        logs = np.log10(np.clip(np.abs(values), 1e-18, None))
        counts, _ = np.histogram(logs, bins=edges)
        series.append(Counts(label, edges, counts))
    return [
        Heading("The same answers from numbers"),
        TEXTS.block(
            "in numbers",
            n_graph=2 ** len(GRAPH),
            n_questions=n_questions(),
            n_disagree=measured.n_disagree,
            largest=nats(largest(measured.separated_nats)),
            connected_nats=min(measured.connected_nats),
        ),
        TEXTS.figure(
            "p3-mutual-information",
            Histogram(series, "log10 of the conditional mutual information in nats", "questions"),
        ),
    ]
