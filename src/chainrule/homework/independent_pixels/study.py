"""Problem 2: every pixel on its own.  Maximum likelihood, what it learns, and what it cannot see."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.records import Block, Claim, Figure, Heading, StudyRecord, Table, Text
from chainrule.datasets import Dataset
from chainrule.derive import derive_independent_bernoulli
from chainrule.evaluate.likelihood import Likelihood, summarize_log_prob
from chainrule.homework.context import StudyContext
from chainrule.homework.independent_pixels.dependence import neighbour_correlation, shuffle_columns
from chainrule.homework.pictures import as_images, some_rows
from chainrule.models.independent.estimator import Independent

__all__ = ["study"]

_PSEUDOCOUNTS = (0.0, 0.1, 1.0)


def study(context: StudyContext) -> StudyRecord:
    """Fit, score, sample, and compare with rows whose pixels were shuffled independently."""
    data = context.images()
    rng = np.random.default_rng([context.seed, 2])
    models = {a: Independent(pseudocount=a).fit(data.train) for a in _PSEUDOCOUNTS}
    scores = {
        a: {
            "train": summarize_log_prob(m.log_prob(data.train), m.n_features_in_),
            "test": summarize_log_prob(m.log_prob(data.test), m.n_features_in_),
        }
        for a, m in models.items()
    }
    best = max(_PSEUDOCOUNTS, key=lambda a: models[a].score(data.valid))
    model = models[best]
    draws = model.sample(10, rng=rng)
    seen = _what_is_seen(model, data, rng)
    numbers = _numbers(models, scores, best, seen, data)
    blocks = [
        Heading("The model and its maximum likelihood"),
        Text(
            "Each of the $d$ pixels is a Bernoulli variable with a probability of its own, and pixels are "
            "independent. This is the chain rule with no parents at all, so the likelihood splits into $d$ "
            "problems of one parameter each."
        ),
        derive_independent_bernoulli().to_steps(),
        Heading("What was fitted"),
        Figure(
            "p2-pixel-means",
            "images",
            {
                "rows": [
                    {"label": "probability of ink", "images": as_images(model.probabilities_[:, 1], data)}
                ],
                "scale": "probability",
            },
            f"The fitted probabilities ({model.n_features_in_} numbers are the whole model).",
            "A blurred average of all training images.",
        ),
        Figure(
            "p2-samples",
            "images",
            {"rows": [{"label": "samples", "images": as_images(draws, data)}], "scale": "binary"},
            "Ten samples. Each pixel is right on average and no pixel knows of its neighbours.",
            "Ten noisy images, ink scattered over the middle without strokes.",
        ),
        *_likelihood_blocks(scores, best, numbers),
        Heading("What is learned and what is lost"),
        *_learned_blocks(data, draws, seen, numbers, context.seed),
    ]
    return StudyRecord(
        problem="2",
        title="Pixel-independent Bernoulli model of binary images",
        asks="Model binarized digits with independent pixels by maximum likelihood, derive the estimator, "
        "draw ten samples, and say what is learned.",
        blocks=blocks,
        numbers=numbers,
        claims=_claims(numbers),
    )


def _what_is_seen(model: Independent, data: Dataset, rng: np.random.Generator) -> dict[str, float]:
    """The model's view of real test images, and of the same images with each pixel's column shuffled."""
    shuffled = shuffle_columns(data.test, rng)
    samples = model.sample(len(data.test), rng=rng)
    shape = data.shape or (1, data.test.shape[1])
    return {
        "test_nll_nats": -model.score(data.test),
        "shuffled_test_nll_nats": -model.score(shuffled),
        "neighbour_correlation_test": neighbour_correlation(data.test, shape),
        "neighbour_correlation_shuffled": neighbour_correlation(shuffled, shape),
        "neighbour_correlation_samples": neighbour_correlation(samples, shape),
        "ink_per_image_test": float(data.test.sum(1).mean()),
        "ink_per_image_samples": float(samples.sum(1).mean()),
        "ink_sd_test": float(data.test.sum(1).std()),
        "ink_sd_samples": float(samples.sum(1).std()),
    }


def _numbers(
    models: dict[float, Independent],
    scores: dict[float, dict[str, Likelihood]],
    best: float,
    seen: dict[str, float],
    data: Dataset,
) -> dict[str, Any]:
    d = data.train.shape[1]
    ones = data.train.sum(0)
    return {
        "n_pixels": d,
        "pseudocount_chosen_on_validation": best,
        "likelihood": {
            f"pseudocount_{a:g}": {split: s.to_plain() for split, s in by_split.items()}
            for a, by_split in scores.items()
        },
        "fair_coin_nll_nats": d * math.log(2),
        "one_shared_p_test_nll_nats": _one_shared_p(data),
        "pixels_never_on": int((ones == 0).sum()),
        "pixels_always_on": int((ones == len(data.train)).sum()),
        "test_rows_impossible_without_pseudocount": scores[0.0]["test"].n_impossible,
        "largest_difference_to_pixel_mean": float(
            np.abs(models[0.0].probabilities_[:, 1] - data.train.mean(0)).max()
        ),
        **seen,
    }


def _one_shared_p(data: Dataset) -> float:
    """Test nats per image when all pixels share one probability: the model that a missing index describes."""
    p, ones = data.train.mean(), data.test.sum(1).mean()
    d = data.test.shape[1]
    return float(-(ones * math.log(p) + (d - ones) * math.log1p(-p)))


def _likelihood_blocks(
    scores: dict[float, dict[str, Likelihood]], best: float, numbers: dict[str, Any]
) -> list[Block]:
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
        Text(
            f"**Pixels never on.** In training {numbers['pixels_never_on']} of {numbers['n_pixels']} pixels are "
            "never on. Maximum likelihood gives them probability exactly 0, so a single new image that uses one "
            f"is impossible: {impossible} of the test images are, and the mean test log-likelihood is then "
            + ("$-\\infty$" if impossible else "still finite here")
            + ". The setting `pseudocount` adds $\\alpha$ ones "
            "and $\\alpha$ zeros to every pixel; nothing is clipped in secret."
        ),
    ]


def _learned_blocks(
    data: Dataset,
    draws: NDArray[np.uint8],
    seen: dict[str, float],
    numbers: dict[str, Any],
    seed: int,
) -> list[Block]:
    real = some_rows(data.test, 10, [seed, 2, 1])
    shuffled = some_rows(shuffle_columns(data.test, np.random.default_rng([seed, 2, 2])), 10, [seed, 2, 3])
    saved = numbers["fair_coin_nll_nats"] - seen["test_nll_nats"]
    difference = abs(seen["test_nll_nats"] - seen["shuffled_test_nll_nats"])
    return [
        Figure(
            "p2-real-shuffled-sampled",
            "images",
            {
                "rows": [
                    {"label": "real", "images": as_images(real, data)},
                    {"label": "pixels shuffled between images", "images": as_images(shuffled, data)},
                    {"label": "samples", "images": as_images(draws, data)},
                ],
                "scale": "binary",
            },
            "Real test images drawn at random; images after each pixel's column was shuffled on its own; samples. "
            "The model cannot tell the first row from the second.",
            "A row of digits above two rows of noise that look alike.",
        ),
        Table(
            ["measured on", "nats per image", "correlation of neighbouring pixels", "ink per image (sd)"],
            [
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
            ],
            "Shuffling each pixel on its own keeps every pixel mean and destroys every image.",
        ),
        Text(
            f"**Learned:** where ink is likely. Against a fair coin for every pixel that saves {saved:.0f} of "
            f"{numbers['fair_coin_nll_nats']:.0f} nats per image, so the model is far from knowing nothing.\n\n"
            "**Lost:** everything that makes a digit, which is how pixels depend on each other. The proof is in "
            "the table: real images and shuffled ones get the same mean log-likelihood "
            f"(they differ by {difference:.0e} nats, which is rounding), "
            "because the sum over images and pixels does not care which image a pixel came from."
        ),
    ]


def _claims(n: dict[str, Any]) -> list[Claim]:
    chosen = n["likelihood"][f"pseudocount_{n['pseudocount_chosen_on_validation']:g}"]["test"]
    saved = n["fair_coin_nll_nats"] - n["test_nll_nats"]
    never, impossible = n["pixels_never_on"], n["test_rows_impossible_without_pseudocount"]
    return [
        Claim(
            "2.mean",
            "The maximum-likelihood estimate of a Bernoulli probability is the sample mean.",
            "holds in part" if impossible else "holds",
            f"Derived with every step checked; the fitted values differ from the pixel means by at most "
            f"{n['largest_difference_to_pixel_mean']:.1g}. What is left out: at the boundary the estimate is 0 "
            f"({never} pixels), which makes {impossible} test images impossible unless a pseudocount is used.",
        ),
        Claim(
            "2.one-parameter",
            "The likelihood of the images can be written with a single parameter p.",
            "fails" if n["one_shared_p_test_nll_nats"] > n["test_nll_nats"] else "holds",
            f"As written, without an index for the pixel, all pixels share one probability: "
            f"{n['one_shared_p_test_nll_nats']:.1f} nats per test image. One probability per pixel, which is what "
            f"the samples there were drawn from, gives {n['test_nll_nats']:.1f}.",
        ),
        Claim(
            "2.only-noise",
            "The pixel-independent model learns only noise and nothing meaningful.",
            "fails",
            f"It learns every pixel's probability: {-chosen['mean_log_prob_nats']:.1f} nats per test image "
            f"({chosen['bits_per_dim']:.3f} bits per pixel) against {n['fair_coin_nll_nats']:.1f} for noise, "
            f"{saved:.0f} nats saved; mean ink {n['ink_per_image_samples']:.1f} in samples, "
            f"{n['ink_per_image_test']:.1f} in images.",
        ),
        Claim(
            "2.too-strong",
            "Independence of pixels is too strong an assumption for images.",
            "holds",
            f"Neighbouring pixels correlate {n['neighbour_correlation_test']:.2f} in test images and "
            f"{n['neighbour_correlation_samples']:z.2f} in samples; shuffled images score the same "
            f"({n['shuffled_test_nll_nats']:.2f} against {n['test_nll_nats']:.2f} nats). Problem 5 measures what "
            "dependence is worth.",
        ),
    ]
