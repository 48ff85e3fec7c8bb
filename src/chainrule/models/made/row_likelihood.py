"""Log-probabilities of whole rows from log-odds, each one differentiable operation that makes one pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from chainrule.compiled.bernoulli import bernoulli_log_prob
from chainrule.compiled.calls import has_loops, use_threads
from chainrule.compiled.categorical import categorical_log_prob, indicators
from chainrule.core.errors import ValuesError
from chainrule.models.made.products import array
from chainrule.models.shared.coding import Coding
from chainrule.models.shared.likelihood import bernoulli_terms, categorical_terms

__all__ = ["bernoulli_rows", "categorical_rows", "indicator_rows"]

_AS_MANY = (
    300  # multiply-adds that the likelihood of one entry is worth; threads are for products of that size
)


def bernoulli_rows(x: Tensor, logits: Tensor) -> Tensor:
    """Log-probability of each row ``x`` (n, d) of 0 and 1 in nats, (n,), from log-odds of the same dtype.

    The sum of ``likelihood.bernoulli_terms``; where there are loops in one pass, and differentiable once, in
    ``logits``.
    """
    if not has_loops(logits):
        return bernoulli_terms(x, logits).sum(1)
    return _BernoulliRows.apply(x, logits)  # type: ignore[return-value]


def categorical_rows(codes: Tensor, logits: Tensor, coding: Coding) -> Tensor:
    """The same for rows of codes (n, d) int32 and log-odds (n, coding.width): ``likelihood.categorical_terms``."""
    if not has_loops(logits):
        return categorical_terms(codes, logits, coding).sum(1)
    return _CategoricalRows.apply(array(codes), logits, _begins(coding))  # type: ignore[return-value]


def indicator_rows(codes: Tensor, coding: Coding, dtype: torch.dtype) -> Tensor:
    """Rows of codes (n, d) int32 as zeros and ones (n, coding.width).  Raises ``ValuesError`` where one is no state."""
    like = torch.empty(0, dtype=dtype, device=codes.device)
    if has_loops(like):
        x, bad = indicators(array(codes), _begins(coding), array(like))
        found = torch.from_numpy(x)
    else:
        sizes = torch.as_tensor(coding.sizes, device=codes.device)
        wrong = torch.nonzero(((codes < 0) | (codes >= sizes)).reshape(-1))
        bad = int(wrong[0]) if len(wrong) else -1
        owner, state = (torch.from_numpy(a).to(codes.device) for a in (coding.owner, coding.state))
        found = (codes[:, owner] == state).to(dtype)
    if bad >= 0:
        row, t = divmod(bad, len(coding.sizes))
        raise ValuesError(
            f"row {row} holds the code {int(codes[row, t])} of a variable with {coding.sizes[t]} states; its codes "
            f"are 0 to {coding.sizes[t] - 1}"
        )
    return found


def _begins(coding: Coding) -> NDArray[np.int64]:
    return coding.begins.astype(np.int64, copy=False)


class _BernoulliRows(torch.autograd.Function):
    """log p = x z - log(1 + exp z), summed over a row; its gradient in z is x - sigmoid(z)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, logits: Tensor) -> Tensor:
        log_p, residuals = bernoulli_log_prob(array(x), array(logits), use_threads(_AS_MANY * logits.numel()))
        ctx.residuals = torch.from_numpy(residuals)
        return torch.from_numpy(log_p)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_rows: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None, ctx.residuals * d_rows[:, None]


class _CategoricalRows(torch.autograd.Function):
    """log p of the states, summed over a row; its gradient in the log-odds is indicator - probability."""

    @staticmethod
    def forward(ctx: Any, codes: NDArray[np.int32], logits: Tensor, begins: NDArray[np.int64]) -> Tensor:
        log_p, residuals = categorical_log_prob(
            codes, array(logits), begins, use_threads(_AS_MANY * logits.numel())
        )
        ctx.residuals = torch.from_numpy(residuals)
        return torch.from_numpy(log_p)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_rows: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None, ctx.residuals * d_rows[:, None], None
