"""Rows with holes: a missing variable is summed out of each component by messages from the leaves, exactly.

Given its component a row is a forest.  A hole i of which something below is known sends its parent, for each state u
of that,

    m_i(u) = log sum_k exp( t_i(u, k) + sum over children c of i of m_c(k) ),

and a known child c sends m_c(k) = t_c(k, x_c).  A hole with nothing known below is *free*: its m is zero, and it
costs nothing.  Families in which all is known are added up as a sparse product with the tables.

The same code serves two callers: all components of a row at once, (rows, N), or one component for each row, (rows,),
as a draw needs it once the component is drawn.  They differ in how entries are looked up and added.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from chainrule.compiled.calls import loops_are_on, use_threads
from chainrule.core.numerics import log_sum_exp
from chainrule.core.progress import track
from chainrule.models.latent_mixture.components import Components, blocks, draw_from, sum_components
from chainrule.models.latent_mixture.forest_layout import ForestLayout
from chainrule.models.latent_mixture.layout import Codes

__all__ = ["draw_holes", "draw_summed", "log_joint_with_holes", "log_prob_summed"]

_COST = 8  # how many numbers a row needs for each that a complete row does
_LOGARITHM = 30  # multiply-adds that an exponential and a logarithm are worth
Numbers = NDArray[np.float64]
Indices = NDArray[np.intp]


def log_prob_summed(components: Components, layout: ForestLayout, codes: Codes) -> Numbers:
    """``log p`` of what is known of rows (n, d), (n,)."""
    parts = track(list(blocks(codes, _COST * len(components))), "scoring rows with holes")
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
    parts = list(blocks(distinct, _COST * len(components)))
    for part in track(parts, "drawing components"):
        for joint in log_joint_with_holes(components, layout, part):
            rows = next(rows_of)
            chosen[rows] = draw_from(joint, uniforms[rows])
    return draw_holes(components, layout, codes, chosen, generator.random(codes.shape))


def log_joint_with_holes(components: Components, layout: ForestLayout, codes: Codes) -> Numbers:
    """``log w_n p(known part of x | n)`` of rows (n, d) with -1 for what is missing, (n, N)."""
    out = _known_families(components, layout, codes)
    _Messages(layout, codes, _EveryComponent(components.tables), out).pass_up(forget=True)
    return out


def draw_holes(
    components: Components, layout: ForestLayout, codes: Codes, chosen: NDArray[np.intp], uniforms: Numbers
) -> NDArray[np.int32]:
    """``codes`` (n, d) with each -1 drawn given the rest of its row and its component ``chosen`` (n,).

    ``uniforms`` (n, d) decide: a state is the first of 1, 2, ... up to which the probabilities add up to more than
    its uniform, else 0.
    """
    one = _OneComponent(components.tables, chosen)
    messages = _Messages(layout, codes, one, np.zeros(len(codes)))
    messages.pass_up()
    out = codes.astype(np.int32)
    for i in track(layout.order.tolist(), "drawing variables"):
        rows = np.flatnonzero(messages.missing[:, i])
        if len(rows):
            above = layout.parent[i]
            u = out[rows, above].astype(np.intp) if above >= 0 else np.zeros(len(rows), np.intp)
            shares = messages.states(i, rows, u)
            shares = np.exp(shares - log_sum_exp(shares, axis=0))
            reached = shares[1:].cumsum(axis=0) > uniforms[rows, i]
            out[rows, i] = np.where(reached.any(axis=0), 1 + reached.argmax(axis=0), 0) if len(reached) else 0
    return out


class _OneComponent:
    """A component for each row, ``chosen`` (n,): what is looked up for a row is one number."""

    def __init__(self, tables: Numbers, chosen: NDArray[np.intp]) -> None:
        self.tables, self.chosen = tables, chosen

    def numbers(self, entries: Indices, rows: Indices) -> Numbers:
        """The entries (m,) of ``rows`` (m,), (m,)."""
        return self.tables[entries, self.chosen[rows]]

    def add_entries(self, entries: Indices, rows: Indices, into: Numbers, at: Indices) -> None:
        """Add the entries of ``rows`` (m,) to ``into[at]``, where none stands twice in ``at`` (m,)."""
        into[at] += self.numbers(entries, rows)

    def add_sums(
        self, heads: Indices, rows: Indices, said: Numbers, places: Indices, into: Numbers, at: Indices
    ) -> None:
        """Add log sum_k exp of entry ``heads + k`` and ``said[k, places]``, all (m,), to ``into[at]``."""
        states = np.stack([self.numbers(heads + k, rows) for k in range(len(said))]) + said[:, places]
        into[at] += log_sum_exp(states, axis=0)


class _EveryComponent(_OneComponent):
    """All components at once: what is looked up for a row is (N,).  By compiled loops where there may be some."""

    def __init__(self, tables: Numbers) -> None:
        self.tables, self.has_loops = tables, loops_are_on()

    def numbers(self, entries: Indices, rows: Indices) -> Numbers:
        """The entries (m,), (m, N)."""
        return self.tables[entries]

    def add_entries(self, entries: Indices, rows: Indices, into: Numbers, at: Indices) -> None:
        """As above."""
        if not self.has_loops:
            return super().add_entries(entries, rows, into, at)
        from chainrule.models.latent_mixture.loops import add_entries

        add_entries(self.tables, entries, into, at, use_threads(len(at) * into.shape[-1]))

    def add_sums(
        self, heads: Indices, rows: Indices, said: Numbers, places: Indices, into: Numbers, at: Indices
    ) -> None:
        """As above."""
        if not self.has_loops:
            return super().add_sums(heads, rows, said, places, into, at)
        from chainrule.models.latent_mixture.loops import add_sums

        work = _LOGARITHM * len(said) * len(at) * into.shape[-1]
        add_sums(self.tables, heads, said, places, into, at, use_threads(work))


@dataclass
class _Messages:
    """What the children of each hole say of its states, for rows ``codes``; roots' messages go to ``total``."""

    layout: ForestLayout
    codes: Codes
    tables: _OneComponent
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
                states = self.codes[top, above].astype(np.intp) if above >= 0 else np.zeros(len(top), np.intp)
                self._send(i, top, states, self.total, top)
            below = np.flatnonzero((self.asked[:, i] | ~self.missing[:, i]) & hole_above)
            if len(below):
                said, places = self._heard(above), self._places(above, below)
                for u in range(self.layout.sizes[above]):
                    self._send(i, below, np.full(len(below), u), said[u], places)
            if forget:
                self._said.pop(i, None)

    def states(self, i: int, rows: Indices, u: Indices) -> Numbers:
        """``log p(x_i = k, what is known below | parent's state u)`` for ``rows`` that miss i, (K, m, ...)."""
        heads = self.layout.begins[i] + u * self.layout.sizes[i]
        out = np.stack([self.tables.numbers(heads + k, rows) for k in range(self.layout.sizes[i])])
        asked = self.asked[rows, i]
        if asked.any():
            out[:, asked] += self._heard(i)[:, self._places(i, rows[asked])]
        return out

    def _send(self, i: int, rows: Indices, u: Indices, into: Numbers, at: Indices) -> None:
        """Add m_i(u) to ``into[at]`` for ``rows`` in which i is known or asked; all are (m,)."""
        heads = self.layout.begins[i] + u * self.layout.sizes[i]
        hole = self.missing[rows, i]
        if not hole.all():
            known = ~hole
            self.tables.add_entries(heads[known] + self.codes[rows[known], i], rows[known], into, at[known])
        if hole.any():
            holes = rows[hole]
            self.tables.add_sums(heads[hole], holes, self._heard(i), self._places(i, holes), into, at[hole])

    def _heard(self, i: int) -> Numbers:
        if i not in self._said:
            n = int(self.asked[:, i].sum())
            self._said[i] = np.zeros((self.layout.sizes[i], n, *self.total.shape[1:]))
        return self._said[i]

    def _places(self, i: int, rows: Indices) -> Indices:
        """Where ``rows`` stand among those in which hole i is asked."""
        return (np.cumsum(self.asked[:, i]) - 1)[rows]


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
