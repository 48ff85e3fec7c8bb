"""Problem 1: images with probability proportional to their black pixels.

Here is part a, the distribution itself, in two readings.  Part b (``learned_images``) has a network learn it
from labels; part c (``large_images``) does the same at 28 × 28, where it cannot work.
"""

from __future__ import annotations

from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.records import Block, Claim, Figure, Formula, Heading, StudyRecord, Table, Text
from chainrule.homework.context import StudyContext
from chainrule.homework.images.count_proportional import CountProportional
from chainrule.homework.images.large_images import large_images
from chainrule.homework.images.learned_images import learned_images

__all__ = ["study"]

_SIDE, _PIXELS = 3, 9
_PRINTED = (0.0, 0.0222, 0.0444, 0.0667, 0.0889, 0.1111, 0.1333, 0.1556, 0.1778, 0.2)  # the homework's table


def study(context: StudyContext) -> StudyRecord:
    """Parts 1a, 1b and 1c, one after the other."""
    parts = [_known_rule(context.seed), learned_images(context), large_images(context)]
    return StudyRecord(
        problem="1",
        title="Images with probability proportional to their black pixels",
        asks="Sample black-and-white images with probability proportional to the number of black pixels; learn "
        "that distribution at 3 × 3 with an MLP from 200 labelled images and sample from it; show why the "
        "same strategy does not scale to 28 × 28.",
        blocks=[block for blocks, _, _ in parts for block in blocks],
        numbers={name: numbers for name, (_, numbers, _) in zip(("1a", "1b", "1c"), parts, strict=True)},
        claims=[claim for _, _, claims in parts for claim in claims],
    )


def _known_rule(seed: int) -> tuple[list[Block], dict[str, Any], list[Claim]]:
    """Both readings of "probability proportional to the count", exactly."""
    models = {rule: CountProportional(_SIDE, _SIDE, rule) for rule in ("image", "count")}
    pmf = {rule: model.exact_count_pmf() for rule, model in models.items()}
    one = {rule: [p / comb(_PIXELS, k) for k, p in enumerate(pmf[rule])] for rule in pmf}
    draws = {
        rule: model.sample(5, rng=np.random.default_rng([seed, 1, i]))
        for i, (rule, model) in enumerate(models.items())
    }
    numbers = {
        "count_pmf": {rule: [str(p) for p in values] for rule, values in pmf.items()},
        "image_probability_by_count": {rule: [str(p) for p in values] for rule, values in one.items()},
        "ratio_9_to_8_black": {rule: str(values[9] / values[8]) for rule, values in one.items()},
        "largest_difference_to_printed_table": float(
            max(abs(float(p) - q) for p, q in zip(pmf["count"], _PRINTED, strict=True))
        ),
        "likeliest_image_counts": {r: [k for k in range(10) if v[k] == max(v)] for r, v in one.items()},
        "least_likely_positive_counts": {
            r: [k for k in range(10) if v[k] == min(v[1:])] for r, v in one.items()
        },
        "sum_of_count_labels_over_images": str(sum(comb(_PIXELS, k) * p for k, p in enumerate(pmf["count"]))),
        "sample_counts": {rule: rows.sum(1).tolist() for rule, rows in draws.items()},
    }
    return _known_blocks(pmf, one, draws, numbers), numbers, _known_claims(pmf, one, numbers)


def _known_blocks(
    pmf: dict[str, list[Fraction]],
    one: dict[str, list[Fraction]],
    draws: dict[str, NDArray[np.uint8]],
    numbers: dict[str, Any],
) -> list[Block]:
    ratio, total = numbers["ratio_9_to_8_black"], Fraction(numbers["sum_of_count_labels_over_images"])
    low, high = numbers["least_likely_positive_counts"]["count"][0], one["count"][1]
    return [
        Heading("1a  The distribution, in two readings"),
        Text(
            "Black is 1 here, white 0, and $k$ is the number of black pixels of an image of $D = 9$ "
            "pixels. “Probability proportional to the number of black pixels” can be read in two ways.\n\n"
            "**Reading one: each image is proportional to its own count.** This is what the sentence "
            "says.\n\n"
            "**Reading two: the count is drawn with $p(k) \\propto k$**, and then one of the "
            "$\\binom{9}{k}$ images of that count, all equally likely. This is the homework's table, "
            "$k/45$."
        ),
        Formula(
            r"p_1(x) = \frac{k(x)}{D\,2^{D-1}} = \frac{k(x)}{2304}, \qquad "
            r"p_2(x) = \frac{k(x)}{D(D+1)/2} \cdot \frac{1}{\binom{D}{k(x)}} = \frac{k(x)}{45\,\binom{9}{k(x)}}",
            "Both are exact at any size, since they depend on the image through its count only.",
        ),
        Figure(
            "p1a-count-pmf",
            "bars",
            {
                "x": [str(k) for k in range(10)],
                "series": [
                    {"label": "reading one: p(image) ∝ count", "y": [float(p) for p in pmf["image"]]},
                    {
                        "label": "reading two: p(count = k) = k/45 (the homework)",
                        "y": [float(p) for p in pmf["count"]],
                    },
                ],
                "x_label": "number of black pixels k",
                "y_label": "probability of the count",
            },
            "The probability of each count under both readings. Under the first, there are many images of "
            "middling count, and their number decides; under the second the count itself grows in "
            "proportion.",
            "Bars over counts 0 to 9: reading one is a bell around 5, reading two a straight rise to 0.2 at 9.",
        ),
        Table(
            [
                "k",
                "images",
                "p(image), one",
                "p(count), one",
                "p(image), two",
                "p(count), two",
                "printed in the homework",
            ],
            [
                [
                    k,
                    comb(_PIXELS, k),
                    *(str(t[r][k]) for r in ("image", "count") for t in (one, pmf)),
                    _PRINTED[k],
                ]
                for k in range(10)
            ],
            "Exact probabilities of one image with k black pixels, and of the count k.",
        ),
        Text(
            "The all-white image has probability zero under both. An image with 9 black pixels against one "
            f"with 8: {ratio['image']} under reading one, as the sentence asks, and {ratio['count']} under "
            "reading two. Reading two is not even increasing from image to image: each image with one "
            f"black pixel has {high}, each with {low} only {one['count'][low]}, because the share of a "
            "count is divided among its images.\n\n"
            "The homework then labels each of the 512 images with the probability of its count. These "
            f"labels sum to ${_frac(total)} = {float(total):.4g}$, not to 1: they are not the probabilities "
            "of the images under reading two. Divided by their sum they are $k/2304$, which is reading one."
        ),
        Figure(
            "p1a-samples",
            "images",
            {
                "rows": [
                    {
                        "label": f"reading {name}",
                        "images": _pictures(draws[rule]),
                        "titles": [f"k = {k}" for k in numbers["sample_counts"][rule]],
                    }
                    for name, rule in (("one", "image"), ("two", "count"))
                ],
                "scale": "binary",
            },
            "Five exact draws under each reading.",
            "Two rows of five 3 by 3 images.",
        ),
    ]


def _known_claims(
    pmf: dict[str, list[Fraction]], one: dict[str, list[Fraction]], numbers: dict[str, Any]
) -> list[Claim]:
    ratio, total = numbers["ratio_9_to_8_black"], Fraction(numbers["sum_of_count_labels_over_images"])
    low = numbers["least_likely_positive_counts"]["count"][0]
    return [
        Claim(
            "1.category-table",
            "A categorical distribution over the counts 0 to 9 with probabilities k/45 solves the task.",
            "holds in part",
            "The ten printed numbers are k/45 (largest difference "
            f"{numbers['largest_difference_to_printed_table']:.6f}, rounding), a distribution over counts. "
            "Over images it is not proportional to the count: 9 black pixels against 8 should be 9/8 and "
            f"is {ratio['count']}.",
        ),
        Claim(
            "1.category-zero",
            "Category 0, no black pixels, has probability 0; category 9 has 0.2 (black is coded 0, white 1).",
            "holds in part",
            f"p(k = 0) = {pmf['count'][0]} under both readings; p(k = 9) = {pmf['count'][9]} under the "
            f"homework's, {pmf['image'][9]} under p(image) ∝ count. With black coded 0, summing pixels "
            "counts the white ones, so k has to be 9 minus the sum.",
        ),
        Claim(
            "1.more-black-likelier",
            "Images with more black pixels are more likely to be generated.",
            "holds in part",
            "The counts are increasingly likely. Single images are not: one black pixel gives "
            f"{one['count'][1]} = {float(one['count'][1]):.6f}, {low} give {one['count'][low]} = "
            f"{float(one['count'][low]):.6f}.",
        ),
        Claim(
            "1.labels",
            "Each of the 512 images is labelled with its probability, read off the table by its count.",
            "fails",
            f"That is the probability of the count, shared by C(9, k) images. The labels sum to {total} = "
            f"{float(total):.4g} instead of 1.",
        ),
    ]


def _pictures(rows: NDArray[np.uint8]) -> list[Any]:
    return rows.reshape(-1, _SIDE, _SIDE).tolist()


def _frac(value: Fraction) -> str:
    return f"\\tfrac{{{value.numerator}}}{{{value.denominator}}}"
