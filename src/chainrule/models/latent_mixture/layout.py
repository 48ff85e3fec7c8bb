"""Where the numbers of a component stand, and which of them a row adds up.

A *context* is a situation in which a variable has a distribution of its own: a state of its parent, or a leaf of its
decision tree.  A row is in one context of each variable.  Each context has an *entry* for each state k,

    t(context, k) = log p(x_i = k | context),        log p(x | component) = sum_i t(context of x_i, x_i).

State 0 is the usual state of its variable, so a row differs from the row of zeros in few places.  What is added up in
practice are *terms*, signed sums of entries made so that the row of zeros has one term alone, c = sum_i t_i(usual, 0),
and any other row few more: at most two for each variable.  Which terms there are is up to the two kinds of layout,
``forest_layout`` and ``leaf_layout``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from chainrule.core.forks import cached_property

__all__ = ["Codes", "Layout", "SignedEntries"]

Codes = NDArray[np.integer[Any]]
SignedEntries = tuple[NDArray[np.intp], NDArray[np.intp], int]  # terms, the entries that they hold, the sign


class Layout(ABC):
    """Contexts, entries and terms of d variables with ``sizes`` states; ``order`` (d,) lists parents first."""

    sizes: tuple[int, ...]
    order: NDArray[np.intp]

    @property
    @abstractmethod
    def context_variables(self) -> NDArray[np.intp]:
        """The variable of each context, (contexts,)."""

    @property
    @abstractmethod
    def n_terms(self) -> int:
        """The number of terms, c among them: it is the first."""

    @abstractmethod
    def heads(self, codes: Codes) -> NDArray[np.intp]:
        """The entry of state 0 of each variable in the context of complete rows (n, d)."""

    @abstractmethod
    def active(self, codes: Codes) -> NDArray[np.int32]:
        """The terms of complete rows (n, d), (n, 1 + 2 d); ``n_terms`` fills up and stands for none."""

    @abstractmethod
    def _signed_entries(self) -> Sequence[SignedEntries]:
        """The entries of all terms."""

    @cached_property
    def context_begins(self) -> NDArray[np.intp]:
        """The first entry of each context, and the end of the last, (contexts + 1,)."""
        return np.concatenate([[0], np.cumsum(np.array(self.sizes)[self.context_variables])]).astype(np.intp)

    @property
    def n_entries(self) -> int:
        """The number of entries."""
        return int(self.context_begins[-1])

    def entries(self, codes: Codes) -> NDArray[np.intp]:
        """The entry of each variable of complete rows (n, d)."""
        return self.heads(codes) + codes

    @cached_property
    def groups(self) -> list[NDArray[np.intp]]:
        """The entries of each context, those with K states in one array (number, K)."""
        heads, states = self.context_begins[:-1], np.array(self.sizes)[self.context_variables]
        return [heads[states == k][:, None] + np.arange(k) for k in np.unique(states)]

    @cached_property
    def with_odds(self) -> NDArray[np.intp]:
        """The entries of all states but the usual one: each has log-odds against that, (width,)."""
        return np.setdiff1d(np.arange(self.n_entries), self.context_begins[:-1])

    @cached_property
    def signed_sums(self) -> csr_array:
        """The terms as sums of entries, (terms, entries) of 0, 1 and -1."""
        parts = self._signed_entries()
        where = tuple(np.concatenate([p[axis] for p in parts]).astype(np.intp) for axis in (0, 1))
        signs = np.concatenate([np.full(len(rows), float(sign)) for rows, _, sign in parts])
        return coo_array((signs, where), shape=(self.n_terms, self.n_entries)).tocsr()
