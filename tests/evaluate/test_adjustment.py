"""Adjustment sets against effects computed exactly: the formula is right for a set exactly when it is one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from chainrule.evaluate.tables import joint_table, random_tables
from chainrule.graphs import DAG
from tests.graphs.dags import every_set, random_dag


def under_intervention(dag: DAG, tables, causes: set[str], effect: str) -> dict:
    """P(effect = 1 | do(causes)) by the truncated factorisation, for each state of the causes, as fractions."""
    out: dict[tuple[int, ...], Fraction] = {}
    for state in np.ndindex(*(2,) * len(dag)):
        value = dict(zip(dag.nodes, map(int, state), strict=True))
        if value[effect]:
            term = Fraction(1)
            for v, table in tables.items():
                if v not in causes:
                    term *= table.probability(value[v], tuple(value[p] for p in table.parents))
            key = tuple(value[v] for v in sorted(causes))
            out[key] = out.get(key, Fraction(0)) + term
    return out


def by_adjustment(dag: DAG, tables, causes: set[str], effect: str, given: frozenset[str]) -> dict:
    """The sum over z of P(effect = 1 | causes, z) P(z), for each state of the causes, as fractions."""
    with_effect: dict[tuple, Fraction] = {}
    of_causes: dict[tuple, Fraction] = {}
    of_z: dict[tuple, Fraction] = {}
    for state, p in joint_table(dag, tables).states():
        value = dict(zip(dag.nodes, state, strict=True))
        x, z = (tuple(value[v] for v in sorted(names)) for names in (causes, given))
        of_z[z] = of_z.get(z, Fraction(0)) + p
        of_causes[x, z] = of_causes.get((x, z), Fraction(0)) + p
        if value[effect]:
            with_effect[x, z] = with_effect.get((x, z), Fraction(0)) + p
    out: dict[tuple[int, ...], Fraction] = {}
    for (x, z), p in with_effect.items():
        out[x] = out.get(x, Fraction(0)) + p / of_causes[x, z] * of_z[z]
    return out


def test_the_adjustment_formula_holds_exactly_for_the_adjustment_sets():
    rng = np.random.default_rng([8, 1])
    right = wrong = 0
    for round_ in range(60):
        dag = random_dag(5, 0.5, rng)
        tables = random_tables(dag, rng, denominator=10_007)
        y, *others = map(str, rng.permutation(dag.nodes))
        causes = set(others[: 1 + round_ % 2])
        expected = under_intervention(dag, tables, causes, y)
        listed = set(map(frozenset, dag.adjustment_sets(causes, y, kind="all")))
        for z in every_set(v for v in others if v not in causes):
            # an equality by chance has a probability of about one in 10,007: the seed is fixed
            assert (by_adjustment(dag, tables, causes, y, z) == expected) == (z in listed)
            right, wrong = right + (z in listed), wrong + (z not in listed)
    assert right > 60
    assert wrong > 60


def test_the_formula_holds_for_every_back_door_set():
    rng = np.random.default_rng([8, 2])
    checked = 0
    for _ in range(30):
        dag = random_dag(5, 0.5, rng)
        tables = random_tables(dag, rng, denominator=97)
        x, y = map(str, rng.choice(dag.nodes, 2, replace=False))
        expected = under_intervention(dag, tables, {x}, y)
        for z in dag.backdoor_sets(x, y, kind="all"):
            checked += 1
            assert by_adjustment(dag, tables, {x}, y, frozenset(z)) == expected
    assert checked > 30
