"""What a forked child has to put right: locks and signals that belonged to threads which it does not have."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

__all__ = ["cached_property", "in_each_child"]


def in_each_child(function: Callable[[], None]) -> Callable[[], None]:
    """Decorate a function that is called in each child of this process as it is forked; elsewhere nothing happens.

    >>> in_each_child(lambda: None)()
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)
    return function


if TYPE_CHECKING:
    from functools import cached_property
else:

    class cached_property(functools.cached_property):
        """``functools.cached_property`` as it is from Python 3.12 on: without a lock.

        Before, one lock for all instances was held while a value was computed, and a child that another thread forked
        meanwhile waited for it without end.  Two threads may compute the same value twice.

        >>> class Square:
        ...     @cached_property
        ...     def area(self):
        ...         return print("computed") or 4
        >>> square = Square()
        >>> square.area + square.area
        computed
        8
        """

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            """The value, which the next time is found in the instance without coming here."""
            if instance is None:
                return self
            value = instance.__dict__[self.attrname] = self.func(instance)
            return value
