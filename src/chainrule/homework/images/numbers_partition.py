"""Problem 1c, the partition function: what the sum of f over all 28 × 28 images costs, and what estimates are worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from chainrule.homework.context import StudyContext
from chainrule.homework.images.count_proportional import CountProportional, Rule
from chainrule.homework.images.mlp_density import MLPDensity
from chainrule.homework.images.partition import (
    PartitionCost,
    PartitionEstimate,
    estimate_partition,
    measure_partition_cost,
)

__all__ = ["LOG10_AGE_SECONDS", "NETWORK", "READINGS", "SIDE", "Partition", "measure_partition"]

SIDE, _D = 28, 784
_N_DRAWS = 20_000  # for the Monte Carlo estimates
_QUICK_STATES = 2**20  # of the 2^25 images of 5 × 5 that the quick preset scores
_LARGE_STATES = 2**16  # of those of 28 × 28, for the rate
LOG10_AGE_SECONDS = math.log10(13.8e9 * 365.25 * 24 * 3600)  # of the universe
READINGS: dict[Rule, str] = {
    "image": "true probabilities, reading one, p(image) ∝ count",
    "count": "true probabilities, reading two, p(count) ∝ count",
}
NETWORK = "the network's f"


@dataclass(frozen=True)
class Partition:
    """What the sum costs, size by size, the last at 28 × 28; and all numbers by name."""

    costs: list[PartitionCost]
    numbers: dict[str, Any]


def measure_partition(model: MLPDensity, context: StudyContext) -> Partition:
    """Reasons 5 and 6, for the network ``model`` trained at 28 × 28."""
    with threadpool_limits(1):  # one core, whatever else the machine does: a rate that can be compared
        costs = _costs(model, context)
        estimates = _estimates(model, context.seed)
    monte_carlo = {name: _estimate_numbers(e, sum_is_one=name != NETWORK) for name, e in estimates.items()}
    return Partition(costs, {"cost": _cost_numbers(costs), "monte_carlo": monte_carlo})


def _costs(model: MLPDensity, context: StudyContext) -> list[PartitionCost]:
    """Walking through all images of 2 × 2 … 5 × 5 (a part of the last in the quick preset), and some of 28 × 28.

    The small networks have the hidden layers of ``model``; their weights are untrained, which costs the same.
    """
    costs = []
    for side in (2, 3, 4, 5):
        truth = CountProportional(side, side)
        rows = truth.sample(2, rng=np.random.default_rng([context.seed, 1, 9, side]))
        small = MLPDensity(model.hidden, epochs=0).fit(rows, np.exp(truth.log_prob(rows)))
        part = _QUICK_STATES if side == 5 and context.preset == "quick" else None
        costs.append(measure_partition_cost(small.log_unnormalized, side**2, n_states=part))
    costs.append(measure_partition_cost(model.log_unnormalized, _D, n_states=_LARGE_STATES))
    return costs


def _cost_numbers(costs: list[PartitionCost]) -> dict[str, Any]:
    large = costs[-1]
    measured = {
        f"{math.isqrt(c.n_variables)}x{math.isqrt(c.n_variables)}": {
            "n_scored": c.n_scored,
            "complete": c.complete,
            "seconds": c.seconds,
            "states_per_second": c.states_per_second,
            "log10_seconds_for_all": c.log10_seconds_for(c.n_variables),
        }
        for c in costs
    }
    return {
        "measured": measured,
        "log10_years_28x28": large.log10_years_for(_D),
        "log10_ages_of_the_universe_28x28": large.log10_seconds_for(_D) - LOG10_AGE_SECONDS,
    }


def _estimates(model: MLPDensity, seed: int) -> dict[str, PartitionEstimate]:
    """Monte Carlo estimates of Σf: for the network, and for the true probabilities, whose sum is 1."""
    rng = np.random.default_rng([seed, 1, 10])
    known = {
        name: estimate_partition(CountProportional(SIDE, SIDE, rule).log_prob, _D, _N_DRAWS, rng)
        for rule, name in READINGS.items()
    }
    return {NETWORK: estimate_partition(model.log_unnormalized, _D, _N_DRAWS, rng)} | known


def _estimate_numbers(estimate: PartitionEstimate, *, sum_is_one: bool) -> dict[str, Any]:
    out: dict[str, Any] = {
        "n_draws": estimate.n_draws,
        "log10_sum": estimate.log10_partition,
        "relative_standard_error": estimate.relative_error,
        "largest_share": estimate.largest_share,
    }
    if sum_is_one:
        value = 10.0**estimate.log10_partition
        out["estimate"] = value
        out["standard_error"] = value * estimate.relative_error
        out["standard_errors_off"] = abs(value - 1.0) / out["standard_error"]
    return out
