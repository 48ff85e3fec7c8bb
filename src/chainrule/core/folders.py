"""The one folder that chainrule keeps things in between runs: downloads, parsed rows, compiled loops."""

from __future__ import annotations

import os
from pathlib import Path

from chainrule.core.errors import OutputError
from chainrule.core.files import as_path

__all__ = ["cache_folder"]


def cache_folder(cache: str | Path | None = None) -> Path:
    """The folder: ``cache``, else ``CHAINRULE_CACHE``, else ``chainrule`` in the XDG cache; it may not exist yet.

    Raises ``OutputError`` where none of them can be named.

    >>> cache_folder("/tmp/a")
    PosixPath('/tmp/a')
    """
    if cache is not None:
        return as_path(cache, "cache")
    own, xdg = os.environ.get("CHAINRULE_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if own:
        return as_path(own, "CHAINRULE_CACHE")
    try:
        base = Path(xdg) if xdg and Path(xdg).is_absolute() else Path.home() / ".cache"
    except RuntimeError as e:
        raise OutputError("there is no home folder for a cache; set CHAINRULE_CACHE to a folder") from e
    return base / "chainrule"
