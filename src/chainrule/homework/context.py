"""What a study is given: a seed, a size, the images, and a place for checkpoints and logs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chainrule.datasets import Dataset

__all__ = ["Preset", "StudyContext"]

Preset = Literal["quick", "full"]


@dataclass(frozen=True)
class StudyContext:
    """The arguments of every study.

    ``images`` loads the binary images when a study first needs them.  ``workspace`` is a folder for
    ``checkpoints/`` and ``tensorboard/``; ``None`` keeps everything in memory.
    """

    seed: int
    preset: Preset
    images: Callable[[], Dataset]
    workspace: Path | None = None
