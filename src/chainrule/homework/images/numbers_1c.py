"""Problem 1c: the strategy of 1b at 28 × 28, and the measured reasons why it does not scale.

The reasons that concern the sum over all images are in ``numbers_partition``.  Everything true here is exact, from
the closed forms of ``CountProportional``; everything about the network is measured.  Probabilities are kept as
logarithms: at 10^-236 little else survives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.numerics import log_sum_exp
from chainrule.homework.context import StudyContext
from chainrule.homework.images.count_proportional import CountProportional, Rule
from chainrule.homework.images.mlp_density import MLPDensity
from chainrule.homework.images.numbers_partition import Partition, measure_partition

__all__ = [
    "HIDDEN",
    "N_TRAIN",
    "READINGS",
    "SIDE",
    "D",
    "LargeImages",
    "large_images",
    "r2",
    "uniform_count_pmf",
]

SIDE, D = 28, 784
N_TRAIN, _N_FRESH = 200, 5000
HIDDEN, _EPOCHS = (64, 64, 32, 32), 500
READINGS: dict[Rule, str] = {"image": "one, p(image) ∝ count", "count": "two, p(count) ∝ count"}


@dataclass(frozen=True)
class Fit:
    """A network trained on 200 labels, compared on fresh images; values divided by the mean label."""

    name: str
    model: MLPDensity
    predicted: NDArray[np.float64]  # on fresh images
    true: NDArray[np.float64]
    r2_train: float
    r2_fresh: float
    moved: float  # largest change of log f (nats) on fresh images between start and end of training

    def to_plain(self) -> dict[str, Any]:
        deviates = self.predicted.std() > 0
        return {
            "r2_train": self.r2_train,
            "r2_fresh": self.r2_fresh,
            "correlation_fresh": float(np.corrcoef(self.predicted, self.true)[0, 1]) if deviates else 0.0,
            "relative_rmse_fresh": float(np.sqrt(np.mean((self.predicted - self.true) ** 2))),
            "relative_sd_of_truth_fresh": float(self.true.std()),
            "within_10_percent_fresh": float((np.abs(self.predicted - self.true) <= 0.1 * self.true).mean()),
            "constant_within_10_percent_fresh": float((np.abs(1.0 - self.true) <= 0.1 * self.true).mean()),
            "seconds_training": self.model.fit_info_["seconds"],
        }


@dataclass(frozen=True)
class LargeImages:
    """The networks trained at 28 × 28 (labels as they are, rescaled), the sum over all images, and all numbers."""

    fits: list[Fit]
    partition: Partition
    numbers: dict[str, Any]

    @property
    def fair(self) -> Fit:
        """The network that was given a fair chance: its labels were rescaled."""
        return self.fits[1]


def large_images(context: StudyContext) -> LargeImages:
    """Train at 28 × 28, then measure what stands in the way."""
    seed = context.seed
    train = _uniform_images(N_TRAIN, np.random.default_rng([seed, 1, 6]))
    fresh = _uniform_images(_N_FRESH, np.random.default_rng([seed, 1, 7]))
    truth = CountProportional(SIDE, SIDE)
    fits = _fits(truth, train, fresh, seed)
    partition = measure_partition(fits[1].model, context)
    numbers = {
        "space": _space(),
        "labels": _labels(truth, train, fits[0]),
        "counts": _counts(),
        "learned": {fit.name: fit.to_plain() for fit in fits},
        **partition.numbers,
    }
    return LargeImages(fits, partition, numbers)


def _uniform_images(n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    return rng.integers(0, 2, (n, D), dtype=np.uint8)


def _space() -> dict[str, Any]:
    return {
        "n_images": str(2**D),
        "n_digits": len(str(2**D)),
        "log10_n_images": D * math.log10(2),
        "not_the_product": SIDE * SIDE,
        "log10_coverage_of_200": math.log10(N_TRAIN) - D * math.log10(2),
        "log10_bytes_for_all_images": D * math.log10(2) + math.log10(D / 8),
    }


def _labels(truth: CountProportional, train: NDArray[np.uint8], raw: Fit) -> dict[str, Any]:
    log_p = truth.log_prob(train)
    return {
        "log10_smallest": float(log_p.min() / math.log(10)),
        "log10_largest": float(log_p.max() / math.log(10)),
        "largest_over_smallest": float(np.exp(log_p.max() - log_p.min())),
        "smallest_float32": float(np.finfo(np.float32).smallest_subnormal),
        "n_zero_in_float32": int((np.exp(log_p).astype(np.float32) == 0).sum()),
        "n_zero_in_float64": int((np.exp(log_p) == 0).sum()),
        "largest_change_of_log_f_by_training": raw.moved,
    }


def _counts() -> dict[str, Any]:
    k = np.arange(D + 1)
    pmfs = {"uniform": uniform_count_pmf()} | {
        rule: CountProportional(SIDE, SIDE, rule).count_pmf() for rule in READINGS
    }
    sd = math.sqrt(D) / 2
    low, high = math.ceil(D / 2 - 3 * sd), math.floor(D / 2 + 3 * sd)
    out: dict[str, Any] = {"interval": [low, high]}
    for name, p in pmfs.items():
        mean = float(p @ k)
        out[name] = {
            "mean": mean,
            "sd": math.sqrt(float(p @ (k - mean) ** 2)),
            "share_within_interval": float(p[low : high + 1].sum()),
            "kl_to_uniform_nats": _kl_to_uniform(p, pmfs["uniform"]),
        }
    out["relative_sd_of_labels"] = out["uniform"]["sd"] / out["uniform"]["mean"]
    return out


def uniform_count_pmf() -> NDArray[np.float64]:
    """The law of the count where every image is equally likely: C(784, k) / 2^784, from exact integers."""
    return np.array([math.comb(D, k) / 2**D for k in range(D + 1)])


def _kl_to_uniform(p: NDArray[np.float64], uniform: NDArray[np.float64]) -> float:
    """KL in nats between images; given the count both are uniform, so the counts say it all."""
    some = p > 0
    return float(p[some] @ np.log(p[some] / uniform[some]))


def _fits(
    truth: CountProportional, train: NDArray[np.uint8], fresh: NDArray[np.uint8], seed: int
) -> list[Fit]:
    """The labels as they are, and rescaled; both by the same recipe from the same start."""
    log_labels, log_fresh = truth.log_prob(train), truth.log_prob(fresh)
    log_mean = float(log_sum_exp(log_labels)) - math.log(N_TRAIN)
    start = int(np.random.default_rng([seed, 1, 8]).integers(2**31))
    fits = []
    for name, peak in (("labels as they are", None), ("labels rescaled", 0.5)):
        model = MLPDensity(HIDDEN, epochs=_EPOCHS, label_peak=peak, random_state=start)
        model.fit(train, np.exp(log_labels))
        untrained = MLPDensity(HIDDEN, epochs=0, label_peak=peak, random_state=start)
        untrained.fit(train, np.exp(log_labels))
        log_f = model.log_unnormalized(fresh)
        unit = math.log(model.label_scale_) + log_mean
        on_train = np.exp(model.log_unnormalized(train) - unit)
        predicted, true = np.exp(log_f - unit), np.exp(log_fresh - log_mean)
        fits.append(
            Fit(
                name=name,
                model=model,
                predicted=predicted,
                true=true,
                r2_train=r2(on_train, np.exp(log_labels - log_mean)),
                r2_fresh=r2(predicted, true),
                moved=float(np.abs(log_f - untrained.log_unnormalized(fresh)).max()),
            )
        )
    return fits


def r2(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """One for a perfect prediction, zero for the mean, negative for worse than that."""
    return float(1.0 - np.mean((predicted - true) ** 2) / true.var())
