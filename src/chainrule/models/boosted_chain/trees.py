"""Sums of decision trees as log-odds: what a boosted chain is once it is fitted.

A variable of K states has K - 1 log-odds against its first state (``shared/coding``).  Each is a bias and a sum of
trees; a tree asks for states as ``shared/decision_tables`` does, and has a number at each leaf.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.compiled.calls import loops_are_on, use_threads
from chainrule.core.errors import DataError
from chainrule.models.boosted_chain.scoring_loops import Forest, add_trees, draw_states
from chainrule.models.shared.coding import Coding
from chainrule.models.shared.decision_tables import check_trees
from chainrule.models.shared.loaded import loaded_array

__all__ = ["BoostedTrees", "walk"]

Codes = NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class BoostedTrees:
    """Trees of all log-odds: those of log-odds w are ``ends[w]`` to ``ends[w + 1]``, their roots ``roots`` of these.

    ``nodes`` (T, 4) int32 hold the column asked (-1: a leaf), the lowest and the highest state for which the answer is
    yes, and the child for no, which that for yes follows; ``values`` (T,) what a leaf adds; ``bias`` (width,).
    """

    coding: Coding
    nodes: NDArray[np.int32]
    values: NDArray[np.float64]
    roots: NDArray[np.int64]
    ends: NDArray[np.int64]
    bias: NDArray[np.float64]

    def check(self, place: NDArray[np.intp]) -> None:
        """``DataError`` unless these are trees that ask for what is before their variable, by its ``place`` (d,)."""
        arrays = {name: getattr(self, name) for name in ("nodes", "values", "roots", "ends", "bias")}
        loaded_array(arrays, "values", (len(self.nodes),))
        loaded_array(arrays, "roots", (None,), np.int64)
        loaded_array(arrays, "bias", (self.coding.width,))
        ends = loaded_array(arrays, "ends", (self.coding.width + 1,), np.int64)
        n_trees = np.diff(ends)
        if ends[0] != 0 or ends[-1] != len(self.roots) or (n_trees < 0).any():
            raise DataError("the trees of the file are not those of its log-odds; save the model again")
        check_trees(self.nodes, self.roots, np.repeat(self.coding.owner, n_trees), self.coding.sizes, place)

    def log_odds(self, codes: Codes, variable: int | None = None) -> NDArray[np.float64]:
        """The log-odds (n, width) of complete rows of codes (n, d), or those of one variable (n, K - 1)."""
        begins = self.coding.begins
        begin, end = (0, self.coding.width) if variable is None else begins[variable : variable + 2].tolist()
        out = np.empty((len(codes), end - begin))
        if loops_are_on():
            threads = use_threads(len(codes) * 8 * int(self.ends[end] - self.ends[begin]))
            add_trees(self._forest, _narrow(codes), begin, out, threads)
            return out
        for w in range(begin, end):
            out[:, w - begin] = self._log_odds_of(w, codes)
        return out

    def draw(self, order: NDArray[np.intp], uniforms: NDArray[np.float64], known: Codes | None) -> Codes:
        """Rows (n, d) drawn in ``order``, the variable at place t by ``uniforms[:, t]``; what is known stays.

        The state is the first of 1, 2, ... up to which the probabilities add up to more than the uniform, else 0.
        """
        rows = np.full(uniforms.shape, -1, np.int32) if known is None else known.astype(np.int32)
        if loops_are_on():
            threads = use_threads(len(rows) * 8 * len(self.roots))
            draw_states(self._forest, order, uniforms, rows, threads)
            return rows
        for t, i in enumerate(order):
            open_rows = np.flatnonzero(rows[:, i] < 0)
            members = range(int(self.coding.begins[i]), int(self.coding.begins[i + 1]))
            z = np.zeros((len(open_rows), len(members) + 1))
            for k, w in enumerate(members):
                z[:, k + 1] = self._log_odds_of(w, rows[open_rows])
            p = np.exp(z - z.max(axis=1, keepdims=True))
            above = p[:, 1:].cumsum(axis=1) > (uniforms[open_rows, t] * p.sum(axis=1))[:, None]
            rows[open_rows, i] = (
                np.where(above.any(axis=1), 1 + above.argmax(axis=1), 0) if len(members) else 0
            )
        return rows

    def _log_odds_of(self, w: int, codes: Codes) -> NDArray[np.float64]:
        z = np.full(len(codes), self.bias[w])
        for root in self.roots[self.ends[w] : self.ends[w + 1]]:
            z += self.values[walk(self.nodes, int(root), codes)]
        return z

    @property
    def _forest(self) -> Forest:
        return Forest(self.nodes, self.values, self.roots, self.ends, self.bias, self.coding.begins)


def walk(nodes: NDArray[np.int32], root: int, codes: Codes) -> NDArray[np.intp]:
    """The leaf that each row comes to from ``root``, (n,)."""
    at = np.full(len(codes), root, np.intp)
    while True:
        inner = np.flatnonzero(nodes[at, 0] >= 0)
        if not len(inner):
            return at
        asked, low, high, child = nodes[at[inner]].T
        x = codes[inner, asked]
        at[inner] = child + ((low <= x) & (x <= high))


def _narrow(codes: Codes) -> Codes:
    """One of the two types that the loops are compiled for."""
    return np.ascontiguousarray(codes, np.uint8 if codes.dtype == np.uint8 else np.int32)
