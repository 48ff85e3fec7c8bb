"""Compiled loops kept between processes, each with all that it was compiled from.

numba keeps a compiled function until *its* file changes, although the code of every helper is inlined into it; it
raises where no folder can be written, and where a file is cut short.  ``loop`` stands in for ``njit(cache=True)``:

- A kept loop is named by a digest of all of ``compiled/`` and of the loops beside it, so a change of any of them
  compiles anew, and what is out of date is removed.  Loops therefore use only ``compiled/`` and their own folder.
- Files lie in ``NUMBA_CACHE_DIR`` where that is set, else beside the source in ``__pycache__``, else in our cache
  folder (``CHAINRULE_CACHE``).  Where none can be written, each process compiles for itself, and is told so once.
- A file begins with the SHA-256 of the rest.  What is damaged is compiled anew.
- What several processes need at once is compiled by one of them (``claims``).
"""

from __future__ import annotations

import hashlib
import inspect
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from chainrule.compiled import compiling
from chainrule.compiled.claims import claim, release
from chainrule.compiled.threads import numba_config, start_threads
from chainrule.core.errors import OutputError
from chainrule.core.files import make_directory, write_bytes
from chainrule.core.folders import cache_folder
from chainrule.core.progress import note

__all__ = ["loop", "source_digest"]

_DIGEST = 32  # bytes of a SHA-256
_SUFFIX = ".loop"
# one of these stands in each file of loops, or of what they inline, and in no other
_MARKS = (b"from numba import", b"from chainrule.compiled.caching import loop")
_HERE = Path(__file__).parent


def loop(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """``numba.njit(**options)`` of ``function``, whose result is kept for other processes as described above.

    >>> @loop
    ... def twice(x):
    ...     return 2 * x
    >>> twice.py_func(3)
    6
    """
    if function is None:
        return lambda function: loop(function, **options)
    compiled: Any = numba.njit(**options)(function)
    if not numba_config.DISABLE_JIT:  # then it is the function itself
        compiled._cache = _Kept(function, parallel=bool(options.get("parallel")))
    return compiled


class _Kept:
    """What numba asks whether a function has been compiled before; see ``numba.core.caching._Cache``."""

    def __init__(self, function: Callable[..., Any], *, parallel: bool) -> None:
        self.function, self.parallel = function, parallel

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The function compiled for ``signature``, or ``None``."""
        if self.parallel:
            start_threads()  # with care; numba would do it here
        context.refresh()
        compiling.begin(loaded=True)
        name = self._name(signature, context.codegen())
        found = self._read(name, context)
        if found is None:
            compiling.begin(loaded=False)
            folder = _folder(inspect.getfile(self.function))
            if folder is not None and claim(folder / name):
                found = self._read(name, context)
        return found

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep what was compiled, unless it holds addresses of this process."""
        folder = _folder(inspect.getfile(self.function))
        if folder is None:
            return
        name = self._name(signature, result.library.codegen)
        if not result.library.has_dynamic_globals and all(x.can_cache for x in result.lifted):
            self._write(folder, name, result)
        release(folder / name)

    def _write(self, folder: Path, name: str, result: Any) -> None:
        body = dumps(result._reduce())
        try:
            write_bytes(folder / name, hashlib.sha256(body).digest() + body)
            self._remove_outdated(folder, name)
        except OSError as e:
            _say_once(f"a compiled loop could not be kept for the next time: {e}")

    def _read(self, name: str, context: Any) -> Any:
        folder = _folder(inspect.getfile(self.function))
        if folder is None:
            return None
        try:
            content = (folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as e:
            _say_once(f"{folder / name} cannot be read ({e.strerror or e}); compiling it again")
            return None
        body = content[_DIGEST:]
        if hashlib.sha256(body).digest() != content[:_DIGEST]:
            note(f"{folder / name} is damaged: its SHA-256 is wrong; compiling it again")
            return None
        # written by this user, and as good as the code beside it
        return CompileResult._rebuild(context, *pickle.loads(body))  # noqa: S301

    def _name(self, signature: Any, codegen: Any) -> str:
        """The file's name: function, sources, and what else decides which machine code it is."""
        known = (str(signature), codegen.magic_tuple(), sys.version, numba.__version__, llvmlite.__version__)
        key = hashlib.sha256(repr(known).encode()).hexdigest()[:20]
        return f"{self._stem()}-{source_digest(inspect.getfile(self.function))[:20]}-{key}{_SUFFIX}"

    def _stem(self) -> str:
        return f"{Path(inspect.getfile(self.function)).stem}.{self.function.__qualname__}".replace(
            "<", ""
        ).replace(">", "")

    def _remove_outdated(self, folder: Path, name: str) -> None:
        """Remove what the same function gave from other sources; other machines and signatures stay."""
        current = name.rpartition("-")[0]
        for path in folder.glob(f"{self._stem()}-*{_SUFFIX}"):
            if path.name.rpartition("-")[0] != current:
                path.unlink(missing_ok=True)

    # the rest of what numba may ask

    @property
    def cache_path(self) -> str | None:
        """Where the files are."""
        folder = _folder(inspect.getfile(self.function))
        return None if folder is None else str(folder)

    def enable(self) -> None:
        """It is always on."""

    def disable(self) -> None:
        """It is always on."""

    def flush(self) -> None:
        """Forget what was kept of this function."""
        folder = _folder(inspect.getfile(self.function))
        for path in [] if folder is None else folder.glob(f"{self._stem()}-*{_SUFFIX}"):
            path.unlink(missing_ok=True)


@cache
def source_digest(file: str) -> str:
    """SHA-256 (hex) of all that the loops in ``file`` may be compiled from: ``compiled/``, and the loops beside it."""
    sha = hashlib.sha256()
    own = Path(file)
    for path in sorted({*_HERE.glob("*.py"), *own.parent.glob("*.py"), own}):
        # loops that are typed in, in a shell or in a doctest, are known by their function alone
        content = path.read_bytes() if path.is_file() else b""
        if path == own or path.parent == _HERE or any(mark in content for mark in _MARKS):
            sha.update(f"{path.name} {len(content)};".encode() + content)
    return sha.hexdigest()


@cache
def _folder(file: str) -> Path | None:
    """Where the loops of ``file`` are kept; ``None``, and a word, where no folder can be written."""
    source = Path(file)
    if not source.is_file():
        return None
    own = hashlib.sha256(str(source.parent).encode()).hexdigest()[:16]  # two installations may share a cache
    if numba_config.CACHE_DIR:
        candidates = [Path(numba_config.CACHE_DIR) / f"chainrule_{own}"]
    else:
        candidates = [source.parent / "__pycache__"]
        with suppress(OutputError):  # no home; said below if the first cannot be written either
            candidates.append(cache_folder() / "loops" / own)
    for folder in candidates:
        try:
            return make_directory(folder)
        except OutputError:
            continue
    _say_once(
        f"compiled loops cannot be kept ({', '.join(map(str, candidates))} cannot be written), so each process "
        "compiles them anew; set CHAINRULE_CACHE to a folder that you may write to"
    )
    return None


@cache
def _say_once(text: str) -> None:
    note(text)
