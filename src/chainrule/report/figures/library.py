"""matplotlib, imported whatever ``MPLBACKEND`` says: figures are drawn without a window, so no backend is needed."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

__all__ = ["import_matplotlib"]


def import_matplotlib() -> None:
    """Import it; a backend that it does not know, over which its own import would stumble, is as none."""
    named = os.environ.get("MPLBACKEND")
    if not named or "matplotlib" in sys.modules:
        return
    del os.environ["MPLBACKEND"]
    try:
        matplotlib: Any = import_module("matplotlib")
    finally:
        os.environ["MPLBACKEND"] = named
    with suppress(ValueError):  # what its import does with the variable
        matplotlib.rcParams["backend"] = named
