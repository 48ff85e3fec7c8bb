"""Problem 3: cats, dogs, and DAGs.  What the graph implies, step by step, and what was said about it."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.records import (
    Block,
    Figure,
    Formula,
    Heading,
    Step,
    Steps,
    StudyRecord,
    Table,
    Text,
)
from chainrule.graphs import DAG, Independence, SeparationExplanation
from chainrule.graphs.notation import names_latex, set_text
from chainrule.homework.cats_dogs_dags.claims import claims
from chainrule.homework.cats_dogs_dags.statements import (
    CONFOUNDED,
    GRAPH,
    LEFT_OUT,
    MEANINGS,
    STATEMENTS,
    Judgement,
    Measured,
    judge,
    measure,
    n_questions,
    reason,
)
from chainrule.homework.context import StudyContext
from chainrule.report.layout import layout

__all__ = ["study"]

_LABELS = {v: f"{meaning} ({v})" for v, meaning in MEANINGS.items()}


def study(context: StudyContext) -> StudyRecord:
    """Draw, factorise, compare with the chain rule, list, and check every statement made about the graph."""
    judgements = [judge(s) for s in STATEMENTS]
    measured = measure(context.seed)
    blocks = [
        *_the_graph(),
        *_chain_rule(),
        *_kinds(),
        *_the_list(judgements),
        *_completeness(measured),
        *_agreement(measured),
        *_in_numbers(measured),
    ]
    return StudyRecord(
        problem="3",
        title="Cats, dogs, and DAGs",
        asks="Which conditional independencies does this graph of nine variables imply, by which steps, and which "
        "of them should one believe?",
        blocks=blocks,
        numbers=_numbers(judgements, measured),
        claims=claims(judgements, measured),
    )


def _the_graph() -> list[Block]:
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
        Figure(
            "p3-dag",
            "graph",
            layout(GRAPH, labels=_LABELS),
            f"{len(GRAPH)} variables and {GRAPH.n_edges} direct influences.",
            "A directed acyclic graph with season and atmospheric pressure at the top and cat hides at the bottom.",
        ),
        Text("The graph promises that the joint distribution is a product of one factor for each node:"),
        Formula(f.latex(factors_per_line=5)),
        Table(
            ["Node", "Meaning", "Parents", "Numbers, given its parents", "Numbers, given all before it"],
            rows,
            f"Free probabilities of binary variables: {f.n_parameters()} with the independencies of the graph, "
            f"{f.n_parameters_of_full_table()} without any.",
        ),
    ]


def _chain_rule() -> list[Block]:
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
        Text(
            "The chain rule holds for every distribution and in every order. In the topological order "
            f"${names_latex(order)}$ it says:"
        ),
        Formula(DAG.fully_connected(order).factorization().latex(factors_per_line=2)),
        Text(
            "Sum the last variable out of both products, then the one before it, and so on: since parents come "
            "first, the factors must agree one by one. What the graph's factor leaves out of the condition is "
            "therefore independent of the node, given its parents. The first node has nothing before it, so it "
            "gives no statement."
        ),
        Steps("Each comparison gives one independence", steps),
    ]


def _kinds() -> list[Block]:
    missing = GRAPH.implied_independencies("missing_edge")
    by_pair: dict[str, list[str]] = {}
    for s in missing:
        given = rf"$\{{{names_latex(s.given)}\}}$" if s.given else "nothing"
        by_pair.setdefault(f"${names_latex(s.x)}$ and ${names_latex(s.y)}$", []).append(given)
    n_all = len(GRAPH.implied_independencies("all_pairs"))
    return [
        Heading("All the independencies, listed in four ways"),
        Text(
            "The **ordered** list above belongs to one order. The **local** list belongs to none: each node is "
            "independent of all its non-descendants given its parents. Either is a basis, from which every other "
            "independence of the graph follows."
        ),
        Table(
            ["Node", "Local statement"],
            [[MEANINGS[s.x[0]], f"${s.latex()}$"] for s in GRAPH.implied_independencies("local")],
        ),
        Text(
            "Each **missing edge** is a claim of its own, which data could contradict. These are all the minimal "
            "sets that separate its ends; no part of one would do."
        ),
        Table(
            ["Nodes without an edge", "Separated by"],
            [[pair, ", or ".join(sets)] for pair, sets in by_pair.items()],
            f"{len(by_pair)} missing edges, {len(missing)} statements.",
        ),
        Text(
            f"With **all pairs** and every conditioning set, minimal or not, there are {n_questions():,} questions "
            f"of the form “is this pair independent given this set?”, and the graph answers {n_all:,} with yes."
        ),
    ]


def _the_list(judgements: list[Judgement]) -> list[Block]:
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
        Text(
            "The homework makes the same comparisons and reads eight statements off them. “Left out” is what the "
            "same comparison gives beyond the statement. The last column is the largest set that the graph makes "
            "independent of the node under that condition, nodes later in the order included."
        ),
        Table(["Statement", "Verdict", "Left out", "A deciding path", "The most one can say"], rows),
        Steps("What was left out", steps),
    ]


def _left_out(j: Judgement) -> Independence:
    return Independence(j.statement.stated.x, j.missing, j.statement.stated.given)


def _completeness(measured: Measured) -> list[Block]:
    rows: list[list[Any]] = []
    nats = [*measured.confounded_stated_nats, *measured.confounded_left_out_nats]
    for s, value in zip([*(s.stated for s in STATEMENTS), *LEFT_OUT], nats, strict=True):
        why = CONFOUNDED.explain_d_separation(s.x, s.y, s.given)
        holds = "holds" if why.separated else reason(why)
        rows.append([f"${s.latex()}$", holds, f"{abs(value):.1e}"])
    labels = _LABELS | {"H1": "hidden cause 1", "H2": "hidden cause 2"}
    return [
        Heading("Can what was left out be recovered from the rest?"),
        Text(
            "No. Give umbrella and dog bark a hidden common cause, and dog bark and cat mood another. In that world "
            "the homework's eight statements all hold as written, and the two that it leaves out fail. So they do "
            "not follow from its list, and the list is not a basis of the graph."
        ),
        Figure(
            "p3-confounded",
            "graph",
            layout(
                CONFOUNDED,
                labels=labels,
                node_marks={"H1": "highlight", "H2": "highlight"},
                edge_marks={(h, v): "highlight" for h in ("H1", "H2") for v in CONFOUNDED.children(h)},
            ),
            "A different world, which satisfies the homework's list but not the graph.",
            "The graph of the problem with two more nodes, each a common cause of two others.",
        ),
        Table(
            ["Statement", "With the hidden causes", "Conditional mutual information in nats"],
            rows,
            "The last two are those left out. Measured on one draw of random tables along this second graph.",
        ),
    ]


def _agreement(measured: Measured) -> list[Block]:
    apart = GRAPH.explain_d_separation("DB", "CM", "R")
    joined = GRAPH.explain_d_separation("DB", "CM", ("R", "CH"))
    agreed = GRAPH.explain_d_separation("A", "R", "S")
    return [
        Heading("Which of them to believe"),
        Text(
            "The homework rejects one independence, that of cat mood and dog bark given rain, and accepts one, that "
            "of allergies and rain given season. The graph implies both:"
        ),
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
        Text(
            "So whoever rejects the first rejects the graph: it would have to have an edge between dog bark and cat "
            "mood. That is a fair objection, for a dog that barks may upset a cat in any weather, but it is a view of "
            "the world and not a reading of this graph. Data could decide it; the problem comes with none. The "
            "objection may also come from the collider. In random tables along the graph, dog bark and cat mood "
            f"share {abs(measured.db_cm_given_r_nats):.0e} nats given rain, which is rounding, but "
            f"{measured.db_cm_given_r_ch_nats:.2g} nats once one also knows whether the cat hides."
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
    drawn = layout(GRAPH, labels=_LABELS, node_marks=observed, edge_marks=marks)
    return Figure(name, "graph", drawn, f"{caption} Observed nodes are highlighted.", alt)


def _in_numbers(measured: Measured) -> list[Block]:
    edges = np.arange(-18.0, 0.5, 0.5)
    series = []
    for label, nats in (
        ("d-separated", measured.separated_nats),
        ("not d-separated", measured.connected_nats),
    ):
        logs = np.log10(np.clip(np.abs(nats), 1e-18, None))
        counts, _ = np.histogram(logs, bins=edges)
        series.append({"label": label, "edges": edges.tolist(), "counts": counts.tolist()})
    return [
        Heading("The same answers from numbers"),
        Text(
            "d-separation argues about all distributions along the graph; one random distribution checks it. With "
            "random conditional tables (fractions over 10,007) the joint table of all "
            f"{2 ** len(GRAPH)} states is exact, and each of the {n_questions():,} questions is decided in integers, "
            "by $P(x, y, z)\\,P(z) = P(x, z)\\,P(y, z)$ in every cell. "
            f"**{measured.n_disagree}** of them disagree with d-separation. In float64, the conditional mutual "
            f"information is at most {_largest(measured.separated_nats):.0e} nats where the graph says independent "
            f"and at least {min(measured.connected_nats):.0e} nats where it does not."
        ),
        Figure(
            "p3-mutual-information",
            "histogram",
            {
                "series": series,
                "x_label": "log10 of the conditional mutual information in nats",
                "y_label": "questions",
                "log_y": False,
            },
            "Mutual information of every pair given every set: rounding errors on the left, dependence on the "
            "right, nothing between. Values below 1e-18 are counted there.",
            "Two groups of bars that do not touch.",
        ),
    ]


def _largest(nats: list[float]) -> float:
    return max(map(abs, nats))


def _numbers(judgements: list[Judgement], measured: Measured) -> dict[str, Any]:
    f = GRAPH.factorization()
    missing = GRAPH.implied_independencies("missing_edge")
    verdicts = [j.verdict for j in judgements]
    return {
        "n_nodes": len(GRAPH),
        "n_edges": GRAPH.n_edges,
        "n_missing_edges": len({(s.x, s.y) for s in missing}),
        "n_statements_ordered": len(GRAPH.implied_independencies("ordered")),
        "n_statements_local": len(GRAPH.implied_independencies("local")),
        "n_statements_missing_edge": len(missing),
        "n_statements_all_pairs": len(measured.separated_nats),
        "n_questions": n_questions(),
        "n_parameters_factorized": f.n_parameters(),
        "n_parameters_full_table": f.n_parameters_of_full_table(),
        "n_homework_statements": len(judgements),
        "n_homework_hold": verdicts.count("holds"),
        "n_homework_hold_in_part": verdicts.count("holds in part"),
        "n_homework_fail": verdicts.count("fails"),
        "n_questions_exact_disagreement": measured.n_disagree,
        "largest_mutual_information_where_separated_nats": _largest(measured.separated_nats),
        "least_mutual_information_where_not_separated_nats": min(measured.connected_nats),
        "mutual_information_db_cm_given_r_nats": measured.db_cm_given_r_nats,
        "mutual_information_db_cm_given_r_ch_nats": measured.db_cm_given_r_ch_nats,
    }
