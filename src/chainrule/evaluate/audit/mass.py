"""The first law of a distribution: its probabilities sum to one over all rows.

Where the rows can be gone through, their sum is formed, in blocks of bounded memory.  Beyond that there are two looks.
Exact: the states of each factor sum to one in every row that is tried, and the factors of a row multiply to its p, so
that a model whose factors read nothing else (the law "factorisation") has the mass one.  Estimated: the mean of
p(x) / q(x) over n rows of a known distribution q,

    E_q[ p(x) / q(x) ] = sum of p(x) over the rows that q reaches,        q = 0.95 forest + 0.05 uniform,

with a forest (Chow and Liu 1968) of the model's draws or of the data.  An estimate far above one refutes the law
without any approximation: by Markov's inequality it is above 1/a with probability at most a.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from chainrule.core.numerics import log_sum_exp
from chainrule.core.progress import track
from chainrule.evaluate.audit.inquiry import Inquiry, difference
from chainrule.evaluate.audit.record import Finding, Verdict, unknown
from chainrule.evaluate.audit.subject import Codes
from chainrule.models.bayesian_network import ChowLiu
from chainrule.models.contract import DiscreteModel
from chainrule.models.shared.state_columns import picked, state_begins
from chainrule.models.shared.states import state_blocks
from chainrule.tables.schema import Schema

__all__ = ["law_of_factors_mass", "law_of_mass"]

_BLOCK = 2**14
_UNIFORM = 0.05
_MOST_CELLS = 2**24  # of rows that are drawn of q
_FOREST_ROWS = 5_000
_LEAST_ROWS_WORTH = 200  # effective rows, for an error that can be believed
_LEAST_ERROR = 0.01  # above it an estimate says too little to pass


def law_of_mass(q: Inquiry) -> Iterator[Finding]:
    """The probabilities of all rows sum to one."""
    n, subject = q.subject.n_states, q.subject
    if n > q.most_states:
        yield from _estimated(q)
        return
    if q.table is not None:
        sums: list[float] = [float(log_sum_exp(q.table))]
    else:
        blocks = track(state_blocks(subject.sizes, size=_BLOCK), "summing over all rows", -(-n // _BLOCK))
        sums = [float(log_sum_exp(subject.scores(b.astype(np.int64)))) for b in blocks]
    mass = float(np.exp(log_sum_exp(sums)))
    good = abs(mass - 1) <= q.tolerance
    detail = "" if good else "probabilities do not sum to one; the excess or what is missing is not rounding"
    if not good and not q.is_single and abs(mass - 1) < 1e-5 and q.subject.is_single is None:
        detail += " of float64 (where the model computes in float32, say precision='single')"
    yield Finding(
        "mass", f"the sum over all {n:,} rows, {q.within}", f"{mass:.12g}", _word(good), detail, mass
    )


def law_of_factors_mass(q: Inquiry) -> Iterator[Finding]:
    """The states of each factor sum to one, and the factors of a row multiply to its probability."""
    law, subject, rows = "factors sum to one", q.subject, q.probe
    states = subject.state_scores(rows)
    if states is None:
        yield unknown(law, "it gives no probabilities of states along an order")
        return
    if states.shape != (len(rows), sum(subject.sizes)):
        yield Finding(
            law,
            "",
            "",
            "fail",
            f"the states are of shape {states.shape}, not {len(rows), sum(subject.sizes)}",
        )
        return
    totals = np.add.reduceat(np.exp(states), state_begins(subject.sizes)[:-1], axis=1)
    off = np.abs(totals - 1)
    own = picked(states, rows, subject.sizes)
    apart = difference(own.sum(axis=1), subject.scores(rows))
    faults = []
    if not (off <= q.tolerance).all():
        i = int(np.nan_to_num(off.max(axis=0), nan=np.inf).argmax())
        faults.append(
            f"those of {subject.names[i]} sum to {totals[np.nan_to_num(off[:, i], nan=9).argmax(), i]:.9g}"
        )
    if not (apart <= q.tolerance).all():
        faults.append(f"the factors of a row differ from its log p by {apart.max():.3g} of it")
    if subject.conditionals is not None:
        faults += _own(q, own)
    value = float(np.nanmax(off, initial=0.0))
    how = f"{subject.d} factors in {len(rows)} rows, {q.within}"
    figure = f"sums off by at most {value:.2g}, rows by {apart.max():.2g}"
    yield Finding(law, how, figure, _word(not faults), "; ".join(faults), value)


def _own(q: Inquiry, own: NDArray[np.float64]) -> list[str]:
    assert q.subject.conditionals is not None
    apart = difference(np.asarray(q.subject.conditionals(q.probe.copy()), np.float64), own)
    return [] if (apart <= q.tolerance).all() else ["conditionals are not those of the states that rows have"]


def _estimated(q: Inquiry) -> Iterator[Finding]:
    """An estimate of the mass by importance sampling, called one."""
    law = "mass (estimate)"
    n = int(np.clip(_MOST_CELLS // q.subject.d, 100, q.n_draws))
    rows, log_q = _proposed(q, n)
    log_w = q.subject.scores(rows) - log_q
    log_mass = float(log_sum_exp(log_w) - np.log(n))
    top = log_w.max()
    if top == -np.inf:
        yield unknown(
            law, f"none of {n:,} rows that were tried is possible", f"importance sampling, {n:,} rows"
        )
        return
    w = np.exp(log_w - top)
    worth = float(w.sum() ** 2 / (w**2).sum())
    with np.errstate(over="ignore"):
        mass = float(np.exp(log_mass))
        error = float(w.std(ddof=1) / w.mean() / np.sqrt(n) * mass)
    believed = worth >= _LEAST_ROWS_WORTH
    p_values = [float(np.exp(min(0.0, -log_mass)))]  # by Markov
    if believed:
        p_values.append(2 * float(norm.sf(abs(mass - 1) / max(error, 1e-12))))
    told = believed and error <= _LEAST_ERROR
    detail = (
        "" if told else f"{n:,} rows are worth {worth:,.0f}; an error of at most {_LEAST_ERROR} is asked for"
    )
    shown = f"{mass:.4g} ± {error:.2g}" if log_mass < 300 else f"exp({log_mass:.0f})"
    yield Finding(
        law,
        f"importance sampling of {n:,} rows by a forest, an estimate",
        f"{shown} (one standard error)",
        "pass" if told else "cannot tell",
        detail,
        mass if np.isfinite(mass) else None,
        min(1.0, len(p_values) * min(p_values)),
    )


def _proposed(q: Inquiry, n: int) -> tuple[Codes, NDArray[np.float64]]:
    """n rows of q, and log q of them."""
    rng, sizes = q.rng("mass"), q.subject.sizes
    rows = rng.integers(0, sizes, (n, len(sizes)))
    uniform = -float(np.log(np.array(sizes, float)).sum())
    forest = _forest(q)
    if forest is None:
        return rows, np.full(n, uniform)
    wild = rng.random(n) < _UNIFORM
    tame = np.asarray(forest.sample(n, rng=rng)).astype(np.int64)
    rows = np.where(wild[:, None], rows, tame)
    log_q = np.logaddexp(np.log1p(-_UNIFORM) + forest.log_prob(rows), np.log(_UNIFORM) + uniform)
    return rows, log_q


def _forest(q: Inquiry) -> DiscreteModel | None:
    """A smooth forest of likely rows; ``None`` where there are none to learn it from."""
    rows = q.legal_draws
    if rows is None:
        rows = q.data if q.data is None else q.data[(q.data >= 0).all(axis=1)]
    if rows is None or len(rows) < 2:
        return None
    return ChowLiu(pseudocount=0.5, schema=Schema.of_sizes(q.subject.sizes)).fit(
        rows[:_FOREST_ROWS].astype(np.int64)
    )


def _word(good: bool) -> Verdict:
    return "pass" if good else "fail"
