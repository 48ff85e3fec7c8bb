"""Ancestral sampling as a textbook writes it: the whole network once for every variable.

Slow on purpose.  It is what the quick samplers are checked against, draw for draw, and what a claim about
the cost of sampling has to be measured with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

__all__ = ["sample_by_full_passes"]


@torch.no_grad()
def sample_by_full_passes(network: Any, uniforms: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Rows (n, d): variable t of the network's order is on where ``uniforms[:, t]`` is below its probability.

    ``network`` has ``ordering`` (d,) and ``logits(x)``.  Costs d full passes over n rows.

    >>> from chainrule.models.made.network import MADENetwork
    >>> net = MADENetwork(np.array([1, 0]), [np.array([1])], generator=torch.Generator().manual_seed(0))
    >>> u = np.full((1, 2), 0.3)
    >>> bool((sample_by_full_passes(net, u) == net.sample(u)).all())
    True
    """
    parameter = next(network.parameters())
    x = torch.zeros(uniforms.shape, dtype=parameter.dtype, device=parameter.device)
    u = torch.as_tensor(uniforms, device=parameter.device)
    for t, i in enumerate(network.ordering.tolist()):
        x[:, i] = (u[:, t] < torch.sigmoid(network.logits(x)[:, i])).to(x.dtype)
    return x.to(torch.uint8).cpu().numpy()
