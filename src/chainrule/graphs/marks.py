"""What is noted on a graph beside its edges: where nodes are drawn, which causes and effects are asked about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from chainrule.core.errors import InputError
from chainrule.core.text import as_written
from chainrule.graphs.names import NodeNames

__all__ = ["Marks"]


@dataclass(frozen=True, slots=True)
class Marks:
    """Positions (x, y) by name; names of exposures, outcomes and adjusted nodes in the order of the nodes."""

    positions: dict[str, tuple[float, float]] = field(default_factory=dict)
    exposures: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    adjusted: tuple[str, ...] = ()

    @classmethod
    def checked(
        cls,
        names: NodeNames,
        positions: Mapping[str, Any] | None,
        *,
        exposures: Iterable[str],
        outcomes: Iterable[str],
        adjusted: Iterable[str],
    ) -> Marks:
        """The marks of nodes that there are; raises ``UnknownNameError`` and ``InputError``.

        >>> Marks.checked(NodeNames(("A", "B")), {"A": [1, 2]}, exposures="B", outcomes=(), adjusted=())
        Marks(positions={'A': (1.0, 2.0)}, exposures=('B',), outcomes=(), adjusted=())
        """
        marked = {"exposures": exposures, "outcomes": outcomes, "adjusted": adjusted}
        lists = (names.of(sorted(names.ids(what, some, may_be_empty=True))) for what, some in marked.items())
        return cls(_checked_positions(names, positions), *lists)


def _checked_positions(
    names: NodeNames, positions: Mapping[str, Any] | None
) -> dict[str, tuple[float, float]]:
    """Positions as pairs of floats; ``InputError`` where one is not two finite numbers."""
    if positions is not None and not isinstance(positions, Mapping):
        raise InputError(f"positions must map node names to (x, y); got {type(positions).__name__}")
    checked = {}
    for name, place in (positions or {}).items():
        try:
            x, y = map(float, place)
        except (TypeError, ValueError, OverflowError):
            x = y = float("nan")
        if not (isfinite(x) and isfinite(y)):
            raise InputError(
                f"the position of {name!r} must be two finite numbers (x, y); got {as_written(place)}"
            )
        checked[names.all[names.id(name)]] = (x, y)
    return checked
