"""Does a table respect the independencies that a graph implies?  Tested one by one, then put together.

Under "x independent of y given z", x and y are independent in each stratum, that is, among the rows with one
configuration of z.  The statistics of the strata add up, and so do their degrees of freedom, where each stratum
counts the states that occur in it.

The local and the ordered statements say that x is independent of a whole set.  With many variables in it no
table of rows can tell, so each pair of x and one of the set is tested, which the statement implies: a
contradicted pair contradicts it, while only joint tests would see a dependence that no pair shows (an
exclusive or).  ``conditional_independence_test`` takes sets as they are, as one variable of joint states.

The chi-square approximation of G and χ² needs rows.  Strata with too few by Cochran's rule are left out, and
their rows counted; the rule reads only the margins, so the p value stays right and only power is lost.  A
permutation test takes all strata and is exact.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from chainrule.core.checks import check_integer, check_real
from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError
from chainrule.core.progress import track
from chainrule.core.randomness import RandomState, as_generator
from chainrule.evaluate.contingency import StratifiedTable, joint_codes
from chainrule.evaluate.corrections import Correction, correct
from chainrule.evaluate.independence_report import (
    BlamedPair,
    IndependenceReport,
    IndependenceTest,
    Statistic,
)
from chainrule.evaluate.permutations import permutation_p_value
from chainrule.graphs import DAG, Independence
from chainrule.graphs.independencies import Kind
from chainrule.tables.door import rows as read_rows
from chainrule.tables.table import MISSING, Table

__all__ = ["check_independencies", "conditional_independence_test"]

Names = str | Iterable[str]


def check_independencies(
    dag: DAG | str,
    table: Any,
    *,
    kind: Kind = "missing_edge",
    statistic: Statistic = "g",
    alpha: float = 0.05,
    correction: Correction | None = "holm",
    n_permutations: int = 999,
    rng: RandomState = None,
    limit: int = 100_000,
    min_expected: float = 5.0,
) -> IndependenceReport:
    """Every independence between two observed nodes that ``dag`` implies, tested on ``table``.

    ``dag`` may be the text of one, such as ``"A -> B <- C"``.  ``table`` is anything that ``Table.read`` takes,
    with a column for each observed node; a row counts for a statement where it has all its values.  A statement is
    *contradicted* where its corrected p value is at most ``alpha``, *untestable* where the rows cannot tell (the
    reason says why), else *consistent*, which is not proof.  Then pairs without an edge are blamed: those with most
    of their statements contradicted first, and among these those with the most dependence left.

    ``limit`` cuts the graph's list of statements off.  ``min_expected`` is the count of Cochran's rule for G
    and χ² (0 takes every stratum).  A permutation test draws ``n_permutations`` shuffles, each statement from
    its own stream of ``rng``.  Raises ``UnknownNameError`` for a node without a column, ``InputError`` for
    settings that cannot be used, among them too few permutations for Holm ever to reject.

    >>> x = np.random.default_rng(0).integers(2, size=500)
    >>> report = check_independencies("A; B", {"A": x, "B": 1 - x})
    >>> [pair.text() for pair in report.missing_edges_blamed]
    ['A – B: 1 of 1 tested statements contradicted, at least 0.687 nats of dependence left']
    """
    if isinstance(dag, str):
        dag = DAG.parse(dag)
    if not isinstance(dag, DAG):
        raise InputError(
            f"dag must be a DAG or its text, got a {type(dag).__name__}; make one with DAG(edges)"
        )
    settings = _Settings.checked(statistic, alpha, n_permutations, min_expected)
    if correction is not None and not (isinstance(correction, str) and correction in get_args(Correction)):
        raise InputError(f"correction must be 'holm', 'bh' or None; got {correction!r}")
    check_integer(limit, "limit")
    rows = _Rows(read_rows(table, columns=dag.observed))
    statements, complete = _pairs(dag, kind, limit)
    settings.check_resolution(len(statements) if correction == "holm" else 1)
    streams = as_generator(rng).spawn(len(statements))
    pairs = track(list(zip(statements, streams, strict=True)), "testing independencies")
    tests = _with_verdicts([_test(rows, s, settings, stream) for s, stream in pairs], alpha, correction)
    return IndependenceReport(
        kind=kind,
        test=statistic,
        alpha=alpha,
        correction=correction,
        n_rows=rows.n,
        complete=complete,
        tests=tuple(tests),
        missing_edges_blamed=tuple(_blame(tests)),
    )


def conditional_independence_test(
    table: Any,
    x: Names,
    y: Names,
    given: Names = (),
    *,
    statistic: Statistic = "g",
    alpha: float = 0.05,
    n_permutations: int = 999,
    rng: RandomState = None,
    min_expected: float = 5.0,
) -> IndependenceTest:
    """The test of "x is independent of y, given a set" on the rows of ``table`` (see ``check_independencies``).

    Raises ``UnknownNameError`` for a column that is not there, ``InputError`` for sets that overlap.

    >>> x = np.repeat([0, 1], 50)
    >>> conditional_independence_test({"a": x, "b": x}, "a", "b").text()
    'a ⟂ b: contradicted, G 138.6, dof 1, p 5.3e-32, 0.693 nats, n 100'
    """
    settings = _Settings.checked(statistic, alpha, n_permutations, min_expected)
    sets = [(names,) if isinstance(names, str) else tuple(names) for names in (x, y, given)]
    everyone = [name for names in sets for name in names]
    if not sets[0] or not sets[1] or len(set(everyone)) < len(everyone):
        raise InputError(
            f"x, y and given must not overlap, nor x and y be empty; got {sets[0]}, {sets[1]}, {sets[2]}"
        )
    settings.check_resolution(1)
    rows = _Rows(read_rows(table, columns=everyone))
    test = _test(rows, Independence(sets[0], sets[1], sets[2]), settings, as_generator(rng))
    return _with_verdicts([test], alpha, None)[0]


@dataclass(frozen=True)
class _Settings:
    statistic: Statistic
    alpha: float
    n_permutations: int
    min_expected: float

    @classmethod
    def checked(cls, statistic: Statistic, alpha: float, n_permutations: int, least: float) -> _Settings:
        check_choice(statistic, "statistic", get_args(Statistic))
        if not 0 < check_real(alpha, "alpha") < 1:
            raise InputError(f"alpha must lie between 0 and 1; got {alpha!r}; use for example 0.05")
        check_integer(n_permutations, "n_permutations")
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


class _Rows:
    """The columns of a table, each contiguous, for many tests."""

    def __init__(self, table: Table) -> None:
        self.n = table.n_rows
        self._size = dict(zip(table.schema.names, table.schema.sizes, strict=True))
        self._codes = {name: table.column(name).astype(np.int64) for name in table.schema.names}
        self._lacks = {name: bool((c == MISSING).any()) for name, c in self._codes.items()}

    def stratified(self, s: Independence) -> StratifiedTable | None:
        """The tables of a statement on the rows that have all its values; ``None`` without such rows."""
        sets = (s.x, s.y, s.given)
        lacking = [name for names in sets for name in names if self._lacks[name]]
        keep: Any = slice(None)
        if lacking:
            keep = np.logical_and.reduce([self._codes[name] != MISSING for name in lacking])
        n = int(np.count_nonzero(keep)) if lacking else self.n
        return StratifiedTable.of(*(self._joint(names, keep, n) for names in sets)) if n else None

    def _joint(self, names: Sequence[str], keep: Any, n: int) -> NDArray[np.int64]:
        return joint_codes([self._codes[m][keep] for m in names], [self._size[m] for m in names], n)


def _pairs(dag: DAG, kind: Kind, limit: int) -> tuple[list[Independence], bool]:
    """The implied statements about pairs of observed nodes, each once, and whether these are all."""
    found = dag.implied_independencies(kind, limit=limit if kind == "all_pairs" else limit + 1)
    complete = kind == "all_pairs" or len(found) <= limit
    observed, met = set(dag.observed), set()
    kept = []
    for s in found if complete else found[:limit]:
        for x, y in product(s.x, s.y):
            statement = (frozenset((x, y)), frozenset(s.given))
            if observed.issuperset((x, y, *s.given)) and statement not in met:
                met.add(statement)
                kept.append(Independence((x,), (y,), s.given))
    return kept, complete


def _test(rows: _Rows, s: Independence, settings: _Settings, rng: np.random.Generator) -> IndependenceTest:
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
    return replace(tested, p_value=float(chi2.sf(tested.statistic, dof)))


def _with_verdicts(
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


def _blame(tests: list[IndependenceTest]) -> list[BlamedPair]:
    """The pairs with contradicted statements, strongest evidence first."""
    groups: dict[tuple[str, ...], list[IndependenceTest]] = {}
    for t in tests:
        groups.setdefault(tuple(sorted((*t.x, *t.y))), []).append(t)
    blamed = []
    for group in groups.values():
        count = Counter(t.verdict for t in group)
        if count["contradicted"]:
            weakest = min(t.excess_nats for t in group if t.p_value is not None)
            counts = (count["contradicted"], count["consistent"], count["untestable"])
            blamed.append(BlamedPair(group[0].x[0], group[0].y[0], *counts, weakest))
    return sorted(blamed, key=lambda b: (-b.share_contradicted, -b.weakest_nats))
