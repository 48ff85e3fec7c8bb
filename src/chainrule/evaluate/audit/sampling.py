"""Laws of the sampler: its rows are those of ``log_prob``, under given values too, and no two calls give the same.

Where all rows can be gone through, draws are counted in each and held against exp(log_prob) by Pearson's chi-square.
Of any number of variables, three looks that need ``log_prob`` only, or conditionals only:

* blocks: of a draw x some variables B are hidden; their exact law p(x_B | all else) follows from ``log_prob`` of all
  states of B, so the rank of x_B among them, made continuous by a uniform number (Rosenblatt 1952), is uniform, and
  the indicators of single states have their exact means;
* moves: log p of a draw is as often raised as lowered by moves that keep the law of ``log_prob``;
* factors: along the order, indicators less their conditional probabilities have the mean zero whatever came before,
  and so has the square of a random sum of them less its variance, which sees variables that are drawn together.

The null hypothesis of each is that the sampler is right; a right one is rejected by one of an audit's statistical
checks with the stated rate in all.  A draw that ``log_prob`` calls impossible is a fault whatever the statistic says.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from chainrule.core.errors import InputError
from chainrule.core.numerics import log_sum_exp
from chainrule.evaluate.audit.blocks import blocks_p_value
from chainrule.evaluate.audit.inquiry import Inquiry, are_states
from chainrule.evaluate.audit.moves import moved
from chainrule.evaluate.audit.record import Finding, unknown
from chainrule.evaluate.audit.subject import Codes
from chainrule.evaluate.audit.tails import bennett
from chainrule.evaluate.draws import chi_square
from chainrule.models.shared.state_columns import state_begins
from chainrule.models.shared.states import state_numbers, states_of

__all__ = ["law_of_given", "law_of_sampling"]

_MOST_CELLS = 2**25  # probabilities of states of draws that are held at once
_PROJECTIONS = 20
_LEAST_PROJECTED = 2_000  # draws, for the normal approximation of a mean of squares
_PATTERNS = 3  # of given values


def law_of_sampling(q: Inquiry) -> Iterator[Finding]:
    """Draws have the probabilities that log_prob says."""
    law, draws = "sampler", q.draws
    if draws is None:
        yield unknown(law, "it has no sampler")
        return
    if wrong := _wrong(q, draws, q.n_draws):
        yield Finding(law, f"{q.n_draws:,} draws", "", "fail", wrong)
        return
    draws = draws.astype(np.int64)
    if q.table is not None:
        yield _over_states(
            q, law, draws, q.table, f"chi-square of {len(draws):,} draws over {q.subject.n_states:,} rows"
        )
    if q.subject.d > 1 and (q.table is None or q.subject.n_states > len(draws) // 5):
        yield _over_blocks(q, "sampler (blocks)", draws, np.ones(q.subject.d, bool))
    if q.table is None:
        yield _over_moves(q, draws)
    if q.table is None and q.subject.state_log_probs is not None:
        yield _over_factors(q, draws)


def _wrong(q: Inquiry, draws: Codes, n: int) -> str:
    """Why ``draws`` are not ``n`` rows of states; nothing where they are."""
    if not are_states(draws, q.subject.sizes):
        return f"a draw is no row of states: {_odd(q, draws)}"
    return "" if len(draws) == n else f"{len(draws):,} rows came where {n:,} were asked for"


def _odd(q: Inquiry, draws: Codes) -> str:
    if draws.ndim != 2 or draws.shape[1] != q.subject.d:
        return f"their shape is {draws.shape}, with {q.subject.d} variables"
    with np.errstate(invalid="ignore"):
        bad = ~((draws >= 0) & (draws < np.array(q.subject.sizes)) & (draws == np.floor(draws)))
    i, j = np.argwhere(bad)[0]
    return f"{q.subject.names[j]} is {draws[i, j]} and has {q.subject.sizes[j]} states"


def _over_states(q: Inquiry, law: str, draws: Codes, log_p: NDArray[np.float64], how: str) -> Finding:
    total = log_sum_exp(log_p)
    counts = np.bincount(state_numbers(draws, q.subject.sizes), minlength=len(log_p))
    found = chi_square(counts, np.exp(log_p - total))
    if found.impossible:
        detail = f"{found.impossible:,} draws have probability zero"
        return Finding(law, how, detail, "fail", detail, found.statistic)
    many = "s" * (found.dof > 1)
    figure = (
        f"chi-square {found.statistic:.1f} on {found.dof} degree{many} of freedom, p = {found.p_value:.2g}"
    )
    if not found.dof:
        if (log_p > -np.inf).sum() == 1:
            return Finding(law, how, "one row is possible, and all draws are it", "pass")
        return unknown(law, "one row, or rows too rare to be told apart, have all the probability", how)
    k = int((np.abs(found.observed - found.expected) / np.sqrt(found.expected)).argmax())
    detail = f"{found.observed[k]:.0f} draws where {found.expected[k]:.1f} are expected, in the furthest cell"
    return Finding(law, how, figure, "pass", detail, found.statistic, found.p_value)


def _over_blocks(q: Inquiry, law: str, draws: Codes, free: NDArray[np.bool_]) -> Finding:
    found = blocks_p_value(q.subject, draws, free, q.rng(law))
    how = (
        f"{found.n:,} draws, blocks of up to {found.states} states given all else: ranks uniform, means exact"
    )
    if found.impossible:
        detail = f"{found.impossible:,} draws have probability zero given all else"
        return Finding(law, how, detail, "fail", detail)
    if found.p_value is None:
        return unknown(law, "no block of variables has more than one possible state", how)
    return Finding(law, how, f"p = {found.p_value:.2g}", "pass", found.worst, p_value=found.p_value)


def _over_moves(q: Inquiry, draws: Codes) -> Finding:
    law = "sampler (moves)"
    found = moved(q.subject, draws, q.rng(law))
    how = f"{found.n:,} draws, {found.n_moves} moves each that keep the law of log_prob"
    return Finding(
        law, how, f"{found.gain_nats:+.3f} nats, p = {found.p_value:.2g}", "pass", p_value=found.p_value
    )


def _over_factors(q: Inquiry, draws: Codes) -> Finding:
    """Residuals of states along the order: their means, and the variances of random sums of them."""
    subject = q.subject
    assert subject.state_log_probs is not None
    n = int(np.clip(_MOST_CELLS // (2 * sum(subject.sizes)), 200, len(draws)))
    states = subject.state_scores(draws[:n])
    assert states is not None
    p, true = np.exp(states), _indicators(draws[:n], subject.sizes)
    residual = true - p
    totals, variance = residual.sum(axis=0), (p * (1 - p)).sum(axis=0)
    p_values = bennett(totals, variance)
    worst = int(p_values.argmin())
    p_mean = float(p_values[worst]) * len(p_values)
    p_value = min(1.0, 2 * min(p_mean, _projected(q, residual, p)))
    i = int(np.searchsorted(state_begins(subject.sizes), worst, side="right")) - 1
    k = worst - int(state_begins(subject.sizes)[i])
    detail = f"furthest from its mean: {subject.names[i]} = {k}, {totals[worst]:+.1f} draws"
    how = f"{n:,} draws: means of {len(totals):,} states along the order, variances of {_PROJECTIONS} random sums"
    return Finding("sampler (factors)", how, f"p = {p_value:.2g}", "pass", detail, p_value=p_value)


def _projected(q: Inquiry, residual: NDArray[np.float64], p: NDArray[np.float64]) -> float:
    """Random sums over variables of residuals of one state each: E[square - variance] = 0, tested by its mean."""
    if len(residual) < _LEAST_PROJECTED:
        return 1.0
    sizes, rng = np.array(q.subject.sizes), q.rng("projections")
    begins, p_values = state_begins(q.subject.sizes)[:-1], []
    for _ in range(_PROJECTIONS):
        chosen = begins + rng.integers(0, sizes)
        signs = rng.choice([-1.0, 1.0], len(sizes)) * (rng.random(len(sizes)) < 0.5 + 0.5 * (len(sizes) < 8))
        total = residual[:, chosen] @ signs
        excess = total**2 - (p[:, chosen] * (1 - p[:, chosen])) @ signs**2
        error = excess.std(ddof=1) / np.sqrt(len(excess))
        p_values.append(2 * float(norm.sf(abs(excess.mean()) / error)) if error > 0 else 1.0)
    return min(1.0, _PROJECTIONS * min(p_values))


def _indicators(rows: Codes, sizes: tuple[int, ...]) -> NDArray[np.float64]:
    """Whether a row has each state, (n, Σ K_i)."""
    states = np.concatenate([np.arange(k) for k in sizes])
    return (np.repeat(rows, sizes, axis=1) == states).astype(np.float64)


def law_of_given(q: Inquiry) -> Iterator[Finding]:
    """Draws under given values keep them, and have the conditional probabilities that log_prob says."""
    law, subject = "sampler under given", q.subject
    if subject.sample_given is None or subject.d < 2:
        yield unknown(law, "it takes no given values" if subject.d > 1 else "there is one variable")
        return
    told = 0
    for t, row in enumerate(_given_rows(q)):
        try:
            draws = subject.sample_given(_n_given(q), row.copy(), q.rng(f"given {t}"))
        except InputError as e:
            yield unknown(law, f"it refuses the given values: {e}", _told(q, row))
            continue
        told += 1
        yield _under(q, f"{law} ({t + 1})", row, draws)
    if not told:
        yield unknown(law, "no given values were taken")


def _n_given(q: Inquiry) -> int:
    return max(200, q.n_draws // 4)


def _given_rows(q: Inquiry) -> Iterator[Codes]:
    """Rows of which some cells are given: the last in the order, half of all, all but one."""
    rng, order = q.rng("given"), q.subject.order
    order = np.arange(q.subject.d) if order is None else order
    shuffled = rng.permutation(q.subject.d)
    likely = q.probable[rng.permutation(len(q.probable))]
    known = [order[-1:], shuffled[: (q.subject.d + 1) // 2], shuffled[1:]][
        : _PATTERNS if q.subject.d > 2 else 1
    ]
    possible = likely[np.isfinite(q.subject.scores(likely))]
    for t, columns in enumerate(known if len(possible) else []):
        row = np.full(q.subject.d, -1, np.int64)
        row[columns] = possible[t % len(possible), columns]
        yield row


def _told(q: Inquiry, row: Codes) -> str:
    known = np.flatnonzero(row >= 0)
    shown = ", ".join(f"{q.subject.names[i]} = {row[i]}" for i in known[:3])
    return f"given {shown}{f' and {len(known) - 3} more' if len(known) > 3 else ''}"


def _under(q: Inquiry, law: str, row: Codes, draws: Codes) -> Finding:
    how, known = _told(q, row), row >= 0
    if wrong := _wrong(q, draws, _n_given(q)):
        return Finding(law, how, "", "fail", wrong)
    draws = draws.astype(np.int64)
    if lost := int((draws[:, known] != row[known]).any(axis=1).sum()):
        detail = f"{lost:,} of {len(draws):,} draws do not have what was given"
        return Finding(law, how, detail, "fail", detail)
    if q.table is None:
        return _over_blocks(q, law, draws, ~known)
    states = states_of(np.arange(q.subject.n_states), q.subject.sizes)
    agrees = (states[:, known] == row[known]).all(axis=1)
    log_p = np.where(agrees, q.table, -np.inf)
    return _over_states(q, law, draws, log_p, f"{how}: chi-square of {len(draws):,} draws")
