"""Problem 3: what the homework claims about its graph, with our verdicts."""

from __future__ import annotations

from chainrule.core.records import Claim
from chainrule.graphs.notation import names_latex
from chainrule.homework.cats_dogs_dags import TEXTS
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
    f, order = GRAPH.factorization(), GRAPH.topological_order()
    return [
        TEXTS.claim(
            "3.factorization",
            "holds",
            n_parameters=f.n_parameters(),
            n_parameters_of_full_table=f.n_parameters_of_full_table(),
        ),
        TEXTS.claim(
            "3.chain-rule",
            "holds",
            order=names_latex(order),
            n_nodes=len(order),
            n_comparisons=len(GRAPH.implied_independencies("ordered")),
        ),
        *(_of_one_comparison(j) for j in judgements),
        _that_these_are_all(judgements, measured),
        *_about_believing(measured),
    ]


def _of_one_comparison(j: Judgement) -> Claim:
    node, stated = names_latex(j.statement.stated.x), j.statement.stated.latex()
    claim = f"The comparison for ${node}$ shows ${stated}$."
    return Claim(f"3.{j.statement.slug}", claim, j.verdict, j.evidence())


def _that_these_are_all(judgements: list[Judgement], measured: Measured) -> Claim:
    failing = [s.latex() for s in LEFT_OUT if not CONFOUNDED.is_d_separated(s.x, s.y, s.given)]
    return TEXTS.claim(
        "3.all-independencies",
        "fails",
        n_incomplete=sum(bool(j.missing) for j in judgements),
        n_judgements=len(judgements),
        n_kept=sum(CONFOUNDED.is_d_separated(s.stated.x, s.stated.y, s.stated.given) for s in STATEMENTS),
        failing="$ and $".join(failing),
        n_of_pairs=len(measured.separated_nats),
    )


def _about_believing(measured: Measured) -> list[Claim]:
    apart = GRAPH.explain_d_separation("CM", "DB", "R")
    agreed = GRAPH.explain_d_separation("A", "R", "S")
    return [
        TEXTS.claim(
            "3.disagree-cat-mood-dog-bark",
            "holds in part",
            apart=reason(apart),
            db_cm_given_r_ch_nats=measured.db_cm_given_r_ch_nats,
        ),
        TEXTS.claim(
            "3.agree-allergies-rain", "holds" if agreed.separated else "fails", agreed=reason(agreed)
        ),
    ]
