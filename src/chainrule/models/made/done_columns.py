"""do() of a MADE whose graph was stated: the network stays as it is, and factors of what is set are left out.

    p(rest | do(x = v)) = ∏ over all other variables of p(x_i | parents), at x = v    (Pearl 1995)

An order, or an average over several, says how the joint is written and claims nothing of the world, so it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.errors import InputError
from chainrule.graphs import DAG
from chainrule.models.contract import Codes, DiscreteModel, Turns
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.interventions import actions, done_info
from chainrule.models.shared.posterior import impossible
from chainrule.models.shared.several_orders import SeveralOrders
from chainrule.models.shared.state_columns import state_begins

__all__ = ["DoneColumns"]


class DoneColumns(SeveralOrders):
    """Base of ``MADE``: columns of ``_done``, by their places, have the state (its code) that they were set to."""

    dag: DAG | str | None
    _done: Mapping[int, int] = {}  # never changed in place

    def do(self, states: Mapping[str, Any]) -> Self:
        """The model in which these variables are set from outside, states by name: edges of ``dag`` into them are cut.

        Every question works on it.  ``InputError`` where no ``dag`` was stated.
        """
        check_is_fitted(self)
        if self.dag is None:
            raise InputError(
                "do() needs a DAG that you stand for, and this model has an order; state one, as in MADE(dag='a -> b') "
                "or BayesianNetwork('a -> b')"
            )
        done = actions(self.schema_, states)
        model = self._under_same_schema()
        model._set_state(*self._state())
        model._done = {**self._done, **done}
        model.fit_info_ = done_info(self.fit_info_, self.schema_, done)
        return model

    def _factors(self) -> Factorization | None:
        found = super()._factors()
        if not self._done or found is None:
            return found
        names = self.schema_.names
        return Factorization(names, found.order, found.to_dag().intervened([names[i] for i in self._done]))

    def _complete_log_prob(self, codes: Codes) -> NDArray[np.float64]:
        return self._conditionals(codes).sum(axis=1) if self._done else super()._complete_log_prob(codes)

    def _conditionals(self, codes: Codes) -> NDArray[np.float64]:
        found = super()._conditionals(codes)
        for i, code in self._done.items():
            found[:, i] = np.where(codes[:, i] == code, 0.0, -np.inf)
        return found

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        found = super()._state_log_probs(codes)
        begins = state_begins(self.schema_.sizes)
        for i, code in self._done.items():
            found[:, begins[i] : begins[i + 1]] = -np.inf
            found[:, begins[i] + code] = 0.0
        return found

    def _states_in_turn(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        if self._done:  # MADE's own turns know the whole network only
            return DiscreteModel._states_in_turn(self, n, order)
        return super()._states_in_turn(n, order)

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        known = codes.copy()
        for i, code in self._done.items():
            other = (known[:, i] >= 0) & (known[:, i] != code)
            if other.any():
                raise impossible("given", self.schema_.labels(codes[other.argmax()]))
            known[:, i] = code
        return super()._draw(known, generator)

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays, plain = super()._state()
        return arrays, plain | {"done": [[int(i), int(code)] for i, code in self._done.items()]}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        super()._set_state(arrays, plain)
        self._done = {int(i): int(code) for i, code in plain.get("done", [])}
