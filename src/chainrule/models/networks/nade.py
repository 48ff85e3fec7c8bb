"""The neural autoregressive distribution estimator: one hidden state that grows variable by variable.

    p(x) = prod_t p(x_i | x_before),  i = order[t]
    a_1 = c,   h_t = act(a_t),   logit p(x_i = 1 | x_before) = b_i + V_i · h_t,   a_{t+1} = a_t + W_i x_i

Larochelle & Murray, "The Neural Autoregressive Distribution Estimator", AISTATS 2011, equations 1 and 2;
relu and orderings: Uria, Murray & Larochelle, "A Deep and Tractable Density Estimator", ICML 2014.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numba import get_num_threads
from numpy.typing import NDArray
from torch import Tensor, nn

from chainrule.models.kernels.nade import nade_backward, nade_forward, nade_sample
from chainrule.models.networks.likelihood import bernoulli_terms

__all__ = ["Activation", "NADENetwork"]

Activation = Literal["relu", "sigmoid"]
_ACTIVATIONS = {"relu": torch.relu, "sigmoid": torch.sigmoid}
_BLOCK = 16  # variables whose hidden states are formed together on the plain path


class NADENetwork(nn.Module):
    """NADE as a torch module with a differentiable ``log_prob``.

    Parameters are kept by variable, so the same ones serve every ordering; ``ordering`` (d,) is only the
    default.  ``W`` and ``V`` (d, h), ``b`` (d,), ``c`` (h,).

    >>> net = NADENetwork(4, 8, np.arange(4), generator=torch.Generator().manual_seed(0))
    >>> net.log_prob(torch.zeros(2, 4)).shape
    torch.Size([2])
    """

    ordering: Tensor

    def __init__(
        self,
        d: int,
        hidden: int,
        ordering: NDArray[np.integer[Any]],
        *,
        activation: Activation = "relu",
        generator: torch.Generator | None = None,
        mean_ones: float = 0.5,
    ) -> None:
        """``mean_ones`` is the expected share of ones in the data, which sets the scale of ``W``."""
        super().__init__()
        self.activation: Activation = activation
        scale = max(1.0, d * mean_ones) ** -0.5
        self.W = nn.Parameter(torch.randn(d, hidden, generator=generator) * scale)
        self.V = nn.Parameter(torch.randn(d, hidden, generator=generator) * hidden**-0.5)
        self.b = nn.Parameter(torch.zeros(d))
        self.c = nn.Parameter(torch.zeros(hidden))
        self.register_buffer("ordering", torch.as_tensor(np.asarray(ordering), dtype=torch.int64))

    def logits(self, x: Tensor, ordering: Tensor | None = None) -> Tensor:
        """Log-odds (n, d) of each variable being on, given those before it; x is (n, d) in {0, 1}."""
        order = self.ordering if ordering is None else ordering
        fast = (
            self.activation == "relu"
            and x.device.type == "cpu"
            and not x.requires_grad
            and self.W.dtype in (torch.float32, torch.float64)
        )
        if fast:
            return _KernelLogits.apply(x, order, self.W, self.V, self.b, self.c)  # type: ignore[return-value]
        return self._logits_by_blocks(x, order)

    def log_prob(self, x: Tensor, ordering: Tensor | None = None) -> Tensor:
        """Log-probability of each row in nats, (n,), differentiable in the parameters."""
        return bernoulli_terms(x, self.logits(x, ordering)).sum(1)

    def sample(self, uniforms: NDArray[np.float64], given: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Rows (n, d): variable t of the order is on where ``uniforms[:, t]`` is below its probability.

        Entries of ``given`` (n, d) that are not NaN are taken as they are.
        """
        if self.activation == "relu":
            arrays = (p.detach().cpu().numpy() for p in (self.W, self.V, self.b, self.c))
            return nade_sample(uniforms, given, self.ordering.cpu().numpy(), *arrays)
        return self._sample_by_states(uniforms, given)

    def _logits_by_blocks(self, x: Tensor, order: Tensor) -> Tensor:
        """The definition in blocks of variables, for any device, activation and gradient (also in x)."""
        act, x = _ACTIVATIONS[self.activation], x.to(self.W.dtype)
        a, out = self.c.expand(len(x), -1), []
        for i in order.split(_BLOCK):
            steps = x[:, i, None] * self.W[i]  # (n, block, h)
            before = a[:, None] + torch.cumsum(steps, 1) - steps
            out.append(torch.einsum("nkh,kh->nk", act(before), self.V[i]) + self.b[i])
            a = a + steps.sum(1)
        return torch.cat(out, 1)[:, torch.argsort(order)]

    @torch.no_grad()
    def _sample_by_states(self, uniforms: NDArray[Any], given: NDArray[Any]) -> NDArray[np.uint8]:
        act = _ACTIVATIONS[self.activation]
        u = torch.as_tensor(uniforms, device=self.W.device)
        x = torch.as_tensor(given, device=self.W.device).clone()
        a = self.c.expand(len(x), -1).clone()
        for t, i in enumerate(self.ordering.tolist()):
            p = torch.sigmoid(act(a) @ self.V[i] + self.b[i])
            x[:, i] = torch.where(torch.isnan(x[:, i]), (u[:, t] < p).to(x.dtype), x[:, i])
            a += x[:, i, None].to(a.dtype) * self.W[i]
        return x.to(torch.uint8).cpu().numpy()


class _KernelLogits(torch.autograd.Function):
    """The loops of ``kernels.nade`` with their gradient, as one differentiable operation."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, order: Tensor, W: Tensor, V: Tensor, b: Tensor, c: Tensor) -> Tensor:
        data = np.ascontiguousarray(x.numpy().astype(np.uint8, copy=False))
        arrays = [np.ascontiguousarray(p.detach().numpy()) for p in (W, V, b, c)]
        positions = order.numpy()
        logits, final = nade_forward(data, positions, *arrays)
        ctx.kept = (data, positions, arrays[0], arrays[1], final)
        return torch.from_numpy(logits)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        (d_logits,) = grads
        d_logits = np.ascontiguousarray(d_logits.numpy())
        data, order, W, V, final = ctx.kept
        dW, dV, dc = nade_backward(data, order, W, V, final, d_logits, get_num_threads())
        db = torch.from_numpy(d_logits.sum(0))
        return None, None, torch.from_numpy(dW), torch.from_numpy(dV), db, torch.from_numpy(dc)
