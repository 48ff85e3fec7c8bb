"""Instruments: nodes that move the cause and are tied to the effect through it alone.

Z is a *conditional instrument* for the effect of X on Y given W (Pearl 2009, section 7.4.1; Brito and Pearl 2002) when

1. W holds no node on a causal path from X to Y, or below one;
2. Z and X are not d-separated by W; and
3. Z and Y are, in the graph without the first edges of these causal paths.

An instrument does not identify an effect by itself: with linear equations, or with monotone answers, it does.
To find a W for a given Z is NP-hard in general; those that separate minimally are tried, which is enough for every W
of ancestors of Y and Z, and where there is a conditional instrument at all, one has such a W (van der Zander,
Textor and Liśkiewicz 2015).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from chainrule.core.records import to_plain
from chainrule.graphs.adjustment import Adjustment
from chainrule.graphs.content import Content
from chainrule.graphs.notation import set_text
from chainrule.graphs.separation import is_open
from chainrule.graphs.separators import minimal_separators

__all__ = ["Instrument", "instruments"]

_MOST_TRIED = 1000  # separators for one instrument


@dataclass(frozen=True)
class Instrument:
    """The ``node`` is an instrument once ``given`` are conditioned on."""

    node: str
    given: tuple[str, ...] = ()

    def text(self) -> str:
        """``Z``, or ``Z given W``."""
        return f"{self.node} given {set_text(self.given)}" if self.given else self.node

    def to_plain(self) -> dict[str, Any]:
        """The instrument as plain data."""
        return to_plain({"node": self.node, "given": self.given})


def instruments(content: Content, cause: str, effect: str) -> Iterator[Instrument]:
    """Each observed node that is an instrument, with a set that makes it one."""
    asked = Adjustment.of(content, cause, effect, ())
    graph = content.structure
    unusable = asked.forbidden | graph.latent | asked.xs
    for z in graph.observed:
        if z in asked.xs | asked.ys:
            continue
        tried = islice(minimal_separators(asked.cut, {z}, asked.ys, unusable), _MOST_TRIED)
        good = (w for w in tried if is_open(graph, {z}, asked.xs, set(w)))
        given = min(good, key=lambda w: (len(w), w), default=None)
        if given is not None:
            yield Instrument(content.names.all[z], content.names.of(given))
