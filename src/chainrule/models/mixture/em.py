"""Expectation and maximisation (Dempster, Laird and Rubin 1977) for a mixture of any model that takes weights.

    E:  r_nk = w_k p_k(x_n) / Σ_l w_l p_l(x_n)
    M:  w_k = Σ_n s_n r_nk / Σ_n s_n,   p_k = the model fitted to the rows with weights s_n r_nk

with s_n the weights of the rows.  Where a fit maximises the likelihood, Σ_n s_n log p(x_n) never falls; where it adds
pseudocounts or a price for edges, that sum with their logarithms never falls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from chainrule.core.numerics import log_sum_exp
from chainrule.models.shared.members import Member
from chainrule.models.shared.mixing import log_posterior, log_weights
from chainrule.tables.table import Table

__all__ = ["Run", "climb"]

_LEAST = 1e-8  # rows; a component with less has no rows of its own, and what a row weighs is not told from rounding
_PATIENCE = 10  # steps without a better likelihood of validation rows


@dataclass
class Run:
    """One climb: mean log-likelihoods in nats a row at each step, and the members and weights of the best step.

    The best is by ``valid`` rows where there are any, else by the rows of the fit.
    """

    k: int
    start: int
    mean_log_prob_nats: list[float] = field(default_factory=list)
    valid_mean_log_prob_nats: list[float] = field(default_factory=list)
    best_step: int = -1
    members: list[Member] = field(default_factory=list)
    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def score(self) -> float:
        """The best mean log-likelihood, by which runs are compared."""
        found = self.valid_mean_log_prob_nats or self.mean_log_prob_nats
        return found[self.best_step]


def climb(
    run: Run,
    responsibilities: NDArray[np.float64],
    fit: Callable[[NDArray[np.float64]], Member],
    table: Table,
    valid: Table | None,
    *,
    max_steps: int,
    tolerance: float,
) -> Run:
    """Alternate M and E from ``responsibilities`` (n, k) until a step gains less than ``tolerance`` nats a row.

    ``fit`` gives the member for weights of rows (n,).  A component that has lost its rows is left out, which changes no
    probability.  With ``valid`` it also ends after ten steps without a gain there.
    """
    share = np.ones(table.n_rows) if table.weights is None else table.weights
    for step in range(max_steps):
        weights = share[:, None] * responsibilities
        kept = weights.sum(axis=0) > _LEAST
        weights, w = weights[:, kept], weights[:, kept].sum(axis=0)
        w = w / w.sum()
        members = [fit(weights[:, c]) for c in range(len(w))]
        log_joint = _log_joint(members, w, table)
        run.mean_log_prob_nats.append(_mean(log_joint, table.weights))
        if valid is not None:
            run.valid_mean_log_prob_nats.append(_mean(_log_joint(members, w, valid), valid.weights))
        trace = run.valid_mean_log_prob_nats or run.mean_log_prob_nats
        if run.best_step < 0 or trace[-1] > trace[run.best_step]:
            run.best_step, run.members, run.weights = step, members, w
        gain = np.inf if step == 0 else run.mean_log_prob_nats[-1] - run.mean_log_prob_nats[-2]
        if gain < tolerance or step - run.best_step >= _PATIENCE:
            break
        responsibilities = np.exp(log_posterior(log_joint, log_weights(w)))
    return run


def _log_joint(members: list[Member], w: NDArray[np.float64], table: Table) -> NDArray[np.float64]:
    return np.stack([m.log_prob(table.codes) for m in members], axis=1) + log_weights(w)


def _mean(log_joint: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float:
    there = slice(None) if weights is None else weights > 0  # 0 · inf is no number
    log_p = log_sum_exp(log_joint[there], axis=1)
    return float(np.average(log_p, weights=None if weights is None else weights[there]))
