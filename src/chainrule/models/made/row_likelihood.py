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
from chainrule.models.shared.likelihood import categorical_terms

__all__ = ["indicator_rows", "log_prob_and_slopes", "row_log_prob"]

_AS_MANY = (
    300  # multiply-adds that the likelihood of one entry is worth; threads are for products of that size
)


def row_log_prob(codes: Tensor, logits: Tensor, coding: Coding) -> Tensor:
    """Log-probability of each row in nats, (n,), from log-odds (n, coding.width).

    ``codes`` (n, d) are int32, or where all variables are binary numbers of the dtype of the logits.  The sum of
    ``likelihood.categorical_terms``; where there are loops in one pass, and differentiable once, in ``logits``.
    """
    if not has_loops(logits):
        return categorical_terms(codes, logits, coding).sum(1)
    return _Rows.apply(codes, logits, coding)  # type: ignore[return-value]


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


def log_prob_and_slopes(
    codes: Tensor, logits: Tensor, coding: Coding
) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """``log p`` of rows (n,), and its derivative in the logits, by the loops; binary codes of the logits' dtype."""
    threads = use_threads(_AS_MANY * logits.numel())
    if coding.is_binary:
        return bernoulli_log_prob(array(codes), array(logits), threads)
    return categorical_log_prob(array(codes), array(logits), _begins(coding), threads)


class _Rows(torch.autograd.Function):
    """log p of the states, summed over a row; its gradient in the log-odds is indicator - probability."""

    @staticmethod
    def forward(ctx: Any, codes: Tensor, logits: Tensor, coding: Coding) -> Tensor:
        log_p, slopes = log_prob_and_slopes(codes, logits, coding)
        ctx.slopes = torch.from_numpy(slopes)
        return torch.from_numpy(log_p)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_rows: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None, ctx.slopes * d_rows[:, None], None
