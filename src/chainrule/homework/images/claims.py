"""The claims of problem 1, each judged by what its parts found."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from chainrule.core.records import Claim
from chainrule.homework.images import TEXTS
from chainrule.homework.images.numbers_1a import KnownRule
from chainrule.homework.images.numbers_1c import N_TRAIN
from chainrule.homework.images.wording import against_constant, coverage, scientific

__all__ = ["known_claims", "large_claims", "learned_claims"]


def known_claims(known: KnownRule) -> list[Claim]:
    """The claims about the known rule."""
    pmf, one, numbers = known.pmf, known.one_image["count"], known.numbers
    total = Fraction(numbers["sum_of_count_labels_over_images"])
    low = numbers["least_likely_positive_counts"]["count"][0]
    return [
        TEXTS.claim(
            "1.category-table",
            "holds in part",
            largest_difference=numbers["largest_difference_to_printed_table"],
            ratio=numbers["ratio_9_to_8_black"]["count"],
        ),
        TEXTS.claim(
            "1.category-zero",
            "holds in part",
            of_none=pmf["count"][0],
            of_all_two=pmf["count"][9],
            of_all_one=pmf["image"][9],
        ),
        TEXTS.claim(
            "1.more-black-likelier",
            "holds in part",
            of_one_black=one[1],
            of_one_black_decimal=float(one[1]),
            low=low,
            of_low=one[low],
            of_low_decimal=float(one[low]),
        ),
        TEXTS.claim("1.labels", "fails", total=total, total_decimal=float(total)),
    ]


def learned_claims(numbers: dict[str, Any]) -> list[Claim]:
    """The claims about the learned distribution."""
    rule = numbers["ten_percent_rule"]
    homework = next(v for v in numbers["variants"] if "homework" in v["name"])
    return [
        TEXTS.claim(
            "1.sigmoid",
            "holds in part",
            sum_f=numbers["sum_f"],
            sum_f_homework=homework["sum_f"],
            kl_nats=numbers["kl_nats"],
            total_variation=numbers["total_variation"],
        ),
        TEXTS.claim(
            "1.rejection",
            "fails",
            accepted_held_out=rule["accepted_held_out"],
            n_held_out=numbers["n_held_out"],
            total_variation_accepted_held_out=rule["total_variation_accepted_held_out"],
            accepted_all=rule["accepted_all"],
            total_variation_accepted_all=rule["total_variation_accepted_all"],
            accepted_by_a_perfect_model=rule["accepted_by_a_perfect_model"],
            total_variation_perfect=rule["total_variation_perfect"],
            total_variation=numbers["total_variation"],
        ),
    ]


def large_claims(numbers: dict[str, Any]) -> list[Claim]:
    """The claims about 28 × 28."""
    space, counts, cost = numbers["space"], numbers["counts"], numbers["cost"]
    fair = numbers["learned"]["labels rescaled"]
    return [
        TEXTS.claim(
            "1.memory",
            "holds",
            log10_bytes_for_all_images=scientific(space["log10_bytes_for_all_images"]),
            log10_years_28x28=scientific(cost["log10_years_28x28"]),
        ),
        TEXTS.claim(
            "1.possibilities",
            "fails",
            log10_n_images=scientific(space["log10_n_images"]),
            n_digits=space["n_digits"],
            not_the_product=space["not_the_product"],
            n_images_3x3=2**9,
        ),
        TEXTS.claim(
            "1.curse",
            "holds in part",
            n_train=N_TRAIN,
            share=coverage(space),
            beats=against_constant(fair["r2_fresh"]),
            r2_fresh=fair["r2_fresh"],
            relative_sd_of_labels=counts["relative_sd_of_labels"],
        ),
    ]
