"""Problem 1c: the strategy of 1b at 28 × 28, and the measured reasons why it does not scale.

The reasons that concern the sum over all images are in ``partition_function``.

Everything true here is exact, from the closed forms of ``CountProportional``; everything about the network is
measured.  Probabilities are kept as logarithms: at 10^-236 little else survives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.numerics import log_sum_exp
from chainrule.core.records import Block, Claim, Figure, Heading, Table, Text
from chainrule.homework.context import StudyContext
from chainrule.homework.images.count_proportional import CountProportional, Rule
from chainrule.homework.images.mlp_density import MLPDensity
from chainrule.homework.images.partition_function import partition_part, scientific

__all__ = ["large_images"]

_SIDE, _D = 28, 784
_N_TRAIN, _N_FRESH = 200, 5000
_HIDDEN, _EPOCHS = (64, 64, 32, 32), 500
_READINGS: dict[Rule, str] = {"image": "one, p(image) ∝ count", "count": "two, p(count) ∝ count"}


def large_images(context: StudyContext) -> tuple[list[Block], dict[str, Any], list[Claim]]:
    """Train at 28 × 28, then measure what stands in the way."""
    seed = context.seed
    train = _uniform_images(_N_TRAIN, np.random.default_rng([seed, 1, 6]))
    fresh = _uniform_images(_N_FRESH, np.random.default_rng([seed, 1, 7]))
    truth = CountProportional(_SIDE, _SIDE)
    fits = _fits(truth, train, fresh, seed)
    partition_blocks, partition_numbers = partition_part(fits[1].model, context)
    numbers = {
        "space": _space(),
        "labels": _labels(truth, train, fits[0]),
        "counts": _counts(),
        "learned": {fit.name: fit.to_plain() for fit in fits},
        **partition_numbers,
    }
    blocks = [
        *_setting_blocks(fits[1].model),
        *_space_blocks(numbers["space"]),
        *_label_blocks(numbers["labels"]),
        *_count_blocks(numbers["counts"]),
        *_learned_blocks(fits, numbers["learned"]),
        *partition_blocks,
    ]
    return blocks, numbers, _claims(numbers)


def _uniform_images(n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    return rng.integers(0, 2, (n, _D), dtype=np.uint8)


def _setting_blocks(model: MLPDensity) -> list[Block]:
    layers = [
        {"name": "pixels", "size": _D},
        *({"name": f"hidden {i}", "size": h, "detail": "relu"} for i, h in enumerate(_HIDDEN, 1)),
        {"name": "f(x)", "size": 1, "detail": "sigmoid"},
    ]
    parameters = sum(w.numel() for w in model.network_.parameters())
    return [
        Heading("1c  The same at 28 × 28, and why it fails"),
        Text(
            f"The same steps: {_N_TRAIN} random images of 28 × 28, labelled with their true probabilities "
            f"under reading one, a network of five layers of weights, {_EPOCHS} epochs. Six measured "
            "reasons why it leads nowhere follow."
        ),
        Figure(
            "p1c-network",
            "network",
            {"layers": layers},
            f"The network at 28 × 28: five layers of weights, {_grouped(parameters)} parameters.",
            "A network of 784 inputs, four hidden layers and one output.",
        ),
    ]


# The number of images ---------------------------------------------------------------------------------------------


def _space() -> dict[str, Any]:
    return {
        "n_images": str(2**_D),
        "n_digits": len(str(2**_D)),
        "log10_n_images": _D * math.log10(2),
        "not_the_product": _SIDE * _SIDE,
        "log10_coverage_of_200": math.log10(_N_TRAIN) - _D * math.log10(2),
        "log10_bytes_for_all_images": _D * math.log10(2) + math.log10(_D / 8),
    }


def _space_blocks(numbers: dict[str, Any]) -> list[Block]:
    digits = numbers["n_images"]
    first = len(digits) % 3 or 3
    grouped = " ".join([digits[:first], *(digits[i : i + 3] for i in range(first, len(digits), 3))])
    rows: list[list[Any]] = [
        [f"{side} × {side}", side**2, 2**side**2, min(_N_TRAIN / 2**side**2, 1.0)] for side in (2, 3, 4, 5)
    ]
    rows.append(
        ["28 × 28", _D, f"$2^{{784}} \\approx {scientific(numbers['log10_n_images'])}$", _coverage(numbers)]
    )
    return [
        Heading("Reason 1: there are 2⁷⁸⁴ images"),
        Text(
            "Each of 784 pixels is black or white, so there are $2^{784}$ images, a number of "
            f"{numbers['n_digits']} digits (and not $28 \\cdot 28 = {numbers['not_the_product']}$):\n\n"
            f"{grouped}\n\n"
            f"At 98 bytes each, all of them take ${scientific(numbers['log10_bytes_for_all_images'])}$ "
            f"bytes. {_N_TRAIN} images were {_N_TRAIN / 2**9:.0%} of all at 3 × 3."
        ),
        Table(
            ["size", "pixels", "images", "share covered by 200 images"],
            rows,
            "Number of images and the share that 200 unique ones can cover.",
        ),
    ]


def _coverage(numbers: dict[str, Any]) -> str:
    return f"${scientific(numbers['log10_coverage_of_200'])}$"


# The labels -------------------------------------------------------------------------------------------------------


def _labels(truth: CountProportional, train: NDArray[np.uint8], raw: _Fit) -> dict[str, Any]:
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


def _label_blocks(numbers: dict[str, Any]) -> list[Block]:
    return [
        Heading("Reason 2: the labels are zero in float32"),
        Text(
            f"The true probabilities of the {_N_TRAIN} images lie between "
            f"${scientific(numbers['log10_smallest'])}$ and ${scientific(numbers['log10_largest'])}$. The "
            "smallest positive number of float32, in which networks are trained, is "
            f"${scientific(math.log10(numbers['smallest_float32']))}$: {numbers['n_zero_in_float32']} of "
            f"{_N_TRAIN} labels become exactly 0 (in float64, {numbers['n_zero_in_float64']} do). Trained "
            f"on these, for {_EPOCHS} epochs, the network's $\\log f$ moved by at most "
            f"{numbers['largest_change_of_log_f_by_training']:.3g} nats on fresh images: there is no "
            "gradient.\n\n"
            "To give the network a fair chance, everything below also uses labels multiplied by a "
            "constant, so that the largest is one half. Normalising would take the constant out again."
        ),
    ]


# Counts -----------------------------------------------------------------------------------------------------------


def _counts() -> dict[str, Any]:
    k = np.arange(_D + 1)
    pmfs = {"uniform": _uniform_count_pmf()} | {
        rule: CountProportional(_SIDE, _SIDE, rule).count_pmf() for rule in _READINGS
    }
    sd = math.sqrt(_D) / 2
    low, high = math.ceil(_D / 2 - 3 * sd), math.floor(_D / 2 + 3 * sd)
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


def _uniform_count_pmf() -> NDArray[np.float64]:
    """The law of the count where every image is equally likely: C(784, k) / 2^784, from exact integers."""
    return np.array([math.comb(_D, k) / 2**_D for k in range(_D + 1)])


def _kl_to_uniform(p: NDArray[np.float64], uniform: NDArray[np.float64]) -> float:
    """KL in nats between images; given the count both are uniform, so the counts say it all."""
    some = p > 0
    return float(p[some] @ np.log(p[some] / uniform[some]))


def _count_blocks(numbers: dict[str, Any]) -> list[Block]:
    low, high = numbers["interval"]
    k = np.arange(_D + 1)
    curves = [
        *(
            (f"reading {label}", CountProportional(_SIDE, _SIDE, rule).count_pmf(), "line")
            for rule, label in _READINGS.items()
        ),
        ("uniform (how the 200 images are drawn)", _uniform_count_pmf(), "dashed"),
    ]
    one, two, uniform = numbers["image"], numbers["count"], numbers["uniform"]
    return [
        Heading("Reason 3: counts concentrate, so there is nothing to see"),
        Text(
            f"The count of a random image has mean {uniform['mean']:.0f} and standard deviation "
            f"{uniform['sd']:.0f}; {uniform['share_within_interval']:.2%} of all images have between {low} "
            f"and {high} black pixels. The labels are proportional to the count, so they differ by "
            f"{numbers['relative_sd_of_labels']:.1%} of their mean (one standard deviation). Under reading "
            f"one the mean is {one['mean']:.1f}, and the whole distribution is "
            f"{one['kl_to_uniform_nats']:.2g} nats from uniform: noise to look at, before and after "
            "learning.\n\n"
            f"Under reading two it is the other way round: {two['kl_to_uniform_nats']:.0f} nats from "
            f"uniform, and only {two['share_within_interval']:.1%} of its mass lies where random training "
            "images are. They never show the other images."
        ),
        Figure(
            "p1c-counts",
            "lines",
            {
                "series": [{"label": n, "x": k, "y": p, "style": style} for n, p, style in curves],
                "x_label": "number of black pixels",
                "y_label": "probability of the count",
                "vertical": [{"x": low, "label": "−3 sd"}, {"x": high, "label": "+3 sd"}],
            },
            "The law of the count at 28 × 28: uniform images and reading one are two bells half a pixel "
            "apart; reading two is a straight rise to 784.",
            "Two coinciding narrow bells at 392 and a low straight line.",
        ),
    ]


# What was learned -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Fit:
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


def _fits(
    truth: CountProportional, train: NDArray[np.uint8], fresh: NDArray[np.uint8], seed: int
) -> list[_Fit]:
    """The labels as they are, and rescaled; both by the same recipe from the same start."""
    log_labels, log_fresh = truth.log_prob(train), truth.log_prob(fresh)
    log_mean = float(log_sum_exp(log_labels)) - math.log(_N_TRAIN)
    start = int(np.random.default_rng([seed, 1, 8]).integers(2**31))
    fits = []
    for name, peak in (("labels as they are", None), ("labels rescaled", 0.5)):
        model = MLPDensity(_HIDDEN, epochs=_EPOCHS, label_peak=peak, random_state=start)
        model.fit(train, np.exp(log_labels))
        untrained = MLPDensity(_HIDDEN, epochs=0, label_peak=peak, random_state=start)
        untrained.fit(train, np.exp(log_labels))
        log_f = model.log_unnormalized(fresh)
        unit = math.log(model.label_scale_) + log_mean
        on_train = np.exp(model.log_unnormalized(train) - unit)
        predicted, true = np.exp(log_f - unit), np.exp(log_fresh - log_mean)
        fits.append(
            _Fit(
                name=name,
                model=model,
                predicted=predicted,
                true=true,
                r2_train=_r2(on_train, np.exp(log_labels - log_mean)),
                r2_fresh=_r2(predicted, true),
                moved=float(np.abs(log_f - untrained.log_unnormalized(fresh)).max()),
            )
        )
    return fits


def _r2(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """One for a perfect prediction, zero for the mean, negative for worse than that."""
    return float(1.0 - np.mean((predicted - true) ** 2) / true.var())


def _against_constant(r2: float) -> str:
    return "worse than" if r2 < 0 else "better than"


def _learned_blocks(fits: list[_Fit], numbers: dict[str, Any]) -> list[Block]:
    fair = fits[1]
    n = numbers[fair.name]
    shown = slice(0, 400)  # points enough to see the cloud
    table = [
        [f"MLP, {name}", v["r2_train"], v["r2_fresh"], v["relative_rmse_fresh"], v["within_10_percent_fresh"]]
        for name, v in numbers.items()
    ]
    constant = [
        "the mean label, for every image",
        0.0,
        _r2(np.ones(_N_FRESH), fair.true),
        float(np.sqrt(np.mean((1.0 - fair.true) ** 2))),
        n["constant_within_10_percent_fresh"],
    ]
    return [
        Heading("Reason 4: the network learns the 200 images and nothing else"),
        Text(
            f"With rescaled labels the network fits its {_N_TRAIN} images ($R^2 = {n['r2_train']:.4f}$) and "
            f"on {_N_FRESH} fresh ones it is {_against_constant(n['r2_fresh'])} always saying the mean: "
            f"$R^2 = {n['r2_fresh']:.3f}$, correlation {n['correlation_fresh']:.3f}. The rule is as simple "
            f"as can be, a sum; but {_N_TRAIN} equations leave 784 weights open, and nothing tells the "
            "network that all pixels count alike.\n\n"
            f"The homework's 10 % test does not notice: it accepts {n['within_10_percent_fresh']:.1%} of "
            f"the fresh images for this network, and {n['constant_within_10_percent_fresh']:.1%} for a "
            "constant."
        ),
        Table(
            ["predictor", "R² on the 200", "R² on fresh images", "error ÷ mean label", "within 10 %"],
            [*table, constant],
            f"Errors are root mean squares over {_N_FRESH} fresh images.",
        ),
        Figure(
            "p1c-predicted",
            "scatter",
            {
                "series": [{"label": "fresh images", "x": fair.true[shown], "y": fair.predicted[shown]}],
                "x_label": "true probability ÷ mean label",
                "y_label": "predicted ÷ mean label",
                "diagonal": True,
            },
            "Predicted against true probability on fresh images of 28 × 28 (rescaled labels).",
            "A shapeless cloud that does not follow the diagonal.",
        ),
    ]


# Claims -----------------------------------------------------------------------------------------------------------


def _claims(numbers: dict[str, Any]) -> list[Claim]:
    space, counts, cost = numbers["space"], numbers["counts"], numbers["cost"]
    fair = numbers["learned"]["labels rescaled"]
    return [
        Claim(
            "1.memory",
            "At 28 × 28 not all images can be generated, because that takes too much memory.",
            "holds",
            f"All images take ${scientific(space['log10_bytes_for_all_images'])}$ bytes; one pass of the network "
            f"over them takes ${scientific(cost['log10_years_28x28'])}$ years at the measured rate. (Sampling needs "
            "no list: `CountProportional` draws from the exact distribution at any size.)",
        ),
        Claim(
            "1.possibilities",
            "A 28 × 28 image has 28·28 possibilities, which makes the problem infeasible.",
            "fails",
            f"There are $2^{{784}} \\approx {scientific(space['log10_n_images'])}$ images, a number of "
            f"{space['n_digits']} digits; $28 \\cdot 28 = {space['not_the_product']}$ is the number of pixels. "
            f"({space['not_the_product']} possibilities would be easy: 1b has {2**9}.)",
        ),
        Claim(
            "1.curse",
            "In high dimensions data become sparse, and the data needed grow exponentially.",
            "holds in part",
            f"Sparse: {_N_TRAIN} images cover {_coverage(space)} of all, and on fresh images the network is "
            f"{_against_constant(fair['r2_fresh'])} a constant ($R^2 = {fair['r2_fresh']:.3f}$). But no number is "
            "given, and exponential need is not a law: it is this strategy, a label for each image and a sum over "
            "all, that needs it. The labels also vanish in float32, differ by only "
            f"{counts['relative_sd_of_labels']:.1%}, and $f$ cannot be normalised.",
        ),
    ]


def _grouped(n: int) -> str:
    """Digits in groups of three, by narrow spaces."""
    return f"{n:,}".replace(",", "\u202f")
