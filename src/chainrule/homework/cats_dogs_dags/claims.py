"""Problem 3: what the homework claims about its graph, with our verdicts."""

from __future__ import annotations

from chainrule.core.records import Claim
from chainrule.graphs.notation import names_latex
from chainrule.homework.cats_dogs_dags.statements import (
    CONFOUNDED,
    GRAPH,
    LEFT_OUT,
    STATEMENTS,
    Judgement,
    Measured,
    reason,
)

__all__ = ["claims"]


def claims(judgements: list[Judgement], measured: Measured) -> list[Claim]:
    """The homework's claims, each with its verdict and what decides it."""
    f = GRAPH.factorization()
    order = GRAPH.topological_order()
    apart = GRAPH.explain_d_separation("CM", "DB", "R")
    agreed = GRAPH.explain_d_separation("A", "R", "S")
    n_incomplete = sum(bool(j.missing) for j in judgements)
    failing = [s.latex() for s in LEFT_OUT if not CONFOUNDED.is_d_separated(s.x, s.y, s.given)]
    n_kept = sum(CONFOUNDED.is_d_separated(s.stated.x, s.stated.y, s.stated.given) for s in STATEMENTS)
    return [
        Claim(
            "3.factorization",
            "The joint probability is the product of one factor for each of the nine nodes given its parents.",
            "holds",
            f"It is the factorisation of the drawn graph, with {f.n_parameters()} free "
            f"probabilities for binary variables instead of {f.n_parameters_of_full_table()}.",
        ),
        Claim(
            "3.chain-rule",
            "In the order of the problem, the chain rule conditions each node on all nodes before it.",
            "holds",
            f"${names_latex(order)}$ is a topological order, so factors can be compared one by one; the "
            f"{len(order)} nodes give {len(GRAPH.implied_independencies('ordered'))} comparisons.",
        ),
        *(
            Claim(
                f"3.{j.statement.slug}",
                f"The comparison for ${names_latex(j.statement.stated.x)}$ shows ${j.statement.stated.latex()}$.",
                j.verdict,
                j.evidence(),
            )
            for j in judgements
        ),
        Claim(
            "3.all-independencies",
            "The eight statements are all the independencies that the graph implies.",
            "fails",
            f"{n_incomplete} of the {len(judgements)} are incomplete, and what they leave out does not follow from "
            f"the rest: with two hidden common causes {n_kept} of {len(judgements)} statements still hold while "
            f"${'$ and $'.join(failing)}$ fail. Counted singly, the graph implies "
            f"{len(measured.separated_nats):,} independencies of pairs.",
        ),
        Claim(
            "3.disagree-cat-mood-dog-bark",
            "The independence of cat mood and dog bark given rain is not to be accepted.",
            "holds in part",
            "As a reading of the graph it fails, since the graph implies the independence: "
            f"$\\mathrm{{CM}} \\perp \\mathrm{{DB}} \\mid R$ {reason(apart)}. "
            "As a doubt about the graph it is legitimate, and calls for an edge between the two; no data were given "
            f"to decide. The dependence does appear ({measured.db_cm_given_r_ch_nats:.2g} nats in random tables) "
            "when it is also known whether the cat hides.",
        ),
        Claim(
            "3.agree-allergies-rain",
            "The independence of allergies and rain given season is to be accepted.",
            "holds" if agreed.separated else "fails",
            f"$A \\perp R \\mid S$ {reason(agreed)}. The homework's list has it only with atmospheric pressure in the "
            "condition as well; season alone suffices. On the other statements of its list it takes no position.",
        ),
    ]
