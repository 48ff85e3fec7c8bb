"""Adjustment and back-door sets against their definitions, path by path, and against published examples."""

from __future__ import annotations

from itertools import islice, pairwise

import networkx as nx
import numpy as np
import pytest

from chainrule.core.errors import InputError, UnknownNameError
from chainrule.graphs import DAG
from tests.graphs.dags import every_set, hide_some, paths_with_verdicts, random_dag, to_networkx


def meets_back_door(dag: DAG, x: str, y: str, given: frozenset[str]) -> bool:
    """Pearl's two conditions: no descendant of x, and every path with an arrow into x blocked."""
    verdicts = paths_with_verdicts(dag, x, y, set(given))
    return not given & set(dag.descendants(x)) and not any(
        is_open for path, is_open in verdicts.items() if dag.has_edge(path[1], x)
    )


def meets_adjustment(dag: DAG, x: set[str], y: set[str], given: frozenset[str]) -> bool:
    """The published criterion for sets, one proper path after the other."""
    graph = to_networkx(dag)
    forbidden: set[str] = set()
    for a in x:
        for b in y:
            for path in nx.all_simple_paths(graph, a, b):
                if not x & set(path[1:]):
                    for v in path[1:]:
                        forbidden |= {v} | nx.descendants(graph, v)
    if forbidden & given:
        return False
    for a in x:
        for b in y:
            for path, is_open in paths_with_verdicts(dag, a, b, set(given)).items():
                causal = all(graph.has_edge(u, v) for u, v in pairwise(path))
                if is_open and not causal and not x & set(path[1:]):
                    return False
    return True


def minimal(sets: list[frozenset[str]]) -> set[frozenset[str]]:
    return {z for z in sets if not any(other < z for other in sets)}


def check(found, expected: list[frozenset[str]]) -> None:
    """``found`` is a method that lists sets by kind."""
    for kind, sets in (("all", set(expected)), ("minimal", minimal(expected))):
        listed = [frozenset(z) for z in found(kind=kind)]
        assert len(listed) == len(set(listed))
        assert set(listed) == sets
    least = list(found(kind="minimum"))
    assert [len(z) for z in least] == [min(map(len, expected))] if expected else not least
    assert set(map(frozenset, least)) <= set(expected)


def test_back_door_sets_are_those_of_the_definition():
    rng = np.random.default_rng([7, 1])
    none = empty = 0
    for _ in range(100):
        dag = hide_some(random_dag(int(rng.integers(2, 9)), rng.uniform(0.2, 0.5), rng), rng, share=0.15)
        x, y = map(str, rng.choice(dag.nodes, 2, replace=False))
        usable = every_set(v for v in dag.observed if v not in (x, y))
        expected = [z for z in usable if meets_back_door(dag, x, y, z)]
        check(lambda kind, dag=dag, x=x, y=y: dag.backdoor_sets(x, y, kind=kind), expected)
        none += not expected
        empty += frozenset() in expected
    assert none > 5
    assert 10 < empty < 90


def test_adjustment_sets_are_those_of_the_published_criterion_for_sets_of_causes_and_effects_too():
    rng = np.random.default_rng([7, 2])
    none = empty = larger = 0
    for _ in range(150):
        dag = hide_some(random_dag(int(rng.integers(3, 8)), rng.uniform(0.2, 0.5), rng), rng, share=0.15)
        names = [str(v) for v in rng.permutation(dag.nodes)]
        x, y = set(names[: int(rng.integers(1, 3))]), {names[-1]}
        usable = every_set(v for v in dag.observed if v not in x | y)
        expected = [z for z in usable if meets_adjustment(dag, x, y, z)]
        check(lambda kind, dag=dag, x=x, y=y: dag.adjustment_sets(x, y, kind=kind), expected)
        for z in usable:
            assert dag.is_adjustment_set(x, y, z) == (z in expected)
        none += not expected
        empty += frozenset() in expected
        larger += bool(expected) and frozenset() not in expected
    assert none > 10
    assert empty > 10
    assert larger > 10


def test_sets_that_must_hold_some_nodes_are_those_of_the_criterion_that_do():
    rng = np.random.default_rng([7, 4])
    seen = none = 0
    for _ in range(120):
        dag = hide_some(random_dag(int(rng.integers(4, 8)), rng.uniform(0.2, 0.5), rng), rng, share=0.15)
        x, y, *rest = map(str, rng.permutation(dag.nodes))
        usable = [v for v in rest if v in dag.observed]
        must = frozenset(usable[: int(rng.integers(1, 3))])
        marked = DAG(dag.edges, nodes=dag.nodes, latent=dag.latent, adjusted=must)
        expected = [z for z in every_set(usable) if must <= z and meets_adjustment(dag, {x}, {y}, z)]
        check(
            lambda kind, dag=dag, x=x, y=y, z=must: dag.adjustment_sets(x, y, kind=kind, included=z), expected
        )
        check(lambda kind, dag=marked, x=x, y=y: dag.adjustment_sets(x, y, kind=kind), expected)
        back_door = [z for z in every_set(usable) if must <= z and meets_back_door(dag, x, y, z)]
        check(lambda kind, dag=marked, x=x, y=y: dag.backdoor_sets(x, y, kind=kind), back_door)
        assert marked.is_adjustment_set(x, y) == (must in expected)
        free = [frozenset(z) for z in marked.adjustment_sets(x, y, kind="all", included=())]
        assert set(free) == {z for z in every_set(usable) if meets_adjustment(dag, {x}, {y}, z)}
        seen += bool(expected)
        none += bool(free) and not expected
    assert seen > 20
    assert none > 10


def test_an_adjusted_node_on_the_causal_path_leaves_no_set_as_dagitty_says():
    dag = DAG.parse("dag { B [adjusted] D [outcome] E [exposure] B -> D E -> B E -> D }")
    for kind in ("minimal", "minimum", "all"):
        assert list(dag.adjustment_sets("E", "D", kind=kind)) == []
        assert list(dag.adjustment_sets("E", "D", kind=kind, included=())) == [()]
    assert not dag.is_adjustment_set("E", "D")
    assert dag.is_adjustment_set("E", "D", ())
    assert dag.explain_adjustment("E", "D").text().endswith("  B is on a causal path, or below one")
    # the M graph with M forced: DAGitty's own tests list {M, U1} and {M, U2}
    with_m = DAG.parse("X <- U1 -> M <- U2 -> Y; X -> Y; M [adjusted]")
    assert list(with_m.adjustment_sets("X", "Y")) == [("U1", "M"), ("M", "U2")]


def test_what_must_be_in_the_set_cannot_be_asked_about_or_hidden():
    dag = DAG.parse("B [adjusted]; U [latent]; U -> B -> {X Y}; X -> Y")
    with pytest.raises(
        InputError, match=r"'B' is the cause and must be adjusted for by its mark .* included=\(\)"
    ):
        dag.adjustment_sets("B", "Y")
    with pytest.raises(InputError, match="'Y' is the effect and must be adjusted for; pass"):
        dag.adjustment_sets("X", "Y", included=["Y"])
    with pytest.raises(InputError, match="included holds 'U', which is latent"):
        dag.backdoor_sets("X", "Y", included="U")


def test_explanations_name_what_spoils_a_set():
    rng = np.random.default_rng([7, 3])
    spoiled = 0
    for _ in range(60):
        dag = random_dag(6, 0.45, rng)
        x, y, *rest = map(str, rng.permutation(dag.nodes))
        for z in every_set(rest):
            found = dag.explain_adjustment(x, y, z)
            assert found.valid == (not found.forbidden and found.open_path is None)
            assert set(found.forbidden) <= z & set(dag.descendants(x))
            if found.open_path is not None:
                spoiled += 1
                assert paths_with_verdicts(dag, x, y, set(z))[found.open_path.nodes]
                assert found.open_path.is_open
                assert set(found.open_path.arrows) != {"->"}
    assert spoiled > 100
    told = DAG.parse("X -> M -> Y; M -> D").explain_adjustment("X", "Y", ["M", "D"]).text()
    assert told.splitlines() == [
        "{M, D} is not an adjustment set for the effect of X on Y",
        "  M is on a causal path, or below one",
        "  D is on a causal path, or below one",
    ]
    assert DAG.parse("X -> Y").explain_adjustment("X", "Y").text() == (
        "nothing is an adjustment set for the effect of X on Y"
    )


def test_the_warm_up_example_has_its_seven_minimal_sets():
    # Shrier and Platt (2008), figure 1; the example that DAGitty opens with, and the sets that it lists
    dag = DAG.parse(
        """
        Coach -> {FitnessLevel TeamMotivation}
        Genetics -> {FitnessLevel NeuromuscularFatigue ConnectiveTissueDisorder}
        TeamMotivation -> {PreviousInjury WarmUpExercises}
        PreGameProprioception -> WarmUpExercises
        ConnectiveTissueDisorder -> {TissueWeakness NeuromuscularFatigue}
        ContactSport -> {IntraGameProprioception PreviousInjury}
        FitnessLevel -> {PreGameProprioception NeuromuscularFatigue}
        NeuromuscularFatigue -> {IntraGameProprioception Injury}
        WarmUpExercises -> IntraGameProprioception -> Injury <- TissueWeakness
        """
    )
    found = {frozenset(z) for z in dag.adjustment_sets("WarmUpExercises", "Injury")}
    assert found == {
        frozenset(("Coach", "FitnessLevel")),
        frozenset(("Coach", "PreGameProprioception")),
        frozenset(("ConnectiveTissueDisorder", "NeuromuscularFatigue")),
        frozenset(("FitnessLevel", "Genetics")),
        frozenset(("FitnessLevel", "TeamMotivation")),
        frozenset(("NeuromuscularFatigue", "TissueWeakness")),
        frozenset(("PreGameProprioception", "TeamMotivation")),
    }
    assert {frozenset(z) for z in dag.backdoor_sets("WarmUpExercises", "Injury")} == found


def test_the_primers_figure_3_8_needs_z_and_one_more():
    # Pearl, Glymour and Jewell (2016), study question 3.3.1
    dag = DAG.parse("B -> {A Z}; A -> X -> W -> Y; C -> {Z D}; D -> Y; Z -> {X Y}")
    sets = {frozenset(z) for z in dag.backdoor_sets("X", "Y")}
    assert sets == {frozenset(("Z", other)) for other in "ABCD"}


def test_m_bias_needs_no_adjustment_and_is_spoiled_by_the_collider():
    dag = DAG.parse("X <- U1 -> M <- U2 -> Y; X -> Y")
    dag = DAG(dag.edges, latent=["U1", "U2"])
    assert list(dag.adjustment_sets("X", "Y", kind="all")) == [()]
    assert list(dag.backdoor_sets("X", "Y")) == [()]
    why = dag.explain_adjustment("X", "Y", "M").open_path
    assert why is not None
    assert why.nodes == ("X", "U1", "M", "U2", "Y")


def test_no_set_at_all_and_the_empty_set_are_told_apart():
    confounded = DAG([("U", "X"), ("U", "Y"), ("X", "Y")], latent=["U"])
    for kind in ("minimal", "minimum", "all"):
        assert list(confounded.adjustment_sets("X", "Y", kind=kind)) == []
        assert list(confounded.backdoor_sets("X", "Y", kind=kind)) == []
        assert list(DAG.parse("X -> Y").adjustment_sets("X", "Y", kind=kind)) == [()]
    assert list(DAG.parse("Y -> X").backdoor_sets("X", "Y")) == []


def test_the_adjustment_criterion_finds_sets_that_the_back_door_criterion_does_not():
    dag = DAG.parse("X -> {D Y}; Z -> {D Y}")
    assert ("D", "Z") not in dag.backdoor_sets("X", "Y", kind="all")
    assert set(dag.adjustment_sets("X", "Y", kind="all")) == {(), ("Z",), ("D", "Z")}


def test_very_many_sets_are_streamed():
    dag = DAG.parse("X -> Y; X <- {" + " ".join(f"Z{i}" for i in range(60)) + "} -> Y")
    free = DAG(dag.edges, nodes=[*dag.nodes, *(f"W{i}" for i in range(40))])
    assert len(set(islice(free.adjustment_sets("X", "Y", kind="all"), 50))) == 50
    (only,) = free.adjustment_sets("X", "Y")
    assert len(only) == 60


def test_questions_that_make_no_sense_are_refused():
    dag = DAG.parse("A -> B -> C")
    with pytest.raises(InputError, match="kind must be one of minimal, minimum, all"):
        dag.adjustment_sets("A", "C", kind="some")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="both hold 'A'"):
        dag.adjustment_sets("A", ["A", "C"])
    with pytest.raises(InputError, match="about one cause"):
        dag.backdoor_sets(["A", "B"], "C")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError):
        dag.backdoor_sets("A", "D")
    with pytest.raises(InputError, match="x and given both hold 'A'"):
        dag.is_adjustment_set("A", "C", "A")
