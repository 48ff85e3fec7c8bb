"""Problem 2: every pixel on its own.  Maximum likelihood, what it learns, and what it cannot see."""

from __future__ import annotations

import numpy as np

from chainrule.core.records import StudyRecord
from chainrule.homework.context import StudyContext
from chainrule.homework.independent_pixels import TEXTS
from chainrule.homework.independent_pixels.claims import claims
from chainrule.homework.independent_pixels.numbers import numbers_of, score_splits, what_is_seen
from chainrule.homework.independent_pixels.page import fit_part, learned_part, likelihood_part, model_part
from chainrule.models.independent.estimator import Independent

__all__ = ["study"]

_PSEUDOCOUNTS = (0.0, 0.1, 1.0)


def study(context: StudyContext) -> StudyRecord:
    """Fit, score, sample, and compare with rows whose pixels were shuffled independently."""
    data = context.images()
    rng = np.random.default_rng([context.seed, 2])
    models = {a: Independent(pseudocount=a).fit(data.train) for a in _PSEUDOCOUNTS}
    scores = {a: score_splits(model, data) for a, model in models.items()}
    best = max(_PSEUDOCOUNTS, key=lambda a: models[a].score(data.valid))
    draws = models[best].sample(10, rng=rng)
    seen = what_is_seen(models[best], data, rng)
    numbers = numbers_of(models, scores, best, seen, data)
    return StudyRecord(
        problem="2",
        title="Pixel-independent Bernoulli model of binary images",
        asks=TEXTS("asks"),
        blocks=[
            *model_part(),
            *fit_part(models[best], draws, data),
            *likelihood_part(scores, best, numbers),
            *learned_part(data, draws, seen, numbers, context.seed),
        ],
        numbers=numbers,
        claims=claims(numbers),
    )
