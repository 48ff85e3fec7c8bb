"""Decision trees for all variables at once, grown greedily under one graph without cycles.

Every variable begins as one leaf.  Of all leaves of all trees the split that gains most is made next (Chickering,
Heckerman and Meek 1997), as long as the graph "the tree of x_i asks for x_j" stays free of cycles, or keeps to an
order where one is given, and the split gains anything.  The gain of a split in nats is what it adds to

    sum over states k of n_k log(n_k / n),     n_k the rows at a leaf with state k, n all of them,

less a price, the penalty, for each parameter that it adds (Friedman and Goldszmidt 1996); or what it adds to the
logarithm of the probability of the rows under a Dirichlet(1, ..., 1) prior at each leaf, in which parameters pay for
themselves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from itertools import count
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from chainrule.compiled.calls import loops_are_on
from chainrule.compiled.compiling import seconds_compiling
from chainrule.core.checks import check_real, check_size
from chainrule.core.errors import InputError
from chainrule.core.progress import track
from chainrule.core.text import as_written
from chainrule.models.shared.decision_tables.growing_loops import Growth, Rows, Score, grow_some
from chainrule.models.shared.decision_tables.growing_plain import grow_plain
from chainrule.models.shared.decision_tables.tables import Codes, DecisionTables

__all__ = ["Penalty", "grow_tables"]

Penalty = Literal["bayes", "dirichlet", "ebic", "bic", "aic", "none"]

_UNITS, _CELLS = (
    256,
    2**28,
)  # leaves looked at between two words on how far it is, and about the cells of their rows
# what a split costs for having been chosen among all splits, in logarithms of their number.  A half for "bayes" was
# chosen on validation rows: without it wide tables grow ten times the trees for the same likelihood
_CHOSEN = {"ebic": 1.0, "bayes": 0.5}
_PER_NODE = 8  # arrays of ``Growth`` with an entry for each node
_SPLITS_A_VARIABLE = 4000
_MOST_TABULATED = 2**24  # numbers in tables of what counts are worth
_MOST_KEPT = 2**23  # numbers in counts of leaves that are kept for their children
_LEAST_WEIGHT = 1e-9  # a side of a split has rows at all


def grow_tables(
    codes: Codes,
    sizes: Sequence[int],
    *,
    weights: NDArray[np.float64] | None = None,
    penalty: Penalty | float = "bayes",
    place: NDArray[np.intp] | None = None,
    ordered: Sequence[bool] | None = None,
    least_rows: float = 1.0,
    max_splits: int | None = None,
    max_seconds: float | None = None,
) -> DecisionTables:
    """Trees for complete rows ``codes`` (n, d) of variables with ``sizes`` states, each counting its weight.

    A parameter costs, in nats, log(n) / 2 with "bic", 1 with "aic", the number that is given, or nothing with "none";
    "ebic" adds the logarithm of the number of splits that there are.  "dirichlet" takes the Dirichlet score, "bayes"
    less half the logarithm of the number of splits.  ``place`` (d,) allows a tree to ask only for variables with a
    smaller place; without it the graph is free.  The states of an ``ordered`` variable may be split in two ranges
    too.  Each side of a split has at least ``least_rows`` rows by weight.  At most ``max_splits`` splits are made, by
    default 4,000 a variable, and none after ``max_seconds``, compiling aside: best splits come first, so that what
    there is by then are trees like others.

    Cost: for each leaf, about d n / 64 words for each state of its variable, or what its rows hold besides first
    states if that is less; 4 n d bytes for which rows are where (``TooLargeError`` where memory is too small).

    >>> rows = np.array([[0, 0, 1], [1, 1, 0], [0, 0, 0], [1, 1, 1]] * 9)
    >>> grow_tables(rows, (2, 2, 2)).parents.astype(int).tolist()
    [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    """
    end = math.inf if max_seconds is None else _now() + max_seconds
    n, d = codes.shape
    check_size(12 * n * d, f"growing {d:,} trees over {n:,} rows", instead="pass fewer rows or columns")
    data = _rows(codes, np.array(sizes), weights, ordered)
    score = _score(data, penalty, least_rows)
    order = np.empty(0, np.intp) if place is None else np.asarray(place, np.intp)
    most = _SPLITS_A_VARIABLE * d if max_splits is None else max_splits
    if not loops_are_on():
        return DecisionTables(tuple(sizes), grow_plain(data, score, order, most, lambda: _now() > end))
    return DecisionTables(tuple(sizes), _grow(data, score, order, most, end))


def _now() -> float:
    return time.monotonic() - seconds_compiling()


def _grow(data: Rows, score: Score, place: NDArray[np.intp], most: int, end: float) -> NDArray[np.int32]:
    growth = _start(data, place)
    units = max(1, min(_UNITS, _CELLS // max(data.columns.size, 1)))
    steps = track(count(), "growing decision tables", total=2 * most // units + 1)
    for _ in steps:
        growth = _with_room(growth)
        if _now() > end or grow_some(data, score, growth, most, units):
            break
        steps.detail = f"{growth.numbers[3]:,} splits"
    return growth.nodes[: growth.numbers[0]].copy()


def _rows(
    codes: Codes, sizes: NDArray[Any], weights: NDArray[np.float64] | None, ordered: Sequence[bool] | None
) -> Rows:
    n, d = codes.shape
    begins = np.concatenate([[0], np.cumsum(sizes)])
    r, j = np.nonzero(codes)
    starts = np.concatenate([[0], np.cumsum(np.bincount(r, minlength=n))])
    others = (begins[j] + codes[r, j]).astype(np.int32)
    words = -(-n // 64) if weights is None else 0
    bits = np.zeros((int((sizes - 1).sum()), words), np.int64)
    columns = np.ascontiguousarray(codes.T, np.int32)
    for i in range(d if words else 0):
        states = np.zeros((sizes[i] - 1, 64 * words), np.uint8)
        states[:, :n] = columns[i] == np.arange(1, sizes[i])[:, None]
        bits[begins[i] - i : begins[i + 1] - i - 1] = np.packbits(states, axis=1, bitorder="little").view(
            np.int64
        )
    known = np.zeros(d, np.bool_) if ordered is None else np.asarray(ordered, np.bool_)
    each = np.ones(n) if weights is None else np.asarray(weights, np.float64)
    return Rows(columns, sizes.astype(np.int64), begins.astype(np.int64), known, each, starts, others, bits)


def _score(data: Rows, penalty: Any, least_rows: float) -> Score:
    d = len(data.sizes)
    price = _price(data, penalty, float(data.weights.sum()))  # which refuses what is no penalty
    a = 1.0 if penalty in ("bayes", "dirichlet") else 0.0
    occurring = [len(np.unique(column[data.weights > 0])) for column in data.columns]
    prices = price * np.maximum(np.array(occurring) - 1.0, 0.0)
    if penalty in _CHOSEN:
        prices = prices + _CHOSEN[penalty] * np.log(max(int(_n_splits(data).sum()), 1))
    kinds, kind = np.unique(data.sizes, return_inverse=True)
    cells, wholes = np.empty(0), np.empty((len(kinds), 0))
    total = data.weights.sum()
    if (data.weights == np.rint(data.weights)).all() and total * (len(kinds) + 1) < _MOST_TABULATED:
        c = np.arange(int(total) + 1.0)
        if a:
            cells = gammaln(c + a) - gammaln(a)
            wholes = np.stack([gammaln(c + k * a) - gammaln(k * a) for k in kinds])
        else:
            cells, wholes = xlogy(c, c), np.repeat(xlogy(c, c)[None], len(kinds), axis=0)
    return Score(cells, wholes, kind.reshape(d).astype(np.int64), a, prices, max(least_rows, _LEAST_WEIGHT))


def _price(data: Rows, penalty: Any, n: float) -> float:
    """Nats for each parameter."""
    if isinstance(penalty, str):
        if penalty not in get_args(Penalty):
            listed = ", ".join(map(repr, get_args(Penalty)))
            raise InputError(
                f"penalty must be {listed} or nats for each parameter; got {as_written(penalty)}"
            )
        half_log_n = 0.5 * float(np.log(max(n, 1.0)))
        return {"ebic": half_log_n, "bic": half_log_n, "aic": 1.0}.get(penalty, 0.0)
    return check_real(penalty, "penalty")


def _n_splits(data: Rows) -> NDArray[np.int64]:
    """How many splits each variable allows, (d,)."""
    ranges = np.where(data.ordered, np.maximum(data.sizes - 3, 0), 0)
    return np.where(data.sizes > 2, data.sizes, data.sizes - 1) + ranges


def _start(data: Rows, place: NDArray[np.intp]) -> Growth:
    d, n = data.columns.shape
    widest, words = int(data.sizes.max()), data.bits.shape[1]
    nodes = np.zeros((d, 4), np.int32)
    nodes[:, [0, 3]] = -1
    counts = np.zeros((int(data.begins[-1]) + 2, widest))
    # counts that are not whole would differ by their rounding from those that were counted
    slots = _MOST_KEPT // counts.size if (data.weights == np.rint(data.weights)).all() else 0
    return Growth(
        nodes=nodes,
        variable=np.arange(d, dtype=np.int32),
        first=np.zeros(d, np.int64),
        last=np.full(d, n, np.int64),
        split=np.zeros((d, 3), np.int32),
        gains=np.empty(d),
        queue=np.empty(d, np.int64),
        slot=np.full(d, -1, np.int32),
        order=np.repeat(np.arange(n, dtype=np.int32)[None], d, axis=0),
        above=np.eye(d, dtype=np.bool_),
        place=place,
        counts=counts,
        kept=np.empty((slots, *counts.shape)),
        vacant=np.arange(slots, dtype=np.int32)[::-1].copy(),
        free=np.zeros(d + 1, np.int64),
        mask=np.zeros(words, np.int64),
        both=np.zeros((max(widest - 1, 1), words), np.int64),
        spare=np.empty(n, np.int32),
        numbers=np.array([d, 0, 0, 0, slots, 0]),
    )


def _with_room(growth: Growth) -> Growth:
    """The same with room for the nodes of the next ``_UNITS`` leaves."""
    needed = int(growth.numbers[0]) + 2 * _UNITS + 2
    if needed <= len(growth.nodes):
        return growth
    parts: list[Any] = [_wider(old, 2 * needed) for old in growth[:_PER_NODE]]
    return Growth(*[*parts, *growth[_PER_NODE:]])


def _wider(old: NDArray[Any], n: int) -> NDArray[Any]:
    new = np.empty((n, *old.shape[1:]), old.dtype)
    new[: len(old)] = old
    return new
