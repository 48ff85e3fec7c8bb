"""What a text says about a graph, before it becomes one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import count
from math import isfinite
from typing import Any

import numpy as np

from chainrule.core.errors import TooLargeError
from chainrule.core.text import as_written
from chainrule.graphs.formats.scanner import Scanner

__all__ = [
    "MOST_EDGES",
    "NUMBER",
    "Description",
    "position_note",
    "position_of_note",
    "position_text",
    "read_position",
]

MOST_EDGES = 2_000_000
NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_POSITION = re.compile(rf"\s*+({NUMBER})\s*+,\s*+({NUMBER})\s*+(?:,\s*+{NUMBER}\s*+)?!?\s*+")

_NOTE = re.compile(rf'"?\s*+position\s*+=\s*+\(?\s*+({NUMBER})\s*+,\s*+({NUMBER})\s*+\)?\s*+"?')


@dataclass(slots=True)
class Description:
    """Edges and nodes in order of appearance, and the marks on nodes; a reader fills it as it goes.

    ``edges`` are pairs (parent, child), ``undirected`` pairs stand for ``A -- B``, where a reader was to take them.
    ``common_causes`` are pairs with a latent common parent that has no name yet (``A <-> B``).
    """

    edges: list[tuple[str, str]] = field(default_factory=list)
    undirected: list[tuple[str, str]] = field(default_factory=list)
    nodes: dict[str, None] = field(default_factory=dict)
    latent: dict[str, None] = field(default_factory=dict)
    exposures: dict[str, None] = field(default_factory=dict)
    outcomes: dict[str, None] = field(default_factory=dict)
    adjusted: dict[str, None] = field(default_factory=dict)
    positions: dict[str, tuple[float, float]] = field(default_factory=dict)
    common_causes: dict[tuple[str, str], None] = field(default_factory=dict)

    def join(self, left: Collection[str], arrow: str, right: Collection[str]) -> None:
        """Join every name on the left with every name on the right.

        Raises ``TooLargeError`` above two million edges, before they are made.
        """
        n_edges = len(self.edges) + len(self.undirected) + 2 * len(self.common_causes)
        if n_edges + len(left) * len(right) > MOST_EDGES:
            raise TooLargeError(f"the text has more than {MOST_EDGES:,} edges; pass them as pairs instead")
        if arrow == "<->":
            self.common_causes.update(((min(a, b), max(a, b)), None) for a in left for b in right)
        elif arrow == "--":
            self.undirected.extend((a, b) for a in left for b in right)
        else:
            pairs = ((a, b) for a in left for b in right)
            self.edges.extend(pairs if arrow == "->" else ((b, a) for a, b in pairs))

    def name_common_causes(self) -> None:
        """Give each pair of ``common_causes`` its latent parent: L1, L2 and so on, where these are free.

        >>> d = Description(nodes=dict.fromkeys(["L1", "B"]))
        >>> d.join(["B"], "<->", ["L1"])
        >>> d.name_common_causes()
        >>> d.edges, list(d.latent)
        ([('L2', 'B'), ('L2', 'L1')], ['L2'])
        """
        free = (name for i in count(1) if (name := f"L{i}") not in self.nodes)
        for cause, pair in zip(free, list(self.common_causes), strict=False):
            self.edges += [(cause, child) for child in dict.fromkeys(pair)]
            self.nodes[cause] = self.latent[cause] = None
        self.common_causes.clear()

    def marks(self) -> dict[str, Any]:
        """The marks by the names that graphs have for them."""
        return {
            "latent": self.latent,
            "positions": self.positions,
            "exposures": self.exposures,
            "outcomes": self.outcomes,
            "adjusted": self.adjusted,
        }


def read_position(scanner: Scanner, text: str) -> tuple[float, float]:
    """The place that ``"x,y"``, just read, gives; ``ParseError`` where it is none."""
    match = _POSITION.fullmatch(text)
    x, y = (float(match[1]), float(match[2])) if match else (np.nan, np.nan)
    if not (isfinite(x) and isfinite(y)):
        scanner.refuse(
            f'expected a position such as pos="1.5,2" before this, got {as_written(text[:30])}; correct it'
        )
    return x, y


def position_text(position: Iterable[float]) -> str:
    """``x,y`` without exponents, which DAGitty does not read; every bit comes back.

    >>> position_text((0.5, -1e-7))
    '0.5,-0.0000001'
    """
    return ",".join(np.format_float_positional(v, trim="-") for v in position)


def position_note(position: Iterable[float]) -> str:
    """``position = (x, y)``, the note of BIF and XMLBIF.

    >>> position_of_note(position_note((0.5, -3)))
    (0.5, -3.0)
    """
    return f"position = ({position_text(position).replace(',', ', ')})"


def position_of_note(text: str) -> tuple[float, float] | None:
    """The place that a note of BIF or XMLBIF gives, if it is of that kind."""
    match = _NOTE.fullmatch(text)
    if match and isfinite(x := float(match[1])) and isfinite(y := float(match[2])):
        return x, y
    return None
