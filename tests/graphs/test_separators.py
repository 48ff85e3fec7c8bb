"""Minimal and minimum separators against trying every set."""

from __future__ import annotations

import tracemalloc
from itertools import combinations, islice

import numpy as np
import pytest

from chainrule.core.errors import InputError
from chainrule.graphs import DAG, Structure, separators
from chainrule.graphs.separators import minimal_separators, minimum_separator
from tests.graphs.dags import hide_some, random_dag

ASIA = "asia -> tub -> either <- lung <- smoke -> bronc -> dysp <- either -> xray"


def separating_sets(dag: DAG, x: set[str], y: set[str]) -> list[frozenset[str]]:
    rest = [v for v in dag.nodes if v not in x | y]
    every = (frozenset(c) for k in range(len(rest) + 1) for c in combinations(rest, k))
    return [z for z in every if dag.is_d_separated(x, y, z)]


def test_minimal_separators_are_exactly_those_that_brute_force_finds():
    rng = np.random.default_rng([3, 1])
    most = 0
    ladder = DAG.parse("x -> {a1 b1}; a1 -> a2 -> a3; b1 -> b2 -> b3; {a3 b3} -> y; a2 -> b3")
    random = (random_dag(int(rng.integers(2, 10)), rng.uniform(0.1, 0.5), rng) for _ in range(120))
    for dag in (ladder, *random):
        x, y = ("x", "y") if dag is ladder else map(str, rng.choice(dag.nodes, 2, replace=False))
        separating = separating_sets(dag, {x}, {y})
        minimal = {z for z in separating if not any(other < z for other in separating)}
        found = list(dag.minimal_d_separators(x, y))
        assert len(found) == len(set(found))
        assert set(map(frozenset, found)) == minimal
        most = max(most, len(found))
    assert most >= 4  # the enumeration has been made to branch


def test_separators_between_sets_are_right_too():
    rng = np.random.default_rng([3, 2])
    found_any = 0
    for _ in range(80):
        dag = random_dag(8, 0.3, rng)
        names = list(map(str, rng.permutation(dag.nodes)))
        x, y = set(names[:2]), set(names[2 : 2 + int(rng.integers(1, 3))])
        separating = separating_sets(dag, x, y)
        minimal = {z for z in separating if not any(other < z for other in separating)}
        assert set(map(frozenset, dag.minimal_d_separators(x, y))) == minimal
        least = dag.minimum_d_separator(x, y)
        assert (least is None) == (not separating)
        if least is not None:
            found_any += 1
            assert frozenset(least) in minimal
            assert len(least) == min(map(len, separating))
    assert found_any > 20


def test_the_minimum_separator_has_the_fewest_nodes():
    rng = np.random.default_rng([3, 3])
    sizes = set()
    for _ in range(200):
        dag = random_dag(9, rng.uniform(0.2, 0.7), rng)
        x, y = map(str, rng.choice(dag.nodes, 2, replace=False))
        found = dag.minimum_d_separator(x, y)
        every = list(dag.minimal_d_separators(x, y))
        if found is None:
            assert every == []
            assert dag.has_edge(x, y) or dag.has_edge(y, x)
        else:
            assert dag.is_d_separated(x, y, found)
            assert len(found) == min(map(len, every))
            sizes.add(len(found))
    assert {0, 1, 2, 3} <= sizes


def test_no_separator_and_the_empty_separator_are_told_apart():
    dag = DAG.parse("A -> B; C")
    assert dag.minimum_d_separator("A", "B") is None
    assert list(dag.minimal_d_separators("A", "B")) == []
    assert dag.minimum_d_separator("A", "C") == ()
    assert list(dag.minimal_d_separators("A", "C")) == [()]


def test_a_search_that_must_go_back_along_an_earlier_path_still_finds_the_minimum():
    # both short ways share b1 and b2 crosswise: the first path found must be taken apart
    dag = DAG.parse(
        "x -> a1 -> b2 -> y; x -> b1; a1 -> b1; b1 -> a2 -> y; x -> c -> b2; a2 -> d -> y; b1 -> b2"
    )
    found = dag.minimum_d_separator("x", "y")
    separating = separating_sets(dag, {"x"}, {"y"})
    assert found is not None
    assert len(found) == min(map(len, separating))


def test_enumeration_streams_where_there_are_too_many_separators_to_list():
    ladder = [e for i in range(40) for e in ((f"a{i}", f"a{i + 1}"), (f"b{i}", f"b{i + 1}"))]
    dag = DAG([("x", "a0"), ("x", "b0"), *ladder, ("a40", "y"), ("b40", "y")])
    stream = dag.minimal_d_separators("x", "y")
    first = [next(stream) for _ in range(100)]  # of 41 × 41
    assert len(set(first)) == 100
    assert all(dag.is_d_separated("x", "y", z) for z in first)


def test_one_pair_with_exponentially_many_separators_streams_too():
    # 60 chains of two side by side: each minimal separator takes one node of each chain, 2^60 in all
    edges = [e for i in range(60) for e in (("x", f"a{i}"), (f"a{i}", f"b{i}"), (f"b{i}", "y"))]
    dag = DAG(edges)
    first = list(islice(dag.minimal_d_separators("x", "y"), 200))
    assert len(set(first)) == 200
    assert all(len(z) == 60 and dag.is_d_separated("x", "y", z) for z in first)
    listed = dag.implied_independencies(limit=9_000)
    assert len(listed) == 9_000
    of_the_pair = [s for s in listed if (s.x, s.y) == (("x",), ("y",))]
    assert len(set(of_the_pair)) == len(of_the_pair) > 1000
    assert next(dag.iter_implied_independencies()).y == ("b0",)


def test_the_networks_of_the_literature_have_as_many_statements_as_dagitty_lists():
    statements = DAG.parse(ASIA).implied_independencies()
    assert len(statements) == 32
    pairs = {(s.x, s.y) for s in statements}
    assert len(pairs) == 28 - 8


def test_overlapping_sets_are_refused():
    with pytest.raises(InputError, match="both hold 'A'"):
        DAG.parse("A -> B").minimal_d_separators("A", "A")


def test_the_walk_for_large_graphs_lists_what_the_bit_masks_list_in_the_same_order(monkeypatch):
    rng = np.random.default_rng([6, 7])
    several = 0
    for _ in range(150):
        n, density = int(rng.integers(6, 16)), rng.uniform(0.3, 0.6)
        near = [[u for u in range(max(v - 4, 0), v) if rng.random() < density] for v in range(n)]
        structure = Structure.of(near)  # only near nodes are joined, so that much lies between the ends
        x, *rest, y = range(n)
        hidden = {v for v in rest if rng.random() < 0.15}
        included = {v for v in rest if v not in hidden and rng.random() < 0.1}
        asked = (structure, {x, *rest[:1]} - hidden - included, {y}, hidden, included)
        by_masks = list(minimal_separators(*asked))
        with monkeypatch.context() as patch:
            patch.setattr(separators, "MOST_MASKED", 0)
            assert list(minimal_separators(*asked)) == by_masks
        least = minimum_separator(*asked)
        assert (least is None) == (not by_masks)
        if least is not None:
            assert least in by_masks
            assert len(least) == min(map(len, by_masks))
        several += len(by_masks) > 1
    assert several > 20


def test_pairs_of_a_large_graph_have_the_separators_of_a_small_one(monkeypatch):
    rng = np.random.default_rng([6, 8])
    for _ in range(30):
        dag = hide_some(random_dag(8, 0.3, rng), rng, share=0.2)
        expected = dag.implied_independencies()
        with monkeypatch.context() as patch:
            patch.setattr(separators, "MOST_MASKED", 0)
            assert dag.implied_independencies() == expected


def test_separators_in_a_graph_of_15000_nodes_take_memory_in_proportion_to_its_edges():
    n, rng = 15_000, np.random.default_rng([6, 9])
    above = (np.arange(n)[:, None] - 1 - rng.integers(0, 50, (n, 2))).tolist()
    names = [f"v{i}" for i in range(n)]
    dag = DAG([(names[u], names[v]) for v, us in enumerate(above) for u in us if u >= 0], nodes=names)
    x, y = names[n // 2], names[-1]
    tracemalloc.start()
    found = list(islice(dag.minimal_d_separators(x, y), 3))
    least = dag.minimum_d_separator(x, y)
    statement = next(dag.iter_implied_independencies())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1000 * n  # bytes; bit masks would take n / 8 for each node, twice that
    assert len(found) == 3
    for z in (*found, least):
        assert dag.is_d_separated(x, y, z)
        assert not any(dag.is_d_separated(x, y, set(z) - {v}) for v in z)
    assert dag.is_d_separated(*statement.x, *statement.y, statement.given)


def test_a_node_with_very_many_parents_or_children_costs_no_more_than_its_edges():
    names = [f"v{i}" for i in range(30_000)]
    # married parents would be 450 million pairs
    star = DAG([*((v, "sum") for v in names), ("sum", "end"), ("first", names[0])])
    assert list(star.minimal_d_separators("first", "end")) == [(names[0],), ("sum",)]
    latent = DAG([*(("U", v) for v in names), ("first", names[0]), (names[-1], "end")], latent=["U"])
    assert list(latent.minimal_d_separators("first", "end")) == [()]
