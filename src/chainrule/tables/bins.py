"""Bins: measurements as a few ordered states, by cuts that lie between the values that occur.

Bin j holds the numbers x with cut_j < x <= cut_{j+1}; the first and the last have no outer end, so every number
has a bin.  Equal values share a bin, no bin is empty, and there are never more than asked for:

* "quantile" cuts so that the bins hold about equally many rows, one after the other: of what is left, each cut
  leaves as near to a fair share as the values allow.  There are min(k, number of distinct values) bins.
* "width" cuts the seen range into k equal parts and joins those that hold nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chainrule.core.checks import check_integer
from chainrule.core.errors import InputError
from chainrule.core.text import as_written
from chainrule.tables.intervals import interval_label

__all__ = ["BinRule", "bin_labels", "bin_middles", "bin_of", "checked_bins", "quantile_cuts", "width_cuts"]

By = Literal["quantile", "width"]
_DIGITS = 12  # of a cut: a midpoint such as 0.15000000000000002 is meant as 0.15


@dataclass(frozen=True)
class BinRule:
    """How a column is cut: into at most ``k`` bins ``by`` quantile or width, or at the ``cuts`` that are stated."""

    k: int | None = None
    by: By = "quantile"
    cuts: tuple[float, ...] | None = None

    def cut(self, values: NDArray[np.float64], counts: NDArray[np.integer[Any]]) -> tuple[float, ...]:
        """The cuts for distinct sorted ``values`` (m,) that occur ``counts`` (m,) times."""
        if self.cuts is not None:
            return self.cuts
        assert self.k is not None  # one of the two is set where the setting is read
        return quantile_cuts(values, counts, self.k) if self.by == "quantile" else width_cuts(values, self.k)


def checked_bins(bins: Any) -> dict[str, BinRule]:
    """The setting ``bins``: by column k, ``{"k": 5, "by": "width"}``, or a list of cuts.

    >>> checked_bins({"age": 5, "pay": {"k": 3, "by": "width"}, "mm": [0, 10]})["mm"].cuts
    (0.0, 10.0)
    """
    if bins is None:
        return {}
    if not isinstance(bins, Mapping):
        raise InputError(f"bins must be given by column, as in bins={{'age': 5}}; got {as_written(bins)}")
    return {str(name): _rule(str(name), rule) for name, rule in bins.items()}


def quantile_cuts(values: NDArray[np.float64], counts: NDArray[np.integer[Any]], k: int) -> tuple[float, ...]:
    """The cuts of min(k, m) bins of about equally many rows, for m distinct sorted ``values``.

    >>> quantile_cuts(np.array([0.0, 1, 2, 3]), np.array([5, 3, 1, 1]), 3)
    (0.5, 1.5)
    """
    m = len(values)
    n_bins, total = min(k, m), np.cumsum(counts)
    cuts, last = [], 0  # the values before ``last`` have their bin
    for left in range(n_bins, 1, -1):
        done = total[last - 1] if last else 0
        target = done + (total[-1] - done) / left
        least, most = last + 1, m - (left - 1)  # so that neither this bin nor a later one is empty
        i = int(np.searchsorted(total, target)) + 1  # values before i hold at least the target
        if i > 1 and abs(total[min(i, m) - 1] - target) > abs(total[i - 2] - target):
            i -= 1
        last = min(max(i, least), most)
        cuts.append(_between(float(values[last - 1]), float(values[last])))
    return tuple(cuts)


def width_cuts(values: NDArray[np.float64], k: int) -> tuple[float, ...]:
    """The cuts of at most k bins of about equal width over distinct sorted ``values``; none is empty.

    >>> width_cuts(np.array([0.05, 0.95]), 10)
    (0.5,)
    """
    finite = values[np.isfinite(values)]
    if len(finite) < 2:
        return quantile_cuts(values, np.ones(len(values), np.int64), k)
    low, high = float(finite[0]), float(finite[-1])
    edges = low * (1 - (t := np.arange(1, k) / k)) + high * t
    after = np.unique(np.searchsorted(values, edges, side="right"))
    return tuple(_between(float(values[i - 1]), float(values[i])) for i in after if 0 < i < len(values))


def bin_of(numbers: NDArray[np.float64], cuts: tuple[float, ...]) -> NDArray[np.int64]:
    """The bin of each number (n,), from 0 on.

    >>> bin_of(np.array([-9.0, 0.5, 0.6, 99]), (0.5, 1.5)).tolist()
    [0, 0, 1, 2]
    """
    return np.searchsorted(np.array(cuts, np.float64), numbers, side="left")


def bin_labels(cuts: tuple[float, ...]) -> tuple[str, ...]:
    """The names of the bins.

    >>> bin_labels((0.5, 10.0)), bin_labels(())
    (('<= 0.5', '(0.5, 10]', '> 10'), ('(-inf, inf]',))
    """
    ends = [-math.inf, *cuts, math.inf]
    return tuple(interval_label(a, b) for a, b in pairwise(ends))


def bin_middles(cuts: tuple[float, ...]) -> list[float]:
    """A number within each bin: its middle; at the ends as far from the cut as half a bin is wide."""
    if not cuts:
        return [0.0]
    gaps = np.diff(cuts)
    half = float(np.median(gaps)) / 2 if len(gaps) else max(abs(cuts[0]), 1.0) / 2
    low, high = cuts[0] - half, cuts[-1] + half
    inner = [_between(a, b) if _between(a, b) > a else b for a, b in pairwise(cuts)]
    return [low, *inner, high if high > cuts[-1] else math.nextafter(cuts[-1], math.inf)]


def _between(a: float, b: float) -> float:
    """A cut with a <= cut < b: the middle, to a few digits where these suffice."""
    middle = a / 2 + b / 2
    if not math.isfinite(middle):
        return a if math.isfinite(a) else math.nextafter(b, -math.inf)
    short = float(f"{middle:.{_DIGITS}g}")
    for cut in (short, middle):
        if a < cut < b:
            return cut
    return a


def _rule(name: str, rule: Any) -> BinRule:
    what = f"bins[{name!r}]"
    if isinstance(rule, BinRule):
        return rule
    if isinstance(rule, Mapping):
        unknown = set(rule) - {"k", "by"}
        if unknown or "k" not in rule:
            raise InputError(f'{what} must be like {{"k": 5, "by": "width"}}; got {as_written(dict(rule))}')
        by = rule.get("by", "quantile")
        if by not in get_args(By):
            raise InputError(f"{what} is cut by 'quantile' or 'width'; got {as_written(by)}")
        return BinRule(check_integer(rule["k"], what), by)
    if isinstance(rule, (int, np.integer)):
        return BinRule(check_integer(rule, what))
    try:
        cuts = () if isinstance(rule, str) else tuple(float(c) for c in rule)
    except (TypeError, ValueError):
        cuts = ()
    if not cuts or not all(map(math.isfinite, cuts)) or list(cuts) != sorted(set(cuts)):
        raise InputError(
            f"{what} must be a number of bins, {{'k': 5, 'by': 'width'}}, or a rising list of cuts; "
            f"got {as_written(rule)}"
        )
    return BinRule(cuts=cuts)
