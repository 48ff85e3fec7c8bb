"""Problem 5: NADE and MADE on the same images.  Trained, scored, timed, and the claims about them judged."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from chainrule.core.progress import track
from chainrule.core.records import StudyRecord
from chainrule.datasets import Dataset
from chainrule.evaluate.likelihood import summarize_log_prob
from chainrule.homework.context import StudyContext
from chainrule.homework.nade_made import TEXTS
from chainrule.homework.nade_made.claims import claims
from chainrule.homework.nade_made.numbers import (
    HIDDEN,
    MODELS,
    PSEUDOCOUNT,
    SHOWN,
    gap,
    numbers_of,
    time_models,
    timed_rows,
    train_and_measure,
)
from chainrule.homework.nade_made.page import (
    PUBLISHED,
    cost_part,
    likelihood_part,
    samples_part,
    suits_part,
    training_part,
)
from chainrule.homework.pictures import some_rows
from chainrule.models.independent.estimator import Independent

__all__ = ["study"]

_EPOCHS = {"full": 30, "quick": 4}
_TRAINING_ROWS = {"full": None, "quick": 12_000}
_FEWEST_STEPS = {"full": 3_000, "quick": 480}  # small data sets get more epochs
_GAPS = {
    "NADE − MADE, natural order": ("NADE", "MADE, natural order"),
    "NADE − MADE, random order": ("NADE", "MADE, random order"),
    "MADE: random − natural order": ("MADE, random order", "MADE, natural order"),
    "MADE: direct connections − none": ("MADE, direct connections", "MADE, natural order"),
}


def study(context: StudyContext) -> StudyRecord:
    """Train NADE and three MADEs, and compare them with independent pixels and each other."""
    data = context.images()
    rows = _training_rows(data, context)
    epochs = max(_EPOCHS[context.preset], math.ceil(_FEWEST_STEPS[context.preset] * 100 / len(rows)))
    outcomes = {
        name: train_and_measure(name, epochs, rows, data, context)
        for name in track(list(MODELS), "models of problem 5")
    }
    baseline = Independent(pseudocount=PSEUDOCOUNT).fit(rows)
    baseline_score = summarize_log_prob(baseline.log_prob(data.test), data.test.shape[1])
    gaps = {name: gap(outcomes, a, b) for name, (a, b) in _GAPS.items()}
    times = time_models(outcomes, rows, data, context.preset, context.seed)
    numbers = {
        "hidden": HIDDEN,
        "epochs": epochs,
        "n_training_rows": len(rows),
        "models": {name: numbers_of(o) for name, o in outcomes.items()},
        "independent_pixels": baseline_score.to_plain(),
        "paired_differences": {k: vars(g) | {"z": g.z} for k, g in gaps.items()},
        "timed_training_rows": timed_rows(rows, data)[0],
        "timed_test_rows": timed_rows(rows, data)[1],
        "times": {task: {k: vars(t) for k, t in by_model.items()} for task, by_model in times.items()},
        "published_nll_nats": {name: nll for name, nll, _ in PUBLISHED},
    }
    real = some_rows(data.test, SHOWN, [context.seed, 5, 100])
    return StudyRecord(
        problem="5",
        title="NADE and MADE on binary images",
        asks=TEXTS("asks", hidden=HIDDEN),
        blocks=[
            *training_part(numbers, outcomes, data),
            *samples_part(outcomes, real, data),
            *likelihood_part(outcomes, baseline_score, gaps, numbers, data),
            *cost_part(outcomes, times, numbers, context.preset),
            *suits_part(numbers, times),
        ],
        numbers=numbers,
        claims=claims(numbers, times),
    )


def _training_rows(data: Dataset, context: StudyContext) -> NDArray[np.uint8]:
    """All of them, or as many as the preset allows, drawn at random: a file may be sorted."""
    most = _TRAINING_ROWS[context.preset] or len(data.train)
    return data.train if most >= len(data.train) else some_rows(data.train, most, [context.seed, 5, 101])
