"""NADE's conditionals one after the other, while what they read is being decided: a step costs one hidden state.

z_i = b_i + V_i · act(a),  then  a <- a + W_i[x_i]:  see ``network``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.numerics import sigmoid
from chainrule.models.contract import Turns
from chainrule.models.nade.network import NADENetwork
from chainrule.models.shared.state_columns import normalised

__all__ = ["nade_turns"]


def nade_turns(network: NADENetwork, n: int) -> Turns:
    """See ``DiscreteModel.states_in_turn``; by numpy, in the type of the network's parameters."""
    W, V, b, c = (p.detach().cpu().numpy() for p in (network.W, network.V, network.b, network.c))
    coding = network.coding
    a: NDArray[Any] = np.repeat(c[None], n, axis=0)
    for i in network.ordering.tolist():
        own = slice(int(coding.begins[i]), int(coding.begins[i + 1]))
        h = np.maximum(a, 0) if network.activation == "relu" else sigmoid(a)
        scores = np.concatenate([np.zeros((n, 1)), b[own] + h @ V[own].T], axis=1)
        sent: Any = yield np.array([i]), [normalised(scores, (coding.sizes[i],))]
        a += (np.arange(1, coding.sizes[i]) == sent) @ W[own]
