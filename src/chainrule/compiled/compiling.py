"""Word when loops are being compiled, and the seconds that it takes.

Compiling a model's loops takes 10 to 30 s once per machine (``caching`` keeps the result), so a line says so, once
for each piece of work that waits for it.  Loading what was kept takes a fraction of a second and says nothing.
"""

from __future__ import annotations

import threading
import time
from contextvars import copy_context

from chainrule.compiled.claims import release
from chainrule.core.progress import note, pieces_begun

__all__ = ["begin", "end", "seconds_compiling"]

PATIENCE = 1.0  # seconds of compiling that nobody needs to hear of
_AGAIN = 60.0  # seconds after which it is said again to who works without ``track``

_lock = threading.Lock()
_said: tuple[int, float] = (-1, -_AGAIN)  # pieces of work begun, and the time, when it was said last


class _Of(threading.local):
    """What one thread compiles."""

    since: float | None = None
    timer: threading.Timer | None = None
    seconds = 0.0


_mine = _Of()


def seconds_compiling() -> float:
    """Seconds that this thread has spent on compiling loops and on loading compiled ones, since it began.

    The difference of two calls is what to leave out of the time between them.

    >>> seconds_compiling() >= 0
    True
    """
    return _mine.seconds


def begin(*, loaded: bool) -> None:
    """A loop of this thread is being compiled from now on, or has been loaded."""
    if _mine.since is None:
        _mine.since = time.monotonic()
    if not loaded and _mine.timer is None:
        # a thread begins in an empty context, without the listener of this one
        _mine.timer = threading.Timer(PATIENCE, copy_context().run, [_say])
        _mine.timer.daemon = True
        _mine.timer.start()


def end() -> None:
    """The call that needed it is over."""
    if _mine.since is not None:
        _mine.seconds += time.monotonic() - _mine.since
        _mine.since = None
        release()
    if _mine.timer is not None:
        _mine.timer.cancel()
        _mine.timer = None


def _say() -> None:
    global _said
    with _lock:
        pieces, at = _said
        if pieces == pieces_begun() and time.monotonic() - at < _AGAIN:
            return
        _said = (pieces_begun(), time.monotonic())
    note("compiling the fast loops, once (10 to 30 s)")
