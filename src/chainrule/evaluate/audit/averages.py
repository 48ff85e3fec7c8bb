"""The law of ensembles and mixtures: p(x) = sum of w_k p_k(x), an average of probabilities, its weights of sum one.

Averaging logits or log-probabilities gives no distribution, or another one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.core.numerics import log_sum_exp
from chainrule.evaluate.audit.inquiry import Inquiry, difference
from chainrule.evaluate.audit.record import Finding, unknown
from chainrule.evaluate.audit.subject import as_numbers

__all__ = ["law_of_averages"]


def law_of_averages(q: Inquiry) -> Iterator[Finding]:
    """An average of models averages probabilities, with weights that sum to one."""
    law, members = "average", q.subject.members
    if not members:
        yield unknown(law, "it is no average of models whose members can be asked")
        return
    weights = np.array([w for w, _ in members])
    scores = np.array([as_numbers(f(q.probe.copy())).astype(np.float64) for _, f in members])
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = log_sum_exp(
            np.log(weights)[:, None] + np.where(weights[:, None] > 0, scores, -np.inf), axis=0
        )
    apart = difference(q.subject.scores(q.probe), expected)
    value, faults = float(apart.max()), []
    if abs(weights.sum() - 1) > q.tolerance or (weights < 0).any():
        faults.append(f"the weights sum to {weights.sum():.9g}, the least is {weights.min():.3g}")
    if value > q.tolerance:
        faults.append("log p is not the log of the average of the members' probabilities")
    how = f"{len(members)} members on {len(q.probe)} rows, {q.within}"
    figure = f"differs from the average by at most {value:.2g}"
    yield Finding(law, how, figure, "fail" if faults else "pass", "; ".join(faults), value)
