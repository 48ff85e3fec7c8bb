"""Intervals of numbers as the labels of states: "(17.929, 32.2]", and at the ends "<= 5" and "> 90"."""

from __future__ import annotations

import math
import re
from typing import Any

__all__ = ["interval_label", "interval_of"]

_NUMBER = r"([-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf))"
_BOTH = re.compile(rf"\s*[\[(]\s*{_NUMBER}\s*,\s*{_NUMBER}\s*[\])]\s*")
_BELOW = re.compile(rf"\s*<=?\s*{_NUMBER}\s*")
_ABOVE = re.compile(rf"\s*>=?\s*{_NUMBER}\s*")


def interval_label(left: Any, right: Any, closed: str = "right") -> str:
    """The interval from ``left`` to ``right``, which holds the ends that ``closed`` names, as text.

    >>> interval_label(17.929, 32.2), interval_label(1.0, 2.0, "left"), interval_label(-math.inf, 5)
    ('(17.929, 32.2]', '[1, 2)', '<= 5')
    """
    takes_left, takes_right = closed in ("left", "both"), closed in ("right", "both")
    if left == -math.inf and right < math.inf:
        return f"<{'=' * takes_right} {_number(right)}"
    if right == math.inf and left > -math.inf:
        return f">{'=' * takes_left} {_number(left)}"
    return f"{'(['[takes_left]}{_number(left)}, {_number(right)}{')]'[takes_right]}"


def interval_of(label: str) -> tuple[float, float] | None:
    """The two ends of the interval that a label spells, or ``None`` where it spells none.

    >>> interval_of("(17.929, 32.2]"), interval_of("> 90"), interval_of("ninety")
    ((17.929, 32.2), (90.0, inf), None)
    """
    if m := _BOTH.fullmatch(label):
        return float(m[1]), float(m[2])
    if m := _BELOW.fullmatch(label):
        return -math.inf, float(m[1])
    if m := _ABOVE.fullmatch(label):
        return float(m[1]), math.inf
    return None


def _number(value: Any) -> str:
    """The shortest text that gives the number back."""
    value = value.item() if hasattr(value, "item") else value
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
