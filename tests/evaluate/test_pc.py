"""PC with tests that are right against the class of the truth, and with tests on rows against what they can tell."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.core.errors import InputError, UnknownNameError
from chainrule.evaluate import IndependenceTest, conditional_independence_test, pc
from chainrule.evaluate.constraint_search.search import pc_by
from chainrule.graphs import DAG, PDAG, Independence
from chainrule.models import BayesianNetwork
from chainrule.models.bayesian_network.structure.edge_rules import EdgeRules
from chainrule.tables import Table
from tests.graphs.dags import random_dag


def oracle(dag: DAG, asked: list[Independence] | None = None):
    """A test that knows the truth."""

    def test(s: Independence) -> IndependenceTest:
        if asked is not None:
            asked.append(s)
        separated = dag.is_d_separated(s.x, s.y, s.given)
        return IndependenceTest(s.x, s.y, s.given, "g", p_value=float(separated))

    return test


def learned(dag: DAG, **known):
    rules = EdgeRules.of(dag.nodes, **known)
    return pc_by(oracle(dag), dag.nodes, alpha=0.05, rules=rules)


def test_with_tests_that_are_right_it_finds_the_class_of_the_truth():
    rng = np.random.default_rng([14, 10])
    sizes = set()
    for _ in range(500):
        dag = random_dag(int(rng.integers(2, 9)), rng.uniform(0.1, 0.6), rng)
        found = learned(dag)
        assert found.pdag == dag.cpdag()
        assert not found.conflicts
        for t in found.removed:
            assert dag.is_d_separated(t.x, t.y, t.given)
        assert len(found.removed) + found.pdag.n_edges == len(dag) * (len(dag) - 1) // 2
        sizes.add(found.largest_given)
    assert {0, 1, 2, 3} <= sizes


def test_what_is_known_ahead_directs_what_it_can_and_is_kept_to():
    rng = np.random.default_rng([14, 11])
    decided = 0
    for _ in range(150):
        dag = random_dag(int(rng.integers(3, 8)), 0.5, rng)
        required = [edge for edge in dag.edges if rng.random() < 0.2]
        forbidden = [edge[::-1] for edge in dag.edges if rng.random() < 0.2]
        found = learned(dag, required=required, forbidden=forbidden)
        known = {*required, *(edge[::-1] for edge in forbidden)}
        assert found.pdag == dag.cpdag().completed(known)
        assert not found.conflicts
        decided += found.pdag != dag.cpdag()
    assert decided > 30


def test_tiers_are_kept_to_and_a_barred_pair_is_told():
    rng = np.random.default_rng([14, 12])
    for _ in range(60):
        dag = random_dag(7, 0.5, rng)
        order = dag.topological_order()
        tiers = [order[:2], order[2:5], order[5:]]
        found = learned(dag, tiers=tiers)
        across = [(a, b) for a, b in dag.edges if not any({a, b} <= set(tier) for tier in tiers)]
        assert found.pdag == dag.cpdag().completed(across)
    found = learned(DAG.parse("a -> b -> c; a -> c"), forbidden="a -> b; b -> a")
    assert found.barred == (("a", "b"),)
    assert not {("a", "b"), ("b", "a")} & {*found.pdag.directed, *found.pdag.undirected}


def sprinkler(n: int) -> Table:
    network = BayesianNetwork.from_tables(
        "C -> {S R} -> W; R -> slip",
        dict.fromkeys(["C", "S", "R", "W", "slip"], 2),
        {
            "C": [0.5, 0.5],
            "S": [[0.5, 0.5], [0.9, 0.1]],
            "R": [[0.8, 0.2], [0.2, 0.8]],
            "W": [[[1.0, 0.0], [0.1, 0.9]], [[0.1, 0.9], [0.01, 0.99]]],
            "slip": [[0.9, 0.1], [0.3, 0.7]],
        },
    )
    return network.sample(n, rng=0)


def test_on_rows_each_pair_has_the_test_that_decided():
    rows = sprinkler(5000)
    found = pc(rows, alpha=0.01)
    assert found.pdag == DAG.parse("C -> {S R} -> W; R -> slip").cpdag()
    for t in found.removed:
        again = conditional_independence_test(rows, t.x, t.y, t.given, alpha=0.01)
        assert (again.p_value, again.dof, again.n) == (t.p_value, t.dof, t.n)
        assert t.verdict == again.verdict == "consistent"
    for e in found.kept:
        assert e.p_value is not None
        assert e.p_value <= 0.01
        again = conditional_independence_test(rows, e.x, e.y, e.given, alpha=0.01)
        assert again.p_value == e.p_value


@pytest.mark.parametrize("statistic", ["g", "permutation"])
def test_the_order_of_the_columns_does_not_matter(statistic):
    rows = sprinkler(400)
    rng = np.random.default_rng([14, 13])
    first = pc(rows, statistic=statistic, n_permutations=99, seed=3)
    for _ in range(3):
        again = pc(
            rows.select(list(rng.permutation(rows.schema.names))),
            statistic=statistic,
            n_permutations=99,
            seed=3,
        )
        assert again.pdag == first.pdag
        assert again.conflicts == first.conflicts
        assert {(frozenset((*t.x, *t.y)), frozenset(t.given), t.p_value) for t in again.removed} == {
            (frozenset((*t.x, *t.y)), frozenset(t.given), t.p_value) for t in first.removed
        }


def test_a_test_that_cannot_tell_takes_no_edge_out_and_is_listed():
    rare = np.zeros(300, int)
    rare[:2] = 1
    other = np.zeros(300, int)
    other[5:8] = 1
    even = np.arange(300) % 2
    found = pc({"rare": rare, "other": other, "even": even, "same": even * 0})
    assert found.constant == ("same",)
    assert "same" not in {name for edge in (*found.pdag.directed, *found.pdag.undirected) for name in edge}
    untested = {frozenset((e.x, e.y)) for e in found.kept if e.is_untested}
    assert frozenset(("rare", "other")) in untested
    assert any("expects 5 rows in 80 %" in t.reason for t in found.untestable)
    text = found.text()
    assert "could not tell, and took no edge out" in text
    assert "edges that stay since no test of theirs could tell" in text
    assert "one value in these rows, so nothing was tested: same" in text
    assert found.to_dict()["constant"] == ["same"]


def test_tests_that_contradict_each_other_leave_an_edge_open_and_are_listed():
    # a -- b -- c and b -- c -- d, both said to be v-structures: b -> c and c -> b
    joined = {frozenset(p) for p in ("ab", "bc", "cd")}

    def test(s: Independence) -> IndependenceTest:
        return IndependenceTest(s.x, s.y, s.given, "g", p_value=float(frozenset((*s.x, *s.y)) not in joined))

    found = pc_by(test, list("abcd"), alpha=0.05, rules=EdgeRules.of(list("abcd")))
    assert found.pdag == PDAG([("a", "b"), ("d", "c")], [("b", "c")])
    assert found.conflicts == ("b -- c: tests say both directions",)
    barred = pc_by(test, list("abcd"), alpha=0.05, rules=EdgeRules.of(list("abcd"), required="b -> a"))
    assert "a -> b <- c: tests say so, what is known ahead does not" in barred.conflicts
    assert ("b", "a") in barred.pdag.directed


def test_what_cannot_be_used_is_refused():
    rows = {"a": [0, 1] * 50, "b": [0, 0, 1, 1] * 25}
    with pytest.raises(InputError, match="alpha must lie between 0 and 1; got 1"):
        pc(rows, alpha=1)
    with pytest.raises(UnknownNameError, match="there is no column"):
        pc(rows, forbidden="a -> zz")
    with pytest.raises(InputError, match="rows with weights cannot be tested"):
        pc(_weighted(rows))
    with pytest.raises(InputError, match="max_given"):
        pc(rows, max_given=-1)


def _weighted(rows: dict[str, list[int]]) -> Table:
    table = Table.read(rows)
    return Table(table.schema, table.codes, np.ones(table.n_rows))
