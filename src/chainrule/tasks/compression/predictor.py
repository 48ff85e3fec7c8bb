"""What a model says of the next columns of rows whose columns before are known: what a code of them is built on.

A decoder has to find the very numbers that the encoder used, to the last bit.  So both ask by the same calls, in rows
of the same shape with the same content: what is not known yet is 0, or missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.models.contract import DiscreteModel, Turns
from chainrule.tables.table import Table

__all__ = ["Predictor", "predictor_of", "probabilities"]

Predictor = Callable[
    [int], Turns
]  # of a number of rows: columns with log p of their states, codes are sent back


def predictor_of(model: DiscreteModel) -> Predictor:
    """How to ask ``model``; ``InputError`` where it has neither factors nor the marginals of any variables."""
    if model.factors_ is not None:
        return model.states_in_turn
    if model.marginalises_ == "any":
        return lambda n: _by_marginals(model, n)
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


def _by_marginals(model: DiscreteModel, n: int) -> Turns:
    """Of a model that sums out any variables: column by column, p(x_i = k, x_before) for every k."""
    schema = replace(model.schema_, container="table")
    d = len(schema)
    codes = np.full((n, d), -1, np.int32)
    for i, k in enumerate(schema.sizes):
        rows = np.repeat(codes[:, None], k, axis=1)
        rows[:, :, i] = np.arange(k)
        joint = model.log_prob(Table(schema, rows.reshape(n * k, d))).reshape(n, k)
        with np.errstate(invalid="ignore"):  # -inf less -inf, after an impossible beginning
            found = joint - joint.max(axis=1, keepdims=True)
        sent: Any = yield np.array([i]), [found]
        codes[:, i] = sent[:, 0]
