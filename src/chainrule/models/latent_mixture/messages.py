"""Rows with holes: a missing variable is summed out of each component by messages from the leaves, exactly.

Given its component a row is a forest.  A hole i of which something below is known sends its parent, for each state u
of that,

    m_i(u) = log sum_k exp( t_i(u, k) + sum over children c of i of m_c(k) ),

and a known child c sends m_c(k) = t_c(k, x_c).  A hole with nothing known below is *free*: its m is zero, and it
costs nothing.  Families in which all is known are added up as a sparse product with the tables.

The same code serves two callers: all components of a row at once, (rows, N), or one component for each row, (rows,),
as a draw needs it once the component is drawn.  They differ in how entries are looked up, the function ``take``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from chainrule.core.numerics import log_sum_exp
from chainrule.models.latent_mixture.components import Components, blocks, draw_from, sum_components
from chainrule.models.latent_mixture.forest_layout import ForestLayout
from chainrule.models.latent_mixture.layout import Codes

__all__ = ["draw_holes", "draw_summed", "log_joint_with_holes", "log_prob_summed"]

_COST = 8  # how many numbers a row needs for each that a complete row does
Numbers = NDArray[np.float64]
Take = Callable[[Any, NDArray[np.intp]], Numbers]  # entries (m,) or one, rows (m,) -> (m, N) or (m,)


def log_prob_summed(components: Components, layout: ForestLayout, codes: Codes) -> Numbers:
    """``log p`` of what is known of rows (n, d), (n,)."""
    parts = blocks(codes, _COST * len(components))
    return np.concatenate([sum_components(log_joint_with_holes(components, layout, part)) for part in parts])


def draw_summed(
    components: Components, layout: ForestLayout, codes: Codes, generator: np.random.Generator
) -> NDArray[np.int32]:
    """``codes`` (n, d) with each -1 drawn: the component from its posterior, then its tree, roots first."""
    chosen, uniforms = np.empty(len(codes), np.intp), generator.random(len(codes))
    distinct, which = np.unique(codes, axis=0, return_inverse=True)
    members = np.argsort(which.reshape(-1), kind="stable")
    ends = np.cumsum(np.bincount(which.reshape(-1), minlength=len(distinct)))
    rows_of = iter(np.split(members, ends[:-1]))
    for part in blocks(distinct, _COST * len(components)):
        for joint in log_joint_with_holes(components, layout, part):
            rows = next(rows_of)
            chosen[rows] = draw_from(joint, uniforms[rows])
    return draw_holes(components, layout, codes, chosen, generator.random(codes.shape))


def log_joint_with_holes(components: Components, layout: ForestLayout, codes: Codes) -> Numbers:
    """``log w_n p(known part of x | n)`` of rows (n, d) with -1 for what is missing, (n, N)."""
    tables = components.tables
    out = _known_families(components, layout, codes)
    _Messages(layout, codes, lambda entries, rows: _rows_of(tables, entries, rows), out).pass_up(forget=True)
    return out


def draw_holes(
    components: Components, layout: ForestLayout, codes: Codes, chosen: NDArray[np.intp], uniforms: Numbers
) -> NDArray[np.int32]:
    """``codes`` (n, d) with each -1 drawn given the rest of its row and its component ``chosen`` (n,).

    ``uniforms`` (n, d) decide: a state is the first of 1, 2, ... up to which the probabilities add up to more than
    its uniform, else 0.
    """
    tables = components.tables
    messages = _Messages(
        layout, codes, lambda entries, rows: tables[entries, chosen[rows]], np.zeros(len(codes))
    )
    messages.pass_up()
    out = codes.astype(np.int32)
    for i in layout.order:
        rows = np.flatnonzero(messages.missing[:, i])
        if len(rows):
            above = layout.parent[i]
            shares = messages.states(i, rows, out[rows, above] if above >= 0 else 0)
            shares = np.exp(shares - log_sum_exp(shares, axis=0))
            reached = shares[1:].cumsum(axis=0) > uniforms[rows, i]
            out[rows, i] = np.where(reached.any(axis=0), 1 + reached.argmax(axis=0), 0) if len(reached) else 0
    return out


@dataclass
class _Messages:
    """What the children of each hole say of its states, for rows ``codes``; roots' messages go to ``total``."""

    layout: ForestLayout
    codes: Codes
    take: Take
    total: Numbers  # (n, N) or (n,)
    missing: NDArray[np.bool_] = field(init=False)  # (n, d)
    asked: NDArray[np.bool_] = field(init=False)  # (n, d): holes below which something is known
    _said: dict[int, Numbers] = field(default_factory=dict)  # of hole i: (K, its rows, ...)

    def __post_init__(self) -> None:
        self.missing = self.codes < 0
        known_below = np.zeros_like(self.missing)
        for i in self.layout.order[::-1]:
            above = self.layout.parent[i]
            if above >= 0:
                known_below[:, above] |= known_below[:, i] | ~self.missing[:, i]
        self.asked = self.missing & known_below

    def pass_up(self, *, forget: bool = False) -> None:
        """Send all messages, children before parents; ``forget`` what was said once it is handed on."""
        for i in self.layout.order[::-1].tolist():
            above = int(self.layout.parent[i])
            hole_above = self.missing[:, above] if above >= 0 else np.zeros(len(self.codes), np.bool_)
            top = np.flatnonzero(self.asked[:, i] & ~hole_above)
            if len(top):
                self.total[top] += self._message(i, top, self.codes[top, above] if above >= 0 else 0)
            below = np.flatnonzero((self.asked[:, i] | ~self.missing[:, i]) & hole_above)
            if len(below):
                place = self._places(above, below)
                said = self._heard(above)
                for u in range(self.layout.sizes[above]):
                    said[u, place] += self._message(i, below, u)
            if forget:
                self._said.pop(i, None)

    def states(self, i: int, rows: NDArray[np.intp], u: Any) -> Numbers:
        """``log p(x_i = k, what is known below | parent's state u)`` for ``rows`` that miss i, (K, m, ...)."""
        size, begin = self.layout.sizes[i], self.layout.begins[i]
        out = np.stack([self.take(begin + u * size + k, rows) for k in range(size)])
        asked = self.asked[rows, i]
        if asked.any():
            out[:, asked] += self._heard(i)[:, self._places(i, rows[asked])]
        return out

    def _message(self, i: int, rows: NDArray[np.intp], u: Any) -> Numbers:
        """m_i(u), (m, ...), for rows in which i is known or asked; ``u`` is one state, or one for each row."""
        hole = self.missing[rows, i]
        if hole.all():
            return log_sum_exp(self.states(i, rows, u), axis=0)
        first = self.layout.begins[i] + u * self.layout.sizes[i]
        out = self.take(first + np.where(hole, 0, self.codes[rows, i]), rows)
        if hole.any():
            out[hole] = log_sum_exp(self.states(i, rows[hole], u[hole] if np.ndim(u) else u), axis=0)
        return out

    def _heard(self, i: int) -> Numbers:
        if i not in self._said:
            n = int(self.asked[:, i].sum())
            self._said[i] = np.zeros((self.layout.sizes[i], n, *self.total.shape[1:]))
        return self._said[i]

    def _places(self, i: int, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Where ``rows`` stand among those in which hole i is asked."""
        return (np.cumsum(self.asked[:, i]) - 1)[rows]


def _rows_of(tables: Numbers, entries: Any, rows: NDArray[np.intp]) -> Numbers:
    return tables[np.broadcast_to(entries, rows.shape)]


def _known_families(components: Components, layout: ForestLayout, codes: Codes) -> Numbers:
    """The log-weight and all entries of families in which nothing is missing, (n, N).

    The row of zeros is what all begin from; a row corrects what is otherwise, or missing.
    """
    tables = components.tables
    missing = codes < 0
    known = ~(missing | ((layout.parent >= 0) & missing[:, layout.parent]))
    zero = layout.begins[:-1]
    entries = np.where(known, layout.entries(np.where(missing, 0, codes)), -1)
    changed = entries != zero
    rows, variables = np.nonzero(changed)
    added, into = entries[rows, variables], entries[rows, variables] >= 0
    values = np.concatenate([np.full(len(rows), -1.0), np.ones(int(into.sum()))])
    where = (np.concatenate([rows, rows[into]]), np.concatenate([zero[variables], added[into]]))
    out = csr_array((values, where), shape=(len(codes), layout.n_entries)) @ tables
    out += components.log_weights + tables[zero].sum(axis=0)
    return out
