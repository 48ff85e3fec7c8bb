"""What a compiled loop owes its caller: word when it compiles, Ctrl-C that is Ctrl-C, threads, and memory at hand.

Compiling takes some seconds, once per machine (numba keeps the result beside the package's files), so a
line says so.  And a signal that arrives while numba's code runs surfaces as a ``SystemError`` caused by the
``KeyboardInterrupt``, which nobody catches: here the interrupt itself is handed on.
"""

from __future__ import annotations

import ctypes
import os
import platform
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import cache, wraps
from typing import Any

import numba
import torch

from chainrule.core.progress import note

__all__ = ["DTYPES", "has_loops", "kernel", "use_threads"]

DTYPES = (torch.float32, torch.float64)  # for which there are loops

_MOST = numba.get_num_threads()  # numba starts that many when first used, and no more later
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of malloc.h
_PATIENCE = 1.0  # seconds: loading what was compiled before takes less


def has_loops(x: torch.Tensor) -> bool:
    """Whether the compiled loops can take ``x``; else torch does it."""
    return x.device.type == "cpu" and x.dtype in DTYPES


def use_threads() -> int:
    """As many threads as torch uses (``torch.set_num_threads``), from now on also for compiled loops."""
    _keep_what_is_freed()
    n = min(torch.get_num_threads(), _MOST)
    numba.set_num_threads(n)
    return n


@cache
def _keep_what_is_freed() -> None:
    """Let glibc keep what the arrays of one step leave free for those of the next.

    By default it hands back to the system what exceeds a threshold that depends on the history of the process, and
    the system gives it out again page by page, each filled with zeros: in some processes a step of a NADE with
    8,000 units then took twice as long.  Whoever has set the thresholds keeps theirs.
    """
    is_set = "malloc" in os.environ.get("GLIBC_TUNABLES", "") or any(
        k.startswith("MALLOC_") for k in os.environ
    )
    if platform.libc_ver()[0] == "glibc" and not is_set:
        libc = ctypes.CDLL(None)
        libc.mallopt(_TRIM_THRESHOLD, 256 << 20)  # bytes that may lie free
        libc.mallopt(_MMAP_THRESHOLD, 32 << 20)  # larger arrays go back at once, as ever


def kernel(compiled: Callable[..., Any]) -> Callable[..., Any]:
    """``compiled`` with a note if its first call must compile, and a ``KeyboardInterrupt`` if interrupted.

    >>> kernel(max)(1, 2)
    2
    """
    seen: set[Any] = set()

    @wraps(compiled)
    def call(*arguments: Any) -> Any:
        # a tuple stands for a variant of the loops by its length, see models/nade/loops.py
        types = tuple(len(a) if isinstance(a, tuple) else getattr(a, "dtype", None) for a in arguments)
        try:
            if types in seen:
                return compiled(*arguments)
            with _notice():
                result = compiled(*arguments)
            seen.add(types)
            return result
        except SystemError as e:
            if _was_interrupted(e):
                raise KeyboardInterrupt from None
            raise

    return call


class _notice:
    """Says that something is being compiled, if the block takes longer than loading would."""

    def __enter__(self) -> None:
        # a thread begins in an empty context, without the listener of this one
        say = [note, "compiling the fast loops, once (10 to 30 s)"]
        self.timer = threading.Timer(_PATIENCE, copy_context().run, say)
        self.timer.daemon = True
        self.timer.start()

    def __exit__(self, *exception: object) -> None:
        self.timer.cancel()


def _was_interrupted(error: BaseException) -> bool:
    cause = error.__cause__
    return cause is not None and (isinstance(cause, KeyboardInterrupt) or _was_interrupted(cause))
