"""A small model that is right, written without the package, to plant faults in."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

import chainrule
from chainrule import OtherModel
from chainrule.tasks.auditing.record import Audit

__all__ = ["SIZES", "Toy", "audited", "failed", "softmax_logs"]

SIZES = (2, 3, 2, 4, 2)


def softmax_logs(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """log softmax along the last axis."""
    states = range(z.shape[-1])  # numpy goes through a short last axis slowly
    z = z - reduce(np.maximum, [z[..., k] for k in states])[..., None]
    p = np.exp(z)
    return z - np.log(reduce(np.add, [p[..., k] for k in states]))[..., None]


class Toy:
    """p(x) = product of softmaxes of sums of weights of the states before: ``W[i][j]`` is (K_j, K_i)."""

    def __init__(self, sizes: tuple[int, ...] = SIZES, scale: float = 1.0, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        self.sizes, d = sizes, len(sizes)
        self.b = [scale * rng.normal(size=k) for k in sizes]
        self.W = [[scale * rng.normal(size=(sizes[j], k)) for j in range(d)] for k in sizes]
        self.reads = np.tril(np.ones((d, d), bool), -1)

    def logs(self, rows: NDArray[Any], i: int) -> NDArray[np.float64]:
        """log p of the states of variable i, (n, K_i)."""
        z = self.b[i] + sum(self.W[i][j].take(rows[:, j], axis=0) for j in np.flatnonzero(self.reads[i]))
        return softmax_logs(np.broadcast_to(z, (len(rows), self.sizes[i])))

    def states(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """``logs`` of all variables side by side."""
        return np.concatenate([self.logs(rows, i) for i in range(len(self.sizes))], axis=1)

    def log_prob(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """log p of complete rows."""
        return sum(self.logs(rows, i)[np.arange(len(rows)), rows[:, i]] for i in range(len(self.sizes)))

    def uniforms(self, n: int, i: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """The random numbers that variable i is drawn by."""
        return rng.random(n)

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Ancestral draws."""
        rows = np.zeros((n, len(self.sizes)), np.int64)
        for i in range(len(self.sizes)):
            ends = np.cumsum(np.exp(self.logs(rows, i)), axis=1)[:, :-1]
            rows[:, i] = (self.uniforms(n, i, rng)[:, None] >= ends).sum(axis=1)
        return rows

    def given(self, n: int, row: NDArray[Any], rng: np.random.Generator) -> NDArray[np.int64]:
        """Draws that agree with ``row`` where it is not -1, from all rows that do."""
        every = np.array(list(np.ndindex(*self.sizes)))
        fits = every[((row < 0) | (every == row)).all(axis=1)]
        p = np.exp(self.log_prob(fits))
        return fits[rng.choice(len(fits), n, p=p / p.sum())]

    def other(self, **changed: Any) -> OtherModel:
        """The model for an audit, with what is ``changed``."""
        parts: dict[str, Any] = {
            "log_prob": self.log_prob,
            "sizes": self.sizes,
            "sample": self.sample,
            "sample_given": self.given if len(self.sizes) < 8 else None,
            "state_log_probs": self.states,
            "factors": list(range(len(self.sizes))),
        }
        return OtherModel(**parts | changed)


def audited(model: Any, X: Any = None, **settings: Any) -> Audit:
    """An audit by few draws."""
    return chainrule.audit(model, X, **{"draws": 8_000, **settings})


def failed(model: Any, X: Any = None, **settings: Any) -> set[str]:
    """The laws that an audit finds broken."""
    return set(audited(model, X, **settings).failed)
