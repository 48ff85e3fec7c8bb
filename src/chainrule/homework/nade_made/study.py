"""Problem 5: NADE and MADE on the same images.  Trained, scored, timed, and the claims about them judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.files import make_directory
from chainrule.core.progress import track
from chainrule.core.records import Block, Figure, Heading, StudyRecord, Table, Text
from chainrule.datasets import Dataset
from chainrule.evaluate.cost import measure, median_seconds
from chainrule.evaluate.likelihood import Likelihood, PairedDifference, paired_difference, summarize_log_prob
from chainrule.homework.context import StudyContext
from chainrule.homework.nade_made.claims import claims, suits
from chainrule.homework.nade_made.textbook import sample_by_full_passes
from chainrule.homework.pictures import as_images, some_rows
from chainrule.models.independent.estimator import Independent
from chainrule.models.made.estimator import MADE
from chainrule.models.nade.estimator import NADE
from chainrule.models.shared.autoregressive import AutoregressiveEstimator

__all__ = ["study"]

HIDDEN = 300  # the homework's size
_EPOCHS = {"full": 30, "quick": 4}
_TRAINING_ROWS = {"full": None, "quick": 12_000}
_FEWEST_STEPS = {"full": 3_000, "quick": 480}  # small data sets get more epochs
_SHOWN = 10

# mean test negative log-likelihood in nats on static binarized MNIST, as published
_PUBLISHED = [
    ("mixture of 500 Bernoullis", 137.64, "in Larochelle & Murray 2011"),
    ("FVSBN", 97.45, "in Uria et al. 2014"),
    ("MADE, one hidden layer", 88.40, "Germain et al. 2015"),
    ("NADE, 500 hidden units", 88.33, "in Uria et al. 2014"),
    ("MADE, two hidden layers, 32 masks", 86.64, "Germain et al. 2015"),
    ("EoNADE, two hidden layers, 128 orderings", 85.10, "Uria et al. 2014"),
    ("PixelRNN", 79.20, "van den Oord et al. 2016"),
]


@dataclass(frozen=True)
class _Outcome:
    """A trained model, its test log-probabilities, and what everything about it cost."""

    model: AutoregressiveEstimator
    log_prob: NDArray[np.float64]
    score: Likelihood
    draws: NDArray[np.uint8]
    probabilities: NDArray[np.float64]
    costs: dict[str, Any]


def study(context: StudyContext) -> StudyRecord:
    """Train NADE and three MADEs, and compare them with independent pixels and each other."""
    data = context.images()
    rows = _training_rows(data, context)
    epochs = max(_EPOCHS[context.preset], math.ceil(_FEWEST_STEPS[context.preset] * 100 / len(rows)))
    outcomes = {
        name: _outcome(name, make, epochs, rows, data, context)
        for name, make in track(list(_MODELS.items()), "models of problem 5")
    }
    baseline = Independent(pseudocount=0.1).fit(rows)
    baseline_score = summarize_log_prob(baseline.log_prob(data.test), data.test.shape[1])
    gaps = {
        "NADE − MADE, natural order": _gap(outcomes, "NADE", "MADE, natural order"),
        "NADE − MADE, random order": _gap(outcomes, "NADE", "MADE, random order"),
        "MADE: random − natural order": _gap(outcomes, "MADE, random order", "MADE, natural order"),
        "MADE: direct connections − none": _gap(outcomes, "MADE, direct connections", "MADE, natural order"),
    }
    numbers = {
        "hidden": HIDDEN,
        "epochs": epochs,
        "n_training_rows": len(rows),
        "models": {name: _numbers_of(o) for name, o in outcomes.items()},
        "independent_pixels": baseline_score.to_plain(),
        "paired_differences": {k: vars(g) | {"z": g.z} for k, g in gaps.items()},
        "published_nll_nats": {name: nll for name, nll, _ in _PUBLISHED},
    }
    blocks = [
        *_set_up(numbers, data),
        _curves(outcomes),
        Heading("Samples"),
        _samples(outcomes, some_rows(data.test, _SHOWN, [context.seed, 5, 100]), data),
        Heading("Likelihood"),
        *_likelihoods(outcomes, baseline_score, gaps, data),
        Heading("Time, memory and size"),
        _sizes(outcomes),
        _times(outcomes),
        Text(
            "Sampling takes one step per pixel in both models: pixel $t$ cannot be drawn before pixel $t - 1$ is "
            "known. What differs is what a program does per step. Run as a textbook writes it, the whole network "
            "once per pixel, either model repeats nearly all of its work. Kept up to date instead (NADE's running "
            "hidden state; for MADE, each hidden unit computed once, when its last input is drawn), a whole sample "
            "costs about one forward pass. From the same random numbers both ways should draw the same images: of "
            f"{101 * len(outcomes)} drawn twice, {_n_differing(outcomes)} differ. "
            "MADE's parallelism is real where all pixels are known: training and scoring."
        ),
        Heading("Which suits the data"),
        Text(suits(numbers)),
    ]
    return StudyRecord(
        problem="5",
        title="NADE and MADE on binary images",
        asks=f"Train NADE and MADE with {HIDDEN} hidden units, look at samples, and say with evidence which one "
        "does better, which is quicker and smaller, and which suits these data.",
        blocks=blocks,
        numbers=numbers,
        claims=claims(numbers),
    )


def _training_rows(data: Dataset, context: StudyContext) -> NDArray[np.uint8]:
    """All of them, or as many as the preset allows, drawn at random: a file may be sorted."""
    most = _TRAINING_ROWS[context.preset] or len(data.train)
    return data.train if most >= len(data.train) else some_rows(data.train, most, [context.seed, 5, 101])


def _nade(settings: dict[str, Any]) -> AutoregressiveEstimator:
    return NADE(HIDDEN, **settings)


def _made(settings: dict[str, Any]) -> AutoregressiveEstimator:
    return MADE(HIDDEN, direct=False, **settings)


def _made_in_random_order(settings: dict[str, Any]) -> AutoregressiveEstimator:
    return MADE(HIDDEN, direct=False, ordering="random", **settings)


def _made_with_direct_connections(settings: dict[str, Any]) -> AutoregressiveEstimator:
    return MADE(HIDDEN, direct=True, **settings)


_MODELS: dict[str, Callable[[dict[str, Any]], AutoregressiveEstimator]] = {
    "NADE": _nade,
    "MADE, natural order": _made,
    "MADE, random order": _made_in_random_order,
    "MADE, direct connections": _made_with_direct_connections,
}


def _outcome(
    name: str,
    make: Callable[[dict[str, Any]], AutoregressiveEstimator],
    epochs: int,
    rows: NDArray[np.uint8],
    data: Dataset,
    context: StudyContext,
) -> _Outcome:
    slug = name.lower().replace(", ", "-").replace(" ", "-")
    stream = [context.seed, 5, list(_MODELS).index(name)]
    settings: dict[str, Any] = {
        "epochs": epochs,
        "random_state": int(np.random.default_rng([*stream, 0]).integers(2**31)),
        "image_shape": data.shape,
    }
    checkpoints: Path | None = None
    if context.workspace is not None:
        checkpoints = make_directory(context.workspace / "checkpoints")
        settings["checkpoint"] = str(checkpoints / f"{slug}.training.safetensors")
        settings["log_dir"] = str(context.workspace / "tensorboard" / slug)
    model = make(settings)
    training = measure(lambda: model.fit(rows, valid=data.valid))
    if checkpoints is not None:
        model.save(checkpoints / f"{slug}.safetensors")

    log_prob = model.log_prob(data.test)
    draws = model.sample(_SHOWN, rng=np.random.default_rng([*stream, 1]))
    scoring = measure(lambda: model.log_prob(data.test))
    costs = {
        "training_seconds": model.fit_info_["seconds"],
        "training_peak_bytes": training.peak_bytes,
        "score_test_seconds": scoring.seconds,
        "score_peak_bytes": scoring.peak_bytes,
        "score_seconds_per_1000": scoring.seconds / len(data.test) * 1000,
        "parameter_bytes": sum(p.numel() * p.element_size() for p in model.network_.parameters()),
        **_sampling_costs(model, stream),
    }
    return _Outcome(
        model,
        log_prob,
        summarize_log_prob(log_prob, data.test.shape[1]),
        draws,
        model.conditionals(draws),
        costs,
    )


def _sampling_costs(model: AutoregressiveEstimator, stream: list[int]) -> dict[str, Any]:
    """Seconds for 1 and 100 images, kept up to date and by full passes, and whether both draw the same."""
    d, network = model.n_features_in_, model.network_
    rng = np.random.default_rng([*stream, 2])
    costs: dict[str, Any] = {}
    for n in (1, 100):
        u = rng.random((n, d))
        free = np.full((n, d), np.nan)
        textbook = measure(lambda u=u: sample_by_full_passes(network, u))
        costs[f"sample_{n}_seconds"] = median_seconds(lambda u=u, free=free: network.sample(u, free))
        costs[f"sample_{n}_full_passes_seconds"] = textbook.seconds
        differing = int((network.sample(u, free) != textbook.result).any(1).sum())
        costs[f"sample_{n}_differing_images"] = differing
    return costs


def _n_differing(outcomes: dict[str, _Outcome]) -> int:
    """Images that came out otherwise by full passes: a uniform between two roundings of one probability."""
    return sum(o.costs[f"sample_{n}_differing_images"] for o in outcomes.values() for n in (1, 100))


def _gap(outcomes: dict[str, _Outcome], a: str, b: str) -> PairedDifference:
    return paired_difference(outcomes[a].log_prob, outcomes[b].log_prob)


def _numbers_of(o: _Outcome) -> dict[str, Any]:
    info = {k: v for k, v in o.model.fit_info_.items() if k not in ("seconds", "resumed_from_epoch")}
    return {
        "test": o.score.to_plain(),
        "parameters": o.model.n_parameters_,
        "training": info,
        **o.costs,
    }


def _set_up(numbers: dict[str, Any], data: Dataset) -> list[Block]:
    full = numbers["n_training_rows"] == len(data.train)
    size = "all" if full else f"{numbers['n_training_rows']:,} of the"
    nade, made = NADE(), MADE()
    return [
        Text(
            f"Four models with {HIDDEN} hidden units are trained for {numbers['epochs']} epochs on {size} "
            f"{len(data.train):,} training images by the defaults of the package: AdamW in mini-batches of "
            f"{nade.batch_size}, learning rate {nade.learning_rate:g} for NADE and {made.learning_rate:g} for MADE "
            f"with a short warm-up and a cosine to zero, weight decay {nade.weight_decay:g}; the epoch with the best "
            "validation likelihood is kept. NADE and the first MADE read the pixels row by row, the second MADE in "
            "a random order; the third has connections straight from each pixel to those after it as well, an option "
            "of the MADE paper. Every likelihood below is an exact sum in float64. Scalars and sample grids are in "
            "`tensorboard/`, the models in `checkpoints/`."
        ),
    ]


def _curves(outcomes: dict[str, _Outcome]) -> Figure:
    series = []
    for i, (name, o) in enumerate(outcomes.items()):
        info = o.model.fit_info_
        for rows, key, style in (
            ("validation", "valid_nll_nats", "line"),
            ("training", "train_nll_nats", "dashed"),
        ):
            series.append(
                {
                    "label": f"{name}, {rows}",
                    "x": list(range(1, info["epochs"] + 1)),
                    "y": info[key],
                    "style": style,
                    "colour": i,
                }
            )
    return Figure(
        "p5-learning-curves",
        "lines",
        {"series": series, "x_label": "epoch", "y_label": "nats per image"},
        "Learning curves, negative log-likelihood. Training values are means over the epoch while the weights "
        "still move; validation values are taken at its end.",
        "Falling curves of training and validation negative log-likelihood for four models.",
    )


def _samples(outcomes: dict[str, _Outcome], real: NDArray[np.uint8], data: Dataset) -> Figure:
    rows = [{"label": "test images", "images": as_images(real, data)}]
    for name, o in outcomes.items():
        rows.append({"label": name, "images": as_images(o.draws, data)})
        rows.append({"label": f"{name}: probabilities", "images": as_images(o.probabilities, data)})
    return Figure(
        "p5-samples",
        "images",
        {"rows": rows, "scale": "probability"},
        f"{_SHOWN} test images drawn at random, and the first {_SHOWN} samples of each model, not selected: binary, "
        "and below each the probabilities that its pixels were drawn from.",
        "Rows of digit images: real ones, then samples and pixel probabilities of four models.",
    )


def _likelihoods(
    outcomes: dict[str, _Outcome], baseline: Likelihood, gaps: dict[str, PairedDifference], data: Dataset
) -> list[Block]:
    ours = [("independent pixels (problem 2)", baseline)] + [(n, o.score) for n, o in outcomes.items()]
    rows: list[list[Any]] = [
        [
            name,
            f"{-s.mean_log_prob_nats:.2f} ± {s.standard_error_nats or 0:.2f}",
            f"{s.bits_per_dim:.4f}",
            "here",
        ]
        for name, s in ours
    ]
    caption = "Test negative log-likelihood with its standard error over images; lower is better."
    if data.name == "binarized-mnist":
        rows += [[name, f"{nll:.2f}", f"{nll / np.log(2) / 784:.4f}", who] for name, nll, who in _PUBLISHED]
        caption += " Published values are for the same files."
    return [
        Table(["model", "nats per image", "bits per pixel", "source"], rows, caption),
        Table(
            ["log-likelihood of", "nats per image", "in standard errors", "better on"],
            [
                [
                    k,
                    f"{g.mean_nats:+.2f} ± {g.standard_error_nats:.2f}",
                    f"{g.z:+.1f}",
                    f"{g.share_of_rows_better:.0%}",
                ]
                for k, g in gaps.items()
            ],
            "Differences on the same test images, which is far sharper than comparing two means.",
        ),
    ]


def _sizes(outcomes: dict[str, _Outcome]) -> Table:
    return Table(
        [
            "model",
            "parameters allocated",
            "in use",
            "share",
            "bytes (float32)",
            "peak memory: training",
            "scoring",
        ],
        [
            [
                name,
                o.model.n_parameters_["allocated"],
                o.model.n_parameters_["in_use"],
                f"{o.model.n_parameters_['in_use'] / o.model.n_parameters_['allocated']:.1%}",
                o.costs["parameter_bytes"],
                _megabytes(o.costs["training_peak_bytes"]),
                _megabytes(o.costs["score_peak_bytes"]),
            ]
            for name, o in outcomes.items()
        ],
        "Size. A parameter behind a zero in a mask is allocated and never used. Memory is how far the process grew "
        "during the call, after freed memory was given back.",
    )


def _times(outcomes: dict[str, _Outcome]) -> Table:
    return Table(
        [
            "model",
            "training",
            "scoring 1,000 images",
            "sampling 1 image",
            "100 images",
            "1 image by full passes",
            "100 images by full passes",
        ],
        [
            [name]
            + [
                _seconds(o.costs[key])
                for key in (
                    "training_seconds",
                    "score_seconds_per_1000",
                    "sample_1_seconds",
                    "sample_100_seconds",
                    "sample_1_full_passes_seconds",
                    "sample_100_full_passes_seconds",
                )
            ]
            for name, o in outcomes.items()
        ],
        "Wall-clock time on this machine. Full passes: the whole network once per pixel.",
    )


def _megabytes(n: int | None) -> str:
    return "not measured" if n is None else f"{n / 1e6:.0f} MB"


def _seconds(s: float) -> str:
    if s >= 10:
        return f"{s:.0f} s"
    return f"{s:.2f} s" if s >= 0.1 else f"{1000 * s:.2g} ms"
