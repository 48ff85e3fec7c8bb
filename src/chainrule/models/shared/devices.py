"""The ``device`` setting of the neural estimators."""

from __future__ import annotations

import torch

from chainrule.core.errors import InputError
from chainrule.core.text import as_written

__all__ = ["parse_device"]


def parse_device(name: str) -> torch.device:
    """``name`` as a torch device; ``"auto"`` is a GPU where there is one.  Raises ``InputError``.

    >>> parse_device("cpu").type
    'cpu'
    """
    if isinstance(name, str):
        if name == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if name == "cpu" or (name.startswith("cuda") and torch.cuda.is_available()):
            return torch.device(name)
    raise InputError(
        f"device must be 'cpu', 'auto', or 'cuda' where there is one; got {as_written(name)}; use 'cpu'"
    )
