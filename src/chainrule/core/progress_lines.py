"""What is heard of long work where no program listens: one line on standard error that is written over.

    NADE: 12 of 30, 91.20 nats, 14 s left

It begins after two seconds, where standard error is a terminal or a notebook.  ``settings.verbose`` True makes it
heard everywhere, elsewhere as a new line every ten seconds; False nowhere.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from chainrule.core.forks import in_each_child
from chainrule.core.settings import settings

__all__ = ["Lines", "own_listener"]

BEGIN = 2.0  # seconds of work before a word
_OVER, _BELOW = 0.2, 10.0  # seconds between two words: on the same line, and each on its own


@dataclass
class _Work:
    label: str
    total: int
    began: float
    done: int = 0
    heard: bool = False
    detail: str = ""


@dataclass
class Lines:
    """A listener (see ``progress.Listener``) that writes lines to ``stream``; any thread may report.

    ``over`` says whether a line is written over the one before it, as terminals and notebooks can.
    """

    stream: Any
    over: bool
    works: dict[int, _Work] = field(default_factory=dict)
    last: float = -_BELOW
    width: int = 0  # of what stands on the line now
    numbers: Any = field(default_factory=itertools.count)
    lock: Any = field(default_factory=threading.RLock)

    def start(self, label: str, total: int) -> int:
        """Begin a piece of work."""
        with self.lock:
            task = next(self.numbers)
            self.works[task] = _Work(label, total, time.monotonic())
            return task

    def advance(self, task: int, detail: str) -> None:
        """One more step; says so if it is time."""
        now = time.monotonic()
        with self.lock:
            work = self.works[task]
            work.done, work.detail = work.done + 1, detail
            if now - work.began >= BEGIN and now - self.last >= (_OVER if self.over else _BELOW):
                self.last, work.heard = now, True
                self._write(_text(work, now))

    def stop(self, task: int) -> None:
        """The end; who heard of the work hears how long it took."""
        with self.lock:
            work = self.works.pop(task)
            if work.heard:
                seconds = time.monotonic() - work.began
                self._write(f"{work.label}: {work.done} of {work.total}, {_time(seconds)}", final=True)

    def note(self, text: str) -> None:
        """A line that stays."""
        with self.lock:
            self._write(text, final=True)

    def _write(self, text: str, *, final: bool = False) -> None:
        try:
            if self.over:
                self.stream.write("\r" + text.ljust(self.width) + ("\n" if final else ""))
                self.width = 0 if final else len(text)
            else:
                self.stream.write(text + "\n")
            self.stream.flush()
        except (OSError, ValueError):
            pass  # standard error is closed or gone: there is nobody to tell, and the work goes on


def own_listener() -> Lines | None:
    """The listener of whoever has set none: ``None`` where nothing is to be heard."""
    global _own
    if settings.verbose is False or sys.stderr is None:
        return None
    over = _can_write_over(sys.stderr)
    if not (settings.verbose or over):
        return None
    with _lock:
        if _own is None or _own.stream is not sys.stderr:
            _own = Lines(sys.stderr, over)
        return _own


_own: Lines | None = None
_lock = threading.Lock()


@in_each_child
def _begin_anew() -> None:
    """Another thread of the parent may have been about to write."""
    global _own, _lock
    _own, _lock = None, threading.Lock()


def _can_write_over(stream: Any) -> bool:
    """Whether ``stream`` is a terminal, or what a notebook shows under its cell."""
    try:
        if stream.isatty():
            return True
    except (AttributeError, ValueError):
        return False  # not a stream, or closed
    return type(stream).__module__.split(".")[0] == "ipykernel"


def _text(work: _Work, now: float) -> str:
    left = (now - work.began) / work.done * (work.total - work.done)
    parts = [work.detail, f"{_time(left)} left" if work.total >= work.done else ""]
    said = ", ".join(part for part in parts if part)
    return f"{work.label}: {work.done} of {work.total}" + (f", {said}" if said else "")


def _time(seconds: float) -> str:
    """
    >>> _time(4), _time(200), _time(8000)
    ('4 s', '3 min', '2.2 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
