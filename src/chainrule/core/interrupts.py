"""Ctrl-C that waits for the end of a step, so that what was done by then can be kept.

Python raises ``KeyboardInterrupt`` wherever a program is, in the middle of a step too.  Within ``waiting_interrupts``
it is held back until the block asks for it; a second one does not wait.  Only the main thread is told of Ctrl-C, and
only Python's own handler is put off: where a program has one of its own, nothing changes.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["waiting_interrupts"]


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
