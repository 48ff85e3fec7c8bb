"""What problem 3 found out, by name."""

from __future__ import annotations

from typing import Any

from chainrule.homework.cats_dogs_dags.statements import (
    GRAPH,
    Judgement,
    Measured,
    n_questions,
)

__all__ = ["largest", "numbers_of"]


def largest(nats: list[float]) -> float:
    return max(map(abs, nats))


def numbers_of(judgements: list[Judgement], measured: Measured) -> dict[str, Any]:
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
        "largest_mutual_information_where_separated_nats": largest(measured.separated_nats),
        "least_mutual_information_where_not_separated_nats": min(measured.connected_nats),
        "mutual_information_db_cm_given_r_nats": measured.db_cm_given_r_nats,
        "mutual_information_db_cm_given_r_ch_nats": measured.db_cm_given_r_ch_nats,
    }
