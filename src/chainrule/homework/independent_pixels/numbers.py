"""What problem 2 measures of the model, of real images, and of images whose pixels were shuffled."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.core.numerics import xlogy
from chainrule.datasets import Dataset
from chainrule.evaluate.likelihood import Likelihood, summarize_log_prob
from chainrule.homework.independent_pixels.dependence import neighbour_correlation, shuffle_columns
from chainrule.models.independent.estimator import Independent

__all__ = ["numbers_of", "score_splits", "what_is_seen"]


def score_splits(model: Independent, data: Dataset) -> dict[str, Likelihood]:
    """How well a model predicts the images that it was fitted to, and others."""
    return {
        split: summarize_log_prob(model.log_prob(rows), model.n_features_in_)
        for split, rows in (("train", data.train), ("test", data.test))
    }


def what_is_seen(model: Independent, data: Dataset, rng: np.random.Generator) -> dict[str, float]:
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


def numbers_of(
    models: dict[float, Independent],
    scores: dict[float, dict[str, Likelihood]],
    best: float,
    seen: dict[str, float],
    data: Dataset,
) -> dict[str, Any]:
    """Everything that was measured, by name."""
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
    return -float(xlogy(ones, p) + xlogy(d - ones, 1.0 - p))
