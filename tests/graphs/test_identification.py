"""Which effects are identifiable: published graphs, the definitions of front-door sets, hedges and instruments."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from chainrule.core.errors import InputError, UnknownNameError
from chainrule.graphs import DAG, Effect, Hedge
from chainrule.graphs.identification.formulas import Probability, Product, Quotient, Sum, latex, text
from chainrule.graphs.identification.front_door import front_door_set
from chainrule.graphs.identification.projection import Projection
from chainrule.graphs.identification.simplifying import product, quotient, total
from tests.graphs.dags import (
    confounded_dag,
    every_set,
    hide_some,
    paths_with_verdicts,
    random_dag,
    to_networkx,
)

FRONT_DOOR = "X -> M -> Y; U [latent]; X <- U -> Y"
BOW = "X -> Y; U [latent]; X <- U -> Y"
NAPKIN = "W -> Z -> X -> Y; {U1 U2} [latent]; W <- U1 -> X; W <- U2 -> Y"
M_GRAPH = "X <- U1 -> M <- U2 -> Y; X -> Y; {U1 U2} [latent]"


def dag_of(text: str) -> DAG:
    for names in ("U1 U2 U3 U4", "U1 U2"):
        text = text.replace(f"{{{names}}} [latent]", "; ".join(f"{u} [latent]" for u in names.split()))
    return DAG.parse(text)


@pytest.mark.parametrize(
    ("graph", "asked", "method", "formula"),
    [
        ("X <- Z -> Y; X -> Y", "X Y", "back-door", "∑_Z P(Y | X, Z) P(Z)"),
        ("X -> Y", "X Y", "back-door", "P(Y | X)"),
        ("Y -> X", "X Y", "no causal path", "P(Y)"),
        (FRONT_DOOR, "X Y", "front-door", "∑_M P(M | X) ∑_X' P(Y | X', M) P(X')"),
        (M_GRAPH, "X Y", "back-door", "P(Y | X)"),
        # Pearl and Mackenzie (2018), game 8 of the do-calculus
        (NAPKIN, "X Y", "ID", "[∑_W P(W) P(X, Y | W, Z)] / [∑_W P(W) P(X | W, Z)]"),
        # Tian and Pearl (2002), figure 1 (a): X2 hides what X1 and Y share
        (
            "X1 -> Z -> X2 -> Y; U [latent]; X1 <- U -> Y; Z -> Y",
            "X1,X2 Y",
            "ID",
            "∑_Z P(Z | X1) ∑_X1' P(X1') P(Y | X1', Z, X2)",
        ),
        # Shpitser and Pearl (2006), figure 4 (a)
        (
            "W1 -> X -> Y1; W2 -> Y2; {U1 U2 U3 U4} [latent]; "
            "W1 <- U1 -> Y1; W1 <- U2 -> W2; X <- U3 -> W2; W1 <- U4 -> Y2",
            "X Y1,Y2",
            "ID",
            "P(Y2) ∑_W1 P(W1) P(Y1 | W1, X)",
        ),
        ("X <- Z -> Y; X -> Y", "X Y Z", "adjustment", "P(Y | X, Z)"),
        ("X <- {Z W} -> Y; X -> Y; U [latent]; Z <- U -> W", "X Y Z", "adjustment", None),
    ],
)
def test_published_effects_have_their_published_formulas(graph, asked, method, formula):
    x, y, *z = ([*names.split(",")] for names in asked.split())
    found = dag_of(graph).identify(x, y, *z)
    assert found.identifiable
    if formula is None:
        return
    assert found.method == method
    assert found.text().split("\n")[0].split(" = ", 1)[1].split("  ")[0] == formula


def test_a_front_door_effect_in_words_latex_and_plain_data():
    found = dag_of(FRONT_DOOR).identify("X", "Y")
    assert found.text().split("\n")[1] == "  by the front-door set M; there is no adjustment set"
    assert found.latex() == (
        r"P(Y \mid \operatorname{do}(X)) = \sum_{M} P(M \mid X) \, \sum_{X'} P(Y \mid X', M) \, P(X')"
    )
    plain = found.to_plain()
    assert (plain["identifiable"], plain["method"], plain["through"]) == (True, "front-door", ["M"])
    assert (plain["hedge"], plain["arbitrary"]) == (None, [])


def test_the_bow_has_no_formula_and_the_hedge_of_the_definition():
    found = dag_of(BOW).identify("X", "Y")
    assert (found.identifiable, found.method, found.formula) == (False, None, None)
    assert isinstance(found.hedge, Hedge)
    assert found.hedge.forest.nodes == ("X", "Y")
    assert found.hedge.forest.directed == found.hedge.forest.bidirected == (("X", "Y"),)
    assert (found.hedge.inner.nodes, found.hedge.roots, found.hedge.treatments) == (("Y",), ("Y",), ("X",))
    assert found.text().startswith("P(Y | do(X)) is not identifiable from the observed variables\n")
    assert "differ in P(Y | do(X))" in found.text()
    assert found.to_plain()["hedge"]["roots"] == ["Y"]
    with pytest.raises(InputError, match="the effect is not identifiable"):
        found.latex()


def test_no_adjustment_set_and_not_identifiable_are_two_answers():
    for graph, identifiable in ((FRONT_DOOR, True), (BOW, False)):
        assert list(dag_of(graph).adjustment_sets("X", "Y")) == []
        assert dag_of(graph).identify("X", "Y").identifiable is identifiable


def test_the_m_graph_is_spoiled_by_conditioning_on_the_collider():
    assert dag_of(M_GRAPH).identify("X", "Y").identifiable
    assert not dag_of(M_GRAPH).identify("X", "Y", "M").identifiable


def test_the_napkin_has_the_same_value_whatever_that_of_z():
    found = dag_of(NAPKIN).identify("X", "Y")
    assert found.arbitrary == ("Z",)
    assert "  for any value of Z\n" in found.text()


def random_questions(n: int, seed: list[int]):
    """Graphs with latent nodes, and treatments, outcomes and given nodes; the last outcome tends to come late."""
    rng = np.random.default_rng(seed)
    while n:
        if n % 2:
            dag = hide_some(random_dag(int(rng.integers(4, 9)), rng.uniform(0.25, 0.6), rng), rng)
        else:
            dag = confounded_dag(int(rng.integers(3, 7)), rng.uniform(0.3, 0.7), rng.uniform(0.1, 0.4), rng)
        order = [v for v in dag.topological_order() if v in dag.observed]
        if len(order) < 2:
            continue
        n -= 1
        y = order.pop(int(rng.integers(len(order))) if rng.random() < 0.3 else -1)
        names = [str(v) for v in rng.permutation(order)]
        k = int(rng.integers(1, min(3, len(names) + 1)))
        yield dag, names[:k], [y], names[k : k + int(rng.integers(0, 3)) * (n % 3 == 0)]


def assert_c_forest(forest, dag: DAG, roots: tuple[str, ...]) -> None:
    """The definition: a tree of pairs with latent common causes, and one child for each node but the roots."""
    for a, b in forest.bidirected:
        assert shares_latent_cause(dag, a, b)
    tree = nx.Graph(forest.bidirected)
    tree.add_nodes_from(forest.nodes)
    assert nx.is_tree(tree)
    assert set(tree) == set(forest.nodes)
    below = nx.DiGraph(forest.directed)
    below.add_nodes_from(forest.nodes)
    for a, b in forest.directed:
        assert leads_through_latent(dag, a, b)
    assert {v for v in below if not below.out_degree(v)} == set(roots)
    assert all(below.out_degree(v) <= 1 for v in below)


def leads_through_latent(dag: DAG, a: str, b: str) -> bool:
    """Whether a directed path leads from a to b whose inner nodes are all latent."""
    graph = to_networkx(dag).subgraph({a, b, *dag.latent})
    return nx.has_path(graph, a, b)


def shares_latent_cause(dag: DAG, a: str, b: str) -> bool:
    return any(leads_through_latent(dag, u, a) and leads_through_latent(dag, u, b) for u in dag.latent)


def test_what_is_not_identifiable_has_a_hedge_by_the_definition():
    found = 0
    for dag, x, y, z in random_questions(400, [9, 1]):
        effect = dag.identify(x, y, z)
        assert (effect.formula is None) == (effect.hedge is not None)
        if effect.hedge is None:
            continue
        found += 1
        outer, inner, roots = effect.hedge.forest, effect.hedge.inner, effect.hedge.roots
        assert_c_forest(outer, dag, roots)
        assert_c_forest(inner, dag, roots)
        assert set(inner.nodes) < set(outer.nodes)
        assert set(inner.directed) <= set(outer.directed)
        assert set(inner.bidirected) <= set(outer.bidirected)
        # conditions may have become actions, which is what the hedge is then about
        actions = {*x, *effect.hedge.treatments}
        assert set(effect.hedge.treatments) <= {*x, *z}
        assert effect.hedge.treatments
        assert actions.isdisjoint(inner.nodes)
        cut = to_networkx(dag.intervened(actions))
        above = set().union(*(nx.ancestors(cut, v) | {v} for v in (*y, *z)))
        assert above.issuperset(roots)
    assert found > 40


def test_the_latent_projection_is_that_of_the_definition():
    rng = np.random.default_rng([9, 2])
    for _ in range(60):
        dag = hide_some(random_dag(7, 0.4, rng), rng, share=0.4)
        found = Projection.of(dag.structure)
        name = dag.nodes
        directed = {(name[a], name[b]) for a, b in found.directed.edges()}
        pairs = {frozenset(p) for some in found.confounded for p in combinations([name[v] for v in some], 2)}
        observed = list(combinations(dag.observed, 2))
        assert directed == {
            (a, b) for p in observed for a, b in (p, p[::-1]) if leads_through_latent(dag, a, b)
        }
        assert pairs == {frozenset(p) for p in observed if shares_latent_cause(dag, *p)}


def meets_front_door(dag: DAG, x: str, y: str, m: frozenset[str]) -> bool:
    """Pearl's three conditions, path by path; back-door paths of a set do not go through its own arrows."""
    graph = to_networkx(dag)
    if any(m.isdisjoint(path) for path in nx.all_simple_paths(graph, x, y)):
        return False
    for v in m:
        if any(ok and dag.has_edge(path[1], x) for path, ok in paths_with_verdicts(dag, x, v, set()).items()):
            return False
    cut = DAG([(a, b) for a, b in dag.edges if a not in m], dag.nodes)
    return all(cut.is_d_separated(v, y, x) for v in m)


def test_front_door_sets_are_those_of_the_definition_and_minimal():
    rng = np.random.default_rng([9, 3])
    some = larger = 0
    for _ in range(120):
        dag = confounded_dag(int(rng.integers(3, 6)), 0.6, 0.15, rng)
        order = [v for v in dag.topological_order() if v in dag.observed]
        x, y = order[int(rng.integers(2))], order[-1]
        usable = every_set(v for v in dag.observed if v not in (x, y))
        good = [m for m in usable if meets_front_door(dag, x, y, m)]
        index = dag.nodes.index
        found = front_door_set(dag.structure, {index(x)}, {index(y)})
        assert (found is None) == (not good)
        if found is not None:
            names = frozenset(dag.nodes[v] for v in found)
            assert names in good
            assert not any(m < names for m in good)
            some += bool(names)
            larger += len(names) > 1
    assert some > 10
    assert larger > 1


def test_one_of_the_adjustment_sets_is_used_where_there_is_any():
    for dag, x, y, _ in random_questions(200, [9, 4]):
        found = dag.identify(x, y)
        sets = list(dag.adjustment_sets(x, y, kind="all", included=()))
        if sets:
            assert found.identifiable
        if found.method in ("back-door", "adjustment"):
            relevant = [v for v in x if found.formula is None or v in found.formula.free]
            assert dag.is_adjustment_set(relevant, y, found.through)
        else:
            assert found.method == "no causal path" or not sets


def is_instrument(dag: DAG, z: str, x: str, y: str, w: frozenset[str]) -> bool:
    """The three conditions, with the causal paths one by one."""
    graph = to_networkx(dag)
    causal = {v for path in nx.all_simple_paths(graph, x, y) for v in path[1:]}
    if w & set().union(causal, *(nx.descendants(graph, v) for v in causal)):
        return False
    cut = DAG([(a, b) for a, b in dag.edges if not (a == x and b in causal)], dag.nodes)
    return not dag.is_d_separated(z, x, w) and cut.is_d_separated(z, y, w)


def test_instruments_are_those_that_ancestors_make_one():
    rng = np.random.default_rng([9, 5])
    seen = conditional = 0
    for _ in range(150):
        dag = confounded_dag(int(rng.integers(3, 7)), 0.5, 0.2, rng)
        x, y = map(str, rng.choice(dag.observed, 2, replace=False))
        found = {z.node: frozenset(z.given) for z in dag.instruments(x, y)}
        for z in dag.observed:
            if z in (x, y):
                continue
            above = {v for v in dag.ancestors([y, z]) if v in dag.observed} - {x, y, z}
            good = [w for w in every_set(above) if is_instrument(dag, z, x, y, w)]
            assert (z in found) == bool(good)
            if z in found:
                assert is_instrument(dag, z, x, y, found[z])
                seen += 1
                conditional += bool(found[z])
    assert seen > 30
    assert conditional > 5
    assert [
        z.text() for z in dag_of("W -> Z -> X -> Y <- W; U [latent]; X <- U -> Y").instruments("X", "Y")
    ] == ["Z given W"]


def test_questions_that_make_no_sense_are_refused():
    dag = dag_of(BOW)
    with pytest.raises(InputError, match="treatments hold 'U', which is latent"):
        dag.identify("U", "Y")
    with pytest.raises(InputError, match="outcomes hold 'U', which is latent"):
        dag.identify("X", "U")
    with pytest.raises(InputError, match="given holds 'U', which is latent"):
        dag.identify("X", "Y", "U")
    with pytest.raises(InputError, match="both hold 'X'"):
        dag.identify("X", ["X", "Y"])
    with pytest.raises(InputError, match="y is empty"):
        dag.identify("X", [])
    with pytest.raises(UnknownNameError):
        dag.identify("X", "Z")


def test_effects_compare_by_value_and_print_what_they_are():
    one, two = (dag_of(FRONT_DOOR).identify("X", "Y") for _ in range(2))
    assert isinstance(one, Effect)
    assert one == two
    assert hash(one) == hash(two)


A, B, AB = Probability(("A",)), Probability(("B",), ("A",)), Probability(("A", "B"))


def test_formulas_are_made_short_by_the_laws_of_probability_only():
    assert product([A, B]) == AB
    assert quotient(AB, A) == B
    assert total(["A"], product([A, B])) == Probability(("B",))
    assert total(["B", "A"], product([A, B])) == Product(())
    kept = Sum(("A",), Product((A, Probability(("C",), ("A", "B")))))
    assert total(["A"], product(kept.term.factors)) == kept
    assert text(product([quotient(A, kept), kept])) == "P(A)"


def test_bound_names_are_told_apart_from_those_in_use():
    inner = Sum(("A",), Product((A, B)))
    assert text(inner, ["A", "A'"]) == "∑_A'' P(A'') P(B | A'')"
    both = Product((inner, Quotient(A, inner)))
    assert text(both) == "([P(A)] / [∑_A' P(A') P(B | A')]) ∑_A' P(A') P(B | A')"
    assert latex(Sum(("x1",), Probability(("Y",), ("x1",))), ["x1"]) == r"\sum_{x_{1}'} P(Y \mid x_{1}')"
    assert text(Product(())) == "1"
