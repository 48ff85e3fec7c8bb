"""What is noted on a graph beside its edges: where nodes are drawn, which causes and effects are asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from chainrule.core.errors import InputError

__all__ = ["Marks", "checked_positions"]


@dataclass(frozen=True, slots=True)
class Marks:
    """Positions (x, y) by name, and names of exposures and outcomes in the order of the nodes."""

    positions: dict[str, tuple[float, float]] = field(default_factory=dict)
    exposures: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()


def checked_positions(positions: Mapping[str, Any] | None) -> dict[str, tuple[float, float]]:
    """Positions as pairs of floats; ``InputError`` where one is not two finite numbers.

    >>> checked_positions({"A": [1, 2]})
    {'A': (1.0, 2.0)}
    """
    if positions is not None and not isinstance(positions, Mapping):
        raise InputError(f"positions must map node names to (x, y); got {type(positions).__name__}")
    checked = {}
    for name, place in (positions or {}).items():
        try:
            x, y = map(float, place)
        except (TypeError, ValueError, OverflowError):
            x = y = float("nan")
        if not (isfinite(x) and isfinite(y)):
            raise InputError(f"the position of {name!r} must be two finite numbers (x, y); got {place!r}")
        checked[name] = (x, y)
    return checked
