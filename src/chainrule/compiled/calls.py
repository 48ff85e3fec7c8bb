"""What a compiled loop owes its caller: Ctrl-C that is Ctrl-C, its number of threads, and a way around it.

A signal that arrives while numba's code runs would raise its ``KeyboardInterrupt`` where that code makes Python objects
of its results and does not look: a ``SystemError``, or a crash of the process.  So it waits until the call is over.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

from chainrule.compiled import compiling
from chainrule.compiled.threads import (
    numba_config,
    threads_of_many_calls,
    threads_of_the_call,
    use_threads,
)
from chainrule.core.forks import in_each_child
from chainrule.core.settings import settings

__all__ = ["has_loops", "kernel", "loops_are_on", "loops_take", "many_calls", "use_threads"]

try:  # without the enumerations that Python wraps them in, which take ten times as long as the calls themselves
    from _signal import getsignal  # pyright: ignore[reportMissingImports]
    from _signal import signal as set_signal  # pyright: ignore[reportMissingImports]
except ImportError:
    from signal import getsignal
    from signal import signal as set_signal

_INTERRUPT = int(signal.SIGINT)
_DTYPES = ("torch.float32", "torch.float64", "float32", "float64")  # for which there are loops


def has_loops(x: Any) -> bool:
    """Whether compiled loops may take ``x``, a tensor; else the plain path does it.  Ask once per call.

    >>> import torch
    >>> has_loops(torch.ones(3)), has_loops(torch.ones(3, dtype=torch.int64))
    (True, False)
    """
    return loops_are_on() and x.device.type == "cpu" and loops_take(x.dtype)


def loops_are_on() -> bool:
    """Whether compiled loops may be used at all, for arrays that are always of a type they take.

    They may not where ``settings.plain`` is set (``CHAINRULE_PLAIN=1``) and where numba compiles nothing
    (``NUMBA_DISABLE_JIT=1``).

    >>> loops_are_on()
    True
    """
    return not (settings.plain or numba_config.DISABLE_JIT)


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
        wait = _InterruptsWait()
        try:
            wait.begin()
            if not parallel:
                return compiled(*arguments)
            with threads_of_the_call():
                return compiled(*arguments)
        except SystemError as e:
            if _was_interrupted(e):
                raise KeyboardInterrupt from None
            raise
        finally:
            if (
                _InterruptsWait.outer is wait
            ):  # first, and no call: the handler of another signal may raise in one
                _InterruptsWait.outer = None
            compiling.end()
            wait.end()

    return call


class many_calls:
    """A run of many small loops: what each would ask the system for, threads and Ctrl-C, is asked for once.

    To ask at each call costs 10 µs.  Ctrl-C is handled at the end of the loop in which it came.
    """

    def __enter__(self) -> None:
        self.threads, self.wait = threads_of_many_calls(), _InterruptsWait()
        self.threads.__enter__()
        self.wait.begin()

    def __exit__(self, *exception: object) -> None:
        self.threads.__exit__(*exception)
        self.wait.end()


class _InterruptsWait:
    """Between ``begin`` and ``end`` Ctrl-C is kept, and handled by ``end``; only the main thread hears of it at all.

    A loop that is interrupted while its results are handed over would end the process.  One that waits within another
    is no more than a place where what the ``outer`` one has kept is handled.
    """

    __slots__ = ("before", "came")
    outer: ClassVar[_InterruptsWait | None] = None

    def begin(self) -> None:
        self.before: Any = None
        self.came: tuple[int, Any] | None = None
        if _InterruptsWait.outer is None and threading.current_thread() is threading.main_thread():
            before = getsignal(_INTERRUPT)
            if callable(before):
                self.before, _InterruptsWait.outer = before, self
                set_signal(_INTERRUPT, self._keep)

    def end(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        if self.before is not None:
            _InterruptsWait.outer = None
            set_signal(_INTERRUPT, self.before)
            self._handle()
        elif _InterruptsWait.outer is not None:
            _InterruptsWait.outer._handle()

    def _handle(self) -> None:
        if self.came is not None:
            came, self.came = self.came, None
            self.before(*came)

    def _keep(self, number: int, frame: Any) -> None:
        self.came = (number, frame)
        if _InterruptsWait.outer is not self:  # it has ended, or is about to
            self._handle()


@in_each_child
def _wait_no_more() -> None:
    """A child that another thread forked meanwhile is in no loop, and is to hear of Ctrl-C."""
    outer, _InterruptsWait.outer = _InterruptsWait.outer, None
    if outer is not None:
        set_signal(_INTERRUPT, outer.before)


def _was_interrupted(error: BaseException) -> bool:
    cause = error.__cause__
    return cause is not None and (isinstance(cause, KeyboardInterrupt) or _was_interrupted(cause))
