"""Fair timings on a machine that is never quite quiet: what is compared takes turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median, quantiles

__all__ = ["Spread", "alternate", "ratio"]


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of what was measured."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """Of at least two values.

        >>> Spread.of([1.0, 2.0, 3.0])
        Spread(median=2.0, low=1.5, high=2.5)
        """
        low, _, high = quantiles(values, n=4, method="inclusive")
        return cls(median(values), low, high)


def alternate(
    calls: dict[str, Callable[[], object]], rounds: int, least: float = 0.02
) -> dict[str, list[float]]:
    """Seconds per call of each, by round.  In a round all take turns, each for about ``least`` seconds.

    One call of each comes first and is not counted: it may compile, and it fills caches.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    repeats = {}
    for name, call in calls.items():
        call()
        started = time.perf_counter()
        call()
        repeats[name] = max(1, round(least / max(1e-9, time.perf_counter() - started)))
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            times[name].append((time.perf_counter() - started) / repeats[name])
    return times


def ratio(above: list[float], below: list[float], factor: float = 1.0) -> Spread:
    """``factor`` x above / below, round by round."""
    return Spread.of([factor * a / b for a, b in zip(above, below, strict=True)])
