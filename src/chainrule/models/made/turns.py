"""MADE's conditionals level by level, while what they read is being decided.

The first layer, by far the widest, is a running sum to which each variable adds once; a unit is complete when its last
input is in, and no output reads one that is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.contract import Turns
from chainrule.models.made.network import MADENetwork
from chainrule.models.shared.state_columns import normalised

__all__ = ["made_turns"]


def made_turns(network: MADENetwork, n: int, levels: Sequence[NDArray[np.intp]]) -> Turns:
    """See ``DiscreteModel.states_in_turn``; by numpy, in the type of the network's parameters.

    ``levels`` are columns that are decided together, one after the other.
    """
    coding = network.coding
    weights = [(w * m).detach().cpu().numpy() for w, m in zip(network.weights, network.masks, strict=True)]
    biases = [b.detach().cpu().numpy() for b in network.biases]
    direct = weights.pop() if network.direct else None
    first: NDArray[Any] = np.repeat(biases[0][None], n, axis=0)
    known = np.zeros((n, coding.width), biases[0].dtype)
    for level in levels:
        h = np.maximum(first, 0)
        for weight, bias in zip(weights[1:-1], biases[1:-1], strict=True):
            h = np.maximum(h @ weight.T + bias, 0)
        own = coding.order(level)
        z = h @ weights[-1][own].T + biases[-1][own]
        if direct is not None:
            z += known @ direct[own].T
        found, begin = [], 0
        for i in level:
            end = begin + coding.sizes[i] - 1
            scores = np.concatenate([np.zeros((n, 1)), z[:, begin:end]], axis=1)
            found.append(normalised(scores, (coding.sizes[i],)))
            begin = end
        sent: Any = yield level, found
        column = np.repeat(np.arange(len(level)), np.array(coding.sizes)[level] - 1)
        known[:, own] = sent[:, column] == coding.state[own]
        first += known[:, own] @ weights[0][:, own].T
