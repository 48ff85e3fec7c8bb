"""What it takes to know the partition function Z = sum over all 2^d states of f(x).

Exactly: the cost of walking through the states, measured, and carried over to sizes where nobody will.
Approximately: simple Monte Carlo.  Draw n states uniformly, then

    Z ≈ 2^d · (1/n) sum f(x_i),   relative standard error  s / (mean · sqrt(n)),  s = deviation of f over the draws.

The estimate is unbiased, but its error bar is computed from the same draws: **it is blind to what they
missed**.  If f has a peak that holds most of Z in a share of the states much smaller than 1/n, the draws miss it,
the estimate is too low, and the error bar is small.  ``largest_share`` is a hint only: near 1 it shows that
one draw decided the sum; near 1/n it proves nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_integer
from chainrule.core.errors import InputError, TooLargeError
from chainrule.core.numerics import log_mean_exp, log_sum_exp
from chainrule.core.progress import track
from chainrule.core.randomness import RandomState, as_generator
from chainrule.models.shared.states import state_blocks

__all__ = ["LogScore", "PartitionCost", "PartitionEstimate", "estimate_partition", "measure_partition_cost"]

LogScore = Callable[[NDArray[np.uint8]], NDArray[np.float64]]

_YEAR = 365.25 * 24 * 3600.0  # seconds
_LARGEST = 40  # variables: a full walk that a machine can still end
_BLOCK = 2**14  # states scored together


@dataclass(frozen=True)
class PartitionCost:
    """What walking through the states of d variables cost, measured.

    ``n_scored`` of the ``n_states`` = 2^d states were scored in ``seconds``; ``log_sum`` is the log of
    their sum in nats, which is log Z if all were.

    >>> cost = PartitionCost(n_variables=784, n_scored=1000, seconds=0.001, log_sum=0.0)
    >>> round(cost.log10_years_for(784)), cost.complete
    (223, False)
    """

    n_variables: int
    n_scored: int
    seconds: float
    log_sum: float

    @property
    def n_states(self) -> int:
        """2^d, an exact integer."""
        return 2**self.n_variables

    @property
    def complete(self) -> bool:
        """Whether every state was scored."""
        return self.n_scored == self.n_states

    @property
    def states_per_second(self) -> float:
        """The measured rate."""
        return self.n_scored / self.seconds

    def log10_seconds_for(self, d: int) -> float:
        """log10 of the seconds that all states of d variables take at the measured rate."""
        return d * math.log10(2.0) - math.log10(self.states_per_second)

    def log10_years_for(self, d: int) -> float:
        """log10 of the years that all states of d variables take at the measured rate."""
        return self.log10_seconds_for(d) - math.log10(_YEAR)


@dataclass(frozen=True)
class PartitionEstimate:
    """A Monte Carlo estimate of Z, on a log scale because Z may exceed any float.

    ``log_partition`` is the log of the estimate in nats, ``relative_error`` its standard error divided by
    it, ``largest_share`` the largest single term divided by the sum of all ``n_draws`` terms.
    """

    n_variables: int
    n_draws: int
    log_partition: float
    relative_error: float
    largest_share: float

    @property
    def log10_partition(self) -> float:
        """log10 of the estimate."""
        return self.log_partition / math.log(10.0)

    @property
    def log2_partition(self) -> float:
        """log2 of the estimate."""
        return self.log_partition / math.log(2.0)


def measure_partition_cost(log_f: LogScore, d: int, *, n_states: int | None = None) -> PartitionCost:
    """Sum f over the first ``n_states`` states of d variables (all by default) and time it.

    ``log_f`` (n, d) -> (n,) gives log f in nats.  One block is scored beforehand, untimed, so that a first
    call's start-up does not count.  Raises ``TooLargeError`` where more than 2^40 states are asked for.

    >>> cost = measure_partition_cost(lambda X: np.zeros(len(X)), 4)
    >>> round(math.exp(cost.log_sum)), cost.complete
    (16, True)
    """
    d = check_integer(d, "d")
    asked = 2**d if n_states is None else min(check_integer(n_states, "n_states"), 2**d)
    if asked > 2**_LARGEST:
        raise TooLargeError(
            f"scoring 2^{math.log2(asked):.0f} states one after another does not end in reasonable time, at most "
            f"2^{_LARGEST} are; measure a part with n_states and extrapolate"
        )
    blocks = -(-asked // _BLOCK)
    log_f(next(state_blocks(d, stop=asked, size=_BLOCK)))
    walk = track(
        state_blocks(d, stop=asked, size=_BLOCK), f"summing over states of {d} variables", total=blocks
    )
    started = time.perf_counter()
    sums = [log_sum_exp(log_f(block)) for block in walk]
    seconds = time.perf_counter() - started
    return PartitionCost(d, asked, seconds, float(log_sum_exp(sums)))


def estimate_partition(log_f: LogScore, d: int, n: int, rng: RandomState) -> PartitionEstimate:
    """Estimate ``Z = sum f(x)`` over all 2^d states from ``n`` ≥ 2 uniform draws, for any d.

    ``log_f`` (n, d) -> (n,) gives log f in nats.  Read the caveat at the top of this module before
    trusting the error bar.

    >>> estimate = estimate_partition(lambda X: np.zeros(len(X)), 784, 100, rng=0)
    >>> round(estimate.log2_partition, 6), estimate.relative_error
    (784.0, 0.0)
    """
    d, n = check_integer(d, "d"), check_integer(n, "n", least=2)
    generator = as_generator(rng)
    parts: list[NDArray[Any]] = []
    for start in range(0, n, _BLOCK):
        draws = generator.integers(0, 2, (min(_BLOCK, n - start), d), dtype=np.uint8)
        parts.append(np.asarray(log_f(draws), np.float64))
    terms = np.concatenate(parts)
    log_mean = float(log_mean_exp(terms))
    if not math.isfinite(log_mean):
        raise InputError(
            f"f was zero (or not a number) on all {n} uniform draws, so they say nothing about its sum; "
            "raise n, or sum exactly"
        )
    ratios = np.exp(terms - log_mean)  # f / mean f
    return PartitionEstimate(
        n_variables=d,
        n_draws=n,
        log_partition=d * math.log(2.0) + log_mean,
        relative_error=float(ratios.std(ddof=1) / math.sqrt(n)),
        largest_share=float(ratios.max() / n),
    )
