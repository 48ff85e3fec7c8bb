"""What each observed column has given those before it, in a network with latent nodes: marginals of beginnings of rows.

    log p(x_i | x_1 … x_{i-1}) = log p(x_1 … x_i) - log p(x_1 … x_{i-1})

Latent nodes join what depends on them, so a column's table given its parents says nothing of rows; these quotients do,
exactly, at the cost of one marginal of each row for each column.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.contract import Codes

__all__ = ["log_conditionals_in_order"]


def log_conditionals_in_order(network: DiscreteNetwork, rows: Codes, d: int) -> NDArray[np.float64]:
    """``log p(x_i | those before it)`` in nats of each of the first ``d`` columns of ``rows`` (n, nodes), (n, d).

    They sum to the log-probability of the row.  After a beginning that is impossible, which is ``-inf``, follow zeros.
    """
    known = np.full(rows.shape, -1, np.int32)
    before, out = np.zeros(len(rows)), np.zeros((len(rows), d))
    for i in range(d):
        known[:, i] = rows[:, i]
        here = network.log_prob(known)
        possible = before > -np.inf
        out[possible, i] = here[possible] - before[possible]
        before = here
    return out
