"""What a compiled loop owes its caller: Ctrl-C that is Ctrl-C, its number of threads, and a way around it.

A signal that arrives while numba's code runs would raise its ``KeyboardInterrupt`` where that code makes Python objects
of its results and does not look: a ``SystemError``, or a crash of the process.  So it waits until the call is over.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from chainrule.compiled import compiling
from chainrule.compiled.threads import lost_by_fork, numba_config, threads_of_the_call, use_threads
from chainrule.core.progress import note
from chainrule.core.settings import settings

__all__ = ["has_loops", "kernel", "loops_are_on", "loops_take", "use_threads"]

_DTYPES = ("torch.float32", "torch.float64", "float32", "float64")  # for which there are loops

_told = False


def has_loops(x: Any) -> bool:
    """Whether compiled loops may take ``x``, a tensor; else the plain path does it.  Ask once per call.

    >>> import torch
    >>> has_loops(torch.ones(3)), has_loops(torch.ones(3, dtype=torch.int64))
    (True, False)
    """
    return loops_are_on() and x.device.type == "cpu" and loops_take(x.dtype)


def loops_are_on() -> bool:
    """Whether compiled loops may be used at all, for arrays that are always of a type they take.

    They may not where ``settings.plain`` is set (``CHAINRULE_PLAIN=1``), where numba compiles nothing
    (``NUMBA_DISABLE_JIT=1``), and in a process forked from one that had used them, which is said once.

    >>> loops_are_on()
    True
    """
    global _told
    if settings.plain or numba_config.DISABLE_JIT:
        return False
    if lost_by_fork():
        if not _told:
            note(
                "this process was forked from one that had used the fast loops, so it works without them; spawn it"
            )
        _told = True
        return False
    return True


def loops_take(dtype: Any) -> bool:
    """Whether there are loops for numbers of this type, of torch or of numpy.

    >>> loops_take("float32"), loops_take("float16")
    (True, False)
    """
    return str(dtype) in _DTYPES


def kernel(compiled: Callable[..., Any]) -> Callable[..., Any]:
    """``compiled``, run on the threads that ``use_threads`` said last, and a ``KeyboardInterrupt`` if interrupted.

    numba's own number of threads is what it was, before and after.

    >>> kernel(max)(1, 2)
    2
    """
    parallel = bool(getattr(compiled, "targetoptions", {}).get("parallel"))

    @wraps(compiled)
    def call(*arguments: Any) -> Any:
        try:
            with _interrupts_wait():
                if not parallel:
                    return compiled(*arguments)
                with threads_of_the_call():
                    return compiled(*arguments)
        except SystemError as e:
            if _was_interrupted(e):
                raise KeyboardInterrupt from None
            raise
        finally:
            compiling.end()

    return call


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Ctrl-C within the block is handled when it ends; only the main thread hears of it at all."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, Any]] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            before(*came[0])


def _was_interrupted(error: BaseException) -> bool:
    cause = error.__cause__
    return cause is not None and (isinstance(cause, KeyboardInterrupt) or _was_interrupted(cause))
