"""What the page shows of problem 5."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.figures import ImageGrid, ImageRow, Line, LineChart
from chainrule.core.records import Block, Heading, Table
from chainrule.datasets import Dataset
from chainrule.evaluate.cost import Timing
from chainrule.evaluate.likelihood import Likelihood, PairedDifference
from chainrule.homework.context import Preset
from chainrule.homework.nade_made import TEXTS
from chainrule.homework.nade_made.numbers import (
    HIDDEN,
    IMAGES_DRAWN_TWICE,
    PSEUDOCOUNT,
    ROUNDS,
    SHOWN,
    Outcome,
)
from chainrule.homework.nade_made.wording import plus_minus, trains_in_words, written_time
from chainrule.homework.pictures import as_images
from chainrule.models.made.estimator import MADE
from chainrule.models.nade.estimator import NADE
from chainrule.models.shared.training import batch_size_for

__all__ = ["PUBLISHED", "cost_part", "likelihood_part", "samples_part", "suits_part", "training_part"]

# mean test negative log-likelihood in nats on static binarized MNIST, as published
PUBLISHED = [
    ("mixture of 500 Bernoullis", 137.64, "in Larochelle & Murray 2011"),
    ("FVSBN", 97.45, "in Uria et al. 2014"),
    ("MADE, one hidden layer", 88.40, "Germain et al. 2015"),
    ("NADE, 500 hidden units", 88.33, "in Uria et al. 2014"),
    ("MADE, two hidden layers, 32 masks", 86.64, "Germain et al. 2015"),
    ("EoNADE, two hidden layers, 128 orderings", 85.10, "Uria et al. 2014"),
    ("PixelRNN", 79.20, "van den Oord et al. 2016"),
]


def training_part(numbers: dict[str, Any], outcomes: dict[str, Outcome], data: Dataset) -> list[Block]:
    """How the models were trained, and their learning curves."""
    full = numbers["n_training_rows"] == len(data.train)
    nade, made = NADE(), MADE()
    text = TEXTS.block(
        "set up",
        hidden=HIDDEN,
        epochs=numbers["epochs"],
        size="all" if full else f"{numbers['n_training_rows']:,} of the",
        n_train=len(data.train),
        batch_size=nade.batch_size or batch_size_for(numbers["n_training_rows"]),
        rate_nade=nade.learning_rate,
        rate_made=made.learning_rate,
        weight_decay=nade.weight_decay,
    )
    series = []
    for i, (name, o) in enumerate(outcomes.items()):
        info, epochs = o.model.fit_info_, np.arange(1, o.model.fit_info_["epochs"] + 1)
        series += [
            Line(f"{name}, validation", epochs, info["valid_nll_nats"], colour=i),
            Line(f"{name}, training", epochs, info["train_nll_nats"], style="dashed", colour=i),
        ]
    return [text, TEXTS.figure("p5-learning-curves", LineChart(series, "epoch", "nats per image"))]


def samples_part(outcomes: dict[str, Outcome], real: NDArray[np.uint8], data: Dataset) -> list[Block]:
    """Real images, and the samples of each model with the probabilities that they were drawn from."""
    rows = [ImageRow("test images", as_images(real, data))]
    for name, o in outcomes.items():
        rows.append(ImageRow(name, as_images(o.draws, data)))
        rows.append(ImageRow(f"{name}: probabilities", as_images(o.probabilities, data)))
    return [
        Heading("Samples"),
        TEXTS.figure("p5-samples", ImageGrid(rows, "probability"), shown=SHOWN),
    ]


def likelihood_part(
    outcomes: dict[str, Outcome],
    baseline: Likelihood,
    gaps: dict[str, PairedDifference],
    numbers: dict[str, Any],
    data: Dataset,
) -> list[Block]:
    """Test likelihoods beside published ones, and paired differences."""
    ours = [("independent pixels", baseline)] + [(n, o.score) for n, o in outcomes.items()]
    rows: list[list[Any]] = [
        [
            name,
            f"{-s.mean_log_prob_nats:.2f} ± {s.standard_error_nats or 0:.2f}",
            f"{s.bits_per_dim:.4f}",
            "here",
        ]
        for name, s in ours
    ]
    caption = TEXTS(
        "likelihoods",
        pseudocount=PSEUDOCOUNT,
        n_rows=numbers["n_training_rows"],
        problem_2=_as_in_problem_2(numbers, data),
    )
    if data.name == "binarized-mnist":
        rows += [[name, f"{nll:.2f}", f"{nll / np.log(2) / 784:.4f}", who] for name, nll, who in PUBLISHED]
        caption += " Published values are for the same files."
    return [
        Heading("Likelihood"),
        Table(["model", "nats per image", "bits per pixel", "source"], rows, caption),
        _differences(gaps),
    ]


def _differences(gaps: dict[str, PairedDifference]) -> Table:
    rows = [
        [
            name,
            f"{g.mean_nats:+.2f} ± {g.standard_error_nats:.2f}",
            f"{g.z:+.1f}",
            f"{g.share_of_rows_better:.0%}",
        ]
        for name, g in gaps.items()
    ]
    return Table(
        ["log-likelihood of", "nats per image", "in standard errors", "better on"],
        rows,
        "Differences on the same test images, which is far sharper than comparing two means.",
    )


def _as_in_problem_2(numbers: dict[str, Any], data: Dataset) -> str:
    """How the independent pixels here compare with those of problem 2, whose fit uses every training image."""
    if numbers["n_training_rows"] == len(data.train):
        return "which makes them the model of that pseudocount in problem 2"
    return f"and so differ a little from those of problem 2, which are fitted to all {len(data.train):,}"


def cost_part(
    outcomes: dict[str, Outcome],
    times: dict[str, dict[str, Timing]],
    numbers: dict[str, Any],
    preset: Preset,
) -> list[Block]:
    """Size, memory and time."""
    return [
        Heading("Time, memory and size"),
        _sizes(outcomes),
        _times(outcomes, times, numbers, preset),
        TEXTS.block(
            "sampling",
            n_twice=IMAGES_DRAWN_TWICE * len(outcomes),
            n_differing=sum(o.costs["differing_images"] for o in outcomes.values()),
        ),
    ]


def _sizes(outcomes: dict[str, Outcome]) -> Table:
    columns = [
        "model",
        "parameters allocated",
        "parameters in use",
        "share in use",
        "weights as stored, bytes (float32)",
        "peak memory: training",
        "scoring",
    ]
    rows = [
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
    ]
    return Table(columns, rows, TEXTS("sizes"))


def _times(
    outcomes: dict[str, Outcome],
    times: dict[str, dict[str, Timing]],
    numbers: dict[str, Any],
    preset: Preset,
) -> Table:
    tasks = {
        "epoch": f"an epoch of {numbers['timed_training_rows']:,} images",
        "score": f"scoring {numbers['timed_test_rows']:,} images",
        "sample_1": "sampling 1 image",
        "sample_100": "sampling 100 images",
        "full_passes_1": "1 image by full passes",
        "full_passes_100": "100 images by full passes",
    }
    rows = [[what, *(written_time(times[task][name]) for name in outcomes)] for task, what in tasks.items()]
    once = [f"{o.costs['training_seconds']:.3g} s" for o in outcomes.values()]
    rows.append([f"the whole training of {numbers['epochs']} epochs, once", *once])
    many, some = ROUNDS[preset]
    return Table(["task", *outcomes], rows, TEXTS("times", rounds=many, rounds_of_full_passes=some))


def suits_part(numbers: dict[str, Any], times: dict[str, dict[str, Timing]]) -> list[Block]:
    """Which model suits the data, from the numbers."""
    nll = {name: -m["test"]["mean_log_prob_nats"] for name, m in numbers["models"].items()}
    best, second = sorted(nll, key=lambda k: nll[k])[:2]
    nade, made = ({task: times[task][name] for task in times} for name in ("NADE", "MADE, natural order"))
    direct = numbers["paired_differences"]["MADE: direct connections − none"]
    text = TEXTS.block(
        "suits",
        best=best,
        best_nll=nll[best],
        ahead=nll[second] - nll[best],
        second=second,
        gained=-numbers["independent_pixels"]["mean_log_prob_nats"] - nll[best],
        training=trains_in_words(times["epoch"]),
        sample_nade=written_time(nade["sample_1"]),
        sample_made=written_time(made["sample_1"]),
        score_nade=written_time(nade["score"]),
        score_made=written_time(made["score"]),
        timed_rows=numbers["timed_test_rows"],
        direct=plus_minus(direct),
    )
    return [Heading("Which suits the data"), text]


def _megabytes(n: int | None) -> str:
    return "not measured" if n is None else f"{n / 1e6:.0f} MB"
