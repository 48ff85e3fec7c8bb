"""One process at a time in a folder where work is kept: a second one is told whose it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chainrule.core.errors import OutputError
from chainrule.core.files import NO_ROOM, make_directory, shown_path
from chainrule.core.locks import lock
from chainrule.core.partial import remove_leftovers

__all__ = ["owned_folder"]

_NAME, _ADVICE = ".chainrule.lock", "choose a folder that you may write to"


@contextmanager
def owned_folder(path: str | Path) -> Iterator[Path]:
    """The folder ``path``, made if it is not there, for this process alone; what killed ones left half written is gone.

    The lock ends with the process, however that ends.  Raises ``OutputError`` where another one works there, with its
    process id, and where the folder cannot be written to.
    """
    folder = make_directory(path)
    handle = _locked(folder)
    try:
        remove_leftovers(folder)
        yield folder
    finally:
        with suppress(OSError):  # the folder is gone
            (folder / _NAME).unlink()
        os.close(handle)


def _locked(folder: Path) -> int:
    while True:
        try:
            handle = os.open(folder / _NAME, os.O_CREAT | os.O_RDWR, 0o666)
        except OSError as e:
            raise _cannot_write(folder, e) from e
        if lock(handle) == "taken":
            owner = os.read(handle, 20).decode(errors="replace").strip() or "that has just begun"
            os.close(handle)
            raise OutputError(
                f"{shown_path(folder)} is in use by process {owner}; wait until it ends, or choose another folder"
            )
        if _is_at(handle, folder / _NAME):
            _sign(handle, folder)
            return handle
        os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    """Whether the open file is there still: the one before may have removed it before it was locked here."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except OSError:
        return False


def _sign(handle: int, folder: Path) -> None:
    """Write whose folder it is; on a full disk the file is removed again, and ``OutputError``."""
    try:
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
    except OSError as e:
        with suppress(OSError):
            (folder / _NAME).unlink()
        os.close(handle)
        raise _cannot_write(folder, e) from e


def _cannot_write(folder: Path, e: OSError) -> OutputError:
    advice = "make room there, or choose another folder" if e.errno in NO_ROOM else _ADVICE
    return OutputError(f"cannot write to {shown_path(folder)} ({e.strerror or e}); {advice}")
