"""The four listings, the factorisation, and the moral side of a DAG."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given

from chainrule.core.errors import InputError, TooLargeError, UnknownNameError
from chainrule.graphs import DAG, Independence
from tests.graphs.dags import acyclic, to_networkx

KINDS = ("missing_edge", "local", "ordered", "all_pairs")


@given(acyclic(max_nodes=5))
def test_every_listed_independence_is_a_d_separation(dag):
    for kind in KINDS:
        for s in dag.implied_independencies(kind):
            assert dag.is_d_separated(s.x, s.y, s.given)


@given(acyclic(max_nodes=5))
def test_all_pairs_lists_every_d_separated_pair_once(dag):
    expected = {
        (frozenset((a, b)), frozenset(z))
        for a, b in combinations(dag.nodes, 2)
        for k in range(len(dag) - 1)
        for z in combinations([v for v in dag.nodes if v not in (a, b)], k)
        if dag.is_d_separated(a, b, z)
    }
    listed = [(frozenset(s.x + s.y), frozenset(s.given)) for s in dag.implied_independencies("all_pairs")]
    assert len(listed) == len(expected)
    assert set(listed) == expected


@given(acyclic())
def test_local_and_ordered_statements_say_all_they_can(dag):
    order = list(dag.topological_order())
    local = {s.x[0]: s for s in dag.implied_independencies("local")}
    ordered = {s.x[0]: s for s in dag.implied_independencies("ordered")}
    for i, v in enumerate(order):
        parents = set(dag.parents(v))
        non_descendants = set(dag.nodes) - {v} - set(dag.descendants(v)) - parents
        earlier = set(order[:i]) - parents
        assert (v in local) == bool(non_descendants)
        assert (v in ordered) == bool(earlier)
        if v in local:
            assert (set(local[v].y), set(local[v].given)) == (non_descendants, parents)
        if v in ordered:
            assert (set(ordered[v].y), set(ordered[v].given)) == (earlier, parents)


@given(acyclic(max_nodes=6))
def test_each_missing_edge_has_at_least_one_separator_and_each_edge_none(dag):
    pairs = {frozenset(s.x + s.y) for s in dag.implied_independencies()}
    adjacent = {frozenset(e) for e in dag.edges}
    assert pairs == {frozenset(p) for p in combinations(dag.nodes, 2)} - adjacent


def test_a_node_with_an_edge_from_every_other_has_no_independence():
    assert all(DAG.fully_connected(list("ABCD")).implied_independencies(kind) == [] for kind in KINDS)


def test_ordered_statements_follow_the_order_and_show_the_comparison():
    dag = DAG.parse("A -> C <- B")
    (first,) = dag.implied_independencies("ordered", order=["B", "A", "C"])
    assert first == Independence(("A",), ("B",), ())
    assert first.comparison == r"P(A) = P(A \mid B)"
    assert str(first) == "A ⟂ B given nothing"
    assert first.latex() == r"A \perp B"
    for wrong, message in (
        (["C", "A", "B"], "parents come first"),
        (["A", "B"], "each of the 3 nodes once"),
        (["A", "A", "B", "C"], "each of the 3 nodes once"),
        ("ABC", "each of the 3 nodes once"),
    ):
        with pytest.raises(InputError, match=message):
            dag.implied_independencies("ordered", order=wrong)
    with pytest.raises(UnknownNameError):
        dag.implied_independencies("ordered", order=["A", "B", "X"])


def test_a_listing_is_limited_and_an_exponential_one_says_its_size_first():
    dag = DAG.empty(f"v{i}" for i in range(30))
    with pytest.raises(TooLargeError, match="116,769,423,360 questions"):
        dag.implied_independencies("all_pairs")
    assert len(dag.implied_independencies(limit=7)) == 7
    with pytest.raises(InputError, match="kind must be one of missing_edge, local, ordered, all_pairs"):
        dag.implied_independencies("global")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="order belongs to kind='ordered'"):
        dag.implied_independencies("local", order=list(dag.nodes))


@given(acyclic())
def test_the_factorization_has_one_factor_for_each_node_and_counts_its_parameters(dag):
    f = dag.factorization()
    assert [v for v, _ in f.factors] == list(dag.topological_order())
    assert f.n_parameters() == sum(2 ** len(dag.parents(v)) for v in dag.nodes)
    states = {v: 2 + i for i, v in enumerate(dag.nodes)}
    tables = [(states[v] - 1) * int(np.prod([states[p] for p in dag.parents(v)])) for v in dag.nodes]
    assert f.n_parameters(states) == sum(tables)
    assert f.n_parameters_of_full_table() == 2 ** len(dag) - 1
    chain = DAG.fully_connected(dag.topological_order()).factorization()
    assert chain.n_parameters(states) == f.n_parameters_of_full_table(states)


def test_the_factorization_is_written_in_text_and_latex():
    f = DAG.parse("S -> A; S -> x12; AP -> A").factorization(order=["AP", "S", "x12", "A"])
    assert f.text() == "P(AP, S, x12, A) = P(AP) P(S) P(x12 | S) P(A | S, AP)"
    assert f.latex() == (
        r"P(\mathrm{AP}, S, x_{12}, A) = P(\mathrm{AP}) \, P(S) \, P(x_{12} \mid S) \, P(A \mid S, \mathrm{AP})"
    )
    with pytest.raises(UnknownNameError, match="n_states"):
        f.n_parameters({"S": 2})
    with pytest.raises(InputError, match="n_states"):
        f.n_parameters(0)


@given(acyclic())
def test_the_markov_blanket_is_the_least_set_that_shields_a_node(dag):
    for v in dag.nodes:
        blanket = set(dag.markov_blanket(v))
        rest = set(dag.nodes) - blanket - {v}
        assert not rest or dag.is_d_separated(v, rest, blanket)
        for u in blanket:
            assert not dag.is_d_separated(v, rest | {u}, blanket - {u})


@given(acyclic())
def test_moral_graph_agrees_with_networkx_and_v_structures_with_their_definition(dag):
    graph = to_networkx(dag)
    assert {frozenset(e) for e in dag.moral_graph()} == {frozenset(e) for e in nx.moral_graph(graph).edges}
    expected = {
        (frozenset((a, b)), c)
        for c in graph
        for a, b in combinations(graph.predecessors(c), 2)
        if not graph.has_edge(a, b) and not graph.has_edge(b, a)
    }
    assert {(frozenset((a, b)), c) for a, c, b in dag.v_structures()} == expected


def test_names_of_any_kind_stay_safe_in_latex():
    statement = Independence(("dog bark",), ("50%_{x}^~\\", "x7"), ("AP",))
    assert statement.latex() == (
        r"\text{dog bark} \perp \text{50\%\_\{x\}\textasciicircum \textasciitilde \textbackslash }, x_{7}"
        r" \mid \mathrm{AP}"
    )


def test_latex_of_statements_is_understood_by_the_renderer_of_the_report():
    import math_core

    converter = math_core.LatexToMathML()
    statement = Independence(("dog bark",), ("50%_{x}^~\\é", "x7"), ("AP",))
    for latex in (statement.latex(), DAG.parse("A -> B").factorization().latex()):
        assert converter.convert_with_local_state(latex, displaystyle=True).startswith("<math")
