"""Draws against ``log_prob`` as a whole: what is left of a draw after moves that keep the law of ``log_prob``.

A move takes a variable at random and draws it anew from its exact law given all else (Gibbs sampling).  Moves in which
each way has the probability of its way back keep a draw and what becomes of it exchangeable, if the draw is of that
law (Gandy and Scott 2020).  So what moves add to log p is as likely to be lost; draws that are too probable or too
rare everywhere by a little, as those of a temperature, drift back.  For sums of differences D symmetric about zero

    P(|ΣD| >= t √ΣD²) <= 2 exp(-t² / 2)     (Hoeffding 1963),

whatever their law and number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.core.progress import track
from chainrule.evaluate.audit.subject import Codes, Subject

__all__ = ["Moves", "moved"]

_ROWS = 4_000
_MOST_CELLS = 2**27  # that are scored
_ROUNDS = 1  # moves of each variable, on average


@dataclass(frozen=True)
class Moves:
    """What ``n_moves`` of each of ``n`` draws added to log p on average, and how likely that much is by chance."""

    n: int
    n_moves: int
    gain_nats: float
    p_value: float


def moved(subject: Subject, draws: Codes, rng: np.random.Generator) -> Moves:
    """Move ``draws`` (n, d), some of them, and compare log p before and after."""
    sizes = np.array(subject.sizes)
    free, widest = np.flatnonzero(sizes > 1), int(sizes.max())
    rows = draws[:_ROWS].copy()
    rows = rows[np.isfinite(subject.scores(rows))]
    before = subject.scores(rows)
    n_moves = min(_ROUNDS * len(free), max(1, _MOST_CELLS // max(1, rows.size * widest))) if len(free) else 0
    for _ in track(range(n_moves), "moving draws"):
        _move(subject, rows, rng.choice(free, len(rows)), sizes, rng)
    gains = subject.scores(rows) - before
    scale = float(np.sqrt((gains**2).sum()))
    t = abs(float(gains.sum())) / scale if scale > 0 else 0.0
    return Moves(len(rows), n_moves, float(gains.mean()), min(1.0, 2 * float(np.exp(-(t**2) / 2))))


def _move(
    subject: Subject, rows: Codes, chosen: NDArray[np.intp], sizes: NDArray[np.intp], rng: np.random.Generator
) -> None:
    """Draw variable ``chosen[r]`` of each row r anew given all else, in place."""
    n, widest, each = len(rows), int(sizes[chosen].max()), np.arange(len(rows))
    states = np.arange(widest)
    there = states < sizes[chosen][:, None]
    filled = np.repeat(rows, widest, axis=0)
    filled[np.arange(n * widest), np.repeat(chosen, widest)] = np.where(there, states, 0).ravel()
    log_p = np.where(there, subject.scores(filled).reshape(n, widest), -np.inf)
    noise = rng.gumbel(size=log_p.shape)  # the largest of log p + Gumbel noise is a draw
    rows[each, chosen] = (log_p + noise).argmax(axis=1)
