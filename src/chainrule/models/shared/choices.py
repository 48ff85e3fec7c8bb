"""Settings that are one word of a few."""

from __future__ import annotations

from typing import Any, get_args

from chainrule.core.errors import InputError

__all__ = ["check_choice"]


def check_choice(value: Any, name: str, words: Any) -> None:
    """``InputError`` where the setting ``name`` is none of the ``words`` of a ``Literal``.

    >>> from typing import Literal
    >>> check_choice("mode", "how", Literal["draw", "mode"])
    """
    if not (isinstance(value, str) and value in get_args(words)):
        listed = ", ".join(map(repr, get_args(words)))
        raise InputError(f"{name} must be one of {listed}; got {value!r}; pass one of these words")
