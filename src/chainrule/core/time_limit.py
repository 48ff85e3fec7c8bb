"""Work that has to end in time: whoever asks for it sets a limit, and long work looks at it on the way.

Every step of ``progress.track`` looks, and so do loops that say nothing of themselves.  Past the limit work ends in an
``OutOfTimeError``; nothing is interrupted between two looks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from chainrule.core.errors import ChainruleError

__all__ = ["OutOfTimeError", "check_time", "time_limit"]

Clock = Callable[[], float]  # seconds since some moment


class OutOfTimeError(ChainruleError):
    """Work that would not end in the time that is left; the message says what it would take, or what there was."""


@dataclass(frozen=True)
class _Limit:
    end: float
    seconds: float
    clock: Clock


_limits: ContextVar[tuple[_Limit, ...]] = ContextVar("chainrule_time_limits", default=())


@contextmanager
def time_limit(seconds: float, clock: Clock = time.monotonic) -> Iterator[None]:
    """Within the block ``check_time`` raises once ``seconds`` of ``clock`` are over; limits outside hold as well.

    >>> with time_limit(-1):
    ...     check_time()
    Traceback (most recent call last):
    chainrule.core.time_limit.OutOfTimeError: no time is left
    """
    token = _limits.set((*_limits.get(), _Limit(clock() + seconds, seconds, clock)))
    try:
        yield
    finally:
        _limits.reset(token)


def check_time() -> None:
    """Raise ``OutOfTimeError`` where the time is over that there is for this work."""
    for limit in _limits.get():
        if limit.clock() > limit.end:
            raise OutOfTimeError(
                f"it takes longer than the {limit.seconds:.3g} s that it may"
                if limit.seconds > 0
                else "no time is left"
            )
