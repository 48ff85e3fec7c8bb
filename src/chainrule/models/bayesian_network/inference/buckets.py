"""Bucket elimination (Dechter 1999): sums, marginals, maxima and draws from one pass over the variables.

Each variable has a *bucket*.  A table goes into the bucket of whichever of its variables is summed out first.
In the order of elimination the tables of a bucket are multiplied, the variable is summed out, and what
is left, the *message*, goes on into its next bucket.  Buckets and messages form a tree, in which the
variables two buckets share are in every bucket between them: a junction tree with one clique for each variable.
Kept, the messages answer more:

    marginals    a second pass, from the last bucket to the first, sends to each what it has not seen yet
    maximum      with max in place of the sum; walking back reads off the states
    draws        walking back, each variable is drawn given those that come later

Tables are logarithms, so products of thousands of small factors do not underflow; a zero is ``-inf``.  The
first axis of a table is for rows, 1 where they share it, so one pass can serve many rows of evidence.  The product of a
bucket is formed block by block, so messages alone take memory, up and down at most as much as all products would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.core.forks import cached_property
from chainrule.core.numerics import log_sum_exp

__all__ = ["Buckets", "Factor", "cumulative", "draw_states"]

_BLOCK = 2**14  # entries of a product that are formed at once
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
    """What is in all buckets, for variables in their ``order`` of elimination.

    ``keep`` are variables that are not summed out; ``holds`` says what is held once the remainder is known: all other
    answers need messages, and whole ``tables`` are formed of these if they are read.  The axes of every factor are
    sorted by ``place``: kept variables first, then the one that is summed out last, and so on.

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
        self._eliminate(factors, holds != "nothing")

    def _eliminate(self, factors: Iterable[Factor], holds_messages: bool) -> None:
        n = len(self.order)
        self._items: list[list[Factor]] = [[] for _ in range(n + 1)]  # the last is for what is not summed out
        for factor in factors:
            self._items[self._bucket(factor.scope)].append(factor)
        self._messages: list[Factor] = []
        for i in range(n):
            product = _Product(self._items[i], self._scope(self._items[i]))
            message = np.empty(product.shape[:-1])
            for where in product.blocks():
                message[where[:-1]] = self._sum(product.at(where), axis=-1)
            sent = Factor(product.scope[:-1], message)
            self._items[self._bucket(sent.scope)].append(sent)
            if holds_messages:
                self._messages.append(sent)
            else:
                self._items[i] = []
            del product, message, sent
        left = _Product(self._items[n], self._scope(self._items[n]))
        self.log_remainder = Factor(left.scope, left.whole()).over(self.keep)  # (rows, sizes of keep...)

    def _bucket(self, scope: Sequence[int]) -> int:
        return min([len(self.order), *(self.place[v] for v in scope)])

    def _scope(self, factors: Iterable[Factor]) -> tuple[int, ...]:
        members = {v for factor in factors for v in factor.scope}
        return tuple(sorted(members, key=self.place.__getitem__, reverse=True))

    @cached_property
    def tables(self) -> list[Factor]:
        """The product of each bucket, whole: several times what the messages take, for those who read many cells."""
        products = [_Product(items, self._scope(items)) for items in self._items[:-1]]
        return [Factor(product.scope, product.whole()) for product in products]

    def marginals(self, scopes: Sequence[Sequence[int]] | None = None) -> list[NDArray[np.float64]]:
        """For each of ``scopes`` the probability of its states together, (rows, sizes of the scope...).

        By default those of each variable of ``order``.  A scope is one of a factor, or a part of it, sorted as that.
        Where ``log_remainder`` is ``-inf`` there is nothing to normalise; leave such rows out before.
        """
        wanted = [(v,) for v in self.order] if scopes is None else [tuple(scope) for scope in scopes]
        asked: list[list[int]] = [[] for _ in self._items]
        for k, scope in enumerate(wanted):
            asked[self._bucket(scope)].append(k)
        out: list[NDArray[np.float64]] = [np.empty(0)] * len(wanted)
        down: dict[int, Factor] = {}
        mass = self.log_remainder
        if self.keep:
            mass = log_sum_exp(mass, axis=tuple(range(1, mass.ndim)))
        down[len(self.order)] = Factor((), -mass)
        for i in range(len(self.order), -1, -1):
            children = self._children[i]
            messages = [self._messages[c] for c in children]
            sums = _sums(
                _Product([*self._items[i], down.pop(i)], self._scope(self._items[i])),
                [*(message.scope for message in messages), *(wanted[k] for k in asked[i])],
            )
            for c, message, total in zip(children, messages, sums, strict=False):
                down[c] = Factor(message.scope, _without(total, message.log_values))
            for k, total in zip(asked[i], sums[len(children) :], strict=True):
                out[k] = total / total.sum(axis=tuple(range(1, total.ndim)), keepdims=True)
        return out

    @cached_property
    def _children(self) -> list[list[int]]:
        """For each bucket those whose message goes into it."""
        children: list[list[int]] = [[] for _ in self._items]
        for i, message in enumerate(self._messages):
            children[self._bucket(message.scope)].append(i)
        return children

    def maximum(self, states: NDArray[Any]) -> NDArray[np.bool_]:
        """Fill each row of ``states`` (n, d) in with a most probable state of all variables.

        Returns for each row whether that is the only one, (n,).  Among states that are equally probable the first
        is taken at each step, from the last variable of ``order`` to the first.  For buckets with ``maximise``.
        """
        unique = np.ones(len(states), bool)
        for v, items in zip(reversed(self.order), self._items[-2::-1], strict=True):
            values = _cells(items, states, np.arange(len(states)))
            best = values >= values.max(axis=-1, keepdims=True) - _TIE
            states[:, v] = best.argmax(axis=-1)
            unique &= best.sum(axis=-1) == 1
        return unique

    def draw(self, rows: NDArray[Any], which: NDArray[np.intp], generator: np.random.Generator) -> None:
        """Fill the columns ``order`` of ``rows`` (n, d) in with independent draws.

        ``which[i]`` is the row of the tables that row i has the evidence of.
        """
        for v, items in zip(reversed(self.order), self._items[-2::-1], strict=True):
            product = _Product(items, self._scope(items))
            if prod(product.shape) > len(rows) * product.shape[-1]:
                below = cumulative(_cells(items, rows, which))
            else:
                below = cumulative(product.whole())[_places(product.scope, product.shape[0], rows, which)]
            rows[:, v] = draw_states(below, len(rows), generator)


class _Product:
    """The product of ``factors`` over ``scope``, formed block by block; factors that lack an axis are read again."""

    def __init__(self, factors: Sequence[Factor], scope: tuple[int, ...]) -> None:
        self.scope = scope
        self._parts = [factor.over(scope) for factor in factors]
        self.shape = np.broadcast_shapes((1,) * (1 + len(scope)), *(part.shape for part in self._parts))

    def blocks(self) -> Iterator[tuple[slice, ...]]:
        """Where blocks of about ``_BLOCK`` entries are; the last axis is whole in each."""
        inner, axis = self.shape[-1], len(self.shape) - 1
        while axis > 0 and inner * self.shape[axis - 1] <= _BLOCK:
            axis -= 1
            inner *= self.shape[axis]
        whole = (slice(None),) * (len(self.shape) - axis)
        if axis == 0:
            yield whole
            return
        step, size = max(1, _BLOCK // inner), self.shape[axis - 1]
        for outer in np.ndindex(*self.shape[: axis - 1]):
            before = tuple(slice(i, i + 1) for i in outer)
            for start in range(0, size, step):
                yield (*before, slice(start, start + step), *whole)

    def at(self, where: tuple[slice, ...]) -> NDArray[np.float64]:
        """The product in a block."""
        lengths = [len(range(size)[part]) for size, part in zip(self.shape, where, strict=True)]
        out = np.zeros(lengths)
        for part in self._parts:
            out += part[tuple(slice(None) if n == 1 else s for n, s in zip(part.shape, where, strict=True))]
        return out

    def whole(self) -> NDArray[np.float64]:
        """The product in one."""
        return self.at((slice(None),) * len(self.shape))


def _sums(product: _Product, scopes: Sequence[tuple[int, ...]]) -> list[NDArray[np.float64]]:
    """The sums, of probabilities, of ``product`` over all but each of ``scopes``: (rows, sizes of the scope...)."""
    kept = [[0, *(product.scope.index(v) + 1 for v in scope)] for scope in scopes]
    out = [np.zeros([product.shape[a] for a in axes]) for axes in kept]
    for where in product.blocks() if scopes else ():
        block = product.at(where)
        np.exp(block, out=block)
        for axes, total in zip(kept, out, strict=True):
            others = tuple(a for a in range(block.ndim) if a not in axes)
            total[tuple(where[a] for a in axes)] += block.sum(axis=others)
    return out


def _cells(items: Sequence[Factor], rows: NDArray[Any], which: NDArray[np.intp]) -> NDArray[np.float64]:
    """The product of a bucket for every state of its variable, where rows know the others, (n, k)."""
    found = (f.log_values[_places(f.scope, len(f.log_values), rows, which)] for f in items)
    return np.asarray(sum(found, start=np.zeros((len(rows), 1))))


def _places(
    scope: Sequence[int], n_tables: int, rows: NDArray[Any], which: NDArray[np.intp]
) -> tuple[Any, ...]:
    """Where a table, of which the last variable is not known yet, is to be read for each row."""
    return (0 if n_tables == 1 else which, *(rows[:, u] for u in scope[:-1]))


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


def _without(total: NDArray[np.float64], message: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm of ``total`` with a factor taken out again; 0 / 0 is 0, for what is impossible stays so."""
    with np.errstate(divide="ignore"):
        np.log(total, out=total)
    return np.subtract(total, message, out=total, where=np.broadcast_to(message > -np.inf, total.shape))
