"""Partially directed graphs against all DAGs of up to five nodes, and against published numbers."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, islice, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import InputError, NoExtensionError, TooLargeError
from chainrule.graphs import DAG, PDAG
from tests.graphs.dags import acyclic, random_dag

Edges = frozenset[tuple[int, int]]


def all_dags(n: int) -> list[Edges]:
    """Every DAG on n nodes: each is the edges of one order of the nodes that are kept."""
    dags = set()
    for edges in product((None, 0, 1), repeat=n * (n - 1) // 2):
        pairs = zip(combinations(range(n), 2), edges, strict=True)
        found = frozenset(pair if way else pair[::-1] for pair, way in pairs if way is not None)
        if not has_cycle(n, found):
            dags.add(found)
    return list(dags)


def has_cycle(n: int, edges: Edges) -> bool:
    left = set(range(n))
    while sources := {v for v in left if not any(u in left and w == v for u, w in edges)}:
        left -= sources
    return bool(left)


def joined(edges: Edges) -> frozenset[frozenset[int]]:
    return frozenset(map(frozenset, edges))


def colliders(directed: Edges, pairs: frozenset[frozenset[int]]) -> frozenset[tuple[frozenset[int], int]]:
    return frozenset(
        (frozenset((a, b)), c)
        for (a, c), (b, d) in combinations(directed, 2)
        if c == d and frozenset((a, b)) not in pairs
    )


class Classes:
    """All DAGs on n nodes by what is joined, and by their v-structures."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.by_skeleton: dict[frozenset[frozenset[int]], list[Edges]] = {}
        for dag in all_dags(n):
            self.by_skeleton.setdefault(joined(dag), []).append(dag)

    def extensions(self, directed: Edges, undirected: Edges) -> list[Edges]:
        pairs = joined(directed | undirected)
        here = colliders(directed, pairs)
        same = self.by_skeleton.get(pairs, [])
        return [dag for dag in same if directed <= dag and colliders(dag, pairs) == here]


FOUR = Classes(4)


def graphs_of_four():
    """Every partially directed graph on four nodes, as directed and undirected edges."""
    for ways in product(("", "->", "<-", "--"), repeat=6):
        pairs = list(zip(combinations(range(4), 2), ways, strict=True))
        directed = frozenset(p if way == "->" else p[::-1] for p, way in pairs if way in ("->", "<-"))
        yield directed, frozenset(p for p, way in pairs if way == "--")


def named(directed: Edges, undirected: Edges, n: int) -> PDAG:
    text = [[(f"v{a}", f"v{b}") for a, b in edges] for edges in (directed, undirected)]
    return PDAG(*text, nodes=[f"v{i}" for i in range(n)])


def numbered(edges: tuple[tuple[str, str], ...]) -> Edges:
    return frozenset((int(a[1:]), int(b[1:])) for a, b in edges)


def test_every_graph_of_four_nodes_has_the_extensions_that_trying_all_dags_finds():
    cpdags = {
        DAG([(f"v{a}", f"v{b}") for a, b in dag], [f"v{i}" for i in range(4)]).cpdag() for dag in all_dags(4)
    }
    assert len(cpdags) == 185  # Gillispie and Perlman (2001)
    n_complete = 0
    for directed, undirected in islice(graphs_of_four(), 0, None, 5):
        graph, members = named(directed, undirected, 4), FOUR.extensions(directed, undirected)
        assert graph.is_cpdag() == (graph in cpdags)
        assert bool(graph.explain_cpdag().without_extension) == (not members)
        if not members:
            assert graph.n_dags() == 0
            with pytest.raises(NoExtensionError):
                graph.consistent_extension()
            continue
        assert numbered(graph.consistent_extension().edges) in members
        found = [numbered(dag.edges) for dag in graph.consistent_dags()]
        assert len(found) == len(members) == graph.n_dags()
        assert set(found) == set(members)
        complete = graph.completed()
        assert numbered(complete.directed) == frozenset.intersection(*members)
        assert complete.completed() == complete
        n_complete += complete == graph
    assert n_complete > len(cpdags) // 5


def why_not(graph: PDAG) -> NoExtensionError | None:
    try:
        graph.consistent_extension()
    except NoExtensionError as e:
        return e
    return None


def test_what_shows_that_there_is_no_extension_holds():
    kinds = Counter()
    for directed, undirected in islice(graphs_of_four(), 0, None, 3):
        graph = named(directed, undirected, 4)
        why = why_not(graph)
        kinds[why and bool(why.cycle)] += 1
        if why is None:
            continue
        if why.cycle:
            edges = zip(why.cycle, [*why.cycle[1:], *why.cycle[:1]], strict=True)
            assert set(edges) <= set(graph.directed)
            continue
        ends = {v for v in why.among if not set(graph.children(v)) & set(why.among)}
        assert {c for _, c, _ in why.colliders} == ends
        for a, c, b in why.colliders:
            assert a in graph.neighbours(c)
            assert b in {*graph.neighbours(c), *graph.parents(c)}
            assert b not in {*graph.neighbours(a), *graph.parents(a), *graph.children(a)}
    assert min(kinds[None], kinds[True], kinds[False]) > 50


@pytest.mark.slow
def test_the_classes_of_five_nodes_are_as_many_and_as_large_as_published():
    # 8,782 classes of 29,281 DAGs (Gillispie and Perlman 2001)
    names = [f"v{i}" for i in range(5)]
    sizes = Counter(DAG([(f"v{a}", f"v{b}") for a, b in dag], names).cpdag() for dag in all_dags(5))
    assert len(sizes) == 8782
    for cpdag, size in islice(sizes.items(), 0, None, 7):
        assert cpdag.n_dags() == size


def test_background_knowledge_leaves_the_members_that_have_it():
    rng = np.random.default_rng([14, 1])
    tried = 0
    while tried < 60:
        dag = random_dag(int(rng.integers(4, 8)), 0.5, rng)
        cpdag = dag.cpdag()
        if not 2 <= len(cpdag.undirected) <= 12:
            continue
        tried += 1
        known = [edge for edge in dag.edges if rng.random() < 0.4]
        members = [member for member in cpdag.consistent_dags() if set(known) <= set(member.edges)]
        graph = cpdag.completed(known)
        assert set(graph.directed) == set.intersection(*(set(member.edges) for member in members))
        assert set(graph.consistent_dags()) == set(members)
        assert graph.n_dags() == len(members)


def test_knowledge_that_no_member_has_is_refused():
    graph = PDAG.parse("A -- B -- C")
    with pytest.raises(InputError, match="C -> B cannot be: B -> C follows from the other directions"):
        graph.completed("A -> B; C -> B")
    with pytest.raises(InputError, match="A -> C is no edge of the graph"):
        graph.completed("A -> C")
    with pytest.raises(InputError, match="A -- B has no direction; give the edges that are known as A -> B"):
        graph.completed("A -- B")


@given(acyclic(max_nodes=6))
def test_the_class_of_a_dag_has_as_many_members_as_are_listed(dag):
    cpdag = dag.cpdag()
    assert cpdag.is_cpdag()
    assert cpdag.n_dags() == len(list(cpdag.consistent_dags())) == len(list(dag.equivalent_dags()))
    assert cpdag.consistent_extension().cpdag() == cpdag


def test_large_classes_are_counted():
    path = DAG([(f"v{i}", f"v{i + 1}") for i in range(100)])
    assert path.cpdag().n_dags() == 101
    star = DAG([("hub", f"v{i}") for i in range(100)])
    assert star.cpdag().n_dags() == 101
    strip = DAG([(f"v{i}", f"v{j}") for i in range(40) for j in (i + 1, i + 2)])  # triangles in a row
    rng = np.random.default_rng([14, 2])
    assert strip.cpdag().n_dags() > 40
    for _ in range(3):  # a union of components has the product of their sizes
        parts = [random_dag(6, 0.6, rng), random_dag(6, 0.6, rng)]
        both = DAG([(f"{k}{a}", f"{k}{b}") for k, part in enumerate(parts) for a, b in part.edges])
        assert both.cpdag().n_dags() == parts[0].cpdag().n_dags() * parts[1].cpdag().n_dags()


def test_a_count_that_is_too_hard_is_refused_with_its_cost():
    names = [f"v{i}" for i in range(8)]
    graph = DAG.fully_connected(names).cpdag().completed("v0 -> v1; v2 -> v3; v4 -> v5")
    assert graph.n_dags() == 40320 // 8  # of all orders, those that have three pairs in the given order
    with pytest.raises(TooLargeError, match="3 steps were not enough; raise max_steps"):
        graph.n_dags(max_steps=3)


def test_a_pair_is_joined_once():
    for directed, undirected, match in (
        ([("A", "B"), ("B", "A")], [], "there is A -> B, too|there is A <- B, too"),
        ([("A", "B")], [("B", "A")], "A -> B is not all that joins the two: there is A -- B, too"),
        ([("A", "A")], [], "an edge joins A with itself"),
        ([], [("A", "A")], "an edge joins A with itself"),
    ):
        with pytest.raises(InputError, match=match):
            PDAG(directed, undirected)
    assert PDAG([], [("A", "B"), ("B", "A")]).n_edges == 1


_names = st.text(min_size=1, max_size=6)


@st.composite
def partially_directed(draw: st.DrawFn) -> PDAG:
    names = draw(st.lists(_names, min_size=1, max_size=6, unique=True))
    ways = {pair: draw(st.sampled_from(("", "->", "<-", "--"))) for pair in combinations(names, 2)}
    directed = [p if way == "->" else p[::-1] for p, way in ways.items() if way in ("->", "<-")]
    some = st.lists(st.sampled_from(names), unique=True)
    latent, adjusted = draw(some), draw(some)
    return PDAG(
        directed,
        [p for p, way in ways.items() if way == "--"],
        draw(st.permutations(names)),
        latent=latent,
        adjusted=[v for v in adjusted if v not in latent],
    )


@given(partially_directed(), st.sampled_from(["chainrule", "dagitty", "dot"]))
def test_a_graph_comes_back_from_its_text_with_its_marks(graph, format):
    again = PDAG.parse(graph.to_text(format), format)
    assert again == graph
    assert again.nodes == graph.nodes
    assert again.adjusted == graph.adjusted


@given(partially_directed())
def test_a_graph_comes_back_from_its_matrix(graph):
    again = PDAG.from_adjacency(graph.to_adjacency(), graph.nodes)
    assert (again.directed, again.undirected) == (graph.directed, graph.undirected)


def test_texts_of_other_tools_are_read():
    expected = PDAG([("1", "3")], [("1", "2")])
    for text in (
        "pdag { 1 -- 2  1 -> 3 }",
        "1 -> 3; 1 -- 2",
        "digraph { 1 -> 2 [dir=none]; 1 -> 3 }",
        'digraph { edge [dir="none"] 1 -> 2; 1 -> 3 [dir=forward] }',
        "digraph { { edge [dir=none] 2 -> 1 } 1 -> 3 }",
    ):
        assert PDAG.parse(text) == expected
    assert PDAG.parse("graph { a -- {b c} }") == PDAG([], [("a", "b"), ("a", "c")])
    assert PDAG.parse("a -- {b c} -> d").directed == (("b", "d"), ("c", "d"))
    assert PDAG.parse("digraph { a -> {b -> c [dir=none]} }").undirected == (("b", "c"),)


def test_a_directed_graph_takes_no_edge_without_a_direction():
    with pytest.raises(
        InputError, match="line 1, column 13: expected an edge with a direction, got one with dir=none"
    ):
        DAG.parse("digraph { a -> b [dir=none] }")
    with pytest.raises(InputError, match="cannot say that A -- B has no direction; write 'dagitty' or 'dot'"):
        PDAG.parse("A -- B").to_text("edges")
