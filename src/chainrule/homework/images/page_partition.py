"""What the page shows of the partition function: reasons 5 and 6."""

from __future__ import annotations

import math

from chainrule.core.figures import Level, Line, LineChart
from chainrule.core.records import Block, Heading, Table
from chainrule.homework.images import TEXTS
from chainrule.homework.images.numbers_partition import (
    LOG10_AGE_SECONDS,
    NETWORK,
    READINGS,
    SIDE,
    Partition,
)
from chainrule.homework.images.wording import scientific
from chainrule.homework.words import with_error

__all__ = ["partition_part"]


def partition_part(found: Partition) -> list[Block]:
    """What the sum over all images costs, and what estimates of it are worth."""
    cost = found.numbers["cost"]
    return [
        Heading("Reason 5: nobody can wait for Σf"),
        TEXTS.block(
            "waiting",
            years=scientific(cost["log10_years_28x28"]),
            ages=scientific(cost["log10_ages_of_the_universe_28x28"]),
        ),
        TEXTS.figure("p1c-cost", _cost_chart(found)),
        _cost_table(found),
        Heading("Reason 6: an estimate of Σf cannot be trusted where it matters"),
        _about_estimates(found),
        _estimates(found),
    ]


def _cost_chart(found: Partition) -> LineChart:
    large, small = found.costs[-1], found.costs[:-1]
    groups = {
        "measured, all images": [c for c in found.costs if c.complete],
        "measured on a part, scaled up": [c for c in small if not c.complete],
    }
    series = [
        Line(
            label,
            [c.n_variables for c in group],
            [c.log10_seconds_for(c.n_variables) for c in group],
            "points",
        )
        for label, group in groups.items()
        if group
    ]
    d = [side**2 for side in range(2, SIDE + 1)]
    series.append(
        Line("at the rate measured at 28 × 28", d, [large.log10_seconds_for(v) for v in d], "dashed")
    )
    return LineChart(
        series,
        "number of pixels",
        "log₁₀ of the seconds for Σf",
        log_x=True,
        references=[Level(0.0, "one second"), Level(LOG10_AGE_SECONDS, "age of the universe")],
    )


def _cost_table(found: Partition) -> Table:
    rows = [
        [size, v["n_scored"], "yes" if v["complete"] else "no", v["seconds"], v["states_per_second"]]
        for size, v in found.numbers["cost"]["measured"].items()
    ]
    return Table(
        ["size", "images scored", "all of them", "seconds", "images per second"],
        rows,
        "The measurement, on one core. At the smallest sizes a call's fixed cost decides.",
    )


def _about_estimates(found: Partition) -> Block:
    estimates = found.numbers["monte_carlo"]
    network = estimates[NETWORK]
    one, two = (estimates[name] for name in READINGS.values())
    return TEXTS.block(
        "estimates",
        n_draws=network["n_draws"],
        log10_sum=scientific(network["log10_sum"]),
        error=scientific(math.log10(network["relative_standard_error"])),
        one=with_error(one["estimate"], one["standard_error"]),
        two=with_error(two["estimate"], two["standard_error"]),
        standard_errors_off=two["standard_errors_off"],
    )


def _estimates(found: Partition) -> Table:
    columns = [
        "what is summed",
        "estimate",
        "relative standard error",
        "true sum",
        "off by, in standard errors",
    ]
    rows = [
        [
            name,
            f"${scientific(v['log10_sum'])}$",
            v["relative_standard_error"],
            "unknown" if name == NETWORK else "1",
            v.get("standard_errors_off", "unknown"),
        ]
        for name, v in found.numbers["monte_carlo"].items()
    ]
    n_draws = found.numbers["monte_carlo"][NETWORK]["n_draws"]
    return Table(columns, rows, f"Monte Carlo with {n_draws} uniform draws.")
