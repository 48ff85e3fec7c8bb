"""Chains in one order, factor by factor: their log-probabilities are added with learned weights and normalised.

    p(x_i = k | before) ∝ Π_m p_m(x_i = k | before)^(a_im)

Each factor sums to one over its states, so the joint is exact.  (To add the log-probabilities of *rows* would give no
distribution; and the factors of different orders are of different things.)  To add log-odds is the same: they
differ by a constant, which normalising takes out.  ``powers`` says how the weights a are learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_real, check_size
from chainrule.core.choices import check_choice
from chainrule.core.errors import DataError, InputError
from chainrule.core.text import as_written
from chainrule.models.contract import Codes, DiscreteModel, Marginalises, Turns
from chainrule.models.shared.chains import draw_chain
from chainrule.models.shared.completion import best_completions, log_prob_with_missing
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.joint_turns import joint_turns
from chainrule.models.shared.loaded import loaded_array
from chainrule.models.shared.members import (
    Member,
    checked_models,
    fitted_members,
    fitted_models,
    is_fitted,
    joint_factors,
    members_of_plain,
    members_settings,
    plain_members,
    schema_of_fitted,
    settings_of_plain,
)
from chainrule.models.shared.state_columns import picked_in_blocks
from chainrule.models.stack.powers import Fit, learn_each, learn_shared, product
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["Stack"]

Powers = Literal["shared", "each"]


class Stack(DiscreteModel):
    """The product of the factors of ``models``, normalised, with a learned power for each of them.

    ``models`` are chains that one order fits: NADEs and MADEs of the same ``ordering``, Bayesian networks whose edges
    go along it, ``Independent``; others are refused.  As in ``Ensemble``, those that are fitted are taken as they
    are, clones of the others are fitted to the rows.  Weights are learned from ``valid`` rows, or from X where all
    models are fitted already; without such rows each member has the power 1/M.  They may be negative.

    ``powers`` is "shared", a power for each member, or "each", one for each member and variable, drawn
    to the shared ones by ``shrinkage``: nats of likelihood that a change of 1 in one of them has to gain.  Each
    factor of a member is mixed with the uniform distribution, which gets the share ``smoothing``, so that a state
    which one member has never seen is not impossible for the stack.  ``powers_`` (d, M) are the weights.

    Missing values that come after all that is known cost nothing; others are summed over up to 16,384 completions.

    >>> from chainrule.models import BayesianNetwork, Independent
    >>> X, V = [[0, 0], [1, 1], [0, 1], [1, 1]], [[1, 1], [0, 0], [0, 1]]
    >>> model = Stack([Independent(pseudocount=1), BayesianNetwork("x1 -> x2", pseudocount=1)]).fit(X, valid=V)
    >>> model.powers_.shape, round(float(np.exp(model.log_prob([[0, 0], [0, 1], [1, 0], [1, 1]])).sum()), 12)
    ((2, 2), 1.0)
    """

    powers_: NDArray[np.float64]
    _members: list[Member]
    _joint: Factorization

    def __init__(
        self,
        models: Sequence[DiscreteModel],
        *,
        powers: Powers = "shared",
        shrinkage: float = 100.0,
        smoothing: float = 1e-9,
        schema: Schema | None = None,
    ) -> None:
        self.models = models
        self.powers: Powers = powers
        self.shrinkage = shrinkage
        self.smoothing = smoothing
        self.schema = schema

    @property
    def marginalises_(self) -> Marginalises:  # type: ignore[override]
        """A "suffix" of the common order."""
        return "suffix"

    @property
    def models_(self) -> list[DiscreteModel]:
        """The fitted members."""
        self._known_schema()
        return [member.model for member in self._members]

    def _schema_ahead(self) -> Schema | None:
        return schema_of_fitted(self.models) if self.schema is None else self.schema

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        check_choice(self.powers, "powers", get_args(Powers))
        shrinkage = check_real(self.shrinkage, "shrinkage")
        if not 0 < check_real(self.smoothing, "smoothing") < 1:
            raise InputError(f"smoothing must lie between 0 and 1; got {as_written(self.smoothing)}")
        nothing_to_fit = all(map(is_fitted, checked_models(self.models)))
        self._members = fitted_members(fitted_models(self.models, table, valid, y), table.schema)
        self._joint = _one_order(self._members)
        rows = table if valid is None and nothing_to_fit else valid
        d, n_members = len(table.schema), len(self._members)
        self.powers_ = np.full((d, n_members), 1 / n_members)
        info: dict[str, Any] = {"n_rows": table.n_rows, "weights_from": "nothing: all alike"}
        if rows is not None:
            self._refuse_missing(rows, "weights are learned from complete rows")
            before = self._mean_nll(rows)
            fit = Fit(self._factors_of(rows.codes), rows.codes, table.schema.sizes, rows.weights)
            self.powers_ = learn_shared(fit)
            if self.powers == "each":
                self.powers_ = learn_each(fit, self.powers_, shrinkage)
            info |= {
                "weights_from": "X" if valid is None else "valid",
                "n_weighing_rows": rows.n_rows,
                "equal_mean_nll_nats": before,
                "mean_nll_nats": self._mean_nll(rows),
            }
        self.fit_info_ = info

    def _mean_nll(self, rows: Table) -> float:
        return -float(np.average(self._log_prob(rows.codes), weights=rows.weights))

    def _factors_of(self, codes: Codes) -> list[NDArray[np.float64]]:
        """What each member says of every state, (n, Σ K_i), mixed with a little of the uniform distribution."""
        width = sum(self.schema_.sizes)
        check_size(8 * len(self._members) * len(codes) * width, f"a stack of {len(self._members)} models")
        uniform = self.smoothing / np.repeat(self.schema_.sizes, self.schema_.sizes)
        return [self._smoothed(m.state_log_probs(codes), uniform) for m in self._members]

    def _smoothed(self, log_p: NDArray[np.float64], uniform: Any) -> NDArray[np.float64]:
        return np.log((1 - self.smoothing) * np.exp(log_p) + uniform)

    def _factors(self) -> Factorization:
        self._known_schema()
        return self._joint

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        return product(self._factors_of(codes), self.powers_, self.schema_.sizes)

    def _states_in_turn(self, n: int, order: NDArray[np.intp] | None) -> Turns:
        sizes = self.schema_.sizes
        turns = joint_turns(self._members, self._joint.order if order is None else order, n)
        i, found = next(turns)
        while True:
            factors = [self._smoothed(f, self.smoothing / sizes[i]) for f in found]
            sent: Any = yield np.array([i]), [product(factors, self.powers_[i : i + 1], sizes[i : i + 1])]
            try:
                i, found = turns.send(sent[:, 0])
            except StopIteration:
                return

    def _conditionals(self, codes: Codes) -> NDArray[np.float64]:
        return picked_in_blocks(self._state_log_probs, codes, self.schema_.sizes)

    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        """Missing values are marginalised exactly; a row whose missing values have more than 16,384 completions
        before an observed one raises ``TooLargeError``.
        """
        if codes.dtype.kind == "u":
            return self._conditionals(codes).sum(axis=1)
        return log_prob_with_missing(self._conditionals, codes, self._joint, self.schema_.sizes)

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        return draw_chain(
            codes, self._state_log_probs, self.states_in_turn, self._joint, self.schema_.sizes, generator
        )

    def _most_probable(self, codes: Codes) -> Codes:
        """By enumeration of all completions, at most 16,384 a row, else ``TooLargeError``."""
        return best_completions(codes, self.schema_.sizes, lambda rows: self._conditionals(rows).sum(1))[0]

    @property
    def n_parameters_(self) -> dict[str, int]:
        """Parameters of all members, and the powers."""
        found = [getattr(m, "n_parameters_", {"allocated": 0, "in_use": 0}) for m in self.models_]
        more = self.powers_.size if self.powers == "each" else self.powers_.shape[1]
        return {key: sum(n[key] for n in found) + more for key in ("allocated", "in_use")}

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {"models": members_settings(self._members)}

    @classmethod
    def _settings_of(cls, plain: dict[str, Any]) -> dict[str, Any]:
        return super()._settings_of(plain) | {"models": settings_of_plain(plain["models"])}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        arrays, plain = plain_members(self._members)
        return arrays | {"powers": self.powers_}, {"members": plain}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        self._members = members_of_plain(arrays, plain["members"], self.schema_)
        self.powers_ = loaded_array(arrays, "powers", (len(self.schema_), len(self._members)))
        if not (self.powers_ >= 0).all():
            raise DataError("a power of the file is negative; save the model again")
        self._joint = _one_order(self._members)


def _one_order(members: Sequence[Member]) -> Factorization:
    """What the factors of all members read together; ``InputError`` where no order fits all of them."""
    for k, member in enumerate(members):
        if member.model.factors_ is None:
            raise InputError(
                f"models[{k}], {type(member.model).__name__}, is no product of factors in an order, so there is "
                "nothing to stack; average it with the others in an Ensemble"
            )
    found = joint_factors(members)
    if found is None:
        raise InputError(
            "the models have different orders, and their factors are of different things; fit them with the same "
            "ordering, or average them in an Ensemble"
        )
    return found
