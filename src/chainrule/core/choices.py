"""A setting that is one word of a few."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chainrule.core.errors import InputError
from chainrule.core.text import as_written

__all__ = ["check_choice"]


def check_choice(value: Any, name: str, choices: Iterable[str]) -> str:
    """``value`` if it is one of ``choices``; raises ``InputError``, whatever it is.

    >>> check_choice("local", "kind", ["local", "ordered"])
    'local'
    """
    choices = list(choices)
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}; got {as_written(value)}")
    return value
