"""All that EM needs to know of rows with holes, and it adds up: counts of two parts are those of the whole.

Families that a row knows whole are counted once and for all (``family_counts``).  What else a row tells is kept as the
distinct states around each component of what it does not know (``inference.components``), with their weights: far
fewer than rows where columns are few or holes are, and never more than the rows' own cells where they are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.family_counts import FamilyCounts, Missing, count_families
from chainrule.models.bayesian_network.inference.components import (
    Component,
    Families,
    components,
    distinct_rows,
)
from chainrule.models.bayesian_network.inference.expectation import Evidence
from chainrule.tables.schema import Schema, Variable
from chainrule.tables.table import Table, TablePart

__all__ = ["IncompleteCounts", "count_incomplete", "count_part", "count_tables"]

_BLOCK_CELLS = 2**22  # looked at together


@dataclass(frozen=True, eq=False)
class IncompleteCounts:
    """``complete`` counts of the families that rows know whole, and the evidence of each component of the others.

    ``schema`` has the latent nodes last.  ``weight`` is that of all rows, ``max_bytes`` bounds the evidence
    (``TooLargeError``).  ``a + b`` are the counts of both parts; ``InputError`` where DAG or states differ.
    """

    complete: FamilyCounts
    components: dict[Component, Evidence]
    weight: float
    max_bytes: int = 2**30

    def __post_init__(self) -> None:
        n_bytes = sum(a.nbytes for evidence in self.components.values() for a in evidence)
        if n_bytes > self.max_bytes:
            raise TooLargeError(
                f"the distinct rows with holes take {n_bytes:,} bytes, at most {self.max_bytes:,} are allowed; raise "
                "max_bytes, pass fewer rows, or fit with missing='complete_families'"
            )

    @property
    def dag(self) -> DAG:
        """The graph whose families are counted."""
        return self.complete.dag

    @property
    def schema(self) -> Schema:
        """The variables of the rows, then the latent ones."""
        return self.complete.schema

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return self.complete.n_rows

    def __add__(self, other: Any) -> IncompleteCounts:
        if not isinstance(other, IncompleteCounts):
            return NotImplemented
        complete = self.complete + other.complete
        theirs = _renumbered(other, self.schema)
        both = _merged([*self.components.items(), *theirs.items()], self.schema.sizes)
        return IncompleteCounts(complete, both, self.weight + other.weight, self.max_bytes)


def count_incomplete(
    dag: DAG, table: Table, latent: Sequence[Variable] = (), *, max_bytes: int = 2**30
) -> IncompleteCounts:
    """The counts in ``table``, whose columns are the observed nodes of ``dag`` in any order; a row counts its weight.

    >>> table = Table(Schema.of({"a": 2, "b": 2}), np.array([[0, 1], [-1, 1], [-1, 1], [0, -1]]))
    >>> counts = count_incomplete(DAG.parse("a -> b"), table)
    >>> counts.complete.tables["b"].tolist(), counts.weight
    ([[0, 1], [0, 0]], 4.0)
    >>> {c.hidden: (states.tolist(), weights.tolist()) for c, (states, weights) in counts.components.items()}
    {(0,): ([[1]], [2.0])}
    """
    schema = replace(table.schema, variables=(*table.schema.variables, *latent))
    codes = table.codes
    if latent:
        codes = np.pad(codes.astype(np.int32), ((0, 0), (0, len(latent))), constant_values=-1)
    one_state = np.array(schema.sizes) == 1
    filled = np.where(one_state, 0, codes) if (one_state & (codes < 0)).any() else codes
    complete = count_families(
        dag, Table(schema, filled, table.weights), missing="complete_families", max_bytes=max_bytes
    )
    weights = np.ones(len(codes)) if table.weights is None else table.weights
    found = [] if table.is_complete and not latent else _parts(Families.of(dag, schema), codes, weights)
    return IncompleteCounts(complete, _merged(found, schema.sizes), float(weights.sum()), max_bytes)


def count_tables(
    dag: DAG,
    tables: Iterable[Table],
    latent: Sequence[Variable],
    *,
    missing: Missing | Literal["em"],
    max_bytes: int,
    name: str = "X",
) -> FamilyCounts | IncompleteCounts:
    """The counts in the parts of a table together: what EM needs, or those of families alone."""

    def parts() -> Iterator[FamilyCounts | IncompleteCounts]:
        first_row = 0
        for table in tables:
            if missing == "em":
                yield count_incomplete(dag, table, latent, max_bytes=max_bytes)
            else:
                yield count_families(
                    dag, table, missing=missing, max_bytes=max_bytes, first_row=first_row, name=name
                )
            first_row += table.n_rows

    return reduce(add, parts())


def count_part(part: TablePart, *, dag: DAG, latent: Sequence[Variable], **settings: Any) -> Any:
    """``count_tables`` of one part, as a function of it that can be sent to where the part is."""
    return count_tables(dag, part, latent, name=part.name, **settings)


def _parts(
    families: Families, codes: NDArray[np.integer[Any]], weights: NDArray[np.float64]
) -> Iterable[tuple[Component, Evidence]]:
    n, d = codes.shape
    narrow = np.uint8 if max(families.sizes) <= 2**8 else np.uint32
    step = max(1, _BLOCK_CELLS // d)
    for start in range(0, n, step):
        block, weight = codes[start : start + step], weights[start : start + step]
        holes = (block < 0).any(axis=1) & (weight > 0)
        for component, states, sums in components(families, block[holes], weight[holes]):
            yield component, (states.astype(narrow), sums)


def _merged(parts: Iterable[tuple[Component, Evidence]], sizes: Sequence[int]) -> dict[Component, Evidence]:
    """Equal states of one component as one, with the sum of their weights."""
    listed: dict[Component, list[Evidence]] = {}
    for component, evidence in parts:
        listed.setdefault(component, []).append(evidence)
    out = {}
    for component, several in listed.items():
        states, weights = (np.concatenate(each) for each in zip(*several, strict=True))
        if len(several) > 1:
            first, which = distinct_rows(states, [sizes[u] for u in component.known])
            states, weights = states[first], np.bincount(which, weights, len(first))
        out[component] = states, weights
    return out


def _renumbered(counts: IncompleteCounts, schema: Schema) -> Mapping[Component, Evidence]:
    """The components of ``counts`` by the places that variables have in ``schema``, where columns come in its order."""
    if counts.schema.names == schema.names:
        return counts.components
    place = [schema.index(name) for name in counts.schema.names]
    out = {}
    for c, (states, weights) in counts.components.items():
        known = [place[u] for u in c.known]
        component = Component(
            *(tuple(sorted(place[u] for u in part)) for part in (c.hidden, c.families, c.known))
        )
        moved = states[:, np.argsort(known)]
        rising, _ = distinct_rows(moved, [schema.sizes[u] for u in component.known])
        out[component] = moved[rising], weights[rising]
    return out
