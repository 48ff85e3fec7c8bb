"""Products of conditional tables: one along a DAG, exactly; both ways of summing agree on any graph."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError, TooLargeError, UnknownNameError
from chainrule.evaluate.tables import BinaryTable, joint_table, random_tables, total_mass
from chainrule.graphs import DAG, DirectedGraph
from tests.graphs.dags import acyclic, directed

seeds = st.integers(0, 2**32)


def mass_by_definition(graph, tables) -> Fraction:
    """The sum over all states of the product of all factors, term by term."""
    total = Fraction(0)
    for state in product((0, 1), repeat=len(graph)):
        value = dict(zip(graph.nodes, state, strict=True))
        term = Fraction(1)
        for table in tables.values():
            index = 0
            for parent in table.parents:
                index = 2 * index + value[parent]
            p = table.p_one[index]
            term *= p if value[table.node] else 1 - p
        total += term
    return total


@given(acyclic(), seeds)
def test_along_a_dag_the_product_sums_to_exactly_one_for_any_tables(dag, seed):
    tables = random_tables(dag, seed)
    assert total_mass(dag, tables) == 1
    assert joint_table(dag, tables).total == 1


@given(directed(max_nodes=6), seeds)
def test_on_any_graph_both_ways_of_summing_agree_with_the_definition(graph, seed):
    tables = random_tables(graph, seed, denominator=5)
    expected = mass_by_definition(graph, tables)
    assert total_mass(graph, tables) == expected
    assert joint_table(graph, tables).total == expected


def test_states_are_listed_in_counting_order_with_their_mass():
    dag = DAG.parse("A -> B")
    tables = {
        "A": BinaryTable("A", (), (Fraction(1, 3),)),
        "B": BinaryTable("B", ("A",), (Fraction(1, 4), Fraction(1, 5))),
    }
    assert joint_table(dag, tables).states() == [
        ((0, 0), Fraction(1, 2)),
        ((0, 1), Fraction(1, 6)),
        ((1, 0), Fraction(4, 15)),
        ((1, 1), Fraction(1, 15)),
    ]


def test_a_chain_of_a_thousand_random_tables_sums_to_one():
    names = [f"v{i}" for i in range(1000)]
    dag = DAG([*pairwise(names), *zip(names, names[2:], strict=False)])
    assert total_mass(dag, random_tables(dag, 5, denominator=3)) == 1


def test_mutual_information_is_that_of_the_textbook_formula():
    dag = DAG.parse("A -> C <- B")
    joint = joint_table(dag, random_tables(dag, 3))
    p = np.array([float(m) for _, m in joint.states()]).reshape(2, 2, 2)
    a, b, c = (dag.nodes.index(v) for v in "ABC")
    p = p.transpose(a, b, c)
    expected = 0.0
    for i, j, k in np.ndindex(2, 2, 2):
        z = p[:, :, k].sum()
        expected += p[i, j, k] * np.log(p[i, j, k] * z / (p[i, :, k].sum() * p[:, j, k].sum()))
    assert joint.mutual_information_nats("A", "B", "C") == pytest.approx(expected, rel=1e-12)
    assert abs(joint.mutual_information_nats("A", "B")) < 1e-14  # rounding of eight terms
    assert joint.is_independent(["A"], ["B"])
    assert not joint.is_independent(["A"], ["B"], ["C"])


def test_zeros_in_tables_do_no_harm():
    dag = DAG.parse("A -> B")
    copy = {
        "A": BinaryTable("A", (), (Fraction(1, 2),)),
        "B": BinaryTable("B", ("A",), (Fraction(0), Fraction(1))),
    }
    joint = joint_table(dag, copy)
    assert joint.mutual_information_nats("A", "B") == pytest.approx(np.log(2), rel=1e-12)
    assert not joint.is_independent("A", "B")


def test_tables_that_do_not_fit_are_refused():
    dag = DAG.parse("A -> B")
    tables = random_tables(dag, 0)
    with pytest.raises(InputError, match="needs 2 entries"):
        BinaryTable("B", ("A",), (Fraction(1),))
    with pytest.raises(InputError, match="fractions from 0 to 1"):
        BinaryTable("B", (), (Fraction(3, 2),))
    with pytest.raises(InputError, match="fractions from 0 to 1"):
        BinaryTable("B", (), (0.5,))  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError):
        total_mass(dag, {"A": tables["A"]})
    with pytest.raises(InputError, match="'B' reads 'A', which is not a parent"):
        total_mass(DAG.empty(["A", "B"]), tables)
    with pytest.raises(UnknownNameError):
        total_mass(DAG.empty(["A"]), {"A": tables["A"], "C": BinaryTable("C", (), (Fraction(1),))})
    with pytest.raises(InputError, match="is that of 'A'"):
        total_mass(DAG.empty(["A", "B"]), {"A": tables["A"], "B": tables["A"]})
    with pytest.raises(InputError, match="denominator"):
        random_tables(dag, 0, denominator=1)


def test_what_would_be_too_large_says_so():
    wide = DAG([(f"p{i}", "child") for i in range(20)])
    with pytest.raises(TooLargeError, match="20 parents"):
        random_tables(wide, 0)
    many = DAG.empty(f"v{i}" for i in range(21))
    with pytest.raises(TooLargeError, match="2\\^21 joint states"):
        joint_table(many, random_tables(many, 0))
    ring = DirectedGraph([(f"v{(i + k) % 17}", f"v{i}") for i in range(17) for k in range(1, 9)])
    with pytest.raises(TooLargeError, match="factor of 17 variables"):
        total_mass(ring, random_tables(ring, 0, denominator=2))


def test_independence_in_something_that_is_no_distribution_has_no_meaning():
    cycle = DirectedGraph.parse("A -> B -> A")
    copy = {v: BinaryTable(v, (u,), (Fraction(0), Fraction(1))) for v, u in (("A", "B"), ("B", "A"))}
    joint = joint_table(cycle, copy)
    with pytest.raises(InputError, match="sums to 2"):
        joint.is_independent("A", "B")
    fine = joint_table(DAG.parse("A -> B"), random_tables(DAG.parse("A -> B"), 0))
    with pytest.raises(InputError, match="overlap"):
        fine.is_independent("A", "A")
    with pytest.raises(UnknownNameError):
        fine.is_independent("A", "C")


def test_the_same_seed_gives_the_same_tables():
    dag = DAG.parse("A -> B -> C")
    assert random_tables(dag, 7) == random_tables(dag, 7)
    generator = np.random.default_rng(7)
    assert random_tables(dag, generator) == random_tables(dag, 7) != random_tables(dag, generator)
