"""The test of one independence on rows: "x is independent of y, given z".

Under it x and y are independent in each stratum, that is, among the rows with one configuration of z.  The statistics
of the strata add up, and so do their degrees of freedom, where each stratum counts the states that occur in it.

The chi-square approximation of G and χ² needs rows.  Strata with too few by Cochran's rule are left out, and
their rows counted; the rule reads only the margins, so the p value stays right and only power is lost.  A
permutation test takes all strata and is exact.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from chainrule.core.checks import MOST_LISTED, check_integer, check_real
from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError
from chainrule.core.text import as_written
from chainrule.evaluate.contingency import StratifiedTable, joint_codes, relabel
from chainrule.evaluate.corrections import Correction, correct
from chainrule.evaluate.independence_report import IndependenceTest, Statistic
from chainrule.evaluate.permutations import permutation_p_value
from chainrule.graphs import Independence
from chainrule.tables.table import MISSING, Table

__all__ = ["Rows", "Settings", "statement_test", "with_verdicts"]


@dataclass(frozen=True)
class Settings:
    """How statements are tested, checked."""

    statistic: Statistic
    alpha: float
    n_permutations: int
    min_expected: float

    @classmethod
    def checked(cls, statistic: Statistic, alpha: float, n_permutations: int, least: float) -> Settings:
        """The settings; ``least`` is the count of Cochran's rule.  Raises ``InputError``."""
        check_choice(statistic, "statistic", get_args(Statistic))
        if not 0 < check_real(alpha, "alpha") < 1:
            raise InputError(f"alpha must lie between 0 and 1; got {as_written(alpha)}; use for example 0.05")
        check_integer(n_permutations, "n_permutations", most=MOST_LISTED)
        # a permutation test is exact in every stratum
        least = 0.0 if statistic == "permutation" else check_real(least, "min_expected")
        return cls(statistic, alpha, n_permutations, least)

    def check_resolution(self, n_tests: int) -> None:
        """``InputError`` where ``n_permutations`` allow no p value that stays below alpha among ``n_tests``."""
        needed = math.ceil(n_tests / self.alpha) - 1
        if self.statistic == "permutation" and self.n_permutations < needed:
            raise InputError(
                f"{self.n_permutations:,} permutations can contradict nothing at alpha={self.alpha:g} with "
                f"{n_tests:,} statements; take at least {needed:,}, another correction, or statistic='g'"
            )


class Rows:
    """The columns of a table, each contiguous, for many tests; ``InputError`` for rows with weights."""

    def __init__(self, table: Table) -> None:
        if table.weights is not None:
            raise InputError(
                "rows with weights cannot be tested; give each row as often as it counts, without weights"
            )
        self.n = table.n_rows
        self._size = dict(zip(table.schema.names, table.schema.sizes, strict=True))
        self._codes = {name: table.column(name).astype(np.int64) for name in table.schema.names}
        self._lacks = {name: bool((c == MISSING).any()) for name, c in self._codes.items()}

    def stratified(self, s: Independence) -> StratifiedTable | None:
        """The tables of a statement on the rows that have all its values; ``None`` without such rows."""
        everyone = (*s.x, *s.y, *s.given)
        lacking = [name for name in everyone if self._lacks[name]]
        keep: Any = slice(None)
        if lacking:
            keep = np.flatnonzero(np.logical_and.reduce([self._codes[name] != MISSING for name in lacking]))
        n = len(keep) if lacking else self.n
        if not n:
            return None
        joint = self._joint(everyone, keep, n)
        place, n_cells = relabel(joint, int(joint.max()) + 1)
        some = np.empty(n_cells, np.int64)  # a row for each cell: all else is about these few
        some[place] = keep if lacking else np.arange(n)
        x, y, z = (self._joint(names, some, n_cells) for names in (s.x, s.y, s.given))
        return StratifiedTable.of(x, y, z, np.bincount(place))

    def _joint(self, names: Sequence[str], rows: Any, n: int) -> NDArray[np.int64]:
        return joint_codes([self._codes[m][rows] for m in names], [self._size[m] for m in names], n)


def statement_test(
    rows: Rows, s: Independence, settings: Settings, rng: np.random.Generator
) -> IndependenceTest:
    """The test of one statement by itself; without a p value it is untestable."""
    untested = IndependenceTest(s.x, s.y, s.given, settings.statistic)
    table = rows.stratified(s)
    if table is None:
        return replace(untested, n_missing=rows.n, reason="no row has a value for each of its variables")
    used = (table.dof == 0) | table.adequate(settings.min_expected)
    complete, n, dof = (int(a.sum()) for a in (table.total, table.total[used], table.dof[used]))
    g = float(table.g[used].sum())
    tested = replace(
        untested,
        n=n,
        n_missing=rows.n - complete,
        n_sparse=complete - n,
        n_strata=int(used.sum()),
        statistic=float(table.chi2[used].sum()) if settings.statistic == "chi2" else g,
        dof=dof,
        dof_by_stratum=tuple(sorted(Counter(table.dof[used].tolist()).items())),
        cmi_nats=g / (2 * n) if n else 0.0,
    )
    if not table.dof.any():
        nowhere = "in no stratum do both sides take two values" if s.given else "one side has only one value"
        return replace(tested, reason=nowhere)
    if not dof:
        return replace(
            tested,
            reason=f"no stratum where both sides vary expects {settings.min_expected:g} rows in 80 % of its cells",
        )
    if settings.statistic == "permutation":
        return replace(tested, p_value=permutation_p_value(table, settings.n_permutations, rng))
    return replace(tested, p_value=float(chdtrc(dof, tested.statistic)))


def with_verdicts(
    tests: list[IndependenceTest], alpha: float, correction: Correction | None
) -> list[IndependenceTest]:
    """The tests with corrected p values (of all that have one, together), and what follows from them."""
    p_values = [t.p_value for t in tests if t.p_value is not None]
    corrected = iter(correct(p_values, correction).tolist())
    out = []
    for t in tests:
        if t.p_value is not None:
            p = next(corrected)
            t = replace(t, p_corrected=p, verdict="contradicted" if p <= alpha else "consistent")
        out.append(t)
    return out
