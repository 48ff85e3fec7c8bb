"""d-separation against networkx, against the definition, and against exact independence in random tables."""

from __future__ import annotations

import json
from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest

from chainrule.core.errors import InputError
from chainrule.core.records import dump_json
from chainrule.evaluate.tables import joint_table, random_tables
from chainrule.graphs import DAG
from chainrule.report.layout import layout
from tests.graphs.dags import paths_with_verdicts, random_dag, to_networkx


def three_sets(names, rng):
    """Disjoint random sets x, y (not empty) and given."""
    label = rng.choice(4, size=len(names), p=[0.2, 0.2, 0.25, 0.35])
    x, y, z = ({n for n, k in zip(names, label, strict=True) if k == i} for i in range(3))
    return x or {min(set(names) - y - z, default="")} - {""}, y, z


def test_d_separation_of_sets_agrees_with_networkx_on_hundreds_of_random_dags():
    rng = np.random.default_rng([2, 1])
    asked = separated = 0
    for _ in range(400):
        dag = random_dag(int(rng.integers(2, 13)), rng.uniform(0.05, 0.5), rng)
        graph = to_networkx(dag)
        for _ in range(8):
            x, y, z = three_sets(dag.nodes, rng)
            if x and y:
                expected = nx.is_d_separator(graph, x, y, z)
                assert dag.is_d_separated(x, y, z) == expected
                assert set(y) <= set(dag.d_separated_from(x, z)) if expected else True
                assert dag.is_d_separated(y, x, z) == expected
                asked, separated = asked + 1, separated + expected
    assert asked > 2000
    assert 0.1 < separated / asked < 0.9  # both answers were put to the test


def test_d_separation_is_independence_in_random_tables_decided_in_integers():
    rng = np.random.default_rng([2, 2])
    for _ in range(12):
        dag = random_dag(5, 0.4, rng)
        joint = joint_table(dag, random_tables(dag, rng, denominator=10_007))
        for x, y in combinations(dag.nodes, 2):
            rest = [v for v in dag.nodes if v not in (x, y)]
            for z in (set(c) for k in range(4) for c in combinations(rest, k)):
                # a dependence cancels by chance in about one table of 10,007: the seed is fixed
                assert dag.is_d_separated(x, y, z) == joint.is_independent([x], [y], z)


def test_explanations_list_every_path_with_the_verdict_of_the_definition():
    rng = np.random.default_rng([2, 3])
    rules = set()
    for _ in range(120):
        dag = random_dag(6, 0.45, rng)
        x, y, *rest = map(str, rng.permutation(dag.nodes))
        z = {v for v in rest if rng.random() < 0.4}
        found = dag.explain_d_separation(x, y, z)
        assert found.complete
        assert {p.nodes: p.is_open for p in found.paths} == paths_with_verdicts(dag, x, y, z)
        assert found.separated == (not any(p.is_open for p in found.paths)) == dag.is_d_separated(x, y, z)
        for path in found.paths:
            assert all(j.opens == path.is_open for j in path.deciding)
            assert path.deciding or len(path.nodes) == 2
            rules |= {j.rule for j in path.junctions}
            for j in path.junctions:
                if j.rule == "collider with an observed descendant":
                    assert j.witness in z & set(dag.descendants(j.node))
    assert rules == {"chain", "fork", "collider", "collider with an observed descendant"}


def test_past_the_limit_a_shortest_open_path_is_given_and_it_is_one():
    rng = np.random.default_rng([2, 4])
    opened = closed = 0
    for _ in range(150):
        dag = random_dag(7, 0.5, rng)
        x, y, *rest = map(str, rng.permutation(dag.nodes))
        z = {v for v in rest if rng.random() < 0.5}
        every = paths_with_verdicts(dag, x, y, z)
        if len(every) < 2:
            continue
        found = dag.explain_d_separation(x, y, z, max_paths=1)
        assert not found.complete
        if found.separated:
            closed += 1
            assert found.paths == ()
            assert y not in found.reached
            assert "none is open" in found.text()
        else:
            opened += 1
            (path,) = found.paths
            assert every[path.nodes]
            assert len(path.nodes) == min(len(p) for p, is_open in every.items() if is_open)
            assert path.is_open
    assert opened > 10
    assert closed > 10


def test_a_graph_with_astronomically_many_paths_is_still_explained():
    names = [f"v{i}" for i in range(60)]
    dag = DAG([(a, b) for i, a in enumerate(names) for b in names[i + 1 : i + 4]])
    found = dag.explain_d_separation("v0", "v59")
    assert not found.complete
    assert len(found.paths) == 1
    cut = dag.explain_d_separation("v0", "v59", given=["v30", "v31", "v32"])
    assert cut.separated
    assert not cut.complete


def test_the_explanation_is_plain_data_and_marks_the_drawing():
    dag = DAG.parse("A -> B -> D; A -> C -> D; D -> E")
    found = dag.explain_d_separation("A", "D", "B")
    plain = json.loads(dump_json(found.to_plain()))
    assert plain["separated"] is False
    assert [(p["nodes"], p["is_open"]) for p in plain["paths"]] == [
        (["A", "B", "D"], False),
        (["A", "C", "D"], True),
    ]
    assert plain["paths"][0]["junctions"][0] == {
        "node": "B",
        "rule": "chain",
        "observed": True,
        "opens": False,
        "witness": None,
    }
    drawn = layout(dag, **found.marks())
    assert {n["id"]: n.get("mark") for n in drawn["nodes"]} == {
        "A": "highlight",
        "B": "given",
        "C": None,
        "D": "highlight",
        "E": None,
    }
    assert {(e["from"], e["to"]): e.get("mark") for e in drawn["edges"]} == {
        ("A", "B"): "blocked",
        ("B", "D"): "blocked",
        ("A", "C"): "open",
        ("C", "D"): "open",
        ("D", "E"): None,
    }


def test_a_path_beside_a_large_part_without_an_exit_is_found():
    blob = [(f"a{i}", f"a{j}") for j in range(40) for i in range(j)]
    found = DAG([("x", "a0"), *blob, ("x", "z"), ("z", "y")]).explain_d_separation("x", "y")
    assert found.complete
    assert [p.nodes for p in found.paths] == [("x", "z", "y")]


def test_an_edge_on_an_open_and_on_a_blocked_path_is_marked_open():
    dag = DAG.parse("A -> B -> {C D}; C -> E <- D")
    marks = dag.explain_d_separation("A", "E", "C").marks()
    assert marks["edge_marks"]["A", "B"] == "open"
    assert marks["edge_marks"]["B", "C"] == "blocked"


def test_a_certificate_with_very_many_nodes_is_told_in_a_short_line():
    names = [f"v{i}" for i in range(200)]
    dag = DAG([(a, b) for i, a in enumerate(names) for b in names[i + 1 : i + 4]], nodes=[*names, "alone"])
    line = dag.explain_d_separation("v0", "alone", max_paths=1).text().splitlines()[-1]
    assert line == "  no path joins them"
    cut = dag.explain_d_separation("v199", "v0", given=["v1", "v2", "v3"]).text().splitlines()[-1]
    assert cut.startswith("  open paths from v199 reach only {v4, v5,")
    assert cut.endswith(", … 195 in all}")


def test_paths_between_sets_leave_x_and_enter_y_only_once():
    dag = DAG.parse("A -> B -> C -> D")
    found = dag.explain_d_separation(["A", "B"], ["C", "D"])
    assert [p.nodes for p in found.paths] == [("B", "C")]
    assert found.text().splitlines()[1] == "  B -> C: open (an edge; nothing can block it)"


def test_an_explanation_reads_as_one_would_say_it():
    dag = DAG.parse("A -> C <- B; C -> D; E")
    assert dag.explain_d_separation("A", "B", "D").text().splitlines() == [
        "A and B are not d-separated given D",
        "  A -> C <- B: open at C (collider, its descendant D is observed)",
    ]
    assert dag.explain_d_separation("A", "E").text().splitlines()[1] == "  no path joins them"
    (chain,) = dag.explain_d_separation("A", "D", "C").paths
    assert chain.text() == "A -> C -> D: blocked at C (chain, observed)"
    assert [a for a, _ in pairwise(chain.nodes)] == ["A", "C"]


@pytest.mark.parametrize(
    ("x", "y", "z", "message"),
    [
        ("A", "A", (), "x and y both hold 'A'"),
        ("A", "B", "A", "x and given both hold 'A'"),
        ("A", ["B"], ["B"], "y and given both hold 'B'"),
        ([], "B", (), "x is empty"),
        ("A", [], (), "y is empty"),
        (3, "B", (), "x must be a node name or several"),
    ],
)
def test_questions_that_make_no_sense_are_refused(x, y, z, message):
    dag = DAG.parse("A -> B")
    for ask in (dag.is_d_separated, dag.explain_d_separation):
        with pytest.raises(InputError, match=message):
            ask(x, y, z)
