"""A chain under do(): factors along a graph, of which those of what is set are replaced by a point.

Models whose factors are tables or trees cut these themselves; where one network gives all factors nothing can be cut
out of it, so it stays whole, and what it says of the variables that are set is not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import check_instance
from chainrule.core.errors import InputError
from chainrule.models.contract import Codes, DiscreteModel, Marginalises
from chainrule.models.shared.chains import draw_chain
from chainrule.models.shared.completion import best_completions, log_prob_with_missing
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.interventions import actions, done_info
from chainrule.models.shared.members import (
    Member,
    fitted_members,
    fitted_models,
    members_of_plain,
    members_settings,
    plain_members,
    schema_of_fitted,
    settings_of_plain,
)
from chainrule.models.shared.posterior import impossible
from chainrule.models.shared.state_columns import picked_in_blocks, state_begins
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["Intervened"]


class Intervened(DiscreteModel):
    """``model``, a chain along a stated graph such as ``MADE(dag=…)``, with variables set from outside to ``states``.

    That is p(rest | do(states)), the product of all other factors (Pearl 1995).  A model that is fitted is taken as it
    is, else a clone of it is fitted.  Missing values are summed out as ``model`` does it, along the graph that is left:
    exactly, over up to 16,384 completions before what is known, else ``TooLargeError``.  ``model_`` is the fitted
    model.  ``InputError`` for a model that was given no graph: an order says how the joint is written and not what
    causes what.

    >>> from chainrule.models import MADE
    >>> rows = {"rain": [0, 1] * 60, "wet": [0, 1] * 60}
    >>> model = MADE(8, dag="rain -> wet", epochs=20, random_state=0).fit(rows).do({"wet": 1})
    >>> model.factorization_.edges, round(model.query("rain").probability(rain=1), 2)  # to wet it makes no rain
    ((), 0.5)
    """

    marginalises_: ClassVar[Marginalises] = "suffix"
    _members: list[Member]
    _done: dict[int, int]  # the code of each variable that is set
    _cut: Factorization

    def __init__(
        self, model: DiscreteModel, states: Mapping[str, Any], *, schema: Schema | None = None
    ) -> None:
        self.model = model
        self.states = states
        self.schema = schema

    @classmethod
    def of(cls, model: DiscreteModel, states: Mapping[str, Any]) -> Self:
        """A fitted ``model`` in which these variables are set; ``InputError`` for what is none."""
        check_instance(model, DiscreteModel, "model", like="a fitted model of tables")
        check_is_fitted(model)
        made = cls(model, states)
        made._take_fitted(model)
        return made

    def _take_fitted(self, model: DiscreteModel) -> None:
        self._take_schema(model.schema_)
        self._take(fitted_members([model], model.schema_))

    @property
    def model_(self) -> DiscreteModel:
        """The fitted model that nothing is set in."""
        self._known_schema()
        return self._members[0].model

    def do(self, states: Mapping[str, Any]) -> Self:
        """The same with these variables set, too."""
        check_instance(states, Mapping, "states", like="a dict of states by name")
        return type(self).of(self.model_, {**self.states, **states})

    def _schema_ahead(self) -> Schema | None:
        return schema_of_fitted([self.model]) if self.schema is None else self.schema

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        self._take(fitted_members(fitted_models([self.model], table, valid, y), table.schema))

    def _take(self, members: list[Member]) -> None:
        model, names = members[0].model, self.schema_.names
        factors = model.factors_
        if getattr(model, "dag", None) is None or factors is None or factors.graph is None:
            raise InputError(
                f"do() needs a graph that somebody states, and this {type(model).__name__} was given none: an order, "
                "or a graph found in rows, says how the joint is written and not what causes what; state one, as in "
                "MADE(dag='a -> b') or BayesianNetwork('a -> b')"
            )
        self._done = actions(self.schema_, self.states)
        self._cut = Factorization.of_dag(factors.graph.intervened([names[i] for i in self._done]), names)
        self._members = members
        self.fit_info_ = done_info(model.fit_info_, self.schema_, self._done)

    def _factors(self) -> Factorization:
        self._known_schema()
        return self._cut

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        out = self._members[0].state_log_probs(codes).copy()
        begins = state_begins(self.schema_.sizes)
        for i, code in self._done.items():
            out[:, begins[i] : begins[i + 1]] = -np.inf
            out[:, begins[i] + code] = 0.0
        return out

    def _conditionals(self, codes: Codes) -> NDArray[np.float64]:
        return picked_in_blocks(self._state_log_probs, codes, self.schema_.sizes)

    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        return log_prob_with_missing(
            self._conditionals, self._with_done(codes), self._cut, self.schema_.sizes
        )

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        known = self._possible(codes)
        return draw_chain(
            known, self._state_log_probs, self.states_in_turn, self._cut, self.schema_.sizes, generator
        )

    def _most_probable(self, codes: Codes) -> Codes:
        """By enumeration of all completions, at most 16,384 a row, else ``TooLargeError``."""
        known = self._possible(codes)
        return best_completions(known, self.schema_.sizes, lambda rows: self._conditionals(rows).sum(1))[0]

    def _with_done(self, codes: Codes) -> Codes:
        """``codes`` (n, d) with what is set in place of its holes."""
        out = codes.copy()
        for i, code in self._done.items():
            out[out[:, i] < 0, i] = code
        return out

    def _possible(self, codes: Codes) -> Codes:
        """The same; ``InputError`` where a row has another state of what is set."""
        out, set_to = self._with_done(codes), list(self._done.values())
        bad = (out[:, list(self._done)] != set_to).any(axis=1)
        if bad.any():
            raise impossible("given", self.schema_.labels(codes[bad.argmax()]))
        return out

    @property
    def n_parameters_(self) -> dict[str, int]:
        """Those of the model."""
        return getattr(self.model_, "n_parameters_", {"allocated": 0, "in_use": 0})

    def _settings(self) -> dict[str, Any]:
        states = {self.schema_.names[i]: self.schema_.variables[i].states[k] for i, k in self._done.items()}
        return super()._settings() | {"model": members_settings(self._members)[0], "states": states}

    @classmethod
    def _settings_of(cls, plain: dict[str, Any]) -> dict[str, Any]:
        return super()._settings_of(plain) | {"model": settings_of_plain([plain["model"]])[0]}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays, plain = plain_members(self._members)
        return arrays, {"members": plain}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        self._take(members_of_plain(arrays, plain["members"], self.schema_))
