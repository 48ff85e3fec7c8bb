"""Models that are a factorization times conditionals of complete rows: what follows from these two.

Likelihoods and draws with missing values, most probable completions, and the promise of a factorization.  Nothing here
knows how a conditional is parametrised.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.models.contract import Codes, DiscreteModel, Marginalises
from chainrule.models.shared.completion import best_completions, completions, log_prob_with_missing
from chainrule.models.shared.factorization import Factorization

__all__ = ["ChainModel", "unsigned"]


class ChainModel(DiscreteModel):
    """Base of models with factors p(x_i | what ``_factorization`` says), computed for complete rows.

    A subclass sets ``_factorization`` and implements ``_conditionals``, ``_state_log_probs`` and ``_follow``.
    """

    marginalises_: ClassVar[Marginalises] = "suffix"
    _factorization: Factorization

    @abstractmethod
    def _follow(self, uniforms: NDArray[np.float64], known: Codes | None) -> Codes:
        """Rows (n, d) drawn variable by variable in order, one uniform each; what ``known`` has (not -1) stays."""

    def _complete_log_prob(self, codes: Codes) -> NDArray[np.float64]:
        """``log_prob`` of complete rows."""
        return self._conditionals(codes).sum(axis=1)

    def _factors(self) -> Factorization | None:
        check_is_fitted(self)
        return self._factorization

    def _log_prob(self, codes: Codes) -> NDArray[np.float64]:
        """Missing values are marginalised exactly; a row whose missing values have more than 16,384 completions
        before an observed one (in ``ordering_``) raises ``TooLargeError``.
        """
        if codes.dtype.kind != "u":
            return log_prob_with_missing(self._conditionals, codes, self._factorization, self.schema_.sizes)
        return self._complete_log_prob(codes)

    def _draw(self, codes: Codes, generator: np.random.Generator) -> Codes:
        """Known values that come first in the order cost nothing; with others, the variables that they depend on
        are drawn from their exact posterior (of at most 16,384 completions, else ``TooLargeError``).
        """
        uniforms = generator.random(codes.shape)
        if (codes < 0).all():
            return self._follow(uniforms, None)
        known = codes.copy()
        distinct, which = np.unique(codes, axis=0, return_inverse=True)
        for r, row in enumerate(distinct):
            filled, counts = completions(row, self._factorization, self.schema_.sizes)
            if len(filled) > 1:
                log_p = self._conditionals(filled)[:, counts].sum(1)
                p = np.exp(log_p - log_p.max())
                members = np.flatnonzero(which.reshape(-1) == r)
                drawn = generator.choice(len(filled), len(members), p=p / p.sum())
                known[np.ix_(members, counts)] = filled[drawn][:, counts]
        return self._follow(uniforms, known)

    def _most_probable(self, codes: Codes) -> Codes:
        """By enumeration of all completions, at most 16,384 a row, else ``TooLargeError``."""
        return best_completions(codes, self.schema_.sizes, lambda filled: self._conditionals(filled).sum(1))[
            0
        ]


def unsigned(codes: Codes) -> Codes:
    """Complete rows of codes in a type that says so."""
    if codes.dtype.kind == "u":
        return codes
    return codes.astype(np.uint8 if codes.max(initial=0) < 2**8 else np.int64)
