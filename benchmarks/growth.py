"""How cost grows: with the variables, the hidden units, the rows, and with one or two threads; memory, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.plain import train_step
from benchmarks.showing import Benchmark, Options, duration, spread
from benchmarks.speed import binary_rows, made, nade
from benchmarks.timing import Spread, alternate
from chainrule.evaluate.cost import measure

__all__ = ["GROWTH", "Point", "growth"]

VARIABLES = (64, 256, 784, 2048, 4096)
UNITS = (64, 300, 500, 2000, 8000)
ROWS = (1, 10, 100, 1000, 10_000)


@dataclass(frozen=True)
class Point:
    """Seconds (median of some calls) and growth of resident memory of one operation at one size."""

    model: str
    operation: str
    variables: int
    units: int
    rows: int
    threads: int
    seconds: Spread
    peak_bytes: int | None

    def cells(self) -> list[str]:
        """By column of the table."""
        sizes = (self.variables, self.units, self.rows, self.threads)
        memory = "" if self.peak_bytes is None else f"{self.peak_bytes / 2**20:.1f} MiB"
        return [
            self.model,
            self.operation,
            *(f"{n:,}" for n in sizes),
            spread(self.seconds, duration),
            memory,
        ]


def growth(options: Options) -> Iterator[Point]:
    """One size varies, the others stay at 784 variables, 500 units, 100 rows."""
    sizes = (
        [(d, 500, 100) for d in VARIABLES] + [(784, h, 100) for h in UNITS] + [(784, 500, n) for n in ROWS]
    )
    before = torch.get_num_threads()
    try:
        for threads in sorted({1, before}):
            torch.set_num_threads(threads)
            for d, h, n in dict.fromkeys(sizes):
                yield from _at(d, h, n, threads, rounds=3 if options.quick else 7)
    finally:
        torch.set_num_threads(before)


def _at(d: int, h: int, n: int, threads: int, rounds: int) -> Iterator[Point]:
    x = torch.from_numpy(binary_rows(n, d))
    u = np.random.default_rng(0).random((n, d))
    for name, net in (("NADE", nade(h, d)), ("MADE", made(h, d))):

        @torch.no_grad()
        def likelihood(net: torch.nn.Module = net) -> None:
            net.log_prob(x)  # type: ignore[operator]

        def sample(net: torch.nn.Module = net) -> None:
            net.sample(u)  # type: ignore[operator]

        calls = {"training step": train_step(net, x), "likelihood": likelihood, "sampling": sample}
        times = alternate(calls, rounds, least=0.01)
        for operation, call in calls.items():
            peak = measure(call).peak_bytes
            yield Point(name, operation, d, h, n, threads, Spread.of(times[operation]), peak)


GROWTH = Benchmark(
    "growth",
    "how the networks' cost grows with variables, hidden units, rows and threads",
    ("model", "operation", "variables", "units", "rows", "threads", "median (quartiles)", "memory"),
    growth,
)
