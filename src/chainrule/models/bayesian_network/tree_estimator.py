"""``chow_liu`` as an estimator: the best tree or forest is found anew at each fit, so it can be cloned and mixed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.contract import packed, unpacked
from chainrule.core.errors import DataError
from chainrule.graphs import DAG
from chainrule.models.bayesian_network.conditional_tables import Prior
from chainrule.models.bayesian_network.dependence_tree import chow_liu
from chainrule.models.bayesian_network.estimator import BayesianNetwork
from chainrule.models.bayesian_network.family_counts import Missing
from chainrule.models.bayesian_network.spanning_forest import Penalty
from chainrule.models.contract import Codes, DiscreteModel, Marginalises, Turns
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.posterior import Posterior
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["ChowLiu"]


class ChowLiu(DiscreteModel):
    """The tree or forest of largest penalised likelihood (Chow and Liu 1968), with a table for each variable.

    The settings are those of ``chow_liu``, which fits it; ``bayesian_network_`` is what it found.

    >>> model = ChowLiu().fit({"a": [0, 0, 1, 1] * 9, "b": [0, 0, 1, 1] * 9, "c": [0, 1, 1, 1] * 9})
    >>> model.factorization_.edges
    (('a', 'b'), ('a', 'c'))
    """

    marginalises_: ClassVar[Marginalises] = "any"
    bayesian_network_: BayesianNetwork

    def __init__(
        self,
        *,
        penalty: Penalty | float = "ebic",
        pseudocount: float = 4.0,
        prior: Prior = "bdeu",
        root: str | None = None,
        missing: Missing | Literal["em"] = "refuse",
        schema: Schema | None = None,
        max_bytes: int = 2**30,
    ) -> None:
        self.penalty: Penalty | float = penalty
        self.pseudocount = pseudocount
        self.prior: Prior = prior
        self.root = root
        self.missing: Missing | Literal["em"] = missing
        self.schema = schema
        self.max_bytes = max_bytes

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        settings = {k: v for k, v in self.get_params().items() if k != "schema"}
        self.bayesian_network_ = chow_liu(table, schema=table.schema, **settings)
        self.fit_info_ = self.bayesian_network_.fit_info_

    def query(
        self,
        variables: str | Iterable[str],
        evidence: Mapping[str, Any] | None = None,
        *,
        likelihood: Mapping[str, Any] | None = None,
        jeffrey: Mapping[str, Any] | None = None,
    ) -> Posterior:
        """See ``BayesianNetwork.query``."""
        return self._fitted().query(variables, evidence, likelihood=likelihood, jeffrey=jeffrey)

    def do(self, states: Mapping[str, Any]) -> Self:
        """See ``BayesianNetwork.do``; a note says that the arrows were learned."""
        model = self._under_same_schema()
        model.bayesian_network_ = self._fitted().do(states)
        model.fit_info_ = model.bayesian_network_.fit_info_
        return model

    @property
    def factorization_(self) -> DAG:
        """The tree or forest."""
        return self._fitted().dag_

    @property
    def n_parameters_(self) -> dict[str, int]:
        """Entries of all tables, and how many of them are free: rows sum to one."""
        return self._fitted().n_parameters_

    def _fitted(self) -> BayesianNetwork:
        check_is_fitted(self)
        return self.bayesian_network_

    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        return self._fitted()._log_prob(codes)

    def _conditionals(self, codes: Codes) -> NDArray[np.float64]:
        return self._fitted()._conditionals(codes)

    def _factors(self) -> Factorization | None:
        return self._fitted()._factors()

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        return self._fitted()._state_log_probs(codes)

    def _states_in_turn(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        return self._fitted()._states_in_turn(n, order)

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        return self._fitted()._draw(codes, generator)

    def _most_probable(self, codes: Codes) -> Codes:
        return self._fitted()._most_probable(codes)

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return packed(self.bayesian_network_)

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        found = unpacked(arrays, plain, "the file")
        if not isinstance(found, BayesianNetwork) or found.schema_ != self.schema_:
            raise DataError("the file holds no Bayesian network of its columns; save the model again")
        self.bayesian_network_ = found
