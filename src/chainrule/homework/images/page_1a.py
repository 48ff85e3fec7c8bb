"""What the page shows of problem 1a: the two readings, their tables, and draws."""

from __future__ import annotations

from fractions import Fraction
from math import comb

from chainrule.core.figures import BarChart, BarSeries, ImageGrid, ImageRow
from chainrule.core.records import Block, Formula, Heading, Table
from chainrule.homework.images import TEXTS
from chainrule.homework.images.numbers_1a import PIXELS, PRINTED, SIDE, KnownRule

__all__ = ["known_part"]


def known_part(known: KnownRule) -> list[Block]:
    """Both readings side by side: formulas, counts, single images, draws."""
    return [
        Heading("1a  The distribution, in two readings"),
        TEXTS.block("two readings"),
        Formula(
            r"p_1(x) = \frac{k(x)}{D\,2^{D-1}} = \frac{k(x)}{2304}, \qquad "
            r"p_2(x) = \frac{k(x)}{D(D+1)/2} \cdot \frac{1}{\binom{D}{k(x)}} = \frac{k(x)}{45\,\binom{9}{k(x)}}",
            "Both are exact at any size, since they depend on the image through its count only.",
        ),
        TEXTS.figure("p1a-count-pmf", _counts(known)),
        _table(known),
        _ratios(known),
        TEXTS.figure("p1a-samples", _draws(known)),
    ]


def _counts(known: KnownRule) -> BarChart:
    labels = {
        "image": "reading one: p(image) ∝ count",
        "count": "reading two: p(count = k) = k/45 (the homework)",
    }
    series = [BarSeries(labels[rule], [float(p) for p in values]) for rule, values in known.pmf.items()]
    counts = [str(k) for k in range(PIXELS + 1)]
    return BarChart(counts, series, "number of black pixels k", "probability of the count")


def _table(known: KnownRule) -> Table:
    columns = [
        "k",
        "images",
        "p(image), one",
        "p(count), one",
        "p(image), two",
        "p(count), two",
        "printed in the homework",
    ]
    tables = [table[rule] for rule in known.pmf for table in (known.one_image, known.pmf)]
    rows = [[k, comb(PIXELS, k), *(str(t[k]) for t in tables), PRINTED[k]] for k in range(PIXELS + 1)]
    return Table(columns, rows, "Exact probabilities of one image with k black pixels, and of the count k.")


def _ratios(known: KnownRule) -> Block:
    ratio, one = known.numbers["ratio_9_to_8_black"], known.one_image["count"]
    total = Fraction(known.numbers["sum_of_count_labels_over_images"])
    low = known.numbers["least_likely_positive_counts"]["count"][0]
    return TEXTS.block(
        "ratios",
        ratio_one=ratio["image"],
        ratio_two=ratio["count"],
        of_one_black=one[1],
        low=low,
        of_low=one[low],
        total=f"\\tfrac{{{total.numerator}}}{{{total.denominator}}}",
        total_decimal=float(total),
    )


def _draws(known: KnownRule) -> ImageGrid:
    rows = [
        ImageRow(
            f"reading {name}",
            known.draws[rule].reshape(-1, SIDE, SIDE),
            [f"k = {k}" for k in known.numbers["sample_counts"][rule]],
        )
        for name, rule in zip(("one", "two"), known.pmf, strict=True)
    ]
    return ImageGrid(rows, "binary")
