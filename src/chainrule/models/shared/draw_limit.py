"""How many draws a machine can hold, asked before they are made."""

from __future__ import annotations

import os

from chainrule.core.errors import TooLargeError

__all__ = ["check_draws"]

_BYTES_PER_CELL = 12  # what is given, what is drawn and a copy of one of them, in int32
_GIB = 2**30


def check_draws(n: int, d: int) -> None:
    """``TooLargeError`` where ``n`` draws of ``d`` variables need more memory than the machine has.

    >>> check_draws(10, 3)
    """
    needed, there = _BYTES_PER_CELL * n * d, _physical_bytes()
    if needed > there:
        raise TooLargeError(
            f"{n:,} draws of {d:,} variables need {needed / _GIB:,.1f} GiB, this machine has {there / _GIB:,.1f} "
            "GiB; draw fewer rows at a time, with one numpy Generator as rng for all of them"
        )


def _physical_bytes() -> int:
    """The machine's memory; what is no more than 2^63 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 2**63
