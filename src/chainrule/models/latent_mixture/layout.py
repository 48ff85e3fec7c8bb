"""Where the numbers of a component stand, and which of them a row adds up.

Given its component a row is a forest: each variable i has at most one parent, and an *entry* for each state u of the
parent and each state k of its own,

    t_i(u, k) = log p(x_i = k | x_parent = u),        log p(x | component) = sum_i t_i(x_parent, x_i).

Entries of one variable stand together, those of one u together; a root has one u.  State 0 is the usual state of its
variable, so a row differs from the row of zeros in few places.  Added up are *terms*, each a signed sum of entries:

    log p(x) = c + sum_j a_j(x_j) + sum_i e_i(x_parent, x_i)
    c        = sum_i t_i(0, 0)
    a_j(v)   = t_j(0, v) - t_j(0, 0) + sum over children i of j  [t_i(v, 0) - t_i(0, 0)]
    e_i(v,k) = t_i(v, k) - t_i(v, 0) - t_i(0, k) + t_i(0, 0)

where a_j(0), e_i(0, k) and e_i(v, 0) are zero: of binary variables less than 2 d numbers in place of 4 d entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from chainrule.models.shared.coding import Coding

__all__ = ["ForestLayout"]

Codes = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class ForestLayout:
    """Variables with ``sizes`` states, their ``parent`` (d,), -1 for a root, and an ``order`` (d,) parents first.

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
        sizes = np.array(self.sizes, np.intp)
        return np.where(self.parent < 0, 1, sizes[self.parent])

    @cached_property
    def begins(self) -> NDArray[np.intp]:
        """Where the entries of each variable begin, and the end of the last, (d + 1,)."""
        return np.concatenate([[0], np.cumsum(self.n_contexts * self.sizes)]).astype(np.intp)

    @property
    def n_entries(self) -> int:
        """The number of entries."""
        return int(self.begins[-1])

    @cached_property
    def groups(self) -> list[NDArray[np.intp]]:
        """The entries that are one distribution, those of K states in one array (number, K)."""
        heads = [
            np.arange(b, e, k) for b, e, k in zip(self.begins, self.begins[1:], self.sizes, strict=False)
        ]
        by_size: dict[int, list[NDArray[np.intp]]] = {}
        for found, k in zip(heads, self.sizes, strict=True):
            by_size.setdefault(k, []).append(found)
        return [np.concatenate(found)[:, None] + np.arange(k) for k, found in sorted(by_size.items())]

    @cached_property
    def with_odds(self) -> NDArray[np.intp]:
        """The entries of all states but the usual one: each has log-odds against that, (width,)."""
        usual = np.zeros(self.n_entries, np.bool_)
        for group in self.groups:
            usual[group[:, 0]] = True
        return np.flatnonzero(~usual)

    @cached_property
    def coding(self) -> Coding:
        """The indicators x_j = v, v > 0."""
        return Coding(self.sizes)

    @cached_property
    def pairs(self) -> NDArray[np.intp]:
        """The indicators of each pair x_parent = v, x_i = k with v, k > 0: the parent's, its own, (2, number)."""
        begins, found = self.coding.begins, [np.empty((2, 0), np.intp)]
        for i in np.flatnonzero(self.parent >= 0):
            above, own = (np.arange(begins[j], begins[j + 1]) for j in (self.parent[i], i))
            found.append(np.stack([np.repeat(above, len(own)), np.tile(own, len(above))]))
        return np.concatenate(found, axis=1)

    @property
    def n_terms(self) -> int:
        """The number of terms, c among them."""
        return 1 + self.coding.width + self.pairs.shape[1]

    @cached_property
    def signed_sums(self) -> csr_array:
        """The terms as sums of entries, (terms, entries) of 0, 1 and -1: c, then a by indicator, then e by pair."""
        owner, state = self.coding.owner, self.coding.state
        child = np.flatnonzero(self.parent >= 0)
        above, own = self.pairs
        i, v, k = owner[own], state[above], state[own]
        first_pair = 1 + len(owner)
        # a child adds to the term of each state of its parent
        term_of_child = np.concatenate([1 + self.coding.order(self.parent[[c]]) for c in child] or [[]])
        counts = np.array(self.sizes)[self.parent[child]] - 1
        repeated = np.repeat(child, counts)
        states = np.concatenate([np.arange(1, n + 1) for n in counts] or [[]]).astype(np.intp)
        unary, pair = 1 + np.arange(len(owner)), first_pair + np.arange(len(own))
        parts = [
            (np.zeros(len(self.sizes)), self._entry(np.arange(len(self.sizes)), 0, 0), 1),
            (unary, self._entry(owner, 0, state), 1),
            (unary, self._entry(owner, 0, 0), -1),
            (term_of_child, self._entry(repeated, states, 0), 1),
            (term_of_child, self._entry(repeated, 0, 0), -1),
            (pair, self._entry(i, v, k), 1),
            (pair, self._entry(i, v, 0), -1),
            (pair, self._entry(i, 0, k), -1),
            (pair, self._entry(i, 0, 0), 1),
        ]
        rows = np.concatenate([r for r, _, _ in parts]).astype(np.intp)
        columns = np.concatenate([c for _, c, _ in parts])
        signs = np.concatenate([np.full(len(c), float(s)) for _, c, s in parts])
        return coo_array((signs, (rows, columns)), shape=(self.n_terms, self.n_entries)).tocsr()

    def _entry(self, i: NDArray[np.intp], u: Any, k: Any) -> NDArray[np.intp]:
        """The entry of state ``k`` of the variables ``i`` where their parents have the state ``u``."""
        return self.begins[i] + u * np.array(self.sizes, np.intp)[i] + k

    def entries(self, codes: Codes) -> NDArray[np.intp]:
        """The entry of each variable of complete rows (n, d)."""
        wide = codes.astype(np.intp)
        return self._entry(np.arange(len(self.sizes)), self.parent_states(wide), wide)

    def parent_states(self, codes: Codes) -> Codes:
        """The state of each variable's parent (n, d), 0 for a root."""
        return np.where(self.parent < 0, 0, codes[:, self.parent])

    def indicators(self, codes: Codes) -> NDArray[np.uint8]:
        """Which terms complete rows (n, d) add up, (n, terms) of 0 and 1; c belongs to every row."""
        own = self.coding.indicators(codes)
        above, below = self.pairs
        return np.concatenate(
            [np.ones((len(codes), 1), np.uint8), own, own[:, above] & own[:, below]], axis=1
        )
