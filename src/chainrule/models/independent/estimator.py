"""Independent variables: the chain rule with no parents at all.

    p(x) = prod_i p_i(x_i),   p_i(k) = (n_ik + α) / (n + K_i α)

n_ik rows have variable i in state k, of K_i states.  α = 0 is maximum likelihood, the frequencies of each column;
α > 0 is the posterior mean under a Dirichlet(α, …, α) prior.  Binary columns are Bernoulli variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import check_real
from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError, ValuesError
from chainrule.graphs import DAG
from chainrule.models.contract import Codes, DiscreteModel, Marginalises
from chainrule.models.shared.counts import state_counts
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.interventions import actions, done_info
from chainrule.models.shared.loaded import check_padded, loaded_array
from chainrule.tables.schema import Schema
from chainrule.tables.table import Table

__all__ = ["Independent"]

Missing = Literal["refuse", "complete_families"]


class Independent(DiscreteModel):
    """Each variable on its own, fitted in closed form.

    ``pseudocount`` α is added to the count of every state of every variable.  With α = 0 a state that no row
    had has probability exactly 0, and a row that has it has ``log_prob`` ``-inf``.  ``missing`` says what a fit does
    with missing values: "refuse", or "complete_families", which counts each variable where it is known.
    ``probabilities_`` (d, K) holds p_i(k), 0 beyond the states of a variable with fewer than K.

    >>> Independent().fit([[0, 1], [1, 1]]).probabilities_.tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """

    marginalises_: ClassVar[Marginalises] = "any"
    probabilities_: NDArray[np.float64]
    missing: Missing

    def __init__(
        self, pseudocount: float = 0.0, *, missing: Missing = "refuse", schema: Schema | None = None
    ) -> None:
        self.pseudocount = pseudocount
        self.missing = missing
        self.schema = schema

    def _fit(self, table: Table, valid: Table | None, y: Any) -> None:
        if check_choice(self.missing, "missing", get_args(Missing)) == "refuse":
            self._refuse_missing(table, "missing='complete_families' is not set, which counts what is known")
        alpha = check_real(self.pseudocount, "pseudocount")
        counts = state_counts(table)
        sizes = np.array(table.schema.sizes)
        n = counts.sum(axis=1)
        if alpha == 0 and not n.all():
            empty = table.schema.names[int(n.argmin())]
            raise ValuesError(
                f"no row knows {empty!r}, so it has no frequencies; leave it out, or set a pseudocount above 0"
            )
        counts[np.arange(counts.shape[1]) < sizes[:, None]] += alpha
        self.probabilities_ = counts / (n + sizes * alpha)[:, None]
        constant = int((counts.max(axis=1) == n).sum())
        self.fit_info_ = {"n_rows": table.n_rows, "n_constant": constant, "pseudocount": alpha}

    def do(self, states: Mapping[str, Any]) -> Self:
        """The model in which these variables are set from outside, states by name; the others stay as they are.

        >>> Independent().fit([[0, 1], [1, 1]]).do({"x1": 1}).probabilities_.tolist()
        [[0.0, 1.0], [0.0, 1.0]]
        """
        check_is_fitted(self)
        done = actions(self.schema_, states)
        model = self._under_same_schema()
        model.probabilities_ = self.probabilities_.copy()
        for i, code in done.items():
            model.probabilities_[i] = np.arange(self.probabilities_.shape[1]) == code
        model.fit_info_ = done_info(self.fit_info_, self.schema_, done)
        return model

    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        return self._conditionals(codes).sum(axis=1)

    def _conditionals(self, codes: Codes) -> NDArray[np.float64]:
        with np.errstate(divide="ignore"):  # log 0 = -inf is an impossible state
            log_p = np.log(self.probabilities_)
        log_p = np.concatenate(
            [log_p, np.zeros((len(log_p), 1))], axis=1
        )  # the factor of a missing value is 1
        return log_p[np.arange(len(log_p)), codes.astype(np.intp, copy=False)]

    def _factors(self) -> Factorization:
        return Factorization.of_dag(self.factorization_, self.schema_.names)

    def _state_log_probs(self, codes: Codes) -> NDArray[np.float64]:
        states = np.arange(self.probabilities_.shape[1]) < np.array(self.schema_.sizes)[:, None]
        with np.errstate(divide="ignore"):  # log 0 = -inf is an impossible state
            log_p = np.log(self.probabilities_[states])
        return np.repeat(log_p[None], len(codes), axis=0)

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        self._refuse_impossible(codes)
        thresholds = np.cumsum(self.probabilities_, axis=1)[:, :-1]
        thresholds[thresholds >= 1 - 1e-15] = np.inf  # rounding must not reach a state of probability zero
        u = generator.random(codes.shape)
        drawn = np.zeros(codes.shape, codes.dtype)
        for k in range(thresholds.shape[1]):
            drawn += u >= thresholds[:, k]
        return np.where(codes < 0, drawn, codes)

    def _most_probable(self, codes: Codes) -> Codes:
        self._refuse_impossible(codes)
        return np.where(codes < 0, self.probabilities_.argmax(axis=1), codes)

    def _refuse_impossible(self, codes: Codes) -> None:
        bad = np.isneginf(self._conditionals(codes))
        if bad.any():
            j = int(np.argwhere(bad)[0, 1])
            variable = self.schema_.variables[j]
            label = variable.states[int(codes[bad[:, j], j][0])]
            raise InputError(
                f"{variable.name}={label} is given and has probability zero under the fitted model; leave it "
                "out, or fit with a pseudocount above 0"
            )

    @property
    def factorization_(self) -> DAG:
        """No edges: no variable has a parent."""
        check_is_fitted(self)
        return DAG.empty(self.schema_.names)

    @property
    def n_parameters_(self) -> dict[str, int]:
        """The probabilities of all states, and how many of them are free: those of a variable sum to one."""
        check_is_fitted(self)
        total = sum(self.schema_.sizes)
        return {"allocated": total, "in_use": total - self.n_features_in_}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {"probabilities": self.probabilities_}, {}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        sizes = np.array(self.schema_.sizes)
        self.probabilities_ = p = loaded_array(arrays, "probabilities", (len(sizes), int(sizes.max())))
        check_padded(p, sizes, "probabilities")
