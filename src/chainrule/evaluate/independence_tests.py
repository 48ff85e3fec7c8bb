"""Does a table respect the independencies that a graph implies?  Tested one by one, then put together.

The local and the ordered statements say that x is independent of a whole set.  With many variables in it no
table of rows can tell, so each pair of x and one of the set is tested, which the statement implies: a
contradicted pair contradicts it, while only joint tests would see a dependence that no pair shows (an
exclusive or).  ``conditional_independence_test`` takes sets as they are, as one variable of joint states.

How one statement is tested is in ``statement_tests``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import product
from typing import Any, get_args

from chainrule.core.checks import as_list, check_instance, check_integer
from chainrule.core.choices import check_choice
from chainrule.core.errors import InputError
from chainrule.core.progress import track
from chainrule.core.randomness import RandomState, as_generator
from chainrule.core.text import as_written
from chainrule.evaluate.corrections import Correction
from chainrule.evaluate.independence_report import (
    BlamedPair,
    IndependenceReport,
    IndependenceTest,
    Statistic,
)
from chainrule.evaluate.statement_tests import Rows, Settings, statement_test, with_verdicts
from chainrule.graphs import DAG, Independence
from chainrule.graphs.independencies import Kind
from chainrule.tables.door import rows as read_rows

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
    rows with weights and for settings that cannot be used, among them too few permutations for Holm ever to reject.

    >>> import numpy as np
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
    check_choice(kind, "kind", get_args(Kind))
    settings = Settings.checked(statistic, alpha, n_permutations, min_expected)
    if correction is not None and not (isinstance(correction, str) and correction in get_args(Correction)):
        raise InputError(f"correction must be 'holm', 'bh' or None; got {as_written(correction)}")
    check_integer(limit, "limit")
    rows = Rows(read_rows(table, columns=dag.observed))
    statements, complete = _pairs(dag, kind, limit)
    settings.check_resolution(len(statements) if correction == "holm" else 1)
    streams = as_generator(rng).spawn(len(statements))
    pairs = track(list(zip(statements, streams, strict=True)), "testing independencies")
    tests = with_verdicts(
        [statement_test(rows, s, settings, stream) for s, stream in pairs], alpha, correction
    )
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

    >>> import numpy as np
    >>> x = np.repeat([0, 1], 50)
    >>> conditional_independence_test({"a": x, "b": x}, "a", "b").text()
    'a ⟂ b: contradicted, G 138.6, dof 1, p 5.3e-32, 0.693 nats, n 100'
    """
    settings = Settings.checked(statistic, alpha, n_permutations, min_expected)
    sets = [_columns(names, what) for what, names in (("x", x), ("y", y), ("given", given))]
    everyone = [name for names in sets for name in names]
    if not sets[0] or not sets[1] or len(set(everyone)) < len(everyone):
        raise InputError(
            f"x, y and given must not overlap, nor x and y be empty; got {sets[0]}, {sets[1]}, {sets[2]}"
        )
    settings.check_resolution(1)
    rows = Rows(read_rows(table, columns=everyone))
    test = statement_test(rows, Independence(sets[0], sets[1], sets[2]), settings, as_generator(rng))
    return with_verdicts([test], alpha, None)[0]


def _columns(names: Names, what: str) -> tuple[str, ...]:
    listed = [names] if isinstance(names, str) else as_list(names, what, of="columns")
    return tuple(check_instance(name, str, what, like="one or several names of columns") for name in listed)


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
