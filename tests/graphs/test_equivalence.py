"""Equivalence classes against directing the skeleton in every way, and against known classes."""

from __future__ import annotations

from itertools import combinations, islice, product

import numpy as np
import pytest
from hypothesis import given

from chainrule.core.errors import CycleError, InputError
from chainrule.graphs import DAG, PDAG
from tests.graphs.dags import acyclic, hide_some, random_dag


def equivalence_class(dag: DAG) -> list[DAG]:
    """All DAGs with the skeleton and the v-structures of ``dag``, by trying each direction of each edge."""

    def colliders(other: DAG) -> set[tuple[frozenset[str], str]]:
        return {(frozenset((a, b)), c) for a, c, b in other.v_structures()}

    members = []
    for turned in product((False, True), repeat=dag.n_edges):
        edges = [e[::-1] if t else e for e, t in zip(dag.edges, turned, strict=True)]
        try:
            other = DAG(edges, nodes=dag.nodes, latent=dag.latent)
        except CycleError:
            continue
        if colliders(other) == colliders(dag):
            members.append(other)
    return members


def small_dags(seed: int, count: int, most_edges: int = 10):
    rng = np.random.default_rng([6, seed])
    while count:
        dag = random_dag(int(rng.integers(2, 8)), rng.uniform(0.2, 0.8), rng)
        if dag.n_edges <= most_edges:
            count -= 1
            yield dag


def test_equivalent_dags_are_those_with_the_same_skeleton_and_v_structures_each_once():
    sizes = set()
    for dag in small_dags(1, 80):
        found = list(dag.equivalent_dags())
        members = equivalence_class(dag)
        assert len(found) == len(set(found)) == len(members)
        assert set(found) == set(members)
        assert dag in found
        sizes.add(len(found))
    assert {1, 2, 3} < sizes
    assert max(sizes) >= 12


def test_an_edge_is_directed_in_the_cpdag_where_all_members_agree():
    for dag in small_dags(2, 60):
        members, cpdag = equivalence_class(dag), dag.cpdag()
        agreed = set.intersection(*(set(m.edges) for m in members))
        assert set(cpdag.directed) == agreed
        open_edges = {frozenset(e) for e in set(dag.edges) - agreed}
        assert set(map(frozenset, cpdag.undirected)) == open_edges
        assert len(cpdag.undirected) == len(open_edges)
        assert all(m.cpdag() == cpdag for m in members)


def test_equivalent_dags_have_the_same_d_separations_and_others_do_not():
    rng = np.random.default_rng([6, 3])
    same = 0
    for _ in range(60):
        dag = random_dag(5, 0.4, rng)
        place = [str(v) for v in rng.permutation(dag.nodes)]
        edges = [e if place.index(e[0]) < place.index(e[1]) else e[::-1] for e in dag.edges]
        other = DAG(edges, nodes=dag.nodes)
        listed = {str(s) for s in dag.implied_independencies("all_pairs")}
        equal = listed == {str(s) for s in other.implied_independencies("all_pairs")}
        assert dag.is_markov_equivalent(other) == equal
        same += equal
    assert 10 < same < 50


@given(acyclic())
def test_every_member_streamed_is_equivalent(dag):
    for other in islice(dag.equivalent_dags(), 20):
        assert dag.is_markov_equivalent(other)


def test_a_tree_of_n_nodes_has_n_members_and_a_full_dag_all_orders():
    tree = DAG([(f"v{(i - 1) // 2}", f"v{i}") for i in range(1, 200)])
    assert len(set(tree.equivalent_dags())) == 200
    assert tree.cpdag().directed == ()
    assert len(set(DAG.fully_connected(list("abcdef")).equivalent_dags())) == 720


def test_a_class_too_large_to_list_is_streamed():
    dag = DAG.fully_connected(f"v{i}" for i in range(40))  # 40! members
    first = list(islice(dag.equivalent_dags(), 30))
    assert len(set(first)) == 30


def test_members_keep_the_latent_nodes():
    rng = np.random.default_rng([6, 4])
    dag = hide_some(random_dag(6, 0.4, rng), rng)
    assert dag.latent
    assert all(other.latent == dag.latent for other in dag.equivalent_dags())


def test_the_asia_network_has_its_published_class():
    # Lauritzen and Spiegelhalter (1988); compelled edges as in Chickering (1995): those into and below v-structures
    dag = DAG.parse("asia -> tub -> either <- lung <- smoke -> bronc -> dysp <- either -> xray")
    assert set(dag.cpdag().directed) == {
        ("tub", "either"),
        ("lung", "either"),
        ("either", "xray"),
        ("either", "dysp"),
        ("bronc", "dysp"),
    }
    assert {frozenset(e) for e in dag.cpdag().undirected} == {
        frozenset(("asia", "tub")),
        frozenset(("smoke", "lung")),
        frozenset(("smoke", "bronc")),
    }


def test_cpdags_are_equal_whatever_the_order_of_their_parts():
    one = PDAG([], [("A", "B"), ("B", "C")])
    other = PDAG([], [("C", "B"), ("B", "A")], ["C", "B", "A"])
    assert one == other
    assert hash(one) == hash(other)
    assert one != PDAG([("A", "B")], [("B", "C")])
    assert one != "A -- B"


def test_the_cpdag_keeps_the_marks_of_the_dag():
    dag = DAG.parse('dag { U [latent] X [exposure,pos="1,2"] Z [adjusted] U -> X -> Y  Z -> Y }')
    cpdag = dag.cpdag()
    assert (cpdag.latent, cpdag.exposures, cpdag.adjusted) == (("U",), ("X",), ("Z",))
    assert cpdag.consistent_extension().positions == dag.positions == cpdag.positions


def test_graphs_over_different_nodes_are_not_compared():
    with pytest.raises(InputError, match="only one of the two graphs has the node 'C'"):
        DAG.parse("A -> B").is_markov_equivalent(DAG.parse("A -> B; C"))
    with pytest.raises(InputError, match="other must be a DAG; got str"):
        DAG.parse("A -> B").is_markov_equivalent("A -> B")  # type: ignore[arg-type]


def test_pairs_without_an_edge_stay_apart_in_all_members():
    for dag in small_dags(5, 20):
        for other in dag.equivalent_dags():
            for a, b in combinations(dag.nodes, 2):
                joined = dag.has_edge(a, b) or dag.has_edge(b, a)
                assert joined == (other.has_edge(a, b) or other.has_edge(b, a))
