"""Ctrl-C inside a compiled loop.

A signal that arrives while numba's code runs surfaces as a ``SystemError`` caused by the
``KeyboardInterrupt``, which nobody catches.  ``interruptible`` hands on the interrupt itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

__all__ = ["interruptible"]


def interruptible(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """``kernel`` with a ``KeyboardInterrupt`` where it was interrupted.

    >>> interruptible(max)(1, 2)
    2
    """

    @wraps(kernel)
    def call(*arguments: Any) -> Any:
        try:
            return kernel(*arguments)
        except SystemError as e:
            if _was_interrupted(e):
                raise KeyboardInterrupt from None
            raise

    return call


def _was_interrupted(error: BaseException) -> bool:
    cause = error.__cause__
    return cause is not None and (isinstance(cause, KeyboardInterrupt) or _was_interrupted(cause))
