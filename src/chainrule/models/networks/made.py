"""The masked autoencoder: a plain multilayer network whose masks leave output i only what comes before i.

Germain, Gregor, Murray & Larochelle, "MADE: Masked Autoencoder for Distribution Estimation", ICML 2015,
equations 8-13.  The masks are an argument of every call: weights are multiplied by them on the way and
never overwritten, so the same weights serve any ordering.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from chainrule.models.kernels.made import made_sample
from chainrule.models.networks.likelihood import bernoulli_terms
from chainrule.models.networks.masks import build_masks

__all__ = ["MADENetwork"]


class MADENetwork(nn.Module):
    """MADE with relu layers as a torch module with a differentiable ``log_prob``.

    ``ordering`` (d,) and ``degrees`` (one array per hidden layer) give the default masks.  Layer l has
    ``weights[l]`` (out, in) and ``biases[l]`` (out,); the last layer gives the d logits.

    >>> net = MADENetwork(np.array([1, 0]), [np.array([1, 1])], generator=torch.Generator().manual_seed(0))
    >>> net.log_prob(torch.zeros(3, 2)).shape
    torch.Size([3])
    """

    ordering: Tensor

    def __init__(
        self,
        ordering: NDArray[np.integer[Any]],
        degrees: Sequence[NDArray[np.integer[Any]]],
        *,
        generator: torch.Generator | None = None,
        mean_ones: float = 0.5,
    ) -> None:
        """``mean_ones`` is the expected share of ones in the data, which sets the scale of the first layer."""
        super().__init__()
        self.degrees = [np.asarray(m) for m in degrees]
        masks = build_masks(ordering, self.degrees)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for layer, mask in enumerate(masks):
            seen = torch.as_tensor(mask.sum(1), dtype=torch.float32).clamp(min=1)[:, None]
            gain = 1.0 if layer == len(masks) - 1 else 2.0
            share = mean_ones if layer == 0 else 1.0
            scale = (gain / (seen * share).clamp(min=1)).sqrt()
            self.weights.append(nn.Parameter(torch.randn(mask.shape, generator=generator) * scale))
            self.biases.append(nn.Parameter(torch.zeros(len(mask))))
        self.register_buffer("ordering", torch.as_tensor(np.asarray(ordering), dtype=torch.int64))
        for layer, mask in enumerate(masks):
            self.register_buffer(f"mask_{layer}", torch.from_numpy(mask))

    @property
    def masks(self) -> list[Tensor]:
        """The default masks, one per layer, (out, in) booleans."""
        return [self.get_buffer(f"mask_{layer}") for layer in range(len(self.weights))]

    def logits(self, x: Tensor, masks: Sequence[Tensor] | None = None) -> Tensor:
        """Log-odds (n, d) of each variable being on, given those before it; x is (n, d) in {0, 1}."""
        h = x.to(self.biases[0].dtype)
        layers = list(zip(self.weights, self.biases, self.masks if masks is None else masks, strict=True))
        for weight, bias, mask in layers[:-1]:
            h = torch.relu(nn.functional.linear(h, weight * mask, bias))
        weight, bias, mask = layers[-1]
        return nn.functional.linear(h, weight * mask, bias)

    def log_prob(self, x: Tensor, masks: Sequence[Tensor] | None = None) -> Tensor:
        """Log-probability of each row in nats, (n,), differentiable in the parameters."""
        return bernoulli_terms(x, self.logits(x, masks)).sum(1)

    def sample(self, uniforms: NDArray[np.float64], given: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Rows (n, d): variable t of the order is on where ``uniforms[:, t]`` is below its probability.

        Entries of ``given`` (n, d) that are not NaN are taken as they are.  Costs one masked forward pass.
        """
        order = self.ordering.cpu().numpy()
        rows = made_sample(uniforms, np.ascontiguousarray(given[:, order]), *self._sorted_by_degree())
        out = np.empty_like(rows)
        out[:, order] = rows
        return out

    def _sorted_by_degree(self) -> tuple[NDArray[Any], ...]:
        """The arrays that ``kernels.made`` reads: units sorted by degree, variables by place in the order."""
        order = self.ordering.cpu().numpy()
        d, layers = len(order), len(self.degrees)
        units = [order, *(np.argsort(m, kind="stable") for m in self.degrees), order]
        w = [
            _rearranged((p * m).detach().cpu().numpy(), above, below)
            for p, m, below, above in zip(self.weights, self.masks, units, units[1:], strict=False)
        ]
        b = [p.detach().cpu().numpy()[above] for p, above in zip(self.biases, units[1:], strict=True)]
        widest = max(len(m) for m in self.degrees)
        weights = np.zeros((max(layers - 1, 1), widest, widest), w[0].dtype)
        biases = np.zeros((layers, widest), w[0].dtype)
        first = np.zeros((layers, d + 1), np.int64)
        for layer, m in enumerate(self.degrees):
            first[layer] = np.searchsorted(np.sort(m), np.arange(d + 1), side="right")
            biases[layer, : len(m)] = b[layer]
            if layer:
                weights[layer - 1, : w[layer].shape[0], : w[layer].shape[1]] = w[layer]
        w_in = np.ascontiguousarray(w[0].T)
        return first, w_in, weights, biases, np.ascontiguousarray(w[-1]), b[-1]


def _rearranged(w: NDArray[Any], rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[Any]:
    """``w[rows][:, columns]``; an order that is already there, as with even degrees, costs nothing."""
    if (np.diff(rows) != 1).any():
        w = w[rows]
    if (np.diff(columns) != 1).any():
        w = w[:, columns]
    return w
