"""What rows do not know, taken apart into components that are summed out one by one.

A *family* is a variable with its parents.  Of a row *matters* what is known and all that is above it; what is below
sums to one (barren, Shachter 1988).  A *hidden* variable matters, is not known, and has several states.  Two of them
are joined where the family of a variable that matters holds both; hidden variables that are joined, directly or
through others, make a *component*.  Components are independent given what is known, and each depends on the known
members of its own families alone (Lauritzen et al. 1990).  So rows whose holes are in other places share components,
and equal components need one answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.graphs import DAG
from chainrule.tables.schema import Schema

__all__ = ["Component", "Families", "components", "distinct_rows"]

_MOST_KEYS = 2**62  # of an int64


@dataclass(frozen=True)
class Families:
    """The parents of each variable 0..d-1, their numbers of states, and an ``order`` with parents first."""

    parents: tuple[tuple[int, ...], ...]
    sizes: tuple[int, ...]
    order: tuple[int, ...]

    @classmethod
    def of(cls, dag: DAG, schema: Schema) -> Families:
        """Those of ``dag``, whose nodes are the variables of ``schema`` in any order."""
        return cls(
            tuple(tuple(schema.index(u) for u in dag.parents(v)) for v in schema.names),
            schema.sizes,
            tuple(schema.index(v) for v in dag.topological_order()),
        )

    def family(self, v: int) -> list[int]:
        """The parents of ``v`` and ``v``: the axes of its table."""
        return [*self.parents[v], v]


@dataclass(frozen=True, order=True)
class Component:
    """``hidden`` variables, the variables whose ``families`` hold one of them, and what of these is ``known``."""

    hidden: tuple[int, ...]
    families: tuple[int, ...]
    known: tuple[int, ...]


def components(
    families: Families, codes: NDArray[np.integer[Any]], weights: NDArray[np.float64]
) -> Iterator[tuple[Component, NDArray[np.integer[Any]], NDArray[np.float64]]]:
    """Each component of rows of ``codes`` (n, d), -1 unknown, with the distinct states (m, known) of what it knows.

    Their weights (m,) are the sums of those of the rows; a row is in as many components as its holes fall into.

    >>> chain = Families(((), (0,), (1,)), (2, 2, 2), (0, 1, 2))
    >>> rows = np.array([[-1, 0, 1], [-1, 0, 0], [0, -1, 1], [1, 1, -1]])
    >>> for component, states, weights in components(chain, rows, np.ones(4)):
    ...     print(component, states.tolist(), weights.tolist())
    Component(hidden=(0,), families=(0, 1), known=(1,)) [[0]] [2.0]
    Component(hidden=(1,), families=(1, 2), known=(0, 2)) [[0, 1]] [1.0]
    """
    d = codes.shape[1]
    known = codes >= 0
    first, which = distinct_rows(known, (2,) * d)
    patterns = known[first]
    matters = _matters(families, patterns)
    hidden = matters & ~patterns & (np.array(families.sizes) > 1)
    root = _roots(families, matters, hidden)
    states = np.maximum(codes, 0)  # a variable of one state that is not known is in that state
    for r in np.flatnonzero((root == np.arange(d)).any(axis=0)):
        members = root == r
        there = members.any(axis=1)
        touched = _touched(families, matters[there], members[there])
        keys = np.concatenate([members[there], touched], axis=1)
        kinds, kind = distinct_rows(keys, (2,) * (2 * d))
        kind_of_pattern = np.full(len(patterns), -1)
        kind_of_pattern[there] = kind
        for k, rows in enumerate(_grouped(kind_of_pattern[which], len(kinds))):
            component = _component(families, keys[kinds[k]])
            found = states[rows][:, list(component.known)]
            places, same = distinct_rows(found, [families.sizes[u] for u in component.known])
            yield component, found[places], np.bincount(same, weights[rows], len(places)).astype(np.float64)


def distinct_rows(codes: NDArray[Any], sizes: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """A place (m,) of each distinct row of ``codes`` (n, k), and which of these each row is (n,); none is below 0.

    Column j is below ``sizes[j]``.  Rows are compared as mixed-radix numbers, which is quicker than cell by cell.

    >>> [a.tolist() for a in distinct_rows(np.array([[1, 0], [0, 1], [1, 0]]), (2, 2))]
    [[1, 0], [1, 0, 1]]
    """
    key, span = np.zeros(len(codes), np.int64), 1
    for size, column in zip(sizes, codes.T, strict=True):
        if span * size > _MOST_KEYS:
            key, span = np.unique(key, return_inverse=True)[1].astype(np.int64), len(codes)
        key, span = key * size + column, span * size
    _, first, which = np.unique(key, return_index=True, return_inverse=True)
    return first, which


def _matters(families: Families, patterns: NDArray[np.bool_]) -> NDArray[np.bool_]:
    out = patterns.copy()
    for v in reversed(families.order):
        for u in families.parents[v]:
            out[:, u] |= out[:, v]
    return out


def _roots(families: Families, matters: NDArray[np.bool_], hidden: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The first hidden variable that each hidden one is joined to (p, d); d where nothing is hidden."""
    d = hidden.shape[1]
    root = np.where(hidden, np.arange(d), d)
    joining = [v for v in families.order if families.parents[v]]
    while True:
        before = root.copy()
        for v in (*joining, *reversed(joining)):
            family = families.family(v)
            joined = matters[:, v, None] & hidden[:, family]
            part = root[:, family]
            root[:, family] = np.where(joined, part.min(axis=1, keepdims=True), part)
        if (root == before).all():
            return root


def _touched(families: Families, matters: NDArray[np.bool_], members: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the family of each variable matters and holds one of ``members`` (p, d)."""
    holds = [members[:, families.family(v)].any(axis=1) for v in range(members.shape[1])]
    return matters & np.stack(holds, axis=1)


def _component(families: Families, key: NDArray[np.bool_]) -> Component:
    d = len(families.sizes)
    hidden, touched = np.flatnonzero(key[:d]).tolist(), np.flatnonzero(key[d:]).tolist()
    around = {u for v in touched for u in families.family(v)}
    return Component(tuple(hidden), tuple(touched), tuple(sorted(around.difference(hidden))))


def _grouped(group: NDArray[np.intp], n: int) -> list[NDArray[np.intp]]:
    """The places at which ``group`` is 0, those at which it is 1, … n - 1."""
    order = np.argsort(group, kind="stable")
    ends = np.searchsorted(group[order], np.arange(n + 1))
    return [order[start:stop] for start, stop in pairwise(ends)]
