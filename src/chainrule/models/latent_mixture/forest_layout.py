"""The layout of a forest: the context of a variable is the state of its one parent.

    c        = sum_i t_i(0, 0)
    a_j(v)   = t_j(0, v) - t_j(0, 0) + sum over children i of j  [t_i(v, 0) - t_i(0, 0)]
    e_i(v,k) = t_i(v, k) - t_i(v, 0) - t_i(0, k) + t_i(0, 0)

    log p(x) = c + sum_j a_j(x_j) + sum_i e_i(x_parent, x_i)

where a_j(0), e_i(0, k) and e_i(v, 0) are zero: of binary variables less than 2 d terms in place of 4 d entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.forks import cached_property
from chainrule.models.latent_mixture.layout import Codes, Layout, SignedEntries
from chainrule.models.shared.coding import Coding

__all__ = ["ForestLayout", "depth_first"]


@dataclass(frozen=True, eq=False)
class ForestLayout(Layout):
    """Variables with ``sizes`` states, their ``parent`` (d,), -1 for a root, and an ``order`` (d,) parents first.

    Contexts of one variable stand together, in the order of its parent's states.

    >>> layout = ForestLayout((2, 3), np.array([-1, 0]), np.array([0, 1]))
    >>> layout.begins.tolist(), layout.entries(np.array([[1, 2]])).tolist()
    ([0, 2, 8], [[1, 7]])
    """

    sizes: tuple[int, ...]
    parent: NDArray[np.intp]
    order: NDArray[np.intp]

    @cached_property
    def n_contexts(self) -> NDArray[np.intp]:
        """How many states the parent has, 1 for a root, (d,)."""
        return np.where(self.parent < 0, 1, np.array(self.sizes, np.intp)[self.parent])

    @cached_property
    def context_variables(self) -> NDArray[np.intp]:
        """The variable of each context, (contexts,)."""
        return np.repeat(np.arange(len(self.sizes)), self.n_contexts)

    @cached_property
    def begins(self) -> NDArray[np.intp]:
        """Where the entries of each variable begin, and the end of the last, (d + 1,)."""
        return np.concatenate([[0], np.cumsum(self.n_contexts * self.sizes)]).astype(np.intp)

    @cached_property
    def _coding(self) -> Coding:
        """Its indicators x_j = v, v > 0, are the terms a_j(v)."""
        return Coding(self.sizes)

    @cached_property
    def _pair_begins(self) -> NDArray[np.intp]:
        """Where the terms e_i of each variable begin, and the end of the last, (d + 1,)."""
        each = (self.n_contexts - 1) * (np.array(self.sizes) - 1)
        return 1 + self._coding.width + np.concatenate([[0], np.cumsum(each)]).astype(np.intp)

    @property
    def n_terms(self) -> int:
        """c, a by variable and state, e by variable, parent's state and state."""
        return int(self._pair_begins[-1])

    def heads(self, codes: Codes) -> NDArray[np.intp]:
        """The entry of state 0 of each variable in the context of complete rows (n, d)."""
        return self.begins[:-1] + self.parent_states(codes).astype(np.intp) * np.array(self.sizes, np.intp)

    def parent_states(self, codes: Codes) -> Codes:
        """The state of each variable's parent (n, d), 0 for a root."""
        return np.where(self.parent < 0, 0, codes[:, self.parent])

    def active(self, codes: Codes) -> NDArray[np.int32]:
        """The terms of complete rows (n, d), (n, 1 + 2 d); ``n_terms`` fills up and stands for none."""
        d, x = len(self.sizes), codes.astype(np.int32)
        u, none = self.parent_states(x), self.n_terms
        out = np.zeros((len(x), 1 + 2 * d), np.int32)
        out[:, 1 : 1 + d] = np.where(x > 0, self._coding.begins[:-1] + x, none)
        pairs = self._pair_begins[:-1] + (u - 1) * (np.array(self.sizes) - 1) + x - 1
        out[:, 1 + d :] = np.where((x > 0) & (u > 0), pairs, none)
        return out

    def _signed_entries(self) -> Sequence[SignedEntries]:
        d, coding = len(self.sizes), self._coding
        owner, state = coding.owner, coding.state
        unary = 1 + np.arange(coding.width)
        child = np.flatnonzero(self.parent >= 0)
        # a child adds to the term of each state of its parent
        i, v = _each(child, np.array(self.sizes)[self.parent[child]] - 1)
        of_parent = coding.begins[self.parent[i]] + v
        out: list[SignedEntries] = [
            (np.zeros(d, np.intp), self.begins[:-1], 1),
            (unary, self._entry(owner, 0, state), 1),
            (unary, self._entry(owner, 0, 0), -1),
            (of_parent, self._entry(i, v, 0), 1),
            (of_parent, self._entry(i, 0, 0), -1),
        ]
        i, t = _each(child, np.diff(self._pair_begins)[child])
        v, k = (1 + part for part in np.divmod(t - 1, np.array(self.sizes)[i] - 1))
        pair = self._pair_begins[i] + t - 1
        for u, s, sign in ((v, k, 1), (v, 0, -1), (0, k, -1), (0, 0, 1)):
            out.append((pair, self._entry(i, u, s), sign))
        return out

    def _entry(self, i: NDArray[np.intp], u: Any, k: Any) -> NDArray[np.intp]:
        """The entry of state ``k`` of the variables ``i`` where their parents have the state ``u``."""
        return self.begins[i] + u * np.array(self.sizes, np.intp)[i] + k


def _each(items: NDArray[np.intp], counts: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each of ``items`` as often as its count says, and the numbers from 1 to that count."""
    ends = np.cumsum(counts)
    return np.repeat(items, counts), 1 + np.arange(counts.sum()) - np.repeat(ends - counts, counts)


def depth_first(parent: NDArray[np.intp]) -> NDArray[np.intp]:
    """The variables with parents first, a subtree whole before the next, so that few messages wait at a time.

    >>> depth_first(np.array([-1, 0, 0, 1])).tolist()
    [0, 2, 1, 3]
    """
    children: list[list[int]] = [[] for _ in parent]
    for i, above in enumerate(parent):
        if above >= 0:
            children[above].append(i)
    order, waiting = [], np.flatnonzero(parent < 0)[::-1].tolist()
    while waiting:
        order.append(waiting.pop())
        waiting += children[order[-1]]
    return np.array(order, np.intp)
