"""Problem 1c, the partition function: what the sum of f over all 28 × 28 images costs, and what estimates of it are
worth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from chainrule.core.records import Block, Figure, Heading, Table, Text
from chainrule.homework.context import StudyContext
from chainrule.homework.images.count_proportional import CountProportional, Rule
from chainrule.homework.images.mlp_density import MLPDensity
from chainrule.homework.images.partition import (
    PartitionCost,
    PartitionEstimate,
    estimate_partition,
    measure_partition_cost,
)

__all__ = ["partition_part", "scientific"]

_SIDE, _D = 28, 784
_N_DRAWS = 20_000  # for the Monte Carlo estimates
_QUICK_STATES = 2**20  # of the 2^25 images of 5 × 5 that the quick preset scores
_LARGE_STATES = 2**16  # of those of 28 × 28, for the rate
_LOG10_AGE_SECONDS = math.log10(13.8e9 * 365.25 * 24 * 3600)  # of the universe
_READINGS: dict[Rule, str] = {
    "image": "true probabilities, reading one, p(image) ∝ count",
    "count": "true probabilities, reading two, p(count) ∝ count",
}
_NETWORK = "the network's f"


def partition_part(model: MLPDensity, context: StudyContext) -> tuple[list[Block], dict[str, Any]]:
    """Reasons 5 and 6, for the network ``model`` trained at 28 × 28."""
    with threadpool_limits(1):  # one core, whatever else the machine does: a rate that can be compared
        costs = _costs(model, context)
        estimates = _estimates(model, context.seed)
    cost = _cost_numbers(costs)
    monte_carlo = {name: _estimate_numbers(e, sum_is_one=name != _NETWORK) for name, e in estimates.items()}
    blocks = [*_cost_blocks(costs, cost), *_estimate_blocks(monte_carlo)]
    return blocks, {"cost": cost, "monte_carlo": monte_carlo}


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
        "log10_ages_of_the_universe_28x28": large.log10_seconds_for(_D) - _LOG10_AGE_SECONDS,
    }


def _cost_blocks(costs: list[PartitionCost], numbers: dict[str, Any]) -> list[Block]:
    large = costs[-1]
    whole = [c for c in costs if c.complete]
    part = [c for c in costs[:-1] if not c.complete]
    d = [side**2 for side in range(2, _SIDE + 1)]
    points = [("measured, all images", whole)] + ([("measured on a part, scaled up", part)] if part else [])
    series: list[dict[str, Any]] = [
        {
            "label": label,
            "x": [c.n_variables for c in group],
            "y": [c.log10_seconds_for(c.n_variables) for c in group],
            "style": "points",
        }
        for label, group in points
    ]
    series.append(
        {
            "label": "at the rate measured at 28 × 28",
            "x": d,
            "y": [large.log10_seconds_for(v) for v in d],
            "style": "dashed",
        }
    )
    rows = [
        [size, v["n_scored"], "yes" if v["complete"] else "no", v["seconds"], v["states_per_second"]]
        for size, v in numbers["measured"].items()
    ]
    return [
        Heading("Reason 5: nobody can wait for Σf"),
        Text(
            "To be a distribution, $f$ has to be divided by its sum over all images. The sum was formed "
            "for networks of the same hidden layers at small sizes, and the time taken. Each pixel doubles "
            f"it. At 28 × 28 it takes ${scientific(numbers['log10_years_28x28'])}$ years on one core of "
            f"this machine, or ${scientific(numbers['log10_ages_of_the_universe_28x28'])}$ times the age of "
            "the universe; a machine a billion times faster takes nine powers of ten off."
        ),
        Figure(
            "p1c-cost",
            "lines",
            {
                "series": series,
                "x_label": "number of pixels",
                "y_label": "log₁₀ of the seconds for Σf",
                "log_x": True,
                "references": [
                    {"y": 0.0, "label": "one second"},
                    {"y": _LOG10_AGE_SECONDS, "label": "age of the universe"},
                ],
            },
            "Time to compute Σf exactly, measured where it can be, and carried on to 28 × 28 (784 pixels).",
            "Points for 4 to 25 pixels near one second, and a curve that rises to 10 to the 230 at 784 pixels.",
        ),
        Table(
            ["size", "images scored", "all of them", "seconds", "images per second"],
            rows,
            "The measurement, on one core. At the smallest sizes a call's fixed cost decides.",
        ),
    ]


def _estimates(model: MLPDensity, seed: int) -> dict[str, PartitionEstimate]:
    """Monte Carlo estimates of Σf: for the network, and for the true probabilities, whose sum is 1."""
    rng = np.random.default_rng([seed, 1, 10])
    known = {
        name: estimate_partition(CountProportional(_SIDE, _SIDE, rule).log_prob, _D, _N_DRAWS, rng)
        for rule, name in _READINGS.items()
    }
    return {_NETWORK: estimate_partition(model.log_unnormalized, _D, _N_DRAWS, rng)} | known


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


def _estimate_blocks(numbers: dict[str, Any]) -> list[Block]:
    network = numbers[_NETWORK]
    one, two = (numbers[name] for name in _READINGS.values())
    error = scientific(math.log10(network["relative_standard_error"]))
    rows = [
        [
            name,
            f"${scientific(v['log10_sum'])}$",
            v["relative_standard_error"],
            "unknown" if name == _NETWORK else "1",
            v.get("standard_errors_off", "unknown"),
        ]
        for name, v in numbers.items()
    ]
    return [
        Heading("Reason 6: an estimate of Σf cannot be trusted where it matters"),
        Text(
            f"Averaging $f$ over {_N_DRAWS} uniform images and multiplying by $2^{{784}}$ estimates the sum "
            f"without bias: ${scientific(network['log10_sum'])}$ for the network (rescaled labels), with a "
            f"relative standard error of ${error}$. The error bar knows only the images that were drawn, all of "
            "them near 392 black pixels.\n\n"
            "How far to trust it shows where the sum is known to be 1. For the true probabilities of "
            f"reading one the estimate is {one['estimate']:.4f} ± {one['standard_error']:.4f}. For reading "
            f"two, whose mass lies elsewhere, it is {two['estimate']:.3f} ± {two['standard_error']:.3f}: "
            f"wrong by {two['standard_errors_off']:.0f} of its own standard errors. And even a known sum "
            "would not give a way to draw images: the table that 1b draws from would have $2^{784}$ rows."
        ),
        Table(
            [
                "what is summed",
                "estimate",
                "relative standard error",
                "true sum",
                "off by, in standard errors",
            ],
            rows,
            f"Monte Carlo with {_N_DRAWS} uniform draws.",
        ),
    ]


def scientific(log10: float) -> str:
    """A number given by its log10, in LaTeX, with three digits."""
    power = math.floor(log10)
    mantissa = round(10.0 ** (log10 - power), 2)
    if mantissa >= 10.0:
        mantissa, power = 1.0, power + 1
    return f"{mantissa:.2f} \\times 10^{{{power}}}"
