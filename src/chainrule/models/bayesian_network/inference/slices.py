"""The tables of a network at what one row knows: the factors of one question, before any of them is multiplied.

Variables that are unknown and have several states are *hidden*; the tables that matter are those of all variables, or
of what is known or asked for and all that is above it (what is below sums to one: barren, Shachter 1988).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.bayesian_network.inference.buckets import Factor
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork

__all__ = ["Slice", "slice_of"]


@dataclass(frozen=True, eq=False)
class Slice:
    """The tables of ``families`` (a variable each) at what ``row`` (d,) knows; ``hidden`` is what they are over."""

    network: DiscreteNetwork
    row: NDArray[Any]
    families: tuple[int, ...]
    hidden: frozenset[int]

    def family(self, v: int) -> tuple[int, ...]:
        """The axes of the table of ``v``."""
        return (*self.network.parents[v], v)

    def scopes(self) -> list[frozenset[int]]:
        """What is hidden of each of ``families``."""
        return [self.hidden.intersection(self.family(v)) for v in self.families]

    def index(self, v: int) -> tuple[Any, ...]:
        """Where the table of ``v`` is read: the state of what is known, all states of what is hidden."""
        return tuple(slice(None) if u in self.hidden else max(int(self.row[u]), 0) for u in self.family(v))

    def axes(self, v: int, place: Mapping[int, int]) -> tuple[tuple[int, ...], list[int]]:
        """The scope of ``factor(v)``, last in ``place`` first, and which axes of the table at ``index`` those are."""
        scope = [u for u in self.family(v) if u in self.hidden]
        taken = tuple(sorted(scope, key=place.__getitem__, reverse=True))
        return taken, [scope.index(u) for u in taken]

    def factors(self, families: Iterable[int], place: Mapping[int, int]) -> Iterator[Factor]:
        """The logarithms of these tables as factors for ``Buckets``, whose axes are sorted by ``place``."""
        for v in families:
            scope, axes = self.axes(v, place)
            values = self.network.log_tables[v][self.index(v)]
            yield Factor(scope, np.asarray(values).transpose(axes)[None])


def slice_of(network: DiscreteNetwork, row: NDArray[Any], asked: Iterable[int] | None = None) -> Slice:
    """The tables of all variables at ``row``, or of those above what is known or ``asked`` for.

    >>> chain = DiscreteNetwork([(), (0,), (1,)], [np.ones(2) / 2, np.eye(2), np.eye(2)], [0, 1, 2])
    >>> slice_of(chain, np.array([-1, 1, -1]), asked=[0]).families
    (0, 1)
    """
    d = len(network.sizes)
    hidden = frozenset(int(v) for v in np.flatnonzero(row < 0) if network.sizes[v] > 1)
    if asked is None:
        return Slice(network, row, tuple(range(d)), hidden)
    seen = {*np.flatnonzero(row >= 0).tolist(), *asked}
    stack = list(seen)
    while stack:
        new = set(network.parents[stack.pop()]) - seen
        seen |= new
        stack += new
    return Slice(network, row, tuple(sorted(seen)), hidden.intersection(seen))
