"""Sampling as the factorization says it: the whole network once for each level of the graph.

Variables whose parents are all drawn are drawn together, so it takes as many passes as the graph is deep: of an
order, as many as there are variables.  This is the plain twin of ``sampling_loops``, for any device and dtype.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

if TYPE_CHECKING:
    from chainrule.models.made.network import MADENetwork

__all__ = ["sample_by_levels"]


@torch.no_grad()
def sample_by_levels(
    network: MADENetwork, uniforms: NDArray[np.float64], known: NDArray[np.integer[Any]] | None = None
) -> NDArray[np.integer[Any]]:
    """Rows of codes (n, d), the variable at place t of the order by ``uniforms[:, t]``.

    Entries of ``known`` (n, d) from 0 on are taken as they are.

    >>> from chainrule.models.made.network import MADENetwork
    >>> net = MADENetwork([1, 0], [[1]], sizes=(2, 3), generator=torch.Generator().manual_seed(0))
    >>> u = np.random.default_rng(0).random((5, 2))
    >>> bool((sample_by_levels(net, u) == net.sample(u)).all())
    True
    """
    coding, graph = network.coding, network.factorization
    codes = np.zeros(uniforms.shape, np.int64) if known is None else np.maximum(known, 0).astype(np.int64)
    for columns in graph.levels:
        z = network.logits(torch.from_numpy(codes).to(network.output_bias.device)).double().cpu().numpy()
        part = coding.of_variables(columns)
        drawn = part.draw(z[:, coding.order(columns)], np.asarray(uniforms)[:, graph.place[columns]])
        codes[:, columns] = (
            drawn if known is None else np.where(known[:, columns] < 0, drawn, codes[:, columns])
        )
    return codes.astype(coding.dtype)
