"""Laws of draws among each other: none knows of another, of its place, or of an earlier call.

Three looks that need ``log_prob`` only, or nothing:

* repeats: of two parts of the draws, one shows some rows D, and the other is in D as often as the binomial law with
  p(D) says, which is the sum of exp(log_prob) over D.  Rows that are given out again are there too often, those of
  a sampler without replacement too rarely;
* order: by whatever number draws are ranked, all orders of the ranks are as likely.  So ranks have no correlation with
  places (sorted draws), nor with the ranks next to them (pairs), as Wald and Wolfowitz (1943) hold a series to;
* calls: the draws of one call are those of an earlier one with the probability that ``log_prob`` gives the earlier
  ones.  A sampler that begins anew from one of few seeds meets itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, norm

from chainrule.core.numerics import log_sum_exp
from chainrule.evaluate.audit.inquiry import Inquiry, are_states
from chainrule.evaluate.audit.record import Finding, unknown
from chainrule.evaluate.audit.subject import Codes

__all__ = ["law_of_independence"]

_LAW = "independent draws"
_ROWS = 8_000
_RANKINGS = 10
_CALLS, _NATS, _MOST_ROWS = 60, 50.0, 400  # a call has rows of so many nats together, or so many rows


def law_of_independence(q: Inquiry) -> Iterator[Finding]:
    """Draws know nothing of each other, of their places, of earlier calls."""
    draws = q.legal_draws
    if draws is None or len(draws) < 4:
        yield unknown(
            _LAW, "it has no sampler" if q.subject.sample is None else "draws are no rows of states"
        )
        return
    draws = draws[:_ROWS].astype(np.int64)
    scores = q.subject.scores(draws)
    yield _repeats(q, draws, scores)
    yield _order(q, draws, scores)
    yield _calls(
        q, max(float(-scores[np.isfinite(scores)].mean()), 1e-9) if np.isfinite(scores).any() else 1.0
    )


def _repeats(q: Inquiry, draws: Codes, scores: NDArray[np.float64]) -> Finding:
    half, places = len(draws) // 2, np.arange(len(draws))
    least, figure = 1.0, ""
    for where, first in {"halves": places < half, "turns": places % 2 == 0}.items():
        seen = {row.tobytes(): score for row, score in zip(draws[first], scores[first], strict=True)}
        others = draws[~first]
        again = sum(row.tobytes() in seen for row in others)
        chance = float(np.exp(log_sum_exp(np.array(list(seen.values())))))
        bounds = np.clip(chance * np.array([1 - q.tolerance, 1 + q.tolerance]), 0.0, 1.0)
        p = max(float(binomtest(again, len(others), bound).pvalue) for bound in bounds)
        if p < least or not figure:
            least, figure = p, f"{again:,} rows again in {where}, {chance * len(others):.1f} expected"
    how = f"{len(draws):,} draws in two parts: the rows of one among those of the other"
    return Finding(f"{_LAW} (repeats)", how, figure, "pass", p_value=min(1.0, 2 * least))


def _order(q: Inquiry, draws: Codes, scores: NDArray[np.float64]) -> Finding:
    n, rng = len(draws), q.rng("order")
    places = np.arange(n) - (n - 1) / 2
    places /= np.sqrt((places**2).sum())
    least, figure = 1.0, ""
    for t in range(_RANKINGS):
        number = draws @ rng.normal(size=q.subject.d) if t else scores
        ranks = np.empty(n)
        ranks[np.lexsort([rng.random(n), number])] = places  # ties in any order
        for what, r in {
            "their places": float(ranks @ places),
            "the draws before them": float(ranks @ np.roll(ranks, 1)) + 1 / (n - 1),
        }.items():
            p = 2 * float(norm.sf(abs(r) * np.sqrt(n - 1)))
            if p < least or not figure:
                least, figure = p, f"correlation of draws with {what}: {r:+.3f}"
    how = f"{n:,} draws ranked in {_RANKINGS} ways"
    return Finding(f"{_LAW} (order)", how, figure, "pass", p_value=min(1.0, 2 * _RANKINGS * least))


def _calls(q: Inquiry, nats: float) -> Finding:
    sample, law = q.subject.sample, f"{_LAW} (calls)"
    assert sample is not None
    n, rng = int(np.clip(np.ceil(_NATS / nats), 1, _MOST_ROWS)), q.rng("many calls")
    how = f"{_CALLS} calls of {n} draws on one generator"
    seen: set[bytes] = set()
    chances: list[float] = []
    for _ in range(_CALLS):
        draws = sample(n, rng)
        if not are_states(draws, q.subject.sizes):
            return Finding(law, how, "", "fail", "a draw is no row of states")
        key = draws.astype(np.int64).tobytes()
        if key in seen:
            chances.append(float(np.exp(q.subject.scores(draws.astype(np.int64)).sum())))
        seen.add(key)
    pairs = _CALLS * (_CALLS - 1) / 2
    figure = f"{len(chances)} calls gave the draws of an earlier one"
    return Finding(law, how, figure, "pass", p_value=min([1.0, *(pairs * chance for chance in chances)]))
