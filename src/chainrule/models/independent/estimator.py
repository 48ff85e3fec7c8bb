"""Independent Bernoulli variables: the chain rule with no parents at all.

    p(x) = prod_i p_i^{x_i} (1 - p_i)^{1 - x_i},   p_i = (ones_i + α) / (n + 2α)

α = 0 is maximum likelihood, the mean of each column; α > 0 is the posterior mean under a Beta(α, α) prior.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.core.checks import check_binary, check_integer, check_real
from chainrule.core.contract import DensityEstimator
from chainrule.core.errors import InputError
from chainrule.core.numerics import xlogy
from chainrule.core.randomness import RandomState, as_generator
from chainrule.graphs import DAG
from chainrule.models.shared.conditioning import check_given
from chainrule.models.shared.ordering import variable_names

__all__ = ["IndependentBernoulli"]


class IndependentBernoulli(DensityEstimator):
    """Each binary variable on its own, fitted in closed form.

    ``pseudocount`` α is added to the ones and to the zeros of every variable.  With α = 0 a variable that
    was never on in training has probability exactly 0, and a row that has it on has ``log_prob`` ``-inf``.

    >>> IndependentBernoulli().fit([[0, 1], [1, 1]]).probabilities_.tolist()
    [0.5, 1.0]
    """

    probabilities_: NDArray[np.float64]

    def __init__(self, pseudocount: float = 0.0) -> None:
        self.pseudocount = pseudocount

    def fit(self, X: ArrayLike, y: Any = None, *, valid: ArrayLike | None = None) -> Self:
        """Learn the probability of each variable from rows ``X`` (n, d); ``valid`` is not needed."""
        rows = check_binary(X)
        alpha = check_real(self.pseudocount, "pseudocount")
        self.n_features_in_ = rows.shape[1]
        ones = rows.sum(0, dtype=np.int64)
        self.probabilities_ = (ones + alpha) / (len(rows) + 2 * alpha)
        constant = int(((ones == 0) | (ones == len(rows))).sum())
        self.fit_info_ = {"n_rows": len(rows), "n_constant": constant, "pseudocount": alpha}
        return self

    def log_prob(self, X: ArrayLike) -> NDArray[np.float64]:
        """Exact log-probability of each row in nats, (n,); a NaN is marginalised (its factor is one)."""
        check_is_fitted(self)
        rows = check_binary(X, n_columns=self.n_features_in_, allow_missing=True)
        return (xlogy(rows == 1, self.probabilities_) + xlogy(rows == 0, 1.0 - self.probabilities_)).sum(1)

    def sample(
        self, n: int = 1, *, given: ArrayLike | None = None, rng: RandomState = None
    ) -> NDArray[np.uint8]:
        """``n`` independent draws (n, d) in {0, 1}; ``given`` (d,) fixes the values that are not NaN.

        Given values of probability zero raise ``InputError``.
        """
        check_is_fitted(self)
        n = check_integer(n, "n", least=0)
        fixed = check_given(given, self.n_features_in_)
        impossible = (fixed == 1) & (self.probabilities_ == 0) | (fixed == 0) & (self.probabilities_ == 1)
        if impossible.any():
            i = int(np.flatnonzero(impossible)[0])
            raise InputError(
                f"given fixes variable {i} to {fixed[i]:g}, which has probability zero under the fitted model; "
                "leave it out (NaN), or fit with a pseudocount above 0"
            )
        draws = as_generator(rng).random((n, self.n_features_in_)) < self.probabilities_
        return np.where(np.isnan(fixed), draws, fixed == 1).astype(np.uint8)

    @property
    def factorization_(self) -> DAG:
        """No edges: no variable has a parent."""
        check_is_fitted(self)
        return DAG.empty(variable_names(self.n_features_in_))

    @property
    def n_parameters_(self) -> dict[str, int]:
        """One probability for each variable."""
        check_is_fitted(self)
        return {"allocated": self.n_features_in_, "in_use": self.n_features_in_}

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        return {"probabilities": self.probabilities_}, {}

    def _set_state(self, arrays: dict[str, NDArray[Any]], plain: dict[str, Any]) -> None:
        self.probabilities_ = arrays["probabilities"]
