"""Nats and bits, seconds and their texts: each conversion written once."""

from __future__ import annotations

import math
import re
from typing import Any

from chainrule.core.errors import InputError
from chainrule.core.text import as_written

__all__ = ["bits_per_dim", "nats_to_bits", "seconds_of"]

_DURATION = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(s|m|min|h)?\s*")
_MOST_SECONDS = 1e12  # above which nobody waits
_SECONDS = {None: 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def nats_to_bits(nats: float) -> float:
    """Nats to bits.

    >>> round(nats_to_bits(math.log(2)), 12)
    1.0
    """
    return nats / math.log(2)


def bits_per_dim(mean_log_prob_nats: float, n_variables: int) -> float:
    """Mean code length in bits per variable, from a mean log-probability in nats per row.

    >>> bits_per_dim(-784 * math.log(2), 784)
    1.0
    """
    return -nats_to_bits(mean_log_prob_nats) / n_variables


def seconds_of(duration: Any, name: str = "budget") -> float:
    """A time above 0 in seconds: a number of them, or text such as "20s", "10m", "1.5h"; raises ``InputError``.

    >>> seconds_of("10m"), seconds_of(20)
    (600.0, 20.0)
    """
    found = _DURATION.fullmatch(duration) if isinstance(duration, str) else None
    if found is not None:
        seconds = float(found[1]) * _SECONDS[found[2]]
    elif isinstance(duration, (int, float)) and not isinstance(duration, bool):
        seconds = math.inf if duration > _MOST_SECONDS else float(duration)
    else:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise InputError(
            f"{name} is a time such as 20s, 10m or 1h, or a number of seconds; got {as_written(duration)}"
        )
    return seconds
