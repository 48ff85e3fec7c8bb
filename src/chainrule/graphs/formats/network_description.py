"""A Bayesian network as plain data, as a file of any format says it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.graphs.formats.description import Description

__all__ = ["NetworkDescription"]

Position = tuple[float, float]


@dataclass(frozen=True, eq=False)
class NetworkDescription:
    """What a file says of a network: variables with their states, parents, tables, where each is drawn.

    ``tables[v]`` (float64) has one axis for each of ``parents[v]``, in that order, and the node's own states
    last; the numbers are those of the file, so a row sums to one only within their rounding.  ``properties`` and
    ``variable_properties`` are the notes that BIF and XMLBIF allow, as text.
    """

    name: str
    variables: dict[str, tuple[str, ...]]
    parents: dict[str, tuple[str, ...]]
    tables: dict[str, NDArray[np.float64]]
    properties: tuple[str, ...] = ()
    variable_properties: dict[str, tuple[str, ...]] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """All pairs (parent, child)."""
        return tuple((u, v) for v, above in self.parents.items() for u in above)

    @property
    def n_parameters(self) -> int:
        """How many numbers are free: one less than the states, for each configuration of the parents."""
        return sum(t.size - t.size // t.shape[-1] for t in self.tables.values())

    def graph(self) -> Description:
        """The graph alone, with its positions."""
        return Description(
            edges=list(self.edges), nodes=dict.fromkeys(self.variables), positions=dict(self.positions)
        )

    def checked_table(self, v: str) -> NDArray[np.float64]:
        """The table of ``v``; ``InputError`` where its shape is not what states and parents say."""
        table = self.tables[v]
        sizes = tuple(len(self.variables[u]) for u in (*self.parents[v], v))
        if table.shape != sizes:
            raise InputError(f"the table of {v!r} must have the shape {sizes}; got {table.shape}")
        return table

    def __eq__(self, other: object) -> bool:
        """Same names, states, parents, notes and positions, and the same numbers bit for bit."""
        if not isinstance(other, NetworkDescription):
            return NotImplemented
        return (
            self._words() == other._words()
            and self.tables.keys() == other.tables.keys()
            and all(np.array_equal(t, other.tables[v]) for v, t in self.tables.items())
        )

    def _words(self) -> tuple[object, ...]:
        notes = (self.properties, self.variable_properties)
        return self.name, self.variables, self.parents, notes, self.positions

    __hash__ = None  # type: ignore[assignment]  # it holds arrays
