"""How long work says how far it is, without knowing who listens.

A library call reports with ``track``; the command line listens with ``listening`` and draws a bar.  Where nobody
listens, what takes long is heard on standard error, see ``progress_lines``; ``settings.verbose`` says whether.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, Protocol, TypeVar

from chainrule.core.progress_lines import own_listener
from chainrule.core.time_limit import check_time

__all__ = ["Listener", "Track", "listening", "note", "pieces_begun", "track"]

T = TypeVar("T")


class Listener(Protocol):
    """Receives the steps of one piece of work at a time, innermost last."""

    def start(self, label: str, total: int) -> int:
        """Begin a piece of work of ``total`` steps; returns its number."""
        ...

    def advance(self, task: int, detail: str) -> None:
        """One more step of ``task`` is done; ``detail`` is a short state such as a loss."""
        ...

    def stop(self, task: int) -> None:
        """``task`` is over, finished or not."""
        ...

    def note(self, text: str) -> None:
        """A line that the user should see."""
        ...


_listener: ContextVar[Listener | None] = ContextVar("chainrule_progress_listener", default=None)
_numbers = itertools.count(1)
_begun = 0


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send everything that ``track`` and ``note`` report within the block to ``listener``."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


class Track(Generic[T]):
    """An iterable that reports each step; set ``detail`` inside the loop to say more."""

    def __init__(self, items: Iterable[T], label: str, total: int) -> None:
        self._items, self._label, self._total, self.detail = items, label, total, ""

    def __iter__(self) -> Iterator[T]:
        global _begun
        _begun = next(_numbers)
        listener = _heard_by()
        if listener is None:
            for item in self._items:
                check_time()
                yield item
            return
        task = listener.start(self._label, self._total)
        try:
            for item in self._items:
                check_time()
                yield item
                listener.advance(task, self.detail)
        finally:
            listener.stop(task)


def track(items: Iterable[T], label: str, total: int | None = None) -> Track[T]:
    """Iterate over ``items`` and report each step to the listener, if there is one; ``check_time`` before each.

    >>> [i for i in track(range(3), "counting")]
    [0, 1, 2]
    """
    if total is None:
        total = len(items)  # pyright: ignore[reportArgumentType]  # sized, or the caller says how many
    return Track(items, label, total)


def note(text: str) -> None:
    """Tell the listener one line, if there is one."""
    listener = _heard_by()
    if listener is not None:
        listener.note(text)


def pieces_begun() -> int:
    """How many pieces of work ``track`` has begun in this process: whether two moments belong to one piece."""
    return _begun


def _heard_by() -> Listener | None:
    listener = _listener.get()
    return own_listener() if listener is None else listener
