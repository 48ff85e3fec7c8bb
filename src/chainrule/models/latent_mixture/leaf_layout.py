"""The layout of decision trees: the context of a variable is the leaf of its tree to which the row comes.

    c        = sum_i t_i(usual leaf, 0)
    b_i(l)   = t_i(l, 0) - t_i(usual leaf, 0)        for leaves l other than the usual one
    o_i(l,k) = t_i(l, k) - t_i(l, 0)                 for states k > 0, the log-odds

    log p(x) = c + sum_i b_i(leaf of x_i) + o_i(leaf of x_i, x_i)

The usual leaf is that of the row of zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.core.forks import cached_property
from chainrule.models.latent_mixture.layout import Codes, Layout, SignedEntries
from chainrule.models.shared.decision_tables import DecisionTables

__all__ = ["LeafLayout"]


@dataclass(frozen=True, eq=False)
class LeafLayout(Layout):
    """Variables whose contexts are the leaves of ``trees``, in the order of their nodes; ``order`` (d,) parents first.

    >>> nodes = np.array([[-1, 0, 0, -1], [0, 1, 1, 2], [-1, 0, 0, -1], [-1, 0, 0, -1]], np.int32)
    >>> layout = LeafLayout(DecisionTables((2, 3), nodes), np.array([0, 1]))
    >>> layout.entries(np.array([[1, 2]])).tolist(), layout.n_terms
    ([[1, 7]], 7)
    """

    trees: DecisionTables
    order: NDArray[np.intp]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of states of each variable."""
        return self.trees.sizes

    @cached_property
    def context_variables(self) -> NDArray[np.intp]:
        """The variable of each leaf, (contexts,)."""
        return self.trees.variable[self.trees.is_leaf]

    @cached_property
    def context_of(self) -> NDArray[np.intp]:
        """The context that a node is, (T,); of inner nodes, -1."""
        return np.where(self.trees.is_leaf, np.cumsum(self.trees.is_leaf) - 1, -1)

    def heads(self, codes: Codes) -> NDArray[np.intp]:
        """The entry of state 0 of each variable in the context of complete rows (n, d)."""
        return self.context_begins[self.context_of[self.trees.leaves(codes)]]

    @cached_property
    def _usual(self) -> NDArray[np.intp]:
        """The usual context of each variable, (d,)."""
        return self.context_of[self.trees.leaves(np.zeros((1, len(self.sizes)), np.uint8))[0]]

    @cached_property
    def _leaf_terms(self) -> NDArray[np.int32]:
        """The term b of each context, ``n_terms`` for a usual one."""
        other = np.ones(len(self.context_variables), np.bool_)
        other[self._usual] = False
        return np.where(other, np.cumsum(other), self.n_terms).astype(np.int32)

    @cached_property
    def _odds_begins(self) -> NDArray[np.intp]:
        """The term o of state 1 of each context, and the end of all, (contexts + 1,)."""
        n = len(self.context_variables)
        begin = 1 + n - len(self.sizes)
        return begin + self.context_begins - np.arange(n + 1)

    @property
    def n_terms(self) -> int:
        """c, b by leaf, o by leaf and state."""
        return int(self._odds_begins[-1])

    def active(self, codes: Codes) -> NDArray[np.int32]:
        """The terms of complete rows (n, d), (n, 1 + 2 d); ``n_terms`` fills up and stands for none."""
        d, x = len(self.sizes), codes.astype(np.int32)
        contexts = self.context_of[self.trees.leaves(codes)]
        out = np.zeros((len(x), 1 + 2 * d), np.int32)
        out[:, 1 : 1 + d] = self._leaf_terms[contexts]
        out[:, 1 + d :] = np.where(x > 0, self._odds_begins[contexts] + x - 1, self.n_terms)
        return out

    def _signed_entries(self) -> Sequence[SignedEntries]:
        heads = self.context_begins[:-1]
        usual = heads[self._usual]
        others = np.flatnonzero(self._leaf_terms < self.n_terms)
        leaf_terms = self._leaf_terms[others].astype(np.intp)
        states = np.diff(self.context_begins)
        odds = np.arange(self._odds_begins[0], self._odds_begins[-1])
        return [
            (np.zeros(len(usual), np.intp), usual, 1),
            (leaf_terms, heads[others], 1),
            (leaf_terms, usual[self.context_variables[others]], -1),
            (odds, self.with_odds, 1),
            (odds, np.repeat(heads, states - 1), -1),
        ]
