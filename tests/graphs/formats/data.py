"""Where real networks are, for the tests that need them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

__all__ = ["bif_folder"]


def bif_folder() -> Path:
    """The folder of BIF files in ``CHAINRULE_DATA``; skips the test where there is none."""
    folder = Path(os.environ.get("CHAINRULE_DATA", "")) / "bif"
    if not os.environ.get("CHAINRULE_DATA") or not folder.is_dir():
        pytest.skip("needs CHAINRULE_DATA with a folder bif")
    return folder
