"""The expected counts of families in rows with holes, given the tables of the network: the E of EM.

Of each component (see ``components``) every family needs the posterior of its hidden members together.  They are in
one clique of the junction tree that ``buckets`` makes, so one pass up and one pass down give those of all families.
A family is read, and its counts are added, at the same places of its table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.core.numerics import log_sum_exp
from chainrule.models.bayesian_network.inference.buckets import Buckets, Factor
from chainrule.models.bayesian_network.inference.components import Component, Families
from chainrule.models.bayesian_network.inference.elimination import plan_elimination

__all__ = ["Evidence", "Expectation"]

_BLOCK_BYTES = 2**24  # of the tables for many rows at once
_FEW_STATES = 64  # of a component, whose joint table is formed sooner than several small ones

Evidence = tuple[NDArray[np.integer[Any]], NDArray[np.float64]]  # distinct states (m, known), weights (m,)


class Expectation:
    """What rows tell of the tables through their ``components``; the elimination of each is planned once.

    Raises ``TooLargeError`` where the tables of one row need more than ``max_bytes``.

    >>> chain = Families(((), (0,)), (2, 2), (0, 1))
    >>> hidden = Component(hidden=(0,), families=(0, 1), known=(1,))
    >>> expectation = Expectation(chain, {hidden: (np.array([[0]]), np.array([10.0]))}, max_bytes=2**20)
    >>> counts = [np.zeros(2), np.zeros((2, 2))]
    >>> log_likelihood = expectation.add_to(counts, [np.array([0.5, 0.5]), np.array([[0.9, 0.1], [0.1, 0.9]])])
    >>> counts[0].round(9).tolist(), counts[1].round(9).tolist(), round(float(np.exp(log_likelihood / 10)), 9)
    ([9.0, 1.0], [[9.0, 0.0], [1.0, 0.0]], 0.5)
    """

    def __init__(
        self, families: Families, components: Mapping[Component, Evidence], *, max_bytes: int
    ) -> None:
        self._parts = [
            (_Plan.of(families, component, max_bytes), *evidence)
            for component, evidence in components.items()
        ]

    def add_to(self, counts: Sequence[NDArray[np.float64]], tables: Sequence[NDArray[np.float64]]) -> float:
        """Add the expected counts under ``tables`` to ``counts``, axes (parents..., variable) both.

        Returns the part of the rows' log-likelihood in nats that is not of families they know whole; ``-inf``, with
        counts left unfinished, where a row is impossible.
        """
        with np.errstate(divide="ignore"):
            flat_logs = [np.log(table).reshape(-1) for table in tables]
        flat_counts = [table.reshape(-1) for table in counts]  # views
        total = 0.0
        for plan, states, weights in self._parts:
            for block in plan.blocks(len(states)):
                total += plan.add(flat_counts, flat_logs, states[block], weights[block])
                if total == -np.inf:
                    return total
        return total


@dataclass(frozen=True)
class _Reading:
    """Where a component reads the table of ``v``: known states times ``strides``, and for each hidden one ``grid``."""

    v: int
    scope: tuple[int, ...]
    strides: NDArray[np.int64]
    grid: NDArray[np.int64]

    def places(self, states: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """(m, sizes of the scope...), or one row for all where no known member is in the family."""
        start = states @ self.strides if self.strides.any() else np.zeros(1, np.int64)
        return start.reshape(-1, *(1,) * self.grid.ndim) + self.grid


@dataclass(frozen=True)
class _Plan:
    """How a component is summed out: one by one in ``order``, or ``joint``ly, which is quicker for few states."""

    order: tuple[int, ...]
    joint: tuple[int, ...]
    readings: tuple[_Reading, ...]
    bytes_a_row: int

    @classmethod
    def of(cls, families: Families, component: Component, max_bytes: int) -> _Plan:
        hidden = set(component.hidden)
        scopes = [hidden.intersection(families.family(v)) for v in component.families]
        together = prod(families.sizes[v] for v in hidden) <= _FEW_STATES
        plan = plan_elimination(scopes, families.sizes, component.hidden if together else ())
        if plan.total_bytes > max_bytes:
            raise TooLargeError(
                f"what some rows do not know needs tables of {plan.total_entries:,} entries ({plan.total_bytes:,} "
                f"bytes, induced width {plan.induced_width}), at most {max_bytes:,} bytes are allowed; raise "
                "max_bytes, leave such rows out, or fit with missing='complete_families'"
            )
        place = {v: i for i, v in enumerate((*plan.order, *reversed(plan.keep)))}
        readings = tuple(
            _reading(families, v, sorted(scope, key=place.__getitem__, reverse=True), component.known)
            for v, scope in zip(component.families, scopes, strict=True)
        )
        return cls(plan.order, plan.keep, readings, plan.total_bytes)

    def blocks(self, n: int) -> Iterator[slice]:
        step = max(1, _BLOCK_BYTES // self.bytes_a_row)
        return (slice(start, start + step) for start in range(0, n, step))

    def add(
        self,
        counts: Sequence[NDArray[np.float64]],
        logs: Sequence[NDArray[np.float64]],
        states: NDArray[np.integer[Any]],
        weights: NDArray[np.float64],
    ) -> float:
        places = [reading.places(states) for reading in self.readings]
        factors = [Factor(r.scope, logs[r.v][p]) for r, p in zip(self.readings, places, strict=True)]
        buckets = Buckets(factors, self.order, self.joint)
        log_mass = buckets.log_remainder
        if self.joint:
            log_mass = log_sum_exp(log_mass, axis=tuple(range(1, log_mass.ndim)))
        if log_mass.min() == -np.inf:
            return -np.inf
        posteriors = buckets.marginals([r.scope for r in self.readings])
        for reading, where, p in zip(self.readings, places, posteriors, strict=True):
            expected = weights.reshape(-1, *(1,) * reading.grid.ndim) * p
            if len(where) == 1:
                expected = expected.sum(axis=0, keepdims=True)
            np.add.at(counts[reading.v], where, expected)
        return float(weights @ log_mass)


def _reading(families: Families, v: int, scope: Sequence[int], known: Sequence[int]) -> _Reading:
    family = families.family(v)
    shape = [families.sizes[u] for u in family]
    stride = {u: int(np.prod(shape[i + 1 :], dtype=np.int64)) for i, u in enumerate(family)}
    steps = [np.arange(families.sizes[u], dtype=np.int64) * stride[u] for u in scope]
    grid = sum(np.ix_(*steps), np.zeros((1,) * len(scope), np.int64))
    strides = np.array([stride.get(u, 0) for u in known], np.int64)
    return _Reading(v, tuple(scope), strides, np.asarray(grid))
