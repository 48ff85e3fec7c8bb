"""Ctrl-C that waits for the end of a step, so that what was done by then can be kept, and that is not lost.

Python raises ``KeyboardInterrupt`` wherever a program is, in the middle of a step too.  Within ``waiting_interrupts``
it is held back until the block asks for it; a second one does not wait.  Only the main thread is told of Ctrl-C, and
only Python's own handler is put off: where a program has one of its own, nothing changes.

Where a program is in a finaliser, in a callback of a weak reference or in one that C code calls, Python prints the
exception and goes on as if nothing had been said.  Within ``kept_interrupts`` it is said again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["kept_interrupts", "waiting_interrupts"]

_AGAIN = 0.01  # seconds


@contextmanager
def waiting_interrupts() -> Iterator[Callable[[], bool]]:
    """Whether there was a Ctrl-C, by the function that is given; it is raised when the block ends.

    >>> with waiting_interrupts() as interrupted:
    ...     interrupted()
    False
    """
    came, process = False, os.getpid()

    def wait(number: int, frame: Any) -> None:
        nonlocal came
        if came or os.getpid() != process:  # a child that another thread forked is not within the block
            raise KeyboardInterrupt
        came = True

    is_ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if not is_ours:
        yield lambda: False
        return
    signal.signal(signal.SIGINT, wait)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if came:
        raise KeyboardInterrupt


@contextmanager
def kept_interrupts() -> Iterator[None]:
    """A ``KeyboardInterrupt`` that Python drops within the block is raised a moment later, where the program then is.

    >>> with kept_interrupts():
    ...     pass
    """
    shown, main, again = sys.unraisablehook, threading.main_thread().ident, None

    def keep(dropped: sys.UnraisableHookArgs) -> None:
        nonlocal again
        if main is None or dropped.exc_type is not KeyboardInterrupt:
            shown(dropped)
            return
        again = threading.Timer(_AGAIN, signal.pthread_kill, (main, signal.SIGINT))
        again.daemon = True
        again.start()

    sys.unraisablehook = keep
    try:
        yield
        if again is not None and again.is_alive():
            raise KeyboardInterrupt
    finally:
        sys.unraisablehook = shown
        if again is not None:
            again.cancel()
