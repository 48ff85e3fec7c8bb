"""Files that are not whole yet: where they are written, and what a killed process left of them.

A file is written under a name of its own beside the one that it will take, and is locked as long as its writer lives
(``locks``).  One that nobody holds was left by a process that was killed: the next who writes in that folder removes
it.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chainrule.core.locks import lock

__all__ = ["is_partial", "partial_file", "remove_leftovers"]

_OURS = re.compile(r"\..*\.[0-9a-f]{8}\.chainrule\.part", re.DOTALL)
_MOST_BYTES = 150  # of a name that goes into that of its partial file, which file systems limit to 255 in all


@contextmanager
def partial_file(path: Path) -> Iterator[tuple[Path, int]]:
    """A new empty file beside ``path`` and its descriptor; removed in the end if it is there still.

    The system itself applies the umask of the process to it: to ask for the umask is to set it, for all threads.
    """
    temporary, handle = _new_file(path)
    try:
        yield temporary, handle
    finally:
        with suppress(OSError):  # it took its place, or its folder is gone
            temporary.unlink()
        os.close(handle)


def is_partial(path: str | Path) -> bool:
    """Whether a file is called as partial files are."""
    return _OURS.fullmatch(Path(path).name) is not None


def remove_leftovers(folder: Path) -> int:
    """Remove the partial files in ``folder`` whose writers are gone; how many these were."""
    removed = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for name in [e.name for e in entries if is_partial(e.name)]:
            removed += _remove_if_left(folder / name)
    return removed


def _new_file(path: Path) -> tuple[Path, int]:
    while True:
        temporary = path.with_name(f".{_short(path.name)}.{secrets.token_hex(4)}.chainrule.part")
        try:
            handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            continue
        # somebody who removes leftovers may have come between the file and its lock
        if lock(handle) != "taken" and _is_at(handle, temporary):
            return temporary, handle
        os.close(handle)


def _remove_if_left(path: Path) -> bool:
    with suppress(OSError):  # gone, or somebody else's
        handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            if lock(handle) == "held" and _is_at(handle, path):
                path.unlink()
                return True
        finally:
            os.close(handle)
    return False


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except OSError:
        return False


def _short(name: str) -> str:
    """The beginning of ``name``, of so few bytes that more can follow it."""
    return os.fsencode(name)[:_MOST_BYTES].decode(errors="ignore")
