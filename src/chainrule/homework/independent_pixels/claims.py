"""The claims about independent pixels, each judged by what problem 2 measured."""

from __future__ import annotations

from typing import Any

from chainrule.core.records import Claim
from chainrule.homework.independent_pixels import TEXTS
from chainrule.homework.words import apart

__all__ = ["claims"]


def claims(n: dict[str, Any]) -> list[Claim]:
    """The homework's claims, each with its verdict and what decides it."""
    chosen = n["likelihood"][f"pseudocount_{n['pseudocount_chosen_on_validation']:g}"]["test"]
    saved = n["fair_coin_nll_nats"] - n["test_nll_nats"]
    never, impossible = n["pixels_never_on"], n["test_rows_impossible_without_pseudocount"]
    return [
        TEXTS.claim(
            "2.mean",
            "holds",
            apart=apart(n["largest_difference_to_pixel_mean"]),
            never=never,
            impossible=impossible,
        ),
        TEXTS.claim(
            "2.one-parameter",
            "fails" if n["one_shared_p_test_nll_nats"] > n["test_nll_nats"] else "holds",
            one_shared_p_test_nll_nats=n["one_shared_p_test_nll_nats"],
            test_nll_nats=n["test_nll_nats"],
        ),
        TEXTS.claim(
            "2.only-noise",
            "fails",
            mean_log_prob_nats=-chosen["mean_log_prob_nats"],
            bits_per_dim=chosen["bits_per_dim"],
            fair_coin_nll_nats=n["fair_coin_nll_nats"],
            saved=saved,
            ink_per_image_samples=n["ink_per_image_samples"],
            ink_per_image_test=n["ink_per_image_test"],
        ),
        TEXTS.claim(
            "2.too-strong",
            "holds",
            neighbour_correlation_test=n["neighbour_correlation_test"],
            neighbour_correlation_samples=n["neighbour_correlation_samples"],
            shuffled_test_nll_nats=n["shuffled_test_nll_nats"],
            test_nll_nats=n["test_nll_nats"],
        ),
    ]
