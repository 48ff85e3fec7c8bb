"""Writing files so that a crash, a full disk or Ctrl-C never leaves half of one."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chainrule.core.errors import InputError, OutputError

__all__ = ["check_place", "make_directory", "replacing", "write_bytes", "write_text"]


def make_directory(path: str | Path) -> Path:
    """Create ``path`` (and its parents) and check that files can be written there.

    Raises ``OutputError`` where that is impossible.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as e:
        raise OutputError(
            f"cannot write to {path} ({e.strerror or e}); choose a folder that you may write to"
        ) from e
    return path


def check_place(path: str | Path) -> Path:
    """``path``, if a file could be written there: asked before work that would be lost; raises ``OutputError``.

    >>> check_place("/nowhere/a.csv")
    Traceback (most recent call last):
    chainrule.core.errors.OutputError: cannot write /nowhere/a.csv: there is no folder /nowhere; make it first
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder; name a file in it")
    if not path.parent.is_dir():
        raise OutputError(f"cannot write {path}: there is no folder {path.parent}; make it first")
    temporary, _ = _made_beside(path)
    temporary.unlink()
    return path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well.

    On any exception the temporary file is removed and ``path`` keeps what it had.

    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    try:
        path = Path(path)
    except TypeError as e:
        raise InputError(f"a path is a text or a pathlib.Path; got {path!r}; pass for example 'model'") from e
    temporary, mode = _made_beside(path)
    try:
        yield temporary
        try:
            os.chmod(temporary, mode)  # whatever wrote it may have made it private
            os.replace(temporary, path)
        except OSError as e:
            raise OutputError(
                f"cannot write {path} ({e.strerror or e}); choose a place that you may write to"
            ) from e
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise


def _made_beside(path: Path) -> tuple[Path, int]:
    try:
        return _new_file_beside(path)
    except OSError as e:
        raise OutputError(
            f"cannot write {path} ({e.strerror or e}); choose a place that you may write to"
        ) from e


def _new_file_beside(path: Path) -> tuple[Path, int]:
    """An empty file with a name that is free, and its mode.

    The system itself applies the umask of the process to it: to ask for the umask is to set it, for all threads.
    """
    while True:
        if not path.name:
            raise InputError(f"a file needs a name; got {str(path)!r}")
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            continue
        try:
            return temporary, stat.S_IMODE(os.fstat(handle).st_mode)
        finally:
            os.close(handle)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | Path, content: str) -> None:
    """Write ``content`` (UTF-8) to ``path``, whole or not at all."""
    write_bytes(path, content.encode())
