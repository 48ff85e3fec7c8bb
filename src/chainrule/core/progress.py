"""How long work says how far it is, without knowing who listens.

A library call reports with ``track``; the command line listens with ``listening`` and draws a bar.
Where nobody listens, nothing is printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

__all__ = ["Listener", "listening", "note", "track"]

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


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send everything that ``track`` and ``note`` report within the block to ``listener``."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


class _Track(Iterable[T]):
    """An iterable that reports each step; set ``detail`` inside the loop to say more."""

    def __init__(self, items: Iterable[T], label: str, total: int) -> None:
        self._items, self._label, self._total, self.detail = items, label, total, ""

    def __iter__(self) -> Iterator[T]:
        listener = _listener.get()
        if listener is None:
            yield from self._items
            return
        task = listener.start(self._label, self._total)
        try:
            for item in self._items:
                yield item
                listener.advance(task, self.detail)
        finally:
            listener.stop(task)


def track(items: Iterable[T], label: str, total: int | None = None) -> _Track[T]:
    """Iterate over ``items`` and report each step to the listener, if there is one.

    >>> [i for i in track(range(3), "counting")]
    [0, 1, 2]
    """
    if total is None:
        total = len(items)  # type: ignore[arg-type]  # a sized iterable, or the caller says how many
    return _Track(items, label, total)


def note(text: str) -> None:
    """Tell the listener one line, if there is one."""
    listener = _listener.get()
    if listener is not None:
        listener.note(text)
