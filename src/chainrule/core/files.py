"""Writing files so that a crash, a full disk, Ctrl-C or ``kill -9`` never leaves half of one.

Content goes to a partial file beside its place (``partial``), from there to the disk, and takes its place by a rename,
which goes to the disk as well.  A symbolic link is written through; what is no regular file is refused.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chainrule.core.errors import ChainruleError, DataError, InputError, OutputError
from chainrule.core.partial import is_partial, partial_file, remove_leftovers
from chainrule.core.text import as_written, one_line

__all__ = [
    "NO_ROOM",
    "append_text",
    "as_path",
    "check_place",
    "file_to_read",
    "kind_of_file",
    "make_directory",
    "remove",
    "replacing",
    "shown_path",
    "write_bytes",
    "write_text",
]

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})  # a full disk, a quota, a limit of a file
# what a write can come to; another ``OSError`` in a block that writes is of something else that it does
_OF_WRITING = NO_ROOM | {errno.EIO, errno.EROFS, errno.ESTALE}
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def as_path(path: Any, what: str = "a path") -> Path:
    """``path`` as a ``Path``, with the home folder in place of ``~``; ``what`` is what messages call it.

    Raises ``InputError`` where it is none that a system knows.

    >>> as_path(3, "checkpoint")
    Traceback (most recent call last):
    chainrule.core.errors.InputError: checkpoint is a text or a pathlib.Path; got 3; pass for example 'model'
    """
    if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str):
        raise InputError(
            f"{what} is a text or a pathlib.Path; got {as_written(path)}; pass for example 'model'"
        )
    text = os.fspath(path)
    odd = "a NUL sign" if "\0" in text else None if _has_bytes(text) else "a sign that has no bytes"
    if odd is not None:
        raise InputError(f"{what} holds {odd}, which no name of a file may; got {shown_path(text)}")
    with suppress(RuntimeError):  # there is no such home, so it is a name like others
        return Path(text).expanduser()
    return Path(text)


def _has_bytes(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def shown_path(path: str | Path) -> str:
    """``path`` for a message: in one line, a long one by its end."""
    text = as_written(path, 10_000, write=str)
    return one_line(text if len(text) <= 200 else f"…{text[-199:]}", 200)


def kind_of_file(path: str | Path) -> str | None:
    """What ``path`` is where it is no regular file, in words; ``None`` where it is one, or nothing.

    Links are followed.  Raises ``OSError`` where the system cannot tell.

    >>> kind_of_file("/dev/null"), kind_of_file("/"), kind_of_file("/nowhere")
    ('a device', 'a folder', None)
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return None
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no regular file")


def file_to_read(path: Any, what: str = "a file") -> Path:
    """``path`` where a regular file lies, which can be opened without waiting and ends; ``what`` is what it is to hold.

    Raises ``InputError`` for what is no path, ``DataError`` where there is no file, or a folder, a pipe or a device.

    >>> file_to_read("/dev/zero", "a graph")
    Traceback (most recent call last):
    chainrule.core.errors.DataError: cannot read /dev/zero (it is a device); give the path of a graph
    """
    path = as_path(path)
    try:
        os.stat(path)
        kind = kind_of_file(path)
    except FileNotFoundError as e:
        raise DataError(f"there is no file {shown_path(path)}; give the path of {what}") from e
    except OSError as e:
        raise DataError(f"cannot read {shown_path(path)} ({e.strerror or e}); give the path of {what}") from e
    if kind is not None:
        raise DataError(f"cannot read {shown_path(path)} (it is {kind}); give the path of {what}")
    return path


def make_directory(path: str | Path) -> Path:
    """Create ``path`` (and its parents) and check that files can be written there.

    Raises ``InputError`` for what is no path, ``OutputError`` where that is impossible.
    """
    path = as_path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as e:
        raise OutputError(
            f"cannot write to {shown_path(path)} ({e.strerror or e}); choose a folder that you may write to"
        ) from e
    return path


def check_place(path: str | Path) -> Path:
    """``path``, if a file could be written there: asked before work that would be lost; raises ``OutputError``.

    >>> check_place("/nowhere/a.csv")
    Traceback (most recent call last):
    chainrule.core.errors.OutputError: cannot write /nowhere/a.csv: there is no folder /nowhere; make it first
    """
    path = as_path(path)
    with _telling(path):
        folder = _place_of(path).parent
        if not folder.is_dir():
            raise OutputError(
                f"cannot write {shown_path(path)}: there is no folder {shown_path(folder)}; make it first"
            )
        with partial_file(_place_of(path)):
            pass
    return path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well.

    On any exception the temporary file is removed and ``path`` keeps what it had.  A file that is replaced keeps its
    permissions.  Raises ``OutputError`` where the disk is full, the folder is gone or closed, or ``path`` is there
    and no regular file.

    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    path = as_path(path)
    with _telling(path):
        place = _place_of(path)
        remove_leftovers(place.parent)
        with partial_file(place) as (temporary, handle):
            mode = stat.S_IMODE(_mode_of(place) or os.fstat(handle).st_mode)
            yield temporary
            os.chmod(temporary, mode)  # whatever wrote it may have made it private
            _to_disk(temporary)
            os.replace(temporary, place)
            with suppress(OSError):  # some file systems do not open folders; the content is on the disk
                _to_disk(place.parent)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | Path, content: str) -> None:
    """Write ``content`` (UTF-8) to ``path``, whole or not at all."""
    write_bytes(path, content.encode())


def append_text(path: str | Path, content: str) -> None:
    """Add ``content`` (UTF-8) to the end of ``path``; raises ``OutputError``.

    What a crash leaves may be a part of it, so whoever reads such a file leaves a cut last line out.
    """
    path = as_path(path)
    with _telling(path), path.open("a", encoding="utf-8", newline="") as stream:
        stream.write(content)


def remove(path: str | Path) -> None:
    """Remove a file, if it is there; raises ``OutputError``."""
    path = as_path(path)
    with _telling(path):
        path.unlink(missing_ok=True)


def _place_of(path: Path) -> Path:
    """Where the content of ``path`` lies, links followed; ``OutputError`` where no file can."""
    kind = kind_of_file(path)
    if kind is not None:
        advice = "name a file in it" if kind == "a folder" else "name a regular file"
        raise OutputError(f"cannot write {shown_path(path)}: it is {kind}; {advice}")
    if not path.name:
        raise InputError(f"a file needs a name; got {as_written(str(path))}")
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _mode_of(place: Path) -> int | None:
    try:
        return place.stat().st_mode
    except FileNotFoundError:
        return None


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """What goes wrong when ``path`` is written as ``OutputError``."""
    try:
        yield
    except OSError as e:
        if isinstance(e, ChainruleError) or not _is_of_writing(e, path):
            raise
        advice = (
            "make room there, or choose another place"
            if e.errno in NO_ROOM
            else "choose a place that you may write to"
        )
        raise OutputError(f"cannot write {shown_path(path)} ({e.strerror or e}); {advice}") from e


def _is_of_writing(e: OSError, path: Path) -> bool:
    """Whether it comes of writing ``path``: writing tells no name, what opens and moves files tells one."""
    if e.filename is None:
        return e.errno in _OF_WRITING
    found = Path(os.fsdecode(e.filename))
    return is_partial(found) or found in (path, path.parent, Path(os.path.realpath(path)).parent)
