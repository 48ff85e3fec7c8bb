"""The call of NADE's compiled samplers; ``definition.draw`` is what they are tested against."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.compiled.calls import use_threads
from chainrule.models.nade.activations import KINDS
from chainrule.models.nade.binary_sampling import nade_sample
from chainrule.models.nade.categorical_packing import Steps, cut_of
from chainrule.models.nade.categorical_sampling import categorical_sample
from chainrule.models.nade.walks import Parameters

__all__ = ["draw"]


def draw(
    uniforms: NDArray[np.float64],
    known: NDArray[np.integer[Any]] | None,
    order: NDArray[np.int64],
    network: Parameters,
) -> NDArray[np.integer[Any]]:
    """Rows of codes (n, d), see ``AutoregressiveNetwork.sample``."""
    n = len(uniforms)
    uniforms = np.ascontiguousarray(uniforms)  # one layout, so that the loops are compiled once
    kind = KINDS[network.activation]
    threads = use_threads(n * network.W.size)
    if network.coding.is_binary:
        given = np.empty((0, 0)) if known is None else np.where(known < 0, np.nan, known)
        return nade_sample(uniforms, given, order, network.W, network.V, network.b, network.c, threads, kind)
    held = np.empty((0, 0), np.int32) if known is None else np.ascontiguousarray(known, np.int32)
    steps = Steps.of(network.coding, order)
    x = categorical_sample(
        uniforms, held, steps, network.W, network.V, network.b, network.c, cut_of(n, threads), kind
    )
    return x.astype(np.uint8) if max(network.coding.sizes) <= 2**8 else x
