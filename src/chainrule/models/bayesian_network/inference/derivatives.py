"""The derivatives of p(known) with respect to every entry of every table, from two passes over the buckets.

p(known) is a polynomial of the entries, linear in each (Castillo, Gutiérrez and Hadi 1997; Darwiche 2003).  Its
derivative with respect to an entry is the sum over all rows that use the entry of the product of all others, so an
entry that is 0 has one too.  The first pass multiplies and sums out as ``buckets`` does, and keeps apart what went into
each bucket; the second hands every table the product of all that it is multiplied with.  Nothing is divided, so zeros
do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import TooLargeError
from chainrule.core.numerics import log_sum_exp
from chainrule.core.time_limit import check_time
from chainrule.models.bayesian_network.inference.buckets import Factor
from chainrule.models.bayesian_network.inference.elimination import best_order
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.bayesian_network.inference.slices import slice_of

__all__ = ["Derivatives", "derivatives"]

_BYTES = 8  # of a float64
_MOST_AXES = 63

Logs = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Derivatives:
    """``log_value`` of p(known) in nats, and ∂p(known) / ∂entry / p(known) for the tables on which it depends.

    ``tables[v]`` has the axes of the table of v, and 0 where an entry contradicts what is known.
    """

    log_value: float
    tables: dict[int, NDArray[np.float64]]


def derivatives(network: DiscreteNetwork, row: NDArray[Any], scale: float | None = None) -> Derivatives:
    """The derivatives of the probability of ``row`` (d,); divided by exp(``scale``) rather than p(known) if given.

    Raises ``TooLargeError``.  Where p(known) is 0 there is nothing to divide by, so ``scale`` must be given.

    >>> network = DiscreteNetwork([(), (0,)], [np.array([0.2, 0.8]), np.array([[1.0, 0.0], [0.5, 0.5]])], [0, 1])
    >>> found = derivatives(network, np.array([-1, 1]))  # p(x1 = 1) = 0.2 · 0 + 0.8 · 0.5
    >>> round(float(np.exp(found.log_value)), 3), found.tables[1].round(3).tolist()
    (0.4, [[0.0, 0.5], [0.0, 2.0]])
    """
    of = slice_of(network, row, [])
    scopes = of.scopes()
    order = best_order(scopes, network.sizes).order
    place = {v: i for i, v in enumerate(order)}
    factors = list(of.factors(of.families, place))
    passes = _Passes(factors, order, network.sizes, network.max_bytes)
    log_value, found = passes.log_value, passes.log_derivatives()
    shift = log_value if scale is None else scale
    out = {}
    for v, logs in zip(of.families, found, strict=True):
        table = np.zeros(network.tables[v].shape)
        _, axes = of.axes(v, place)
        table[of.index(v)] = np.exp(logs - shift).transpose(np.argsort(np.array(axes, np.intp)))
        out[v] = table
    return Derivatives(log_value, out)


class _Passes:
    """Factors by bucket: those given, and messages of other buckets; a last bucket for what has no variables left."""

    def __init__(
        self, factors: Sequence[Factor], order: Sequence[int], sizes: Sequence[int], max_bytes: int
    ) -> None:
        self._place = {v: i for i, v in enumerate(order)}
        self._n, self._sizes = len(factors), sizes
        self._scopes = [factor.scope for factor in factors]
        self._inside: list[list[int]] = [[] for _ in (*order, None)]  # which parts meet in each bucket
        for f, scope in enumerate(self._scopes):
            self._inside[self._bucket(scope)].append(f)
        for i in range(len(order)):
            self._scopes.append(self._scope(i)[:-1])
            self._inside[self._bucket(self._scopes[-1])].append(self._n + i)
        self._check(max_bytes)
        self._parts = [factor.log_values[0] for factor in factors]
        for i in range(len(order)):
            check_time()
            self._parts.append(log_sum_exp(self._product(i), axis=-1))
        self.log_value = float(sum(self._parts[f] for f in self._inside[-1]))

    def _bucket(self, scope: Sequence[int]) -> int:
        return min((self._place[v] for v in scope), default=len(self._place))

    def _scope(self, i: int) -> tuple[int, ...]:
        members = {v for f in self._inside[i] for v in self._scopes[f]}
        return tuple(sorted(members, key=self._place.__getitem__, reverse=True))

    def _check(self, max_bytes: int) -> None:
        """Messages and derivatives are held, and of one bucket a product for each part."""
        cliques = [self._scope(i) for i in range(len(self._place))]
        held = 2 * sum(prod(self._sizes[v] for v in scope) for scope in self._scopes)
        products = [
            (3 + len(inside)) * prod(self._sizes[v] for v in clique)
            for inside, clique in zip(self._inside, cliques, strict=False)
        ]
        n_bytes = _BYTES * (held + max(products, default=0))
        width = max(map(len, cliques), default=0)
        if n_bytes > max_bytes or width > _MOST_AXES:
            raise TooLargeError(
                f"the derivatives of this answer need {n_bytes:,} bytes (induced width {width - 1}), at most "
                f"{max_bytes:,} bytes are allowed; give more evidence, or raise max_bytes"
            )

    def _over(self, f: int, scope: Sequence[int]) -> Logs:
        mine = set(self._scopes[f])
        return self._parts[f][tuple(slice(None) if v in mine else None for v in scope)]

    def _product(self, i: int) -> Logs:
        scope = self._scope(i)
        return sum((self._over(f, scope) for f in self._inside[i]), np.zeros((1,) * len(scope)))

    def log_derivatives(self) -> list[Logs]:
        """The logarithm of the derivative of the value by each entry of each factor."""
        found: list[Logs] = [np.empty(0)] * len(self._parts)
        found[self._n :] = [np.zeros(())] * (len(self._parts) - self._n)
        for i in range(len(self._place), -1, -1):
            check_time()
            scope, members = self._scope(i), self._inside[i]
            shape = tuple(self._sizes[v] for v in scope)
            # what the message of this bucket is multiplied with further on
            before = np.broadcast_to(found[self._n + i][..., None], shape) if scope else np.zeros(())
            after = [np.zeros((1,) * len(scope))]
            for f in reversed(members[1:]):
                after.append(after[-1] + self._over(f, scope))
            for f in members:
                found[f] = self._sum_to(f, scope, before + after.pop())
                before = before + self._over(f, scope)
        return found[: self._n]

    def _sum_to(self, f: int, scope: Sequence[int], logs: Logs) -> Logs:
        mine = set(self._scopes[f])
        axes = tuple(a for a, v in enumerate(scope) if v not in mine)
        return log_sum_exp(logs, axis=axes) if axes else logs
