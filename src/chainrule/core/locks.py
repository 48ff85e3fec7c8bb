"""Locks on open files that end with the process that holds them, however it ends.

``flock`` (POSIX) belongs to an open file and is lost when that is closed, so ``kill -9`` leaves none behind.  It is
advisory: it stops those alone who ask for it.  Where a system or a file system has no such locks, nobody holds one and
nobody is refused.
"""

from __future__ import annotations

import importlib
from typing import Any, Literal

__all__ = ["lock"]

try:
    _fcntl: Any = importlib.import_module("fcntl")
except ImportError:  # no POSIX system
    _fcntl = None


def lock(handle: int) -> Literal["held", "taken", "none"]:
    """Lock the open file ``handle``, without waiting.

    "held" until it is closed; "taken" where another open file has the lock; "none" where there are no locks.

    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as one, open(one.name) as other:
    ...     lock(one.fileno()), lock(other.fileno())
    ('held', 'taken')
    """
    if _fcntl is None:
        return "none"
    try:
        _fcntl.flock(handle, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
    except BlockingIOError:
        return "taken"
    except OSError:  # a file system without locks
        return "none"
    return "held"
