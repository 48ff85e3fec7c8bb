"""Laws of conditionals: each is of its parents only, each parent can matter, and each is joint over marginal.

Two looks at what a factor reads, as in ``evaluate.factorization``: other states in rows, which asks nothing of a model,
and derivatives, where there is a network.  What a conditional does not read must leave it equal to the last bit.
Of a model that gives no conditionals, those that follow from its table are held against its graph.  That is no law for
a full order of the variables, in which every distribution factorises.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainrule.core.numerics import log_sum_exp
from chainrule.evaluate.audit.inquiry import Inquiry
from chainrule.evaluate.audit.record import Finding, unknown
from chainrule.evaluate.audit.subject import Codes
from chainrule.evaluate.factorization import jacobian_dependence, perturbation_dependence
from chainrule.models.shared.state_columns import state_begins

__all__ = ["law_of_conditionals", "law_of_factorisation"]

_ROWS = 16  # in which states are changed
_MOST_JACOBIAN = 200  # variables: it costs a pass back for each
_MARGINAL_ROWS, _MARGINAL_VARIABLES = 4, 16
_SHOWN = 4


def law_of_factorisation(q: Inquiry) -> Iterator[Finding]:
    """A conditional changes with nothing but its parents; and every promised parent can matter."""
    subject = q.subject
    if subject.parents is None:
        why = "it promises no factors"
        yield unknown("factorisation", why)
        yield unknown("factorisation is used", why)
        return
    if subject.state_log_probs is None:
        yield _by_table(q)
        yield unknown("factorisation is used", "it gives no conditionals to look at")
        return
    rows = np.concatenate([q.probable[: _ROWS // 2], q.anyhow[: _ROWS // 2]])
    found = perturbation_dependence(lambda x: _state_probabilities(q, x), rows, sizes=subject.sizes)
    how = f"every other state of every variable in {len(rows)} rows, equal to the last bit"
    yield _violations(q, found, how, "factorisation")
    if subject.logits is None or subject.d > _MOST_JACOBIAN:
        yield _use(q, found, "every other state of every variable")
        return
    slopes = jacobian_dependence(
        subject.logits, subject.d, n_points=8, generic=subject.is_masked, rng=q.rng("jacobian")
    )
    weights = "random weights" if subject.is_masked else "its weights"
    yield _violations(
        q,
        slopes,
        f"derivatives of all logits at 8 points, {weights}, exactly zero",
        "factorisation (Jacobian)",
    )
    yield _use(q, np.maximum(slopes, 0 if subject.is_masked else found), f"derivatives, {weights}")


def _state_probabilities(q: Inquiry, rows: Codes) -> NDArray[np.float64]:
    """The probabilities of states (n, d, most states), NaN for those that a variable does not have."""
    sizes = q.subject.sizes
    log_p = q.subject.state_scores(rows)
    assert log_p is not None
    out = np.full((len(rows), len(sizes), max(sizes)), np.nan)
    for i, begin in enumerate(state_begins(sizes)[:-1]):
        out[:, i, : sizes[i]] = np.exp(log_p[:, begin : begin + sizes[i]])
    return out


def _violations(q: Inquiry, found: NDArray[np.float64], how: str, law: str) -> Finding:
    assert q.subject.parents is not None
    wrong = np.argwhere((found > 0) & ~q.subject.parents)
    value = float(np.where(q.subject.parents, 0.0, found).max(initial=0.0))
    figure = f"{len(wrong)} of {int((~q.subject.parents).sum())} effects that must not be"
    detail = f"{_pairs(q, wrong, 'changes with')}, by up to {value:.3g}" if len(wrong) else ""
    return Finding(law, how, figure, "fail" if len(wrong) else "pass", detail, value)


def _use(q: Inquiry, found: NDArray[np.float64], how: str) -> Finding:
    subject, law = q.subject, "factorisation is used"
    assert subject.parents is not None
    promised, idle = int(subject.parents.sum()), np.argwhere((found == 0) & subject.parents)
    figure = f"{promised - len(idle)} of {promised} promised parents matter"
    if not len(idle):
        return Finding(law, how, figure, "pass", value=0)
    told = _pairs(q, idle, "does not change with")
    by_path = subject.logits is not None and subject.is_masked
    if by_path or (subject.is_network and len(idle) == promised):
        return Finding(law, how, figure, "fail", f"{told}: there is no way from one to the other", len(idle))
    return Finding(law, how, figure, "cannot tell", f"{told}, with the parameters as they are", len(idle))


def _pairs(q: Inquiry, pairs: NDArray[np.intp], verb: str) -> str:
    names = q.subject.names
    told = [f"{names[i]} {verb} {'itself' if i == j else names[j]}" for i, j in pairs[:_SHOWN]]
    return ", ".join(told) + (f" and {len(pairs) - _SHOWN} more" if len(pairs) > _SHOWN else "")


def _by_table(q: Inquiry) -> Finding:
    """The conditionals of the table given all before, held against those given the parents alone."""
    law, subject = "factorisation", q.subject
    assert subject.parents is not None
    if subject.parents.sum() == subject.d * (subject.d - 1) // 2:
        return unknown(
            law, "every distribution has the factors of a full order; give state_log_probs to see its own"
        )
    if q.table is None:
        return unknown(
            law, f"it gives no conditionals, and has {subject.n_states:.3g} rows; give state_log_probs"
        )
    p = np.exp(q.table - log_sum_exp(q.table)).reshape(subject.sizes)
    product = np.ones_like(p)
    for i in range(subject.d):
        others = tuple(j for j in range(subject.d) if j != i and not subject.parents[i, j])
        joint = p.sum(axis=others, keepdims=True)
        total = joint.sum(axis=i, keepdims=True)
        product = product * np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    value = float(np.abs(product - p).sum() / 2)
    good = value <= max(q.tolerance, 1e-12 * p.size)
    detail = "" if good else "the table is not the product of its factors"
    figure = f"total variation {value:.3g} from the product of its factors"
    return Finding(
        law, f"the table of {p.size:,} rows, {q.within}", figure, "pass" if good else "fail", detail, value
    )


def law_of_conditionals(q: Inquiry) -> Iterator[Finding]:
    """A conditional is joint over marginal."""
    law, subject = "joint over marginal", q.subject
    if subject.state_log_probs is None or subject.order is None:
        yield unknown(law, "it gives no conditionals along an order")
        return
    if q.table is not None:
        rows = q.probe
        expected = _from_table(q, rows)
        how = f"the states of {len(rows)} rows by sums over the table"
    elif subject.takes_holes:
        rows = q.probable[:_MARGINAL_ROWS]
        expected = _from_marginals(q, rows)
        how = f"{min(subject.d, _MARGINAL_VARIABLES)} variables in {len(rows)} rows by marginals of missing values"
    else:
        yield unknown(law, f"it gives no marginals, and has {subject.n_states:.3g} rows")
        return
    found = subject.state_scores(rows)
    assert found is not None
    known = ~np.isnan(expected)
    apart = np.abs(np.exp(found[known]) - np.exp(expected[known]))
    value = float(np.nan_to_num(apart, nan=np.inf).max(initial=0.0))
    good = value <= q.tolerance
    figure = f"probabilities differ by at most {value:.2g}"
    yield Finding(
        law, f"{how}, {q.within}", figure, "pass" if good else "fail", "" if good else figure, value
    )


def _from_table(q: Inquiry, rows: Codes) -> NDArray[np.float64]:
    """log p of each state given the states of a row before it, from the table; NaN after what is impossible."""
    subject = q.subject
    assert q.table is not None
    assert subject.order is not None
    table = q.table.reshape(subject.sizes).transpose(subject.order)
    out, begins = np.full((len(rows), sum(subject.sizes)), np.nan), state_begins(subject.sizes)
    for t, i in enumerate(subject.order):
        joint = log_sum_exp(table, axis=tuple(range(t + 1, subject.d))) if t + 1 < subject.d else table
        part = joint[tuple(rows[:, subject.order[:t]].T)] if t else np.repeat(joint[None], len(rows), axis=0)
        out[:, begins[i] : begins[i + 1]] = _shares(part)
    return out


def _from_marginals(q: Inquiry, rows: Codes) -> NDArray[np.float64]:
    """The same from log p of rows in which all that comes later is missing, for some of the variables."""
    subject = q.subject
    assert subject.order is not None
    out, begins = np.full((len(rows), sum(subject.sizes)), np.nan), state_begins(subject.sizes)
    for t in sorted(q.rng("marginals").permutation(subject.d)[:_MARGINAL_VARIABLES].tolist()):
        i = subject.order[t]
        known = np.full_like(rows, -1)
        known[:, subject.order[:t]] = rows[:, subject.order[:t]]
        each = np.repeat(known, subject.sizes[i], axis=0)
        each[:, i] = np.tile(np.arange(subject.sizes[i]), len(rows))
        out[:, begins[i] : begins[i + 1]] = _shares(subject.scores(each).reshape(len(rows), -1))
    return out


def _shares(log_p: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return log_p - log_sum_exp(log_p, axis=1)[:, None]
