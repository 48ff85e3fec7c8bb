"""The call of NADE's compiled samplers; ``definition.draw`` is what they are tested against."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.compiled.calls import use_threads
from chainrule.models.nade.activations import KINDS
from chainrule.models.nade.binary_sampling import MANY, nade_sample, nade_sample_few
from chainrule.models.nade.categorical_packing import Steps, cut_of
from chainrule.models.nade.categorical_sampling import categorical_sample
from chainrule.models.nade.walks import Parameters

__all__ = ["MANY", "draw", "draw_few"]


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
        return nade_sample(
            uniforms, _given(known), order, network.W, network.V, network.b, network.c, threads, kind
        )
    held = np.empty((0, 0), np.int32) if known is None else np.ascontiguousarray(known, np.int32)
    steps = Steps.of(network.coding, order)
    x = categorical_sample(
        uniforms, held, steps, network.W, network.V, network.b, network.c, cut_of(n, threads), kind
    )
    return x.astype(np.uint8) if max(network.coding.sizes) <= 2**8 else x


def draw_few(
    uniforms: NDArray[np.float64],
    known: NDArray[np.integer[Any]] | None,
    order: NDArray[np.int64],
    network: Parameters,
) -> NDArray[np.integer[Any]]:
    """``draw`` from the network made float64, for fewer than ``MANY`` rows of a binary one, without making it so."""
    return nade_sample_few(
        np.ascontiguousarray(uniforms), _given(known), order, network.W, network.V, network.b, network.c,
        KINDS[network.activation],
    )  # fmt: skip


def _given(known: NDArray[np.integer[Any]] | None) -> NDArray[np.float64]:
    return np.empty((0, 0)) if known is None else np.where(known < 0, np.nan, known)
