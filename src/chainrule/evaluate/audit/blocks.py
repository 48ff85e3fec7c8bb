"""Draws against ``log_prob``, some variables at a time: the exact law of a block given all else in the row.

Let B be some variables, chosen without looking at a draw x.  Given all else, x_B has the law p(x_B | rest), which is
log_prob of all states of B less a constant.  Sort these states in any way that looks at the rest only; then

    u = (what is before x_B) + U p(x_B | rest),     U uniform,

is uniform on (0, 1) and independent of the rest, if and only if x_B is drawn from that law.  States are sorted by
their probability, which sees draws that are too probable or too rare, and by a random order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from chainrule.core.progress import track
from chainrule.evaluate.audit.inquiry import block_of
from chainrule.evaluate.audit.subject import Codes, Subject
from chainrule.evaluate.audit.tails import bennett
from chainrule.models.shared.states import n_states, states_between

__all__ = ["Blocks", "blocks_p_value"]

_STATES = 32  # joint states of a block, unless a single variable has more
_TIMES = 3  # that each variable is in a block
_LEAST_GROUPS = 16
_MOST_CELLS = 2**29  # that are scored
_LEAST_ROWS, _MOST_ROWS = 400, 6_000
_BINS = 20


@dataclass(frozen=True)
class Blocks:
    """What was found of ``n`` draws in blocks of up to ``states``: ``p_value``, ``None`` where nothing could vary."""

    n: int
    states: int
    impossible: int
    p_value: float | None
    worst: str = ""


def blocks_p_value(
    subject: Subject, draws: Codes, free: NDArray[np.bool_], rng: np.random.Generator
) -> Blocks:
    """Hold ``draws`` (n, d) against log_prob in blocks of the ``free`` variables."""
    n = int(np.clip(_MOST_CELLS // (_STATES * subject.d), _LEAST_ROWS, min(_MOST_ROWS, len(draws))))
    blocks = _blocks(subject, np.flatnonzero(free), n, rng)
    parts = np.array_split(np.arange(min(n, len(draws))), len(blocks))
    ranks: list[NDArray[np.float64]] = []
    sums, variances = np.zeros((2, subject.d, max(subject.sizes)))
    impossible = 0
    for block, part in zip(track(blocks, "comparing draws with log_prob"), parts, strict=True):
        sizes = [subject.sizes[i] for i in block]
        states = states_between(0, n_states(sizes), sizes).astype(np.int64)
        log_p = block_of(subject, draws[part], block, states)
        p = np.nan_to_num(np.exp(log_p))
        own = np.asarray(np.ravel_multi_index(tuple(draws[part][:, block].T), sizes))
        lost = p[np.arange(len(part)), own] == 0
        impossible += int(lost.sum())
        p, own, rows = p[~lost], own[~lost], draws[part][~lost]
        ranks.append(_ranks(p, own, rng))
        for j, i in enumerate(block):
            for k in range(sizes[j]):
                share = p[:, states[:, j] == k].sum(axis=1)
                sums[i, k] += ((rows[:, i] == k) - share).sum()
                variances[i, k] += (share * (1 - share)).sum()
    p_value, worst = _judged(subject, np.concatenate(ranks), sums, variances)
    return Blocks(
        min(n, len(draws)),
        max(n_states([subject.sizes[i] for i in b]) for b in blocks),
        impossible,
        p_value,
        worst,
    )


def _blocks(
    subject: Subject, free: NDArray[np.intp], n: int, rng: np.random.Generator
) -> list[NDArray[np.intp]]:
    """Blocks of variables, each in about ``_TIMES`` of them; no more blocks than rows."""
    out: list[NDArray[np.intp]] = []
    rounds = 0
    while rounds < _TIMES or len(out) < _LEAST_GROUPS:
        rounds += 1
        waiting = rng.permutation(free).tolist()
        while waiting:
            block, size = [], 1
            while waiting and (not block or size * subject.sizes[waiting[-1]] <= _STATES):
                size *= subject.sizes[waiting[-1]]
                block.append(waiting.pop())
            out.append(np.sort(np.array(block, np.intp)))
    return out[:n]


def _ranks(p: NDArray[np.float64], own: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.float64]:
    """The ranks (2, n) of ``own`` states: the most probable first, and in a random order; NaN where one has all."""
    n, m = p.shape
    out = np.full((2, n), np.nan)
    varies = p.max(axis=1, initial=0.0) < 1 - 1e-9
    shuffled = np.repeat(rng.permutation(m)[None], n, axis=0)
    for t, order in enumerate((np.argsort(-p, axis=1, kind="stable"), shuffled)):
        sorted_p = np.take_along_axis(p, order, axis=1)
        place = (order == own[:, None]).argmax(axis=1)
        ends = np.cumsum(sorted_p, axis=1)[np.arange(n), place]
        width = p[np.arange(n), own]
        u = ends - width * rng.random(n)
        out[t, varies] = u[varies]
    return out.T


def _judged(
    subject: Subject, ranks: NDArray[np.float64], sums: NDArray[np.float64], variances: NDArray[np.float64]
) -> tuple[float | None, str]:
    p_values, worst = [], ""
    for u in ranks.T:
        known = u[~np.isnan(u)]
        if len(known) >= 5 * _BINS:
            counts = np.histogram(np.clip(known, 0, 1), _BINS, (0, 1))[0]
            expected = len(known) / _BINS
            p_values.append(float(chi2.sf(((counts - expected) ** 2 / expected).sum(), _BINS - 1)))
    varies = variances > 0
    if varies.any():
        p = np.where(varies, bennett(sums, variances), 1.0)
        i, k = np.unravel_index(int(p.argmin()), p.shape)
        p_values.append(min(1.0, float(p[i, k]) * int(varies.sum())))
        worst = f"furthest from its mean: {subject.names[i]} = {k}, {sums[i, k]:+.1f} draws"
    if not p_values:
        return None, ""
    return min(1.0, len(p_values) * min(p_values)), worst
