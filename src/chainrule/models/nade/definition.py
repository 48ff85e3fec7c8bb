"""NADE written from its definition: for any device, dtype and gradient, and for the loops to be tested against.

a_1 = c,   z_t = b_t + V_t · act(a_t),   p(x_t) = softmax(0, z_t),   a_{t+1} = a_t + W_t[x_t]
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chainrule.models.shared.coding import Coding
from chainrule.models.shared.likelihood import by_state_on

__all__ = ["ACTIVATIONS", "Weights", "draw", "logits"]

ACTIVATIONS = {"relu": torch.relu, "sigmoid": torch.sigmoid}
_BLOCK = 16  # variables whose hidden states are formed together


class Weights(NamedTuple):
    """The parameters of a network."""

    W: Tensor  # (width, h)
    V: Tensor  # (width, h)
    b: Tensor  # (width,)
    c: Tensor  # (h,)


def logits(x: Tensor, order: Tensor, weights: Weights, activation: str, coding: Coding) -> Tensor:
    """Log-odds (n, width) of rows of codes ``x`` (n, d); where all are binary, differentiable in ``x`` too."""
    act = ACTIVATIONS[activation]
    W, V, b, c = weights
    if coding.is_binary:
        return _binary_logits(x.to(W.dtype), order, weights, act)
    # behind the indicators, one row for first states and one for states that a variable does not have
    by_state = by_state_on(coding, W.device)
    more_W, more_V = (torch.cat([p, p.new_zeros(2, p.shape[1])]) for p in (W, V))
    blocks, where = _blocks(coding, order.tolist())
    a, out = c.expand(len(x), -1), []
    for i, n_states in blocks:
        own = by_state[i]  # (block, K)
        moves = more_W[
            own.expand(len(x), -1, -1).gather(2, x[:, i].long()[:, :, None])[:, :, 0]
        ]  # (n, block, h)
        before = a[:, None] + torch.cumsum(moves, 1) - moves
        z = torch.einsum("nkh,ksh->nks", act(before), more_V[own[:, 1:n_states]])
        out.append(z.flatten(1))
        a = a + moves.sum(1)
    return torch.cat(out, 1)[:, torch.from_numpy(where).to(W.device)] + b


def _blocks(coding: Coding, order: list[int]) -> tuple[list[tuple[list[int], int]], NDArray[np.intp]]:
    """Variables that are taken together with the most states of one, and where each indicator then is.

    A block has as many places for each of its variables as its largest has indicators.
    """
    blocks, where, begin = [], np.empty(coding.width, np.intp), 0
    for k in range(0, len(order), _BLOCK):
        i = order[k : k + _BLOCK]
        most = max(coding.sizes[j] for j in i)
        own = coding.by_state[i, 1:most]
        there = own < coding.width
        where[own[there]] = begin + np.flatnonzero(there)
        begin += own.size
        blocks.append((i, most))
    return blocks, where


def _binary_logits(x: Tensor, order: Tensor, weights: Weights, act: Any) -> Tensor:
    W, V, b, c = weights
    a, out = c.expand(len(x), -1), []
    for i in order.split(_BLOCK):
        steps = x[:, i, None] * W[i]  # (n, block, h)
        before = a[:, None] + torch.cumsum(steps, 1) - steps
        out.append(torch.einsum("nkh,kh->nk", act(before), V[i]) + b[i])
        a = a + steps.sum(1)
    return torch.cat(out, 1)[:, torch.argsort(order)]


@torch.no_grad()
def draw(
    uniforms: NDArray[np.float64],
    known: NDArray[np.integer[Any]] | None,
    order: Tensor,
    weights: Weights,
    activation: str,
    coding: Coding,
) -> NDArray[np.int64]:
    """Rows of codes (n, d) as ``AutoregressiveNetwork.sample`` says, one variable after the other."""
    act = ACTIVATIONS[activation]
    W, V, b, c = weights
    u = torch.from_numpy(np.ascontiguousarray(uniforms)).to(W.device)
    x = torch.zeros(u.shape, dtype=torch.int64, device=W.device)
    a = c.expand(len(u), -1)
    more_W = torch.cat([W, W.new_zeros(1, W.shape[1])])
    by_state = by_state_on(coding, W.device)
    for t, i in enumerate(order.tolist()):
        own = slice(int(coding.begins[i]), int(coding.begins[i + 1]))
        z = torch.cat([a.new_zeros(len(u), 1), act(a) @ V[own].T + b[own]], 1)
        upper = torch.softmax(z.double(), 1)[:, 1:].cumsum(1)  # of states 1, 2, ...
        below = (upper <= u[:, t, None]).sum(1)
        x[:, i] = torch.where(below < upper.shape[1], below + 1, 0)
        if known is not None:
            held = torch.from_numpy(np.ascontiguousarray(known[:, i]).astype(np.int64)).to(W.device)
            x[:, i] = torch.where(held < 0, x[:, i], held)
        a = a + more_W[by_state[i][x[:, i]]]
    return x.cpu().numpy()
