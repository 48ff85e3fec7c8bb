"""How sure rows make us of an answer: the spread that the posteriors of the tables give it.

The rows of the tables have independent Dirichlet posteriors, with means θ and sums of parameters A.  To first order the
posterior variance of an answer is then a sum over rows (the delta method; Van Allen, Singh, Greiner and Hooper 2008),

    Σ_rows Σ_k θ_k (g_k - Σ_j θ_j g_j)² / (A + 1) = Σ_rows Σ_k θ_k ((1 - θ_k) D_k)² / (A + 1),

with its derivatives g by each entry alone, or D by the entry while the others of its row keep their proportions
(``sensitivity``).  The beta distribution with the answer's mean and this variance stands for the posterior.  An answer
that is an entry of a table, or a sum of entries of one row, has exactly this posterior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.models.bayesian_network.sensitivity import Sensitivity
from chainrule.models.bayesian_network.table_posteriors import EntryPosterior, TablePosterior

__all__ = ["AnswerPosterior", "answer_posterior"]

_EXACT = 1e-9  # rounding of derivatives

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class AnswerPosterior:
    """``mean`` and ``variance`` of an answer; ``is_exact`` where its posterior is the beta distribution that has them.

    >>> posterior = AnswerPosterior(0.75, 0.75 * 0.25 / 5, True)  # Beta(3, 1)
    >>> [round(x, 3) for x in posterior.interval(0.9)]
    [0.368, 0.983]
    """

    mean: float
    variance: float
    is_exact: bool

    @property
    def standard_deviation(self) -> float:
        """That of the answer."""
        return float(np.sqrt(self.variance))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The equal-tailed credible interval; from 0 to 1 where the tables are less sure than that tells."""
        p = self.mean
        if self.variance == 0:
            return p, p
        rows = p * (1 - p) / self.variance - 1  # that are as sure
        return EntryPosterior(p * rows, (1 - p) * rows).interval(level) if rows > 0 else (0.0, 1.0)


def answer_posterior(found: Sensitivity, posteriors: Mapping[str, TablePosterior]) -> AnswerPosterior:
    """The posterior of the answer of ``found`` by the ``posteriors`` of the tables, whose means they are."""
    shares = []
    for node, slopes in found.derivatives.items():
        mean, total = found.tables[node], posteriors[node].concentration.sum(axis=-1)
        moved = (mean * ((1 - mean) * slopes) ** 2).sum(axis=-1)
        moves = np.abs(found.functions[node][..., 3]).max(axis=(-1, -2))  # what is known, with the row
        shares.append(np.stack([moved / (total + 1), moved, moves], axis=-1).reshape(-1, 3))
    rows = np.concatenate([np.zeros((0, 3)), *shares])
    rows = rows[rows[:, 0] > _EXACT**2]
    p = found.probability
    linear = len(rows) == 1 and not found.weights.marginals and rows[0, 2] <= _EXACT
    exact = not len(rows) or (linear and abs(rows[0, 1] - p * (1 - p)) <= _EXACT)
    return AnswerPosterior(p, float(rows[:, 0].sum()), bool(exact))
