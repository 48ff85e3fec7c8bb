"""Laws about rows that a model has not learned from: not likelier than the truth allows, and not those of the fit.

Let p be what the rows were drawn from, and q the model, chosen without them.  Then E_p[ q(x) / p(x) ] <= 1, so by
Markov's inequality the product of these ratios over the rows exceeds 1/a with probability at most a: where p is known
no model may gain log(1/a) nats on it in all.  Where only its entropy H is, the mean of log q lies above -H by chance
alone.  Rows of the fit among those to judge by are the usual way to break both.

A row that was seen in training comes again by itself in small tables.  How often is Good's estimate (1953): the
probability that a new row is none of the n rows of a sample is about the share of those that occur there once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln
from scipy.stats import binom, norm

from chainrule.evaluate.audit.inquiry import Inquiry
from chainrule.evaluate.audit.record import Finding, unknown
from chainrule.evaluate.audit.subject import Codes, as_numbers

__all__ = ["law_of_duplicates", "law_of_truth"]

_LEAST_ROWS = 30  # for a mean to be taken for normal
_LEAST_POWER = 1e-4  # the p value that only rows of the fit must be able to reach


def law_of_truth(q: Inquiry) -> Iterator[Finding]:
    """The likelihood of new rows is not above what their own distribution allows."""
    law = "truth"
    if q.data is None or (q.truth is None and q.entropy_nats is None):
        yield unknown(law, "the distribution of the rows is not known; give rows, and truth or entropy_nats")
        return
    rows = q.data[(q.data >= 0).all(axis=1)]
    scores = q.subject.scores(rows)
    if q.truth is not None:
        yield _against_truth(rows, scores, as_numbers(q.truth(rows.copy())).astype(np.float64))
    if q.entropy_nats is not None:
        yield _against_entropy(scores, q.entropy_nats)


def _against_truth(rows: Codes, scores: NDArray[np.float64], truth: NDArray[np.float64]) -> Finding:
    how = f"log q - log p over {len(rows):,} rows; by Markov's inequality"
    if (truth == -np.inf).any():
        n = int((truth == -np.inf).sum())
        return Finding(
            "truth", how, "", "fail", f"{n:,} rows are impossible under the truth, so it is not theirs"
        )
    gain = float((scores - truth).sum())
    p_value = float(np.exp(-max(0.0, gain)))
    figure = f"{gain / len(rows):+.4g} nats a row, {gain:+.4g} in all"
    return Finding("truth", how, figure, "pass", value=gain / len(rows), p_value=p_value)


def _against_entropy(scores: NDArray[np.float64], entropy: float) -> Finding:
    law, how = "truth (entropy)", f"the mean of log q over {len(scores):,} rows beside -{entropy:.6g} nats"
    if len(scores) < _LEAST_ROWS or not np.isfinite(scores).all():
        return unknown(law, f"that takes {_LEAST_ROWS} rows that are possible", how)
    gain, error = float(scores.mean() + entropy), float(scores.std(ddof=1) / np.sqrt(len(scores)))
    p_value = float(norm.sf(gain / error)) if error else float(gain <= 0)
    return Finding(law, how, f"{gain:+.4g} ± {error:.2g} nats a row", "pass", value=gain, p_value=p_value)


def law_of_duplicates(q: Inquiry) -> Iterator[Finding]:
    """The rows to judge by are not those that were learned from."""
    law = "duplicates"
    if q.data is None or q.train is None:
        yield unknown(law, "it takes the rows of the fit (train) beside others")
        return
    seen = _distinct(q.train)
    again = np.array([row.tobytes() in seen for row in _bytes(q.data)])
    once, n = sum(count == 1 for count in seen.values()), len(q.train)
    by_chance = min(1.0, 1 - once / n + 3 * np.sqrt(once + 1) / n)
    p_values = {
        "rows of the fit": float(binom.sf(again.sum() - 1, len(again), by_chance)) if again.any() else 1.0,
        "the rows of the fit in another order": _same_counts(seen, q.data),
        "rows of the fit in their order": _in_order(q.train, q.data, seen),
    }
    what = min(p_values, key=lambda word: p_values[word])
    p_value = min(1.0, len(p_values) * p_values[what])
    how = f"{len(again):,} rows beside {n:,} of the fit, and how often rows come again there"
    figure = f"{again.mean():.1%} of the rows are in both, {1 - once / n:.1%} are expected"
    first = f"; the first is row {int(again.argmax()) + 1}" if again.any() else ""
    if by_chance ** len(again) > _LEAST_POWER and p_value > _LEAST_POWER:
        why = "so many rows come again by themselves that those of the fit could not be told from others"
        yield Finding(law, how, figure, "cannot tell", why, float(again.mean()), p_value)
        return
    yield Finding(law, how, figure, "pass", f"these are {what}{first}", float(again.mean()), p_value)


def _same_counts(seen: dict[bytes, int], data: Codes) -> float:
    """How probable it is that new rows are just those of the fit, each as often; 1 where they are not."""
    if _distinct(data) != seen:
        return 1.0
    counts = np.array(list(seen.values()))
    n = counts.sum()
    log_p = gammaln(n + 1) - gammaln(counts + 1).sum() + (counts * np.log(counts / n)).sum()
    return float(np.exp(min(0.0, log_p)))


def _in_order(train: Codes, data: Codes, seen: dict[bytes, int]) -> float:
    """How probable it is that new rows follow those of the fit from some place on; 1 where they do not."""
    n, m = len(train), len(data)
    starts = np.flatnonzero((train[: max(0, n - m + 1)] == data[0]).all(axis=1))
    if not any(np.array_equal(train[s : s + m], data) for s in starts):
        return 1.0
    log_p = sum(np.log(seen[row.tobytes()] / n) for row in _bytes(data))
    return float(min(1.0, (n - m + 1) * np.exp(log_p)))


def _bytes(rows: Codes) -> Codes:
    return np.ascontiguousarray(rows, np.int64)


def _distinct(rows: Codes) -> dict[bytes, int]:
    """How often each row occurs."""
    found: dict[bytes, int] = {}
    for row in _bytes(rows):
        key = row.tobytes()
        found[key] = found.get(key, 0) + 1
    return found
