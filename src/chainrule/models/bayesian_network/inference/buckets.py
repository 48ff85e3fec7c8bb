"""Bucket elimination (Dechter 1999): sums, marginals, maxima and draws from one pass over the variables.

Each variable has a *bucket*.  A table goes into the bucket of whichever of its variables is summed out first.
In the order of elimination the tables of a bucket are multiplied, the variable is summed out, and what
is left, the *message*, goes on into its next bucket.  Buckets and messages form a tree, in which the
variables two buckets share are in every bucket between them: a junction tree with one clique for each variable.
Kept, the products of the buckets answer more:

    marginals    a second pass, from the last bucket to the first, sends to each what it has not seen yet
    maximum      with max in place of the sum; walking back reads off the states
    draws        walking back, each variable is drawn given those that come later

Tables are logarithms, so products of thousands of small factors do not underflow; a zero is ``-inf``.  The
first axis of a table is for rows, 1 where they share it, so one pass can serve many rows of evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.core.numerics import log_sum_exp

__all__ = ["Buckets", "Factor", "cumulative", "draw_states"]

_STRETCH = 2**14  # entries that are summed at once, so that no second table is formed
_TIE = 1e-9  # nats: sums of the same logarithms in another order differ by less, alternatives rarely do


@dataclass(frozen=True)
class Factor:
    """A table over the variables of ``scope``: axis 0 is for rows (or 1), axis i + 1 for ``scope[i]``."""

    scope: tuple[int, ...]
    log_values: NDArray[np.float64]

    def over(self, scope: Sequence[int]) -> NDArray[np.float64]:
        """The table with an axis of length 1 for each variable of ``scope`` that it does not mention."""
        mine = set(self.scope)
        return self.log_values[(slice(None), *(slice(None) if v in mine else None for v in scope))]


class Buckets:
    """The tables of all buckets, for variables in their ``order`` of elimination.

    ``keep`` are variables that are not summed out; ``holds`` says what is held once the remainder is known: draws and
    maxima read tables, marginals messages besides.  The axes of every factor are sorted by ``place``: kept
    variables first, then the one that is summed out last, and so on.

    >>> p = Factor((0,), np.log([[0.2, 0.8]]))
    >>> q = Factor((0, 1), np.log([[[0.9, 0.1], [0.5, 0.5]]]))
    >>> buckets = Buckets([p, q], order=(1, 0))
    >>> [p.round(2).tolist() for p in buckets.marginals()]
    [[[0.58, 0.42]], [[0.2, 0.8]]]
    """

    def __init__(
        self,
        factors: Iterable[Factor],
        order: Sequence[int],
        keep: Sequence[int] = (),
        *,
        maximise: bool = False,
        holds: Literal["messages", "tables", "nothing"] = "messages",
    ) -> None:
        self.order, self.keep = tuple(order), tuple(keep)
        self.place = {v: i for i, v in enumerate((*self.order, *reversed(self.keep)))}
        self._sum: Callable[..., NDArray[np.float64]] = np.max if maximise else log_sum_exp
        self._eliminate(factors, holds)

    def _eliminate(self, factors: Iterable[Factor], holds: str) -> None:
        n = len(self.order)
        waiting: list[list[Factor]] = [[] for _ in range(n + 1)]  # the last is for what is not summed out
        for factor in factors:
            waiting[self._bucket(factor.scope)].append(factor)
        self.tables: list[Factor] = []
        self.messages: list[Factor] = []
        for i in range(n):
            bucket, waiting[i] = waiting[i], []
            table = self._product(bucket)
            message = Factor(table.scope[:-1], self._sum_last(table.log_values))
            waiting[self._bucket(message.scope)].append(message)
            if holds != "nothing":
                self.tables.append(table)
            if holds == "messages":
                self.messages.append(message)
            del bucket, table, message  # before the next table is formed
        self.left = self._product(waiting[n])
        self.log_remainder = self.left.over(self.keep)  # (rows, sizes of keep...)

    def _bucket(self, scope: Sequence[int]) -> int:
        return min([len(self.order), *(self.place[v] for v in scope)])

    def _product(self, factors: list[Factor]) -> Factor:
        members = {v for factor in factors for v in factor.scope}
        scope = tuple(sorted(members, key=self.place.__getitem__, reverse=True))
        parts = [factor.over(scope) for factor in factors]
        out = np.zeros(np.broadcast_shapes((1,) * (1 + len(scope)), *(part.shape for part in parts)))
        for part in parts:
            out += part
        return Factor(scope, out)

    def _sum_last(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum, or take the maximum, along the last axis, some entries after others."""
        flat, out = table.reshape(-1, table.shape[-1]), np.empty(table.shape[:-1])
        step, sums = max(1, _STRETCH // table.shape[-1]), out.reshape(-1)
        for start in range(0, len(flat), step):
            sums[start : start + step] = self._sum(flat[start : start + step], axis=-1)
        return out

    def marginals(self, scopes: Sequence[Sequence[int]] | None = None) -> list[NDArray[np.float64]]:
        """For each of ``scopes`` the probability of its states together, (rows, sizes of the scope...).

        By default those of each variable of ``order``.  A scope is one of a factor, or a part of it, sorted as that.
        Where ``log_remainder`` is ``-inf`` there is nothing to normalise; leave such rows out before.
        """
        wanted = [(v,) for v in self.order] if scopes is None else scopes
        asked: list[list[int]] = [[] for _ in (*self.order, None)]
        for k, scope in enumerate(wanted):
            asked[self._bucket(scope)].append(k)
        out: list[NDArray[np.float64]] = [np.empty(0)] * len(wanted)
        for i, of, belief in self._beliefs():
            if asked[i]:
                axes = tuple(range(1, belief.ndim))
                table = np.exp(belief - belief.max(axis=axes, keepdims=True))
                table /= table.sum(axis=axes, keepdims=True)
                for k in asked[i]:
                    inside = set(wanted[k])
                    out[k] = table.sum(axis=tuple(j + 1 for j, v in enumerate(of) if v not in inside))
        return out

    def _beliefs(self) -> Iterator[tuple[int, tuple[int, ...], NDArray[np.float64]]]:
        """What is left, then each bucket from the last, with its scope and what all factors give that, as logarithms.

        Each up to a factor for every row.
        """
        down: dict[int, NDArray[np.float64]] = {}
        for i, table in zip(range(len(self.order), -1, -1), (self.left, *reversed(self.tables)), strict=True):
            scope, belief = table.scope, table.log_values
            if i in down:
                belief = belief + down.pop(i)[..., None]
            for c in self._children[i]:
                message = self.messages[c]
                if message.scope:  # one without is such a factor
                    down[c] = _sum_to(message.scope, scope, _without(belief, message.over(scope)))
            yield i, scope, belief

    @cached_property
    def _children(self) -> list[list[int]]:
        """For each bucket those whose message goes into it."""
        children: list[list[int]] = [[] for _ in range(len(self.order) + 1)]
        for i, message in enumerate(self.messages):
            children[self._bucket(message.scope)].append(i)
        return children

    def maximum(self, states: NDArray[Any]) -> NDArray[np.bool_]:
        """Fill each row of ``states`` (n, d) in with a most probable state of all variables.

        Returns for each row whether that is the only one, (n,).  Among states that are equally probable the first
        is taken at each step, from the last variable of ``order`` to the first.  For buckets with ``maximise``.
        """
        unique = np.ones(len(states), bool)
        for v, table in zip(reversed(self.order), reversed(self.tables), strict=True):
            values = table.log_values[_cells(table, states, np.arange(len(states)))]
            best = values >= values.max(axis=-1, keepdims=True) - _TIE
            states[:, v] = best.argmax(axis=-1)
            unique &= best.sum(axis=-1) == 1
        return unique

    def draw(self, rows: NDArray[Any], which: NDArray[np.intp], generator: np.random.Generator) -> None:
        """Fill the columns ``order`` of ``rows`` (n, d) in with independent draws.

        ``which[i]`` is the row of the tables that row i has the evidence of.
        """
        for v, table in zip(reversed(self.order), reversed(self.tables), strict=True):
            cells, values = _cells(table, rows, which), table.log_values
            few = values.size > len(rows) * values.shape[-1]
            below = cumulative(values[cells]) if few else cumulative(values)[cells]
            rows[:, v] = draw_states(below, len(rows), generator)


def _cells(table: Factor, rows: NDArray[Any], which: NDArray[np.intp]) -> tuple[Any, ...]:
    """Where ``table``, of which the last variable is not known yet, is to be read for each row."""
    shared = len(table.log_values) == 1
    return (0 if shared else which, *(rows[:, u] for u in table.scope[:-1]))


def cumulative(log_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cumulative probabilities along the last axis of tables that need not be normalised; ends in exactly 1.

    All ``-inf`` gives zeros, for a distribution that is never drawn from.
    """
    top = log_values.max(axis=-1, keepdims=True)
    below = np.cumsum(np.exp(log_values - np.where(top > -np.inf, top, 0.0)), axis=-1)
    return np.divide(below, below[..., -1:], out=below, where=below[..., -1:] > 0)


def draw_states(below: NDArray[np.float64], n: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """One state for each of ``n`` rows from cumulative probabilities (n, k), or (k,) for all rows.

    A state of probability zero is never drawn: the step of its cumulative probability is empty.
    """
    return (generator.random(n)[:, None] >= below).sum(axis=-1)


def _without(belief: NDArray[np.float64], message: NDArray[np.float64]) -> NDArray[np.float64]:
    """``belief`` with a factor ``message`` taken out again; 0 / 0 is 0, for what is impossible stays so."""
    out = np.full(np.broadcast_shapes(belief.shape, message.shape), -np.inf)
    return np.subtract(belief, message, out=out, where=np.broadcast_to(message > -np.inf, out.shape))


def _sum_to(scope: Sequence[int], of: Sequence[int], log_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum out every variable of ``of`` that is not in ``scope``."""
    wanted = set(scope)
    axes = tuple(i + 1 for i, v in enumerate(of) if v not in wanted)
    return log_sum_exp(log_values, axis=axes) if axes else log_values
