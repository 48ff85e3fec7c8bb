"""What the page shows of problem 1c: the setting, and reasons 1 to 4."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.core.figures import Cloud, Layer, Line, LineChart, NetworkDrawing, Place, ScatterPlot
from chainrule.core.records import Block, Heading, Table
from chainrule.homework.images import TEXTS
from chainrule.homework.images.count_proportional import CountProportional
from chainrule.homework.images.mlp_density import MLPDensity
from chainrule.homework.images.numbers_1c import (
    HIDDEN,
    N_TRAIN,
    READINGS,
    SIDE,
    D,
    Fit,
    LargeImages,
    r2,
    uniform_count_pmf,
)
from chainrule.homework.images.wording import against_constant, coverage, scientific

__all__ = ["large_part"]


def large_part(large: LargeImages) -> list[Block]:
    """The setting, and the first four reasons why it leads nowhere."""
    numbers = large.numbers
    return [
        *_setting(large.fair.model),
        *_space(numbers["space"]),
        *_labels(numbers["labels"], large.fair.model.epochs),
        *_counts(numbers["counts"]),
        *_learning(large.fair, numbers["learned"]),
    ]


def _setting(model: MLPDensity) -> list[Block]:
    hidden = [Layer(f"hidden {i}", h, "relu") for i, h in enumerate(HIDDEN, 1)]
    drawn = NetworkDrawing([Layer("pixels", D), *hidden, Layer("f(x)", 1, "sigmoid")])
    parameters = sum(w.numel() for w in model.network_.parameters())
    return [
        Heading("1c  The same at 28 × 28, and why it fails"),
        TEXTS.block("setting", n_train=N_TRAIN, epochs=model.epochs),
        TEXTS.figure("p1c-network", drawn, parameters=_grouped(parameters)),
    ]


def _space(numbers: dict[str, Any]) -> list[Block]:
    digits = numbers["n_images"]
    first = len(digits) % 3 or 3
    grouped = " ".join([digits[:first], *(digits[i : i + 3] for i in range(first, len(digits), 3))])
    rows: list[list[Any]] = [
        [f"{side} × {side}", side**2, 2**side**2, min(N_TRAIN / 2**side**2, 1.0)] for side in (2, 3, 4, 5)
    ]
    rows.append(
        ["28 × 28", D, f"$2^{{784}} \\approx {scientific(numbers['log10_n_images'])}$", coverage(numbers)]
    )
    return [
        Heading("Reason 1: there are 2⁷⁸⁴ images"),
        TEXTS.block(
            "space",
            n_digits=numbers["n_digits"],
            not_the_product=numbers["not_the_product"],
            grouped=grouped,
            log10_bytes_for_all_images=scientific(numbers["log10_bytes_for_all_images"]),
            n_train=N_TRAIN,
            share_at_3x3=N_TRAIN / 2**9,
        ),
        Table(
            ["size", "pixels", "images", "share covered by 200 images"],
            rows,
            "Number of images and the share that 200 unique ones can cover.",
        ),
    ]


def _labels(numbers: dict[str, Any], epochs: int) -> list[Block]:
    return [
        Heading("Reason 2: the labels are zero in float32"),
        TEXTS.block(
            "labels",
            n_train=N_TRAIN,
            log10_smallest=scientific(numbers["log10_smallest"]),
            log10_largest=scientific(numbers["log10_largest"]),
            smallest_float32=scientific(math.log10(numbers["smallest_float32"])),
            n_zero_in_float32=numbers["n_zero_in_float32"],
            n_zero_in_float64=numbers["n_zero_in_float64"],
            epochs=epochs,
            largest_change_of_log_f_by_training=numbers["largest_change_of_log_f_by_training"],
        ),
    ]


def _counts(numbers: dict[str, Any]) -> list[Block]:
    low, high = numbers["interval"]
    one, two, uniform = numbers["image"], numbers["count"], numbers["uniform"]
    return [
        Heading("Reason 3: counts concentrate, so there is nothing to see"),
        TEXTS.block(
            "counts",
            mean_uniform=uniform["mean"],
            sd=uniform["sd"],
            share_uniform=uniform["share_within_interval"],
            low=low,
            high=high,
            relative_sd_of_labels=numbers["relative_sd_of_labels"],
            mean_one=one["mean"],
            kl_one=one["kl_to_uniform_nats"],
            kl_two=two["kl_to_uniform_nats"],
            share_two=two["share_within_interval"],
        ),
        TEXTS.figure("p1c-counts", _count_chart(low, high)),
    ]


def _count_chart(low: int, high: int) -> LineChart:
    k = np.arange(D + 1)
    series = [
        Line(f"reading {label}", k, CountProportional(SIDE, SIDE, rule).count_pmf())
        for rule, label in READINGS.items()
    ]
    series.append(Line("uniform (how the 200 images are drawn)", k, uniform_count_pmf(), "dashed"))
    places = [Place(low, "−3 sd"), Place(high, "+3 sd")]
    return LineChart(series, "number of black pixels", "probability of the count", vertical=places)


def _learning(fair: Fit, numbers: dict[str, Any]) -> list[Block]:
    n = numbers[fair.name]
    shown = slice(0, 400)  # points enough to see the cloud
    cloud = Cloud("fresh images", fair.true[shown], fair.predicted[shown])
    axes = "true probability ÷ mean label", "predicted ÷ mean label"
    return [
        Heading("Reason 4: the network learns the 200 images and nothing else"),
        TEXTS.block(
            "fit at 28",
            n_train=N_TRAIN,
            r2_train=n["r2_train"],
            n_fresh=fair.true.size,
            beats=against_constant(n["r2_fresh"]),
            r2_fresh=n["r2_fresh"],
            correlation_fresh=n["correlation_fresh"],
            within_10_percent_fresh=n["within_10_percent_fresh"],
            constant_within_10_percent_fresh=n["constant_within_10_percent_fresh"],
        ),
        _predictors(fair, numbers),
        TEXTS.figure("p1c-predicted", ScatterPlot([cloud], *axes, diagonal=True)),
    ]


def _predictors(fair: Fit, numbers: dict[str, Any]) -> Table:
    rows = [
        [f"MLP, {name}", v["r2_train"], v["r2_fresh"], v["relative_rmse_fresh"], v["within_10_percent_fresh"]]
        for name, v in numbers.items()
    ]
    constant = [
        "the mean label, for every image",
        0.0,
        r2(np.ones(fair.true.size), fair.true),
        float(np.sqrt(np.mean((1.0 - fair.true) ** 2))),
        numbers[fair.name]["constant_within_10_percent_fresh"],
    ]
    return Table(
        ["predictor", "R² on the 200", "R² on fresh images", "error ÷ mean label", "within 10 %"],
        [*rows, constant],
        f"Errors are root mean squares over {fair.true.size} fresh images.",
    )


def _grouped(n: int) -> str:
    """Digits in groups of three, by narrow spaces."""
    return f"{n:,}".replace(",", "\u202f")
