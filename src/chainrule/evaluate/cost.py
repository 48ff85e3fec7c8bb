"""What a computation costs: wall-clock seconds and peak memory, measured as they come.

One clock reading says little: the first call compiles and fills caches, and a busy machine slows whatever runs just
then.  So what is compared takes turns (``time_in_turns``): every call once unmeasured, then round after round, so
that a slow minute falls on all of them.  A comparison is decided only where the quartiles of the rounds agree.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from chainrule.core.checks import as_floats, check_instance, check_integer, check_real
from chainrule.core.errors import InputError
from chainrule.core.text import as_written

__all__ = ["Comparison", "Cost", "Timing", "compare", "measure", "time_in_turns"]

Comparison = Literal["longer", "not longer", "cannot tell"]


@dataclass(frozen=True)
class Cost:
    """One measured call: its result, the seconds it took, and how far it raised the resident memory.

    ``peak_bytes`` is ``None`` where the system does not tell (it does on Linux).
    """

    result: Any
    seconds: float
    peak_bytes: int | None


@dataclass(frozen=True)
class Timing:
    """Wall-clock seconds of one call over several rounds: the median and the quartiles.

    >>> Timing.of([3.0, 1.0, 2.0])
    Timing(median_seconds=2.0, lower_quartile_seconds=1.5, upper_quartile_seconds=2.5, n_rounds=3)
    """

    median_seconds: float
    lower_quartile_seconds: float
    upper_quartile_seconds: float
    n_rounds: int

    @classmethod
    def of(cls, seconds: list[float]) -> Timing:
        """The median and the quartiles of measured ``seconds``, at least one."""
        measured = as_floats(seconds, "seconds", ndim=1)
        if not measured.size or not np.isfinite(measured).all():
            raise InputError("a timing needs at least one measured round, each a finite number of seconds")
        low, middle, high = (float(q) for q in np.quantile(measured, [0.25, 0.5, 0.75]))
        return cls(middle, low, high, len(measured))


def measure(call: Callable[[], Any]) -> Cost:
    """Run ``call`` once and measure it.

    >>> cost = measure(lambda: sum(range(10)))
    >>> cost.result, cost.seconds > 0
    (45, True)
    """
    _check_call(call, "call")
    before = _start_peak()
    started = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - started
    peak = None if before is None else max(0, (_status("VmHWM") or before) - before)
    return Cost(result, seconds, peak)


def time_in_turns(calls: Mapping[str, Callable[[], Any]], rounds: int = 7) -> dict[str, Timing]:
    """Time ``calls`` against each other: each once unmeasured, then ``rounds`` times in turns, by name.

    The unmeasured call compiles and fills caches; every round begins with another call, so that none always runs
    in the wake of the same one.

    >>> list(time_in_turns({"short": lambda: sum(range(10)), "long": lambda: sum(range(10_000))}))
    ['short', 'long']
    """
    rounds = check_integer(rounds, "rounds")
    for name, call in check_instance(calls, Mapping, "calls", like="a dict of functions by name").items():
        _check_call(call, f"calls[{as_written(name)}]")
        call()
    names = list(calls)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for k in range(rounds):
        for name in names[k % len(names) :] + names[: k % len(names)]:
            started = time.perf_counter()
            calls[name]()
            seconds[name].append(time.perf_counter() - started)
    return {name: Timing.of(values) for name, values in seconds.items()}


def compare(a: Timing, b: Timing, *, factor: float) -> Comparison:
    """Whether ``a`` takes more than ``factor`` times as long as ``b``.

    The answer holds for every pair of times between the quartiles; where some pairs say one thing and some the
    other, the clocks cannot tell.

    >>> second, two, wide = Timing(1, 0.9, 1.1, 7), Timing(2, 1.9, 2.1, 7), Timing(2, 1.2, 4.0, 7)
    >>> [compare(t, second, factor=1.5) for t in (two, second, wide)]
    ['longer', 'not longer', 'cannot tell']
    """
    for name, timing in (("a", a), ("b", b)):
        check_instance(timing, Timing, name, like="a Timing")
    factor = check_real(factor, "factor", strictly=True)
    if a.lower_quartile_seconds > factor * b.upper_quartile_seconds:
        return "longer"
    return "not longer" if a.upper_quartile_seconds <= factor * b.lower_quartile_seconds else "cannot tell"


def _check_call(call: object, name: str) -> None:
    if not callable(call):
        raise InputError(f"{name} must be a function without arguments; got {as_written(call)}")


def _start_peak() -> int | None:
    """Give freed memory back, reset the system's record of this process's peak; the resident bytes now."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)  # else a call that reuses what an earlier one freed would seem to need nothing
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    return _status("VmRSS")


def _status(field: str) -> int | None:
    """A size in bytes from this process's own status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return None
