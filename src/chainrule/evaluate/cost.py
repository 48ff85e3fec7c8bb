"""What a computation costs: wall-clock seconds and peak memory, measured as they come."""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["Cost", "measure", "median_seconds"]


@dataclass(frozen=True)
class Cost:
    """One measured call: its result, the seconds it took, and how far it raised the resident memory.

    ``peak_bytes`` is ``None`` where the system does not tell (it does on Linux).
    """

    result: Any
    seconds: float
    peak_bytes: int | None


def measure(call: Callable[[], Any]) -> Cost:
    """Run ``call`` once and measure it.

    >>> cost = measure(lambda: sum(range(10)))
    >>> cost.result, cost.seconds > 0
    (45, True)
    """
    before = _start_peak()
    started = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - started
    peak = None if before is None else max(0, (_status("VmHWM") or before) - before)
    return Cost(result, seconds, peak)


def median_seconds(call: Callable[[], Any], repeats: int = 5) -> float:
    """Median wall-clock seconds of ``call`` after one unmeasured call (which may compile or fill caches)."""
    call()
    return median(measure(call).seconds for _ in range(repeats))


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
