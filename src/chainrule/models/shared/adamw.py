"""AdamW as a loop over all parameters at once.

    m ← β₁ m + (1 - β₁) g,   v ← β₂ v + (1 - β₂) g²
    p ← p (1 - η λ) - η / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε)

Loshchilov & Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, algorithm 2; the numbers are those of
``torch.optim.AdamW``, which is what it is tested against.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numba import prange
from numpy.typing import NDArray
from torch import Tensor

from chainrule.compiled.caching import loop
from chainrule.compiled.calls import kernel, use_threads
from chainrule.compiled.vectors import numbers_at

__all__ = ["BETAS", "EPSILON", "AdamW"]

BETAS, EPSILON = (0.9, 0.999), 1e-8
_WORTH_THREADS = 10**5  # parameters


class AdamW:
    """The optimiser of contiguous ``parameters`` on the CPU, all of one dtype, each with its weight decay."""

    def __init__(self, parameters: Sequence[Tensor], weight_decay: Sequence[float]) -> None:
        self._parameters = [p.detach() for p in parameters]
        self._first = [torch.zeros_like(p) for p in self._parameters]
        self._second = [torch.zeros_like(p) for p in self._parameters]
        self._sizes = np.array([p.numel() for p in parameters], np.int64)
        self._like = np.empty(0, self._parameters[0].numpy().dtype)
        self._decay = np.array(weight_decay, np.float64)
        self._is_large = int(self._sizes.sum()) >= _WORTH_THREADS
        self._steps = 0
        tensors = (self._parameters, self._first, self._second)
        self._addresses = np.array([[t.data_ptr() for t in kind] for kind in tensors], np.int64)

    def step(self, gradients: Sequence[NDArray[Any]], learning_rate: float) -> None:
        """One step; ``gradients`` are contiguous and in the order of the parameters."""
        self._steps += 1
        where = np.array([torch.from_numpy(g).data_ptr() for g in gradients], np.int64)
        threads = use_threads(None if self._is_large else 0)
        first, second = (1 - beta**self._steps for beta in BETAS)
        scales = np.array([learning_rate / first, second**-0.5, *BETAS, EPSILON])
        _step(
            self._addresses, where, self._sizes, 1 - learning_rate * self._decay, scales, self._like, threads
        )

    def state(self) -> dict[str, Tensor]:
        """The number of steps, and the moments by parameter."""
        out = {"step": torch.tensor(float(self._steps), dtype=torch.float32)}
        for i, (m, v) in enumerate(zip(self._first, self._second, strict=True)):
            out |= {f"{i}.exp_avg": m, f"{i}.exp_avg_sq": v}
        return out

    def set_state(self, state: dict[str, Tensor]) -> None:
        """Take over what ``state`` gave."""
        self._steps = int(state["step"])
        for i, (m, v) in enumerate(zip(self._first, self._second, strict=True)):
            m.copy_(state[f"{i}.exp_avg"])
            v.copy_(state[f"{i}.exp_avg_sq"])


@kernel
@loop(parallel=True)
def _step(addresses, gradients, sizes, keep, scales, like, threads):
    """``addresses`` (3, tensors) of parameters and moments, ``keep`` (tensors,) what decay leaves of a parameter."""
    for thread in prange(threads):
        for i in range(sizes.shape[0]):
            begin, end = sizes[i] * thread // threads, sizes[i] * (thread + 1) // threads
            _update(
                numbers_at(addresses[0, i], like), numbers_at(addresses[1, i], like),
                numbers_at(addresses[2, i], like), numbers_at(gradients[i], like), begin, end, keep[i], scales, like,
            )  # fmt: skip


@loop(error_model="numpy")  # to look for a division by zero would cost the vectors
def _update(p, m, v, g, begin, end, keep, scales, like):
    number = like.dtype.type  # all in the dtype at hand, so that a vector holds as many as it can
    rate, root, beta1, beta2, epsilon = scales
    keep, rate, root, epsilon = number(keep), number(rate), number(root), number(epsilon)
    new1, beta2, new2 = number(1 - beta1), number(beta2), number(1 - beta2)
    for k in range(begin, end):
        mean = m[k] + new1 * (g[k] - m[k])
        square = beta2 * v[k] + new2 * g[k] * g[k]
        m[k], v[k] = mean, square
        p[k] = p[k] * keep - rate * mean / (np.sqrt(square) * root + epsilon)
