"""What a model says of the next columns of rows whose columns before are known: what a code of them is built on.

A decoder has to find the very numbers that the encoder used, to the last bit.  So both ask by the same calls, in rows
of the same shape with the same content: what is not known yet is 0, or missing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import InputError
from chainrule.models.contract import DiscreteModel
from chainrule.models.shared.state_columns import state_begins
from chainrule.tables.table import Table

__all__ = ["Predictor", "predictor_of"]

Codes = NDArray[np.integer[Any]]


class Predictor(ABC):
    """Groups of columns in the order in which they are coded; those of a group do not wait for each other."""

    groups: Sequence[NDArray[np.intp]]

    def __init__(self, model: DiscreteModel) -> None:
        self.model = model
        self.schema = replace(model.schema_, container="table")
        self.sizes = self.schema.sizes

    @abstractmethod
    def log_probs(self, codes: Codes, t: int) -> list[NDArray[np.float64]]:
        """``log p`` of all states, (n, K_i), of each column of group t, given the columns of the groups before.

        ``codes`` (n, d) are rows that are complete in the groups before, and 0 elsewhere.
        """

    def probabilities(self, codes: Codes, t: int) -> list[NDArray[np.float64]]:
        """The same as probabilities; all states alike after a beginning that the model calls impossible."""
        out = []
        for log_p in self.log_probs(codes, t):
            with np.errstate(invalid="ignore"):  # -inf less -inf, after such a beginning
                p = np.exp(log_p)
            total = p.sum(axis=1, keepdims=True)
            out.append(np.where(np.isfinite(total) & (total > 0), p, 1.0))
        return out


class _ByFactors(Predictor):
    """Of a model that has factors: level by level."""

    def __init__(self, model: DiscreteModel) -> None:
        super().__init__(model)
        factors = model.factors_
        assert factors is not None
        self.groups = factors.levels
        self.begins = state_begins(self.sizes)

    def log_probs(self, codes: Codes, t: int) -> list[NDArray[np.float64]]:
        found = self.model.state_log_probs(Table(self.schema, codes))
        return [found[:, self.begins[i] : self.begins[i + 1]] for i in self.groups[t]]


class _ByMarginals(Predictor):
    """Of a model that sums out any variables: column by column, p(x_i = k, x_before) for every k."""

    def __init__(self, model: DiscreteModel) -> None:
        super().__init__(model)
        self.groups = [np.array([i]) for i in range(len(self.sizes))]

    def log_probs(self, codes: Codes, t: int) -> list[NDArray[np.float64]]:
        n, d = codes.shape
        k = self.sizes[t]
        rows = np.full((n, k, d), -1, np.int32)
        rows[:, :, :t] = codes[:, None, :t]
        rows[:, :, t] = np.arange(k)
        joint = self.model.log_prob(Table(self.schema, rows.reshape(n * k, d))).reshape(n, k)
        return [joint - joint.max(axis=1, keepdims=True)]


def predictor_of(model: DiscreteModel) -> Predictor:
    """How to ask ``model``; ``InputError`` where it has neither factors nor the marginals of any variables."""
    if model.factors_ is not None:
        return _ByFactors(model)
    if model.marginalises_ == "any":
        return _ByMarginals(model)
    raise InputError(
        f"this {type(model).__name__} has neither an order of factors nor the marginals of all variables, so no "
        "value can be coded after another; compress with one of its members, or with a NADE or a BayesianNetwork"
    )
