"""Problem 1a: both readings of "probability proportional to the count", exactly."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.homework.images.count_proportional import CountProportional, Rule

__all__ = ["PIXELS", "PRINTED", "SIDE", "KnownRule", "known_rule"]

SIDE, PIXELS = 3, 9
PRINTED = (0.0, 0.0222, 0.0444, 0.0667, 0.0889, 0.1111, 0.1333, 0.1556, 0.1778, 0.2)  # the homework's table


@dataclass(frozen=True)
class KnownRule:
    """By reading: the probability of each count, that of one image with it, five draws; and all numbers by name."""

    pmf: dict[Rule, list[Fraction]]
    one_image: dict[Rule, list[Fraction]]
    draws: dict[Rule, NDArray[np.uint8]]
    numbers: dict[str, Any]


def known_rule(seed: int) -> KnownRule:
    """Both readings of "probability proportional to the count", exactly."""
    rules: tuple[Rule, ...] = ("image", "count")
    models: dict[Rule, CountProportional] = {rule: CountProportional(SIDE, SIDE, rule) for rule in rules}
    pmf: dict[Rule, list[Fraction]] = {rule: model.exact_count_pmf() for rule, model in models.items()}
    one: dict[Rule, list[Fraction]] = {
        rule: [p / comb(PIXELS, k) for k, p in enumerate(pmf[rule])] for rule in rules
    }
    draws: dict[Rule, NDArray[np.uint8]] = {
        rule: model.sample(5, rng=np.random.default_rng([seed, 1, i]))
        for i, (rule, model) in enumerate(models.items())
    }
    numbers = {
        "count_pmf": {rule: [str(p) for p in values] for rule, values in pmf.items()},
        "image_probability_by_count": {rule: [str(p) for p in values] for rule, values in one.items()},
        "ratio_9_to_8_black": {rule: str(values[9] / values[8]) for rule, values in one.items()},
        "largest_difference_to_printed_table": float(
            max(abs(float(p) - q) for p, q in zip(pmf["count"], PRINTED, strict=True))
        ),
        "likeliest_image_counts": {r: [k for k in range(10) if v[k] == max(v)] for r, v in one.items()},
        "least_likely_positive_counts": {
            r: [k for k in range(10) if v[k] == min(v[1:])] for r, v in one.items()
        },
        "sum_of_count_labels_over_images": str(sum(comb(PIXELS, k) * p for k, p in enumerate(pmf["count"]))),
        "sample_counts": {rule: rows.sum(1).tolist() for rule, rows in draws.items()},
    }
    return KnownRule(pmf, one, draws, numbers)
