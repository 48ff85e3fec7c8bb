"""Problem 7: maximum likelihood for the exponential distribution, and for its whole family.

The derivation is checked step by step, a slip in the written one is refuted, and what the algebra says
about error, bias and intervals is measured on simulated data.
"""

from __future__ import annotations

from chainrule.core.records import StudyRecord
from chainrule.homework.context import StudyContext
from chainrule.homework.exponential_family import TEXTS
from chainrule.homework.exponential_family.claims import claims
from chainrule.homework.exponential_family.numbers import (
    RATE,
    ROWS,
    measured,
    simulated,
    simulated_columns,
    slopes_of,
)
from chainrule.homework.exponential_family.page import (
    derivation_part,
    family_part,
    fit_part,
    missing_part,
    simulation_part,
)
from chainrule.homework.exponential_family.scipy_fits import scipy_estimate
from chainrule.models.exponential_family.estimator import (
    fit_mle,
)

__all__ = ["study"]

_REPEATS = {"quick": 2000, "full": 20000}


def study(context: StudyContext) -> StudyRecord:
    """Derive, fit, and measure bias and coverage by simulation."""
    columns = simulated_columns(context.seed)
    models = {family: fit_mle(family, x) for family, x in columns.items()}
    model = models["exponential"]
    scipy = {family: scipy_estimate(family, x) for family, x in columns.items()}
    fits = simulated(context.seed, _REPEATS[context.preset])
    slopes = slopes_of(model)
    numbers = measured(model, models, scipy, fits, slopes)
    return StudyRecord(
        problem="7",
        title="Maximum likelihood on the exponential family",
        asks=TEXTS("asks"),
        blocks=[
            *derivation_part(slopes, model),
            *fit_part(model, numbers),
            *simulation_part(numbers),
            *family_part(models, scipy, numbers),
            *missing_part(numbers),
        ],
        numbers=numbers,
        claims=claims(numbers),
        provenance={
            "data": {
                "name": "simulated",
                "rows": ROWS,
                "true_rate": RATE,
                "streams": "numpy default_rng([seed, 7, …])",
            }
        },
    )
