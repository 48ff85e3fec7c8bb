"""States as indicators: what a network reads of a variable, and the log-odds that it gives of it.

A variable of K states is K - 1 indicators, one for each state but the first, and has K - 1 log-odds against its
first state.  Its probabilities are their softmax with a zero for the first:

    p(k) = exp(z_k) / (1 + exp(z_1) + ... + exp(z_{K-1})),   z_0 = 0

A binary variable is the case K = 2: one indicator, which is the variable itself, and one logit.  A variable of
one state has no indicators and the probability one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from chainrule.core.forks import cached_property
from chainrule.core.numerics import log_sum_exp
from chainrule.models.shared.state_columns import normalised, state_begins

__all__ = ["Coding"]


@dataclass(frozen=True)
class Coding:
    """The indicators of d variables with ``sizes`` states: those of variable i are ``begins[i]`` to ``begins[i + 1]``.

    >>> coding = Coding((2, 3, 1))
    >>> coding.width, coding.begins.tolist(), coding.indicators(np.array([[1, 2, 0], [0, 1, 0]])).tolist()
    (3, [0, 1, 3, 3], [[1, 0, 1], [0, 1, 0]])
    """

    sizes: tuple[int, ...]

    @classmethod
    def of(cls, sizes: int | Iterable[int]) -> Self:
        """The coding of variables with these numbers of states; one number d stands for d binary ones.

        >>> Coding.of(3) == Coding((2, 2, 2))
        True
        """
        return cls((2,) * int(sizes) if isinstance(sizes, (int, np.integer)) else tuple(map(int, sizes)))

    @cached_property
    def begins(self) -> NDArray[np.intp]:
        """Where the indicators of each variable begin, and the end of the last, (d + 1,)."""
        return np.concatenate([[0], np.cumsum(np.array(self.sizes) - 1)]).astype(np.intp)

    @property
    def width(self) -> int:
        """The number of indicators."""
        return int(self.begins[-1])

    @cached_property
    def is_binary(self) -> bool:
        """Whether rows are their own indicators."""
        return all(k == 2 for k in self.sizes)

    @cached_property
    def owner(self) -> NDArray[np.intp]:
        """The variable of each indicator, (width,)."""
        return np.repeat(np.arange(len(self.sizes)), np.array(self.sizes) - 1)

    @cached_property
    def state(self) -> NDArray[np.intp]:
        """The state that each indicator stands for, (width,)."""
        return np.arange(self.width, dtype=np.intp) - self.begins[self.owner] + 1

    @cached_property
    def by_state(self) -> NDArray[np.intp]:
        """The indicator of each state, (d, K): ``width`` for a first state, ``width + 1`` for none at all."""
        out = np.full((len(self.sizes), max(self.sizes)), self.width + 1)
        out[:, 0] = self.width
        out[self.owner, self.state] = np.arange(self.width)
        return out

    def order(self, variables: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
        """The indicators in the order of ``variables`` (d,), those of one variable together."""
        pieces = [np.arange(int(self.begins[i]), int(self.begins[i + 1])) for i in variables]
        return np.concatenate(pieces).astype(np.intp)

    def indicators(self, codes: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """Complete rows of codes (n, d) as 0 and 1 (n, width); binary rows are returned as they are."""
        if self.is_binary:
            return codes.astype(np.uint8, copy=False)
        return (codes[:, self.owner] == self.state).astype(np.uint8)

    def log_probabilities(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """``log p`` of each state (n, d, K) from log-odds (n, width); ``-inf`` for a state that is none."""
        z = np.asarray(logits, np.float64)
        ends = np.broadcast_to([0.0, -np.inf], (len(z), 2))
        by_state = np.concatenate([z, ends], axis=1)[:, self.by_state]
        return by_state - log_sum_exp(by_state, axis=2)[:, :, None]

    def state_log_probs(self, logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """``log p`` of each state from log-odds (n, width), those of all variables side by side (n, Σ K_i).

        >>> np.exp(Coding((2, 1, 3)).state_log_probs(np.zeros((1, 3)))).round(4).tolist()
        [[0.5, 0.5, 1.0, 0.3333, 0.3333, 0.3333]]
        """
        begins = state_begins(self.sizes)
        scores = np.zeros((len(logits), int(begins[-1])))
        scores[:, begins[self.owner] + self.state] = logits
        return normalised(scores, self.sizes)

    def terms(
        self, codes: NDArray[np.integer[Any]], logits: NDArray[np.floating[Any]]
    ) -> NDArray[np.float64]:
        """``log p(x_i)`` of complete rows of codes (n, d) from log-odds (n, width), (n, d)."""
        log_p = self.log_probabilities(logits)
        return np.take_along_axis(log_p, codes[:, :, None].astype(np.intp), axis=2)[:, :, 0]

    def draw(
        self, logits: NDArray[np.floating[Any]], uniforms: NDArray[np.floating[Any]]
    ) -> NDArray[np.integer[Any]]:
        """The states (n, d) that ``uniforms`` (n, d) stand for under log-odds (n, width).

        The first of 1, 2, ..., K - 1 up to which the probabilities add up to more than the uniform, else 0.

        >>> Coding((2, 3)).draw(np.zeros((2, 3)), np.array([[0.4, 0.4], [0.6, 0.7]])).tolist()
        [[1, 2], [0, 0]]
        """
        shares = np.exp(self.log_probabilities(logits))[:, :, 1:].cumsum(axis=2)
        above = shares > uniforms[:, :, None]
        found = np.where(above.any(axis=2), 1 + above.argmax(axis=2) if above.shape[2] else 0, 0)
        return found.astype(self.dtype)

    @property
    def dtype(self) -> type[np.integer[Any]]:
        """Of rows of codes that are drawn: ``uint8`` where every state fits into it."""
        return np.uint8 if max(self.sizes, default=1) <= 2**8 else np.int32

    def of_variables(self, variables: NDArray[np.integer[Any]]) -> Coding:
        """The coding of some of the variables alone; their indicators are ``order(variables)`` of this one."""
        return Coding(tuple(self.sizes[i] for i in variables))

    def log_odds(self, counts: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """The log-odds (width,) of variables whose states have the positive ``counts`` (d, K)."""
        return np.log(counts[self.owner, self.state]) - np.log(counts[self.owner, 0])
