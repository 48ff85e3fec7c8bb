"""The claims about masks, each judged by what problem 6 found."""

from __future__ import annotations

from typing import Any

from chainrule.core.records import Claim
from chainrule.homework.masks import TEXTS
from chainrule.homework.masks.worked_masks import MaskExplanation

__all__ = ["claims"]


def claims(
    e: MaskExplanation, proof: dict[str, Any], broken: list[dict[str, Any]], counts: dict[str, Any]
) -> list[Claim]:
    """The homework's claims, each with its verdict and what decides it."""
    _, by_index, loose, no_middle, _ = broken
    return [
        TEXTS.claim(
            "6.ordering", "holds in part", looks_ahead=by_index["looks_ahead"], check=by_index["check"]
        ),
        TEXTS.claim(
            "6.hidden-numbers",
            "holds",
            assignments=counts["assignments"],
            autoregressive=counts["autoregressive"],
            complete=counts["complete"],
        ),
        TEXTS.claim(
            "6.hidden-rule",
            "holds",
            forbidden_paths=proof["forbidden_paths"],
            n_forbidden=proof["n_forbidden"],
            looks_ahead=no_middle["looks_ahead"],
        ),
        TEXTS.claim(
            "6.output-rule",
            "holds",
            looks_ahead=loose["looks_ahead"],
            total_loose=loose["total_probability"],
            total=proof["total_probability"],
        ),
        _solution(e, proof),
    ]


def _solution(e: MaskExplanation, proof: dict[str, Any]) -> Claim:
    return TEXTS.claim(
        "6.solution",
        "holds in part",
        n_masks=len(e.masks),
        n_kept=sum(int(m.sum()) for m in e.masks),
        n_entries=sum(m.size for m in e.masks),
        forbidden_paths=proof["forbidden_paths"],
        forbidden_jacobian_not_zero=proof["forbidden_jacobian_not_zero"],
    )
