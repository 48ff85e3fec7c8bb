"""How components are found: a small network from points of a latent space to log-odds, trained by likelihood.

    log p(x) = log 1/N sum_n p(x | z_n),   z_n = Gaussian quantile of quasi-random points in the unit cube

A step draws the points anew, the same low-discrepancy set moved by a random shift on the torus, so that the network
learns a function of z, not N separate tables; where no gradient is asked for the points are always the same.  Once
trained, the network is read at the points of the model and not needed any more.

Correia, Gala, Quaeghebeur, de Campos & Peharz, "Continuous mixtures of tractable probabilistic models", AAAI 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import layer_norm, linear, logsigmoid, silu

from chainrule.models.latent_mixture.layout import Layout
from chainrule.models.shared.network import LikelihoodNetwork
from chainrule.models.shared.own_torch import PARAMETERS

__all__ = ["LatentNetwork"]

_EDGE = 1e-6  # of the unit interval: no point is further out than 4.8 standard deviations


class LatentNetwork(LikelihoodNetwork):
    """log-odds of all entries as a function of z, and the likelihood of rows under ``n_points`` of them.

    ``bias`` (width,) are the log-odds that it starts with at every z.  ``seed`` decides the points, ``generator`` the
    weights.  A look at rows without gradients takes ``n_looked`` points.
    """

    steps: Tensor

    def __init__(
        self,
        layout: Layout,
        bias: NDArray[np.float64],
        *,
        latent: int,
        hidden: Sequence[int],
        n_points: int,
        n_looked: int,
        seed: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self._layout, self._seed, self._n_points, self._n_looked = layout, seed, n_points, n_looked
        self._base = _cube(max(n_points, n_looked), latent, seed)
        widths = [latent, *hidden, len(layout.with_odds)]
        self.weights = nn.ParameterList(
            (torch.rand(b, a, generator=generator, dtype=PARAMETERS) * 2 - 1) / a**0.5
            for a, b in pairwise(widths)
        )
        self.biases = nn.ParameterList([torch.zeros(h, dtype=PARAMETERS) for h in hidden])
        self.biases.append(torch.from_numpy(bias).float())
        self.scales = nn.ParameterList(torch.ones(h, dtype=PARAMETERS) for h in hidden)
        self.shifts = nn.ParameterList(torch.zeros(h, dtype=PARAMETERS) for h in hidden)
        self.register_buffer(
            "steps", torch.zeros((), dtype=torch.int64)
        )  # so that a checkpoint knows the points
        self._index(layout)

    def _index(self, layout: Layout) -> None:
        """What of the layout a step reads, as tensors."""
        signs = layout.signed_sums.tocoo()
        where = torch.from_numpy(np.stack(signs.coords).astype(np.int64))
        values = torch.from_numpy(signs.data).float()
        self._signs = torch.sparse_coo_tensor(where, values, signs.shape, check_invariants=True).coalesce()
        self._groups = [torch.from_numpy(g) for g in layout.groups]
        self._with_odds = torch.from_numpy(layout.with_odds)

    def log_prob(self, rows: Tensor) -> Tensor:
        """``log p(x)`` in nats of complete rows of codes (n, d), (n,), differentiable in the parameters."""
        if torch.is_grad_enabled():
            z = self.points(self._n_points, int(self.steps) + 1)
            self.steps += 1
        else:
            z = self.points(self._n_looked)
        terms = self._signs @ self.tables(self.log_odds(z))
        active = torch.from_numpy(self._layout.active(rows.numpy())).long()
        ones = terms.new_zeros(len(rows), len(terms) + 1).scatter_(1, active, 1.0)
        return (ones[:, :-1] @ terms).logsumexp(1) - np.log(len(z))

    def points(self, n: int, step: int = 0) -> Tensor:
        """``n`` quasi-random Gaussian points (n, latent); each step has its own, step 0 those of the model."""
        d = self._base.shape[1]
        base = self._base[:n] if n <= len(self._base) else _cube(n, d, self._seed)
        if step:
            shift = np.random.default_rng([self._seed, step]).random(d, np.float32)
            base = (base + torch.from_numpy(shift)) % 1.0
        return torch.special.ndtri(base.clamp(_EDGE, 1 - _EDGE))

    def log_odds(self, z: Tensor) -> Tensor:
        """The log-odds at each point, (width, n)."""
        h = z
        *inner, last = self.weights
        for weight, bias, scale, shift in zip(inner, self.biases, self.scales, self.shifts, strict=False):
            h = silu(layer_norm(linear(h, weight, bias), bias.shape, scale, shift))
        return last @ h.T + self.biases[-1][:, None]

    def tables(self, log_odds: Tensor) -> Tensor:
        """Every entry ``log p(x_i = k | context)`` at each point, (entries, n)."""
        n = log_odds.shape[1]
        if len(self._groups) == 1 and self._groups[0].shape[1] == 2:
            usual = logsigmoid(-log_odds)
            return torch.stack([usual, usual + log_odds], 1).reshape(-1, n)
        scores = log_odds.new_zeros(self._layout.n_entries, n).index_copy(0, self._with_odds, log_odds)
        out = torch.zeros_like(scores)
        for group in self._groups:
            shares = torch.log_softmax(scores[group], 1)
            out = out.index_copy(0, group.reshape(-1), shares.reshape(-1, n))
        return out


def _cube(n: int, d: int, seed: int) -> Tensor:
    """The first ``n`` points of a scrambled Sobol sequence in ``d`` dimensions."""
    engine = torch.quasirandom.SobolEngine(d, scramble=True, seed=seed)
    first = engine.quasi.to(PARAMETERS) / 2**engine.MAXBIT  # which torch keeps in the default dtype
    points = engine.draw(n, dtype=PARAMETERS)
    points[:1] = first
    return points
