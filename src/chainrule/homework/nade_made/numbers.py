"""What problem 5 measures: each model trained, scored, drawn from and timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.files import make_directory
from chainrule.core.progress import track
from chainrule.datasets import Dataset
from chainrule.evaluate.cost import Timing, measure, time_in_turns
from chainrule.evaluate.likelihood import Likelihood, PairedDifference, paired_difference, summarize_log_prob
from chainrule.homework.context import Preset, StudyContext
from chainrule.homework.nade_made.textbook import sample_by_full_passes
from chainrule.models.made.estimator import MADE
from chainrule.models.nade.estimator import NADE
from chainrule.models.shared.autoregressive import AutoregressiveEstimator

__all__ = [
    "HIDDEN",
    "IMAGES_DRAWN_TWICE",
    "MODELS",
    "PSEUDOCOUNT",
    "ROUNDS",
    "SHOWN",
    "Outcome",
    "gap",
    "numbers_of",
    "time_models",
    "timed_rows",
    "train_and_measure",
]

HIDDEN = 300  # the homework's size

SHOWN = 10
PSEUDOCOUNT = 0.1  # of the independent pixels that the networks are compared with
_MOST_TIMED_ROWS = 2_000  # of which an epoch and a scoring are timed
IMAGES_DRAWN_TWICE = 100
ROUNDS: dict[Preset, tuple[int, int]] = {
    "quick": (7, 3),
    "full": (11, 5),
}  # of most tasks, of the slow full passes
_WARM_UP_ROWS = 200


@dataclass(frozen=True)
class Outcome:
    """A trained model, its test log-probabilities, and what everything about it cost."""

    model: AutoregressiveEstimator
    log_prob: NDArray[np.float64]
    score: Likelihood
    draws: NDArray[np.uint8]
    probabilities: NDArray[np.float64]
    costs: dict[str, Any]


def _nade(settings: dict[str, Any]) -> AutoregressiveEstimator:
    return NADE(HIDDEN, **settings)


def _made(settings: dict[str, Any]) -> AutoregressiveEstimator:
    return MADE(HIDDEN, direct=False, **settings)


def _made_in_random_order(settings: dict[str, Any]) -> AutoregressiveEstimator:
    return MADE(HIDDEN, direct=False, ordering="random", **settings)


def _made_with_direct_connections(settings: dict[str, Any]) -> AutoregressiveEstimator:
    return MADE(HIDDEN, direct=True, **settings)


MODELS: dict[str, Callable[[dict[str, Any]], AutoregressiveEstimator]] = {
    "NADE": _nade,
    "MADE, natural order": _made,
    "MADE, random order": _made_in_random_order,
    "MADE, direct connections": _made_with_direct_connections,
}


def train_and_measure(
    name: str, epochs: int, rows: NDArray[np.uint8], data: Dataset, context: StudyContext
) -> Outcome:
    """Train the model ``name``, score the test images, and draw a few."""
    make, stream = MODELS[name], _stream(name, context.seed)
    make({"epochs": 1}).fit(rows[:_WARM_UP_ROWS])  # compiles, which is no part of what training takes
    model = make(_settings(name, epochs, data, context))
    training = measure(lambda: model.fit(rows, valid=data.valid))
    if context.workspace is not None:
        model.save(context.workspace / "checkpoints" / f"{_slug(name)}.safetensors")
    scoring = measure(lambda: model.log_prob(data.test))
    draws = model.sample(SHOWN, rng=np.random.default_rng([*stream, 1]))
    costs = {
        "training_seconds": model.fit_info_["seconds"],
        "training_peak_bytes": training.peak_bytes,
        "score_peak_bytes": scoring.peak_bytes,
        "parameter_bytes": sum(p.numel() * p.element_size() for p in model.network_.parameters()),
        "differing_images": _differing_images(model, stream),
    }
    score = summarize_log_prob(scoring.result, data.test.shape[1])
    p = np.exp(model.conditionals(draws))
    return Outcome(model, scoring.result, score, draws, np.where(draws == 1, p, 1.0 - p), costs)


def _slug(name: str) -> str:
    return name.lower().replace(", ", "-").replace(" ", "-")


def _stream(name: str, seed: int) -> list[int]:
    return [seed, 5, list(MODELS).index(name)]


def _settings(name: str, epochs: int, data: Dataset, context: StudyContext) -> dict[str, Any]:
    seed = int(np.random.default_rng([*_stream(name, context.seed), 0]).integers(2**31))
    settings: dict[str, Any] = {"epochs": epochs, "random_state": seed, "image_shape": data.shape}
    if context.workspace is not None:
        checkpoints = make_directory(context.workspace / "checkpoints")
        settings["run_dir"] = str(checkpoints / f"{_slug(name)}.training")
        settings["log_dir"] = str(context.workspace / "tensorboard" / _slug(name))
    return settings


def _differing_images(model: AutoregressiveEstimator, stream: list[int]) -> int:
    """Images that come out otherwise by full passes: a uniform between two roundings of one probability."""
    rng, d, n = np.random.default_rng([*stream, 2]), model.n_features_in_, IMAGES_DRAWN_TWICE
    u = rng.random((n, d))
    by_full_passes = sample_by_full_passes(model.network_, u)
    return int((model.network_.sample(u) != by_full_passes).any(1).sum())


def time_models(
    outcomes: dict[str, Outcome], rows: NDArray[np.uint8], data: Dataset, preset: Preset, seed: int
) -> dict[str, dict[str, Timing]]:
    """For each task and model the time that it takes; the models take turns, see ``evaluate.cost``."""
    d, rng = data.test.shape[1], np.random.default_rng([seed, 5, 102])
    n_trained, n_scored = timed_rows(rows, data)
    part, few = rows[:n_trained], data.test[:n_scored]
    u = {n: rng.random((n, d)) for n in (1, 100)}
    networks = {name: o.model.network_ for name, o in outcomes.items()}
    tasks: dict[str, dict[str, Callable[[], Any]]] = {
        "epoch": {name: partial(_one_epoch, name, part) for name in outcomes},
        "score": {name: partial(o.model.log_prob, few) for name, o in outcomes.items()},
        **{f"sample_{n}": {k: partial(w.sample, u[n]) for k, w in networks.items()} for n in (1, 100)},
        **{
            f"full_passes_{n}": {k: partial(sample_by_full_passes, w, u[n]) for k, w in networks.items()}
            for n in (1, 100)
        },
    }
    many, some = ROUNDS[preset]
    return {
        task: time_in_turns(calls, some if task.startswith("full_passes") else many)
        for task, calls in track(list(tasks.items()), "taking turns at each task")
    }


def timed_rows(rows: NDArray[np.uint8], data: Dataset) -> tuple[int, int]:
    """How many images the timed epoch and the timed scoring have."""
    return min(_MOST_TIMED_ROWS, len(rows)), min(_MOST_TIMED_ROWS, len(data.test))


def _one_epoch(name: str, rows: NDArray[np.uint8]) -> None:
    MODELS[name]({"epochs": 1, "random_state": 0}).fit(rows)


def gap(outcomes: dict[str, Outcome], a: str, b: str) -> PairedDifference:
    """How much better ``a`` predicts the test images than ``b``."""
    return paired_difference(outcomes[a].log_prob, outcomes[b].log_prob)


def numbers_of(o: Outcome) -> dict[str, Any]:
    """What was measured of one model, by name."""
    info = {k: v for k, v in o.model.fit_info_.items() if k not in ("seconds", "resumed_from_epoch")}
    return {
        "test": o.score.to_plain(),
        "parameters": o.model.n_parameters_,
        "training": info,
        **o.costs,
    }
