"""Laws of a sampler's randomness: two calls on one generator differ, one seed gives the same rows again.

Rows of two calls are independent, so a variable has the same state in row t of both with the probability c that two
rows agree at all.  That is estimated from rows of different places, which are independent whatever went wrong between
the calls; more agreement than that, by the binomial law, means that the second call has seen the first one's numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.stats import binom

from chainrule.evaluate.audit.inquiry import Inquiry, are_states
from chainrule.evaluate.audit.record import Finding, unknown
from chainrule.evaluate.audit.subject import Codes

__all__ = ["law_of_calls"]

_ROWS = 2_000
_SHIFTS = 20


def law_of_calls(q: Inquiry) -> Iterator[Finding]:
    """Two calls on one generator give independent rows; equal seeds give equal ones."""
    sample, law = q.subject.sample, "calls differ"
    if sample is None:
        yield unknown(law, "it has no sampler")
        yield unknown("seed", "it has no sampler")
        return
    rng = q.rng("calls")
    one, two = sample(_ROWS, rng), sample(_ROWS, rng)
    if not (are_states(one, q.subject.sizes) and are_states(two, q.subject.sizes)):
        yield unknown(law, "draws are no rows of states")
        return
    yield _agreement(q, law, one, two)
    if not q.subject.takes_seed:
        yield unknown("seed", "its sampler takes no generator")
        return
    same = np.array_equal(one, sample(_ROWS, q.rng("calls")))
    figure = "the same rows" if same else "other rows"
    detail = "" if same else "its draws depend on something else than the generator"
    yield Finding("seed", f"{_ROWS} draws twice from one seed", figure, "pass" if same else "fail", detail)


def _agreement(q: Inquiry, law: str, one: Codes, two: Codes) -> Finding:
    """Each variable, and whole rows, by how often they agree in two calls."""
    half = len(one) // 2
    pairs = {"two calls": (one, two), "the halves of a call": (one[:half], one[half : 2 * half])}
    least, worst, figure = 1.0, "", ""
    n_tests = len(pairs) * (q.subject.d + 1)
    for where, (a, b) in pairs.items():
        equal = a == b
        for j in range(q.subject.d + 1):
            agree = equal.all(axis=1) if j == q.subject.d else equal[:, j]
            by_chance = _chance(a, b, None if j == q.subject.d else j)
            p = float(binom.sf(agree.sum() - 1, len(agree), by_chance)) if agree.any() else 1.0
            if p < least:
                least, what = p, "whole rows" if j == q.subject.d else q.subject.names[j]
                worst = f"{what} agree in {agree.mean():.1%} of rows of {where}, by chance in {by_chance:.1%}"
        figure += f"{'; ' if figure else ''}{equal.all(axis=1).mean():.1%} of rows equal in {where}"
    p_value = min(1.0, n_tests * least)
    return Finding(law, f"{len(one)} draws twice from one generator", figure, "pass", worst, p_value=p_value)


def _chance(a: Codes, b: Codes, j: int | None) -> float:
    """The share of rows of different places that agree, a little above what was seen, since it is an estimate."""
    agreeing = n = 0
    for shift in range(1, _SHIFTS + 1):
        equal = a == np.roll(b, shift, axis=0)
        agreeing += int((equal.all(axis=1) if j is None else equal[:, j]).sum())
        n += len(a)
    return min(1.0, (agreeing + 3 * np.sqrt(agreeing + 1)) / n)
