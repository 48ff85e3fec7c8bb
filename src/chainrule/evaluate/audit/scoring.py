"""Laws of ``log_prob`` as a function: a number for each row that depends on the row alone, and is not clipped.

A floor under probabilities is invisible where it matters most, in rows that should be impossible: the model looks
right on data, and says of nothing that it cannot be.  It shows where the smallest probability of a state given all
else is the same round number in several rows: 1e-7, a machine epsilon, exp(-100).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainrule.evaluate.audit.inquiry import Inquiry, block_of, difference
from chainrule.evaluate.audit.record import Finding, unknown
from chainrule.evaluate.audit.subject import Codes, as_numbers

__all__ = ["law_of_clipping", "law_of_reach", "law_of_repeats", "law_of_scores"]

_ALONE = 16  # rows that are also scored one by one
_MOST_VARIABLES = 32  # whose states are tried in each row
_MOST_STATES = 64  # of such a variable
_LEAST_DISTINCT = 8  # scores, for their precision to be seen
_FLOORS = np.array([*(10.0**-k for k in range(6, 17)), 2.0**-23, 2.0**-24, 2.0**-52, 2.0**-53])
_SAME = 1e-5  # relative: how near to a floor, and to each other, probabilities on it are
_LOG_STEP = 10.0  # floors of log p are taken for multiples of this


def law_of_scores(q: Inquiry) -> Iterator[Finding]:
    """log_prob is a finite number or -inf for each row, never above 0, and leaves the rows alone."""
    rows, law = q.probe.copy(), "log_prob"
    raw = as_numbers(q.subject.log_prob(rows))
    how = f"{len(rows)} rows, likely ones and ones of any states"
    faults = []
    if raw.shape != (len(rows),) or raw.dtype.kind != "f":
        faults.append(
            f"it gives {raw.dtype} of shape {raw.shape}, not a real number for each of {len(rows)} rows"
        )
        yield Finding(law, how, "", "fail", faults[0])
        return
    values = raw.astype(np.float64)
    if n := int(np.isnan(values).sum()):
        faults.append(f"{n} rows have NaN")
    if n := int((values > q.tolerance).sum()):
        faults.append(f"{n} rows have a probability above 1")
    if (rows != q.probe).any():
        faults.append("the rows that it was given are changed afterwards")
    faults += _coarse(values)
    top = np.nanmax(values, initial=-np.inf)
    yield Finding(law, how, f"at most {top:.6g} nats", "fail" if faults else "pass", "; ".join(faults))


def _coarse(values: NDArray[np.float64]) -> list[str]:
    """Whether all scores are numbers of 16 bits."""
    finite = np.unique(values[np.isfinite(values)])
    if len(finite) < _LEAST_DISTINCT:
        return []
    with np.errstate(over="ignore"):
        half = (finite == finite.astype(np.float16)).all()
    brain = ((finite.astype(np.float32).view(np.uint32) & 0xFFFF) == 0).all() and (
        finite == finite.astype("f4")
    ).all()
    step = (
        float(np.abs(np.spacing(finite.astype(np.float16))).max())
        if half
        else float(np.abs(finite).max() / 256)
    )
    return [f"all scores are rounded to 16 bits, in steps of up to {step:.2g} nats"] if half or brain else []


def law_of_repeats(q: Inquiry) -> Iterator[Finding]:
    """A row scores the same again, alone, among others, in another order; scoring and drawing change nothing."""
    law, subject, rows = "repeats", q.subject, q.probe
    first = subject.scores(rows)
    few = np.linspace(0, len(rows) - 1, _ALONE).astype(int)
    shuffled = q.rng("order").permutation(len(rows))
    others = np.concatenate([np.repeat(rows[:1], 3 * len(rows), axis=0), rows])
    found = {
        "again": subject.scores(rows) - 0.0,
        "in another order": subject.scores(rows[shuffled])[np.argsort(shuffled)],
        "among equal rows": subject.scores(others)[3 * len(rows) :],
    }
    apart = {word: difference(values, first) for word, values in found.items()}
    apart["alone"] = difference(np.concatenate([subject.scores(rows[i : i + 1]) for i in few]), first[few])
    if subject.sample is not None and q.legal_draws is not None:
        apart["after draws"] = difference(subject.scores(rows), first)
    worst = max(apart, key=lambda word: float(apart[word].max()))
    value = float(apart[worst].max())
    faults = [f"a row scores differently {word}" for word, a in apart.items() if a.max() > q.tolerance]
    faults += [] if subject.parameters is None else _changed(q.parameters, subject.parameters())
    yield Finding(
        law,
        f"{len(rows)} rows {', '.join(apart)}, {q.within}",
        f"largest relative change {value:.2g} ({worst})" if value else "no change",
        "fail" if faults else "pass",
        "; ".join(faults),
        value,
    )


def _changed(before: dict[str, NDArray[np.float64]], after: dict[str, NDArray[np.float64]]) -> list[str]:
    return [
        f"scoring changes the parameter {name!r}"
        for name, value in before.items()
        if not np.array_equal(value, after[name], equal_nan=value.dtype.kind == "f")
    ]


def law_of_clipping(q: Inquiry) -> Iterator[Finding]:
    """No floor under probabilities: impossible is -inf, and small is small."""
    law, least, found = "clipping", 1.0, ""
    how = "the smallest probabilities of states given all else, and of rows, beside usual floors"
    for name, log_p, rows in _small(q):
        finite = log_p[np.isfinite(log_p)]
        if not len(finite):
            continue
        bottom = float(finite.min())
        least = min(least, float(np.exp(bottom)))
        on_it = np.isclose(log_p, bottom, rtol=0, atol=_SAME)
        if len(np.unique(rows[on_it], axis=0)) >= 3 and len(np.unique(finite)) > 1 and _is_floor(bottom):
            found = (
                f"{name} is never below {np.exp(bottom):.4g}, which {int(on_it.sum())} of {len(log_p)} are"
            )
            break
    yield Finding(law, how, f"smallest {least:.3g}", "fail" if found else "pass", found, least)


def _small(q: Inquiry) -> Iterator[tuple[str, NDArray[np.float64], Codes]]:
    """What is looked at: a name, log p of some states, and the rows that they stand in."""
    subject, rows = q.subject, q.probe
    yield "p of a row", subject.scores(rows), rows
    own = subject.state_scores(rows)
    if own is not None:
        ends = np.cumsum(subject.sizes)[:-1]
        for i, part in enumerate(np.split(own, ends, axis=1)):
            yield (
                f"p of {subject.names[i]} given what it reads",
                part.ravel(),
                np.repeat(rows, part.shape[1], axis=0),
            )
    for i in _some_variables(q):
        k = subject.sizes[i]
        part = block_of(subject, rows, np.array([i]), np.arange(k)[:, None])
        yield (
            f"p of {subject.names[i]} given all else",
            part.ravel(),
            np.repeat(np.delete(rows, i, 1), k, axis=0),
        )


def _is_floor(log_p: float) -> bool:
    if log_p <= -_LOG_STEP and abs(log_p / _LOG_STEP - round(log_p / _LOG_STEP)) < 1e-7:
        return True
    return bool((np.abs(np.exp(log_p) / _FLOORS - 1) < 10 * _SAME).any())


def _some_variables(q: Inquiry) -> list[int]:
    fit = [i for i, k in enumerate(q.subject.sizes) if 1 < k <= _MOST_STATES]
    return sorted(q.rng("variables").permutation(fit)[:_MOST_VARIABLES].astype(int).tolist())


def law_of_reach(q: Inquiry) -> Iterator[Finding]:
    """Every state of every variable can occur, and no row of the data is impossible."""
    law, subject = "reach", q.subject
    yield from _rows_reached(q)
    dead = _never(q)
    figure = f"{len(dead)} of {sum(subject.sizes)} states never occur" if dead else "every state can occur"
    how = "all rows" if q.table is not None else f"each state in {len(q.probe)} rows"
    listed = ", ".join(f"{subject.names[i]} = {k}" for i, k in dead[:5]) + (", …" if len(dead) > 5 else "")
    if not dead:
        yield Finding(law, how, figure, "pass", value=0)
    elif subject.is_network:
        yield Finding(law, how, figure, "fail", f"a network gives exactly zero to {listed}", len(dead))
    else:
        why = f"{listed}: whether that should be, only what it was fitted to can tell"
        yield Finding(law, how, figure, "cannot tell", why, len(dead))


def _rows_reached(q: Inquiry) -> Iterator[Finding]:
    law = "rows possible"
    if q.data is None:
        yield unknown(law, "no rows were given")
        return
    rows = q.data if q.subject.takes_holes else q.data[(q.data >= 0).all(axis=1)]
    bad = np.flatnonzero(~np.isfinite(q.subject.scores(rows)))
    figure = f"{len(bad):,} of {len(rows):,} rows are impossible"
    detail = f"the first is row {int(bad[0]) + 1}; what has occurred is not impossible" if len(bad) else ""
    yield Finding(law, "log p of each row given", figure, "fail" if len(bad) else "pass", detail, len(bad))


def _never(q: Inquiry) -> list[tuple[int, int]]:
    """Variables and their states that have probability zero: in all rows, or in any of those that are tried."""
    subject, out = q.subject, []
    if q.table is not None:
        possible = (q.table > -np.inf).reshape(subject.sizes)
        for i in range(subject.d):
            seen = possible.any(axis=tuple(j for j in range(subject.d) if j != i))
            out += [(i, int(k)) for k in np.flatnonzero(~seen)]
        return out
    rows = q.probable[:_ALONE]
    for i in _some_variables(q):
        part = block_of(subject, rows, np.array([i]), np.arange(subject.sizes[i])[:, None])
        out += [(i, int(k)) for k in np.flatnonzero((part == -np.inf).all(axis=0))]
    return out
