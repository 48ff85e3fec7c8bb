"""The PC algorithm, as a user calls it; and the same with any test of independence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np

from chainrule.core.checks import check_integer
from chainrule.evaluate.constraint_search.orientation import Orientation
from chainrule.evaluate.constraint_search.result import KeptEdge, PCResult
from chainrule.evaluate.constraint_search.skeleton import Pair, StatementTest, find_skeleton
from chainrule.evaluate.independence_report import IndependenceTest, Statistic
from chainrule.evaluate.statement_tests import Rows, Settings, statement_test
from chainrule.graphs import PDAG, Independence
from chainrule.models.bayesian_network.structure.edge_rules import EdgeRules, Edges
from chainrule.tables.door import rows as read_rows
from chainrule.tables.table import MISSING, Table

__all__ = ["pc", "pc_by"]


def pc(
    table: Any,
    *,
    statistic: Statistic = "g",
    alpha: float = 0.05,
    forbidden: Edges = (),
    required: Edges = (),
    tiers: Iterable[Iterable[str]] = (),
    max_given: int | None = None,
    n_permutations: int = 999,
    seed: int = 0,
    min_expected: float = 5.0,
) -> PCResult:
    """The partially directed graph that tests of independence leave: PC (Spirtes and Glymour 1991), in a stable form.

    ``table`` is anything that ``Table.read`` takes; all its columns are variables, and a row counts for a test where it
    has all its values.  Two columns lose their edge where a test given some set has a p value above ``alpha``; a test
    that cannot tell (``check_independencies`` says when) takes none out, and is listed.  The order of the columns does
    not matter.  What is known ahead, ``forbidden``, ``required`` and ``tiers``, is as in ``hill_climb``.  Sets have up
    to ``max_given`` columns, any number where it is ``None``: the number of tests grows with the number of sets among
    the neighbours of a column.  ``n_permutations`` shuffles, by ``seed``, are for the permutation test,
    ``min_expected`` is of Cochran's rule: with 0 every test tells, and an edge goes where rows are too few to see it,
    which gives graphs that are nearer to the truth where rows are few, and untestable edges no longer stay.

    Where tests are right, no variable is hidden and the distribution has no further independencies, it is the CPDAG of
    the truth.  Raises ``InputError`` for settings that cannot be used, rows with weights, edges that contradict each
    other; ``UnknownNameError``.

    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.integers(2, size=(2, 4000))
    >>> found = pc({"a": a, "b": b, "c": a & b})
    >>> found.pdag.directed, [(t.x, t.y, t.given) for t in found.removed]
    ((('a', 'c'), ('b', 'c')), [(('a',), ('b',), ())])
    """
    settings = Settings.checked(statistic, alpha, n_permutations, min_expected)
    settings.check_resolution(1)
    check_integer(seed, "seed", least=0)
    rows = read_rows(table)
    names = rows.schema.names
    constant = [name for name in names if _is_constant(rows, name)]
    some = Rows(rows)

    def test(s: Independence) -> IndependenceTest:
        key = "\0".join([*s.x, *s.y, "", *s.given])  # a stream of its own, whenever it is tested
        return statement_test(some, s, settings, np.random.default_rng((seed, crc32(key.encode()))))

    found = pc_by(
        test,
        [name for name in names if name not in constant],
        alpha=alpha,
        rules=EdgeRules.of(names, forbidden=forbidden, required=required, tiers=tiers).among(
            [j for j, name in enumerate(names) if name not in constant]
        ),
        max_given=max_given,
    )
    pdag = PDAG(found.pdag.directed, found.pdag.undirected, names)
    return replace(found, pdag=pdag, constant=tuple(constant), test=statistic, n_rows=rows.n_rows)


def pc_by(
    test: StatementTest, names: Sequence[str], *, alpha: float, rules: EdgeRules, max_given: int | None = None
) -> PCResult:
    """PC on variables with these names, by any ``test`` of an independence: a p value, or ``None`` for "untestable"."""
    if max_given is not None:
        check_integer(max_given, "max_given", least=0)
    skeleton = find_skeleton(names, test, rules, alpha, max_given)
    orientation = Orientation(names, skeleton, rules)
    pairs = list(skeleton.pairs.values())
    return PCResult(
        pdag=PDAG(orientation.directed(), orientation.undirected(), names),
        kept=tuple(_kept(pair, names) for pair in pairs if pair.joined),
        removed=tuple(
            _consistent(pair.best) for pair in pairs if not (pair.joined or pair.barred) and pair.best
        ),
        barred=tuple((names[pair.u], names[pair.v]) for pair in pairs if pair.barred),
        untestable=tuple(t for pair in pairs for t in pair.untestable),
        conflicts=tuple(sorted(orientation.conflicts)),
        constant=(),
        test="g",
        alpha=alpha,
        n_rows=0,
        n_tests=sum(pair.n_tests for pair in pairs),
        largest_given=max(skeleton.largest_given, 0),
        max_given=max_given,
    )


def _is_constant(rows: Table, name: str) -> bool:
    codes = rows.column(name)
    known = codes[codes != MISSING] if codes.dtype.kind == "i" else codes
    return not len(known) or bool((known == known[0]).all())


def _kept(pair: Pair, names: Sequence[str]) -> KeptEdge:
    p, given = (None, ()) if pair.best is None else (pair.best.p_value, pair.best.given)
    return KeptEdge(names[pair.u], names[pair.v], p, given, pair.n_tests, len(pair.untestable), pair.required)


def _consistent(test: IndependenceTest) -> IndependenceTest:
    return replace(test, verdict="consistent", p_corrected=test.p_value)
