"""The graph that a model is made of, against networkx."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError
from chainrule.graphs import DAG
from chainrule.models.shared.factorization import Factorization
from tests.models.graphs import dags, factorization_of, networkx_of

any_dag = given(dags())


@any_dag
def test_parents_come_first_and_are_those_of_the_graph(graph):
    f, other = factorization_of(*graph), networkx_of(*graph)
    assert sorted(f.order) == list(range(len(f)))
    for i in range(len(f)):
        assert set(np.flatnonzero(f.parents[i])) == set(other.predecessors(i))
        assert all(f.place[j] < f.place[i] for j in other.predecessors(i))
    assert f.is_order == (other.number_of_edges() == len(f) * (len(f) - 1) // 2)


@any_dag
def test_it_is_as_deep_as_the_longest_path_and_each_level_has_its_parents_above(graph):
    f, other = factorization_of(*graph), networkx_of(*graph)
    assert f.depth == len(f.levels) == 1 + nx.dag_longest_path_length(other)
    assert sorted(np.concatenate(f.levels)) == list(range(len(f)))
    drawn: set[int] = set()
    for level in f.levels:
        assert all(set(other.predecessors(i)) <= drawn for i in level)
        drawn |= set(level.tolist())


@any_dag
def test_a_variable_can_be_drawn_once_as_many_are_known_as_it_reaches_to(graph):
    f = factorization_of(*graph)
    for t, i in enumerate(f.order):
        parents = f.place[f.parents[i]]
        assert f.reach[t] == parents.max(initial=-1) + 1 <= t


@given(dags(), st.data())
def test_what_is_needed_are_the_observed_variables_and_their_ancestors(graph, data):
    f, other = factorization_of(*graph), networkx_of(*graph)
    observed = np.array(data.draw(st.lists(st.booleans(), min_size=len(f), max_size=len(f))))
    above = {j for i in np.flatnonzero(observed) for j in nx.ancestors(other, i)}
    assert set(np.flatnonzero(f.needed(observed))) == set(np.flatnonzero(observed)) | above


@given(st.permutations(range(7)))
def test_an_order_is_the_complete_graph_in_that_order(order):
    names = tuple(f"v{i}" for i in range(7))
    one = Factorization.of_order(order, names)
    other = Factorization.of_dag(DAG.fully_connected([names[i] for i in order]), names)
    for name in ("order", "parents", "reach", "depth", "is_order", "place"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(np.concatenate(one.levels), np.concatenate(other.levels))
    assert one.to_dag() == other.to_dag()
    observed = np.arange(7) == order[3]
    np.testing.assert_array_equal(one.needed(observed), other.needed(observed))


def test_the_same_graph_written_in_another_order_is_the_same_factorization():
    one, other = (
        Factorization.of_dag(text, ["a", "b", "c", "d"]) for text in ("c -> a; b; d", "d; b; c -> a")
    )
    assert one.order.tolist() == other.order.tolist() == [1, 2, 0, 3]
    assert one.to_dag().nodes == other.to_dag().nodes == ("a", "b", "c", "d")


def test_one_variable_and_no_edges_are_graphs_too():
    alone = Factorization.of_order("natural", d=1)
    assert (alone.depth, alone.is_order, alone.reach.tolist()) == (1, True, [0])
    free = Factorization.of_dag(DAG.empty(["a", "b", "c"]), ["c", "a", "b"])
    assert (free.depth, free.is_order, free.reach.tolist()) == (1, False, [0, 0, 0])


def test_a_thing_is_its_own_factorization_and_an_ordering_that_of_unnamed_variables():
    f = Factorization.of_order([1, 0])
    assert Factorization.of(f) is f
    assert Factorization.of("x2, x1").order.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("dag", "message"),
    [
        ("a -> b", "'c' is a variable and no node"),
        ("a -> b -> c -> e", "'e' is a node of the dag and no variable"),
        (3, "dag must be a DAG or its text; got 3"),
    ],
)
def test_a_graph_of_other_variables_is_refused(dag, message):
    with pytest.raises(InputError, match=message):
        Factorization.of_dag(dag, ["a", "b", "c"])


def test_a_latent_node_has_no_factor():
    with pytest.raises(InputError, match="'u' is latent"):
        Factorization.of_dag(DAG([("u", "a"), ("u", "b")], latent=["u"]), ["a", "b", "u"])
