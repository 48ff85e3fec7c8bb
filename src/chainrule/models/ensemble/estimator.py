"""An average of models of any kind: p(x) = Σ_k w_k p_k(x), the weights from rows that no member was fitted on.

What is averaged are *probabilities* of whole rows.  So members may have different orders, graphs and parameters, and
the average is a distribution whatever the weights are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.errors import InputError, ShapeError, ValuesError
from chainrule.core.numerics import log_sum_exp
from chainrule.core.text import as_written
from chainrule.models.contract import DiscreteModel
from chainrule.models.shared.averaged import AveragedModel
from chainrule.models.shared.members import (
    Member,
    checked_models,
    fitted_members,
    fitted_models,
    is_fitted,
    members_settings,
    schema_of_fitted,
    settings_of_plain,
)
from chainrule.models.shared.mixing import em_weights, log_weights
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["Ensemble"]


class Ensemble(AveragedModel):
    """The average Σ_k w_k p_k of ``models``, any of this package's on the same variables.

    ``fit`` takes models that are fitted as they are, and fits clones of the others to its rows.  Columns go by name;
    a model whose variables or states are others is refused.  ``weights`` (K,) are taken as they are given, divided
    by their sum; with ``None`` they maximise the likelihood of validation rows (EM; the maximum is the only one):

    - ``fit(X, valid=V)`` uses V;
    - ``fit(V)`` uses V where all models are fitted already, as there is nothing else to learn from it.  V should not
      be what they were fitted on: the model that overfits most would win;
    - ``fit(X)`` with a model to fit and no ``valid`` weighs all alike.

    What the ensemble can do is what its members can: ``marginalises_`` is the least that one of them promises, and
    there are conditionals only where one order fits all members: not for two NADEs with different orders, or
    networks with edges in opposite directions.  ``impute(how="mode")`` goes through all completions.
    ``models_`` are the fitted members, ``weights_`` (K,) their weights.

    >>> from chainrule.models import BayesianNetwork, Independent
    >>> X, V = [[0, 0], [1, 1], [0, 1], [1, 1]], [[1, 1], [0, 0], [0, 1]]
    >>> models = [Independent(pseudocount=1), BayesianNetwork("x1 -> x2", pseudocount=1)]
    >>> Ensemble(models).fit(X, valid=V).weights_.round(3).tolist()
    [0.0, 1.0]
    """

    def __init__(
        self,
        models: Sequence[DiscreteModel],
        *,
        weights: ArrayLike | None = None,
        schema: Schema | None = None,
    ) -> None:
        self.models = models
        self.weights = weights
        self.schema = schema

    def _schema_ahead(self) -> Schema | None:
        return schema_of_fitted(self.models) if self.schema is None else self.schema

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        given = _checked_weights(self.weights, len(checked_models(self.models)))
        nothing_to_fit = all(map(is_fitted, self.models))
        fitted = fitted_models(self.models, table, valid, y)
        self._members = fitted_members(fitted, table.schema)
        rows = table if valid is None and nothing_to_fit else valid
        info: dict[str, Any] = {"n_rows": table.n_rows, "weights_from": "settings"}
        if given is not None:
            self.weights_ = given
        elif rows is None:
            self.weights_ = np.full(len(fitted), 1 / len(fitted))
            info["weights_from"] = "nothing: all alike"
        else:
            self.weights_, more = _learned(self._members, rows)
            info |= more | {"weights_from": "X" if valid is None else "valid"}
        self.fit_info_ = info

    def _settings(self) -> dict[str, Any]:
        weights = None if self.weights is None else np.asarray(self.weights, np.float64).tolist()
        return super()._settings() | {"models": members_settings(self._members), "weights": weights}

    @classmethod
    def _settings_of(cls, plain: dict[str, Any]) -> dict[str, Any]:
        return super()._settings_of(plain) | {"models": settings_of_plain(plain["models"])}


def _learned(members: list[Member], rows: Table) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Weights for ``rows``, and what there is to say of them."""
    log_p = np.stack([m.log_prob(rows.codes) for m in members], axis=1)
    found = em_weights(log_p, rows.weights)
    mixed = log_sum_exp(log_p + log_weights(found.weights), axis=1)
    return found.weights, {
        "n_weighing_rows": rows.n_rows,
        "n_rows_impossible_for_all": found.n_impossible,
        "em_steps": len(found.mean_log_prob_nats),
        "members_mean_nll_nats": [_mean_nll(log_p[:, k], rows.weights) for k in range(len(members))],
        "mean_nll_nats": _mean_nll(mixed, rows.weights),
    }


def _mean_nll(log_p: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float | str:
    """The mean of -log p in nats a row; the text "inf" for impossible rows, since JSON has no infinity."""
    there = slice(None) if weights is None else weights > 0  # 0 · inf is no number
    found = -float(np.average(log_p[there], weights=None if weights is None else weights[there]))
    return found if np.isfinite(found) else "inf"


def _checked_weights(weights: Any, k: int) -> NDArray[np.float64] | None:
    if weights is None:
        return None
    try:
        found = np.asarray(weights, np.float64)
    except (TypeError, ValueError) as e:
        raise InputError(f"weights must be numbers, one for each model; got {as_written(weights)}") from e
    if found.shape != (k,):
        raise ShapeError(f"weights have the shape {found.shape}, there are {k} models; give one for each")
    if not (np.isfinite(found).all() and (found >= 0).all() and found.sum() > 0):
        raise ValuesError(f"weights must be finite, at least 0 and not all 0; got {found.tolist()}")
    return found / found.sum()
