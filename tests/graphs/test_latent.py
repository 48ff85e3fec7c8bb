"""Latent nodes: never conditioned on, never listed; against trying every set of observed nodes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from chainrule.core.errors import InputError
from chainrule.graphs import DAG
from tests.graphs.dags import every_set, hide_some, random_dag

KINDS = ("missing_edge", "local", "ordered", "all_pairs")


def observed_separators(dag: DAG, x: str, y: str) -> list[frozenset[str]]:
    rest = [v for v in dag.observed if v not in (x, y)]
    return [z for z in every_set(rest) if dag.is_d_separated(x, y, z)]


def test_separators_are_the_minimal_ones_among_observed_sets_and_the_minimum_is_the_smallest():
    rng = np.random.default_rng([5, 1])
    none = several = 0
    for _ in range(300):
        dag = hide_some(random_dag(int(rng.integers(6, 10)), rng.uniform(0.15, 0.4), rng), rng, share=0.2)
        x, y = map(str, rng.choice(dag.nodes, 2, replace=False))  # they may be latent themselves
        separating = observed_separators(dag, x, y)
        minimal = {z for z in separating if not any(other < z for other in separating)}
        found = list(map(frozenset, dag.minimal_d_separators(x, y)))
        assert len(found) == len(set(found))
        assert set(found) == minimal
        least = dag.minimum_d_separator(x, y)
        assert (None if least is None else len(least)) == min(map(len, separating), default=None)
        assert least is None or frozenset(least) in minimal
        none += not found
        several += len(found) > 1
    assert none > 20
    assert several > 8


def test_missing_edges_list_what_each_pair_of_observed_nodes_gives_on_its_own():
    rng = np.random.default_rng([5, 2])
    for _ in range(60):
        dag = hide_some(random_dag(8, 0.3, rng), rng)
        listed = dag.implied_independencies()
        expected = {
            (x, y, z) for x, y in combinations(dag.observed, 2) for z in dag.minimal_d_separators(x, y)
        }
        assert len(listed) == len(expected)
        assert {(*s.x, *s.y, s.given) for s in listed} == expected
        sizes = {}
        for s in listed:
            assert sizes.get((s.x, s.y), 0) <= len(s.given)
            sizes[s.x, s.y] = len(s.given)


def test_each_statement_of_each_kind_is_a_d_separation_among_observed_nodes():
    rng = np.random.default_rng([5, 3])
    listed = dict.fromkeys(KINDS, 0)
    for _ in range(80):
        dag = hide_some(random_dag(6, 0.4, rng), rng)
        for kind in KINDS:
            for s in dag.implied_independencies(kind):
                listed[kind] += 1
                assert dag.is_d_separated(s.x, s.y, s.given)
                assert set(dag.observed) >= {*s.x, *s.y, *s.given}
    assert min(listed.values()) > 50


def test_local_and_ordered_statements_drop_as_much_as_can_be_dropped():
    rng = np.random.default_rng([5, 4])
    dropped = 0
    for _ in range(60):
        dag = hide_some(random_dag(7, 0.35, rng), rng)
        order = [v for v in dag.topological_order() if v in dag.observed]
        for kind in ("local", "ordered"):
            statements = {s.x[0]: s for s in dag.implied_independencies(kind)}
            for i, v in enumerate(order):
                below = dag.descendants(v)
                others = order[:i] if kind == "ordered" else [u for u in order if u != v and u not in below]
                least = min(
                    (
                        z
                        for z in every_set(others)
                        if not set(others) - z or dag.is_d_separated(v, set(others) - z, z)
                    ),
                    key=len,
                )
                assert (v in statements) == (len(least) < len(others))
                if v in statements:
                    dropped += 1
                    assert set(statements[v].given) == least
                    assert set(statements[v].y) == set(others) - least
    assert dropped > 100


def test_the_markov_blanket_is_the_least_observed_set_that_shields_from_the_observed_rest():
    rng = np.random.default_rng([5, 5])
    for _ in range(60):
        dag = hide_some(random_dag(7, 0.3, rng), rng)
        for v in dag.nodes:
            blanket, rest = set(dag.markov_blanket(v)), set(dag.observed) - {v}
            assert blanket <= rest
            assert blanket == rest or dag.is_d_separated(v, rest - blanket, blanket)
            for u in blanket:
                assert not dag.is_d_separated(v, (rest - blanket) | {u}, blanket - {u})


def test_two_measures_of_one_latent_cause_have_no_independence():
    dag = DAG.parse("U -> {A B C}")
    dag = DAG(dag.edges, latent=["U"])
    assert all(dag.implied_independencies(kind) == [] for kind in KINDS)
    assert list(dag.minimal_d_separators("A", "B")) == []
    assert dag.minimum_d_separator("A", "B") is None
    assert dag.d_separated_from("A") == ()


def test_a_latent_node_can_be_asked_about_but_not_conditioned_on():
    dag = DAG([("A", "U"), ("U", "B"), ("B", "C")], latent=["U"])
    assert dag.is_d_separated("U", "C", "B")
    assert list(dag.minimal_d_separators("U", "C")) == [("B",)]
    assert dag.d_separated_from("A", "B") == ("C",)
    asks = (dag.is_d_separated, dag.explain_d_separation, dag.is_adjustment_set)
    for ask in asks:
        with pytest.raises(InputError, match=r"given holds 'U', which is latent.*drop its latent mark"):
            ask("A", "C", "U")
    with pytest.raises(InputError, match="'U', which is latent"):
        dag.d_separated_from("A", "U")
