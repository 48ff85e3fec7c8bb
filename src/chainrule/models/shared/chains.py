"""Draws from a chain p(x) = Π_i p(x_i | what it reads), given nothing but the probabilities of states.

A model that has a quicker way of its own (NADE, MADE) does not come here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models.contract import Turns
from chainrule.models.shared.completion import completions
from chainrule.models.shared.factorization import Factorization
from chainrule.models.shared.state_columns import picked

__all__ = ["draw_chain"]

_TOGETHER = 1024  # rows drawn together: the state of a chain for them stays in cache

Codes = NDArray[np.integer[Any]]
States = Callable[[Codes], NDArray[np.float64]]  # log p(x_i = k | what it reads) (n, Σ K_i) of complete rows


def draw_chain(
    codes: Codes,
    states: States,
    turns: Callable[[int], Turns],
    factorization: Factorization,
    sizes: tuple[int, ...],
    generator: np.random.Generator,
) -> Codes:
    """``codes`` (n, d) with each -1 drawn given the rest of its row; ``turns`` is the model's ``states_in_turn``.

    What is missing above something that is known comes from its exact posterior, of at most 16,384 completions (else
    ``TooLargeError``); the rest by one pass over the chain.
    """
    out = codes.copy()
    if (codes >= 0).any():
        distinct, which = np.unique(codes, axis=0, return_inverse=True)
        for r, row in enumerate(distinct):
            filled, counts = completions(row, factorization, sizes)
            if len(filled) > 1:
                log_p = picked(states(filled), filled, sizes)[:, counts].sum(1)
                p = np.exp(log_p - log_p.max())
                members = np.flatnonzero(which.reshape(-1) == r)
                drawn = generator.choice(len(filled), len(members), p=p / p.sum())
                out[np.ix_(members, np.flatnonzero(counts))] = filled[drawn][:, counts]
    holes = np.flatnonzero((out < 0).any(axis=1))
    for start in range(0, len(holes), _TOGETHER):
        part = holes[start : start + _TOGETHER]
        out[part] = _in_turn(out[part], turns(len(part)), generator)
    return out


def _in_turn(codes: Codes, turns: Turns, generator: np.random.Generator) -> Codes:
    """Rows of which nothing is missing above what is known, filled by one pass over the chain."""
    columns, found = next(turns)
    while True:
        for i, log_p in zip(columns.tolist(), found, strict=True):
            missing = codes[:, i] < 0
            codes[missing, i] = _drawn(log_p[missing], generator)
        try:
            columns, found = turns.send(codes[:, columns])
        except StopIteration:
            return codes


def _drawn(log_p: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.intp]:
    """A state for each row of ``log_p`` (n, K)."""
    ends = np.cumsum(np.exp(log_p), axis=1)[:, :-1]
    ends[ends >= 1 - 1e-15] = np.inf  # rounding must not reach a state of probability zero
    return (generator.random(len(log_p))[:, None] >= ends).sum(axis=1)
