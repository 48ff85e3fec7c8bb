"""The claims about the estimate, each judged by what problem 7 found."""

from __future__ import annotations

from typing import Any

from chainrule.core.records import Claim
from chainrule.homework.exponential_family import TEXTS
from chainrule.homework.words import apart

__all__ = ["claims"]


def claims(numbers: dict[str, Any]) -> list[Claim]:
    """The homework's claims, each with its verdict and what decides it."""
    half = numbers["slope_at_half"]
    one = numbers["families"]["exponential"]
    return [
        TEXTS.claim("7.likelihood", "holds"),
        TEXTS.claim(
            "7.derivative",
            "fails",
            measured=half["measured"],
            true=half["true"],
            written=half["written"],
            standard_error_from_written_slope=numbers["standard_error_from_written_slope"],
            standard_error=numbers["standard_error"],
        ),
        TEXTS.claim("7.maximum", "holds in part"),
        TEXTS.claim(
            "7.estimate",
            "holds",
            n_rows=numbers["n_rows"],
            true_rate=numbers["true_rate"],
            rate=numbers["rate"],
            standard_error=numbers["standard_error"],
            apart=apart(one["largest_difference"]),
            mean_estimate_over_truth=numbers["mean_estimate_over_truth"][0],
            size=numbers["sizes"][0],
            derived_mean_over_truth=numbers["derived_mean_over_truth"][0],
        ),
    ]
