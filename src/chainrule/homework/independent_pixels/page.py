"""What the page shows of problem 2."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.figures import ImageGrid, ImageRow
from chainrule.core.records import Block, Heading, Table
from chainrule.datasets import Dataset
from chainrule.derive import derive_independent_bernoulli
from chainrule.evaluate.likelihood import Likelihood
from chainrule.homework.derivations import as_steps
from chainrule.homework.independent_pixels import TEXTS
from chainrule.homework.independent_pixels.dependence import shuffle_columns
from chainrule.homework.pictures import as_images, some_rows
from chainrule.homework.words import apart
from chainrule.models.independent.estimator import Independent

__all__ = ["fit_part", "learned_part", "likelihood_part", "model_part"]


def model_part() -> list[Block]:
    """The model, and its maximum likelihood derived."""
    return [
        Heading("The model and its maximum likelihood"),
        TEXTS.block("model"),
        as_steps(derive_independent_bernoulli()),
    ]


def fit_part(model: Independent, draws: NDArray[np.uint8], data: Dataset) -> list[Block]:
    """The fitted probabilities, and samples."""
    means = ImageRow("probability of ink", as_images(model.probabilities_[:, 1], data))
    return [
        Heading("What was fitted"),
        TEXTS.figure("p2-pixel-means", ImageGrid([means], "probability"), n_pixels=model.n_features_in_),
        TEXTS.figure("p2-samples", ImageGrid([ImageRow("samples", as_images(draws, data))], "binary")),
    ]


def likelihood_part(
    scores: dict[float, dict[str, Likelihood]], best: float, numbers: dict[str, Any]
) -> list[Block]:
    """Likelihoods by pseudocount, and what pixels that were never on do to them."""
    rows = []
    for a, by_split in scores.items():
        for split, s in by_split.items():
            error = "" if s.standard_error_nats is None else f" ± {s.standard_error_nats:.2f}"
            rows.append(
                [
                    f"{a:g}" + (" (chosen on validation)" if a == best else ""),
                    split,
                    f"{s.mean_log_prob_nats:.2f}{error}" if math.isfinite(s.mean_log_prob_nats) else "−∞",
                    f"{s.bits_per_dim:.4f}" if math.isfinite(s.bits_per_dim) else "∞",
                    s.n_impossible,
                ]
            )
    impossible = numbers["test_rows_impossible_without_pseudocount"]
    return [
        Table(
            [
                "pseudocount",
                "images",
                "log-likelihood, nats per image",
                "bits per pixel",
                "impossible images",
            ],
            rows,
            "Mean log-likelihood with its standard error over images.",
        ),
        TEXTS.block(
            "never on",
            pixels_never_on=numbers["pixels_never_on"],
            n_pixels=numbers["n_pixels"],
            impossible=impossible,
            impossible_words="$-\\infty$" if impossible else "still finite here",
        ),
    ]


def learned_part(
    data: Dataset,
    draws: NDArray[np.uint8],
    seen: dict[str, float],
    numbers: dict[str, Any],
    seed: int,
) -> list[Block]:
    """Real images, shuffled ones and samples, as pictures and in numbers."""
    real = some_rows(data.test, 10, [seed, 2, 1])
    shuffled = some_rows(shuffle_columns(data.test, np.random.default_rng([seed, 2, 2])), 10, [seed, 2, 3])
    shown = {"real": real, "pixels shuffled between images": shuffled, "samples": draws}
    rows = [ImageRow(label, as_images(images, data)) for label, images in shown.items()]
    return [
        Heading("What is learned and what is lost"),
        TEXTS.figure("p2-real-shuffled-sampled", ImageGrid(rows, "binary")),
        _what_is_measured(seen),
        TEXTS.block(
            "learned and lost",
            saved=numbers["fair_coin_nll_nats"] - seen["test_nll_nats"],
            fair_coin_nll_nats=numbers["fair_coin_nll_nats"],
            apart=apart(seen["test_nll_nats"] - seen["shuffled_test_nll_nats"], "nats"),
        ),
    ]


def _what_is_measured(seen: dict[str, float]) -> Table:
    rows = [
        [
            "real test images",
            f"{seen['test_nll_nats']:.4f}",
            f"{seen['neighbour_correlation_test']:z.3f}",
            f"{seen['ink_per_image_test']:.1f} ({seen['ink_sd_test']:.1f})",
        ],
        [
            "shuffled test images",
            f"{seen['shuffled_test_nll_nats']:.4f}",
            f"{seen['neighbour_correlation_shuffled']:z.3f}",
            f"{seen['ink_per_image_test']:.1f}",
        ],
        [
            "samples",
            "",
            f"{seen['neighbour_correlation_samples']:z.3f}",
            f"{seen['ink_per_image_samples']:.1f} ({seen['ink_sd_samples']:.1f})",
        ],
    ]
    return Table(
        ["measured on", "nats per image", "correlation of neighbouring pixels", "ink per image (sd)"],
        rows,
        "Shuffling each pixel on its own keeps every pixel mean and destroys every image.",
    )
