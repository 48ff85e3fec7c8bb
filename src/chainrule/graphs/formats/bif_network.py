"""A Bayesian network as plain data, as a BIF file says it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["WORD", "BIFNetwork"]

WORD = r'(?:[^\s{}()\[\],;|"/]|/(?![/*]))+'  # a name that needs no quotes in BIF


@dataclass(frozen=True, eq=False)
class BIFNetwork:
    """What a BIF file says: variables with their states, parents, tables.

    ``tables[v]`` (float64) has one axis for each of ``parents[v]``, in that order, and the node's own states
    last; the numbers are those of the file, so a row sums to one only within their rounding.
    ``properties`` and ``variable_properties`` are kept as text, without the word ``property``.
    """

    name: str
    variables: dict[str, tuple[str, ...]]
    parents: dict[str, tuple[str, ...]]
    tables: dict[str, NDArray[np.float64]]
    properties: tuple[str, ...] = ()
    variable_properties: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """All pairs (parent, child)."""
        return tuple((u, v) for v, above in self.parents.items() for u in above)

    @property
    def n_parameters(self) -> int:
        """How many numbers are free: one less than the states, for each configuration of the parents."""
        return sum(t.size - t.size // t.shape[-1] for t in self.tables.values())

    def __eq__(self, other: object) -> bool:
        """Same names, states, parents and properties, and the same numbers bit for bit."""
        if not isinstance(other, BIFNetwork):
            return NotImplemented
        return (
            (self.name, self.variables, self.parents, self.properties, self.variable_properties)
            == (other.name, other.variables, other.parents, other.properties, other.variable_properties)
            and self.tables.keys() == other.tables.keys()
            and all(np.array_equal(t, other.tables[v]) for v, t in self.tables.items())
        )

    __hash__ = None  # type: ignore[assignment]  # it holds arrays
