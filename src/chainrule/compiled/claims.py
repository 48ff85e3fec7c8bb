"""Who compiles a loop: of several processes that need it at the same time one does, and the others wait for its file.

A claim is a lock on a file beside the one that is to come, and ends with the call that needed the loop or with the
process, however it ends.  Loops need one another without circles, so no two processes wait for each other.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from chainrule.core.forks import in_each_child
from chainrule.core.locks import lock

__all__ = ["claim", "release"]

_PATIENCE = 300.0  # seconds; who claimed it may have been stopped
_AGAIN = 0.05


class _Of(threading.local):
    """What one thread has claimed: the open file of each lock."""

    def __init__(self) -> None:
        self.claims: dict[Path, int] = {}


_mine = _Of()


def claim(path: Path) -> bool:
    """Whether another process has written ``path`` while this one waited; else this thread is to make it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     claim(Path(folder) / "a"), release()
    (False, None)
    """
    beside = _beside(path)
    before, until = _stamp(path), time.monotonic() + _PATIENCE
    while beside not in _mine.claims and time.monotonic() < until:
        try:
            handle = os.open(beside, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:
            return False  # another user's, or a folder that can only be read
        if lock(handle) != "taken":
            _mine.claims[beside] = handle
            break
        os.close(handle)
        time.sleep(_AGAIN)
        if _stamp(path) != before:
            return True
    return _stamp(path) != before


def release(path: Path | None = None) -> None:
    """Give up what this thread has claimed, all of it or ``path``."""
    for beside in [*_mine.claims] if path is None else [_beside(path)]:
        handle = _mine.claims.pop(beside, None)
        if handle is not None:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            os.close(handle)


@in_each_child
def _forget() -> None:
    """The locks are the parent's, which loses none by this."""
    while _mine.claims:
        os.close(_mine.claims.popitem()[1])


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
