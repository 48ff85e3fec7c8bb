"""What a model says of the next columns of rows whose columns before are known: what a code of them is built on.

A decoder has to find the very numbers that the encoder used, to the last bit.  So both ask by the same calls, in rows
of the same shape with the same content: what is not known yet is 0, or missing.  Which cells are holes both know ahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.models.contract import DiscreteModel, Turns
from chainrule.tables.table import Table
from chainrule.tasks.compression.copies import Copies, turns_of_copies

__all__ = ["Predictor", "predictor_of", "probabilities"]

_CELLS = 2**21  # probabilities that are formed together
_MOST_ROWS = 2**13


class Predictor(Protocol):
    """How to ask a model of the rows of one table, some at a time."""

    def parts(self) -> Iterator[slice]:
        """Rows that are asked for together: part of the format, since products of another shape round otherwise."""
        ...

    def turns(self, rows: slice) -> Turns:
        """Columns with log p of their states given what is known before; wants codes, of a hole any."""
        ...


def predictor_of(model: DiscreteModel, holes: NDArray[np.bool_]) -> Predictor:
    """How to ask ``model`` of rows with ``holes`` (n, d).

    ``InputError`` where it has neither factors nor the marginals of any variables.
    """
    if model.factors_ is not None:
        return _ByFactors(model, holes)
    if model.marginalises_ == "any":
        return _ByMarginals(model, holes)
    raise InputError(
        f"this {type(model).__name__} has neither an order of factors nor the marginals of all variables, so no "
        "value can be coded after another; compress with one of its members, or with a NADE or a BayesianNetwork"
    )


def probabilities(log_p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of states (n, K) from their logarithms; all alike after a beginning that the model calls impossible.

    >>> probabilities(np.array([[0.0, -np.inf], [-np.inf, -np.inf], [np.nan, np.nan]])).tolist()
    [[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]]
    """
    p = np.exp(log_p)
    total = p.sum(axis=1, keepdims=True)
    return np.where(np.isfinite(total) & (total > 0), p, 1.0)


class _ByFactors:
    """A model's own turns; of rows with holes that matter, those of their copies."""

    def __init__(self, model: DiscreteModel, holes: NDArray[np.bool_]) -> None:
        factors, sizes = model.factors_, model.schema_.sizes
        assert factors is not None
        self._model, self._step = model, _rows_together(sizes)
        self._copies = Copies.of(holes, factors, sizes, self._step) if holes.any() else None
        self._counts = np.ones(len(holes), np.int64) if self._copies is None else self._copies.counts

    def parts(self) -> Iterator[slice]:
        before = np.cumsum(self._counts) - self._counts
        starts = np.flatnonzero(np.diff(before // self._step, prepend=-1))
        for start, stop in zip(starts, np.append(starts, len(before))[1:], strict=True):
            yield slice(int(start), int(stop))

    def turns(self, rows: slice) -> Turns:
        if self._copies is None or not self._copies.matter[self._copies.which[rows]].any():
            return self._model.states_in_turn(rows.stop - rows.start)
        return turns_of_copies(self._model, self._copies, rows)


class _ByMarginals:
    """Of a model that sums out any variables: column by column, p(x_i = k, known before) for every k."""

    def __init__(self, model: DiscreteModel, holes: NDArray[np.bool_]) -> None:
        self._model, self._holes = model, holes

    def parts(self) -> Iterator[slice]:
        n, step = len(self._holes), _rows_together(self._model.schema_.sizes)
        return (slice(start, min(start + step, n)) for start in range(0, n, step))

    def turns(self, rows: slice) -> Turns:
        model, holes = self._model, self._holes[rows]
        schema = replace(model.schema_, container="table")
        n, d = holes.shape
        codes = np.full((n, d), -1, np.int32)
        for i, k in enumerate(schema.sizes):
            tried = np.repeat(codes[:, None], k, axis=1)
            tried[:, :, i] = np.arange(k)
            joint = model.log_prob(Table(schema, tried.reshape(n * k, d))).reshape(n, k)
            with np.errstate(invalid="ignore"):  # -inf less -inf, after an impossible beginning
                found = joint - joint.max(axis=1, keepdims=True)
            sent: Any = yield np.array([i]), [found]
            codes[:, i] = np.where(holes[:, i], -1, sent[:, 0])


def _rows_together(sizes: tuple[int, ...]) -> int:
    return min(_MOST_ROWS, max(1, _CELLS // sum(sizes)))
