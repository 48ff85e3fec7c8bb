"""Learned graphs: scores against their definitions, searches against all graphs there are, and what is known ahead."""

from __future__ import annotations

import itertools
import math
import os
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import (
    CycleError,
    InputError,
    ShapeError,
    TooLargeError,
    UnknownNameError,
    ValuesError,
)
from chainrule.core.progress import listening
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork, chow_liu, exact_search, hill_climb
from chainrule.models.bayesian_network.structure.family_scores import FamilyScores
from chainrule.models.bayesian_network.structure.scores import Score
from chainrule.tables import Schema, Table

seeds = st.integers(0, 2**32 - 1)
SCORES = ("bic", "aic", "bdeu", "k2")


def random_table(seed: int, d: int, n: int = 60, weighted: bool = False, holes: float = 0.0) -> Table:
    """Columns of one to three states, each of which copies an earlier one now and then."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 4, d)
    rows = rng.integers(0, sizes, (n, d))
    for j in range(1, d):
        rows[:, j] = np.where(rng.random(n) < 0.6, rows[:, rng.integers(j)] % sizes[j], rows[:, j])
    rows[rng.random((n, d)) < holes] = -1
    weights = rng.integers(0, 4, n).astype(float) if weighted else None
    return Table(Schema.of_sizes(sizes), rows, weights)


def family_by_definition(table: Table, name: str, child: int, parents: list[int], a: float) -> float:
    """The score of a family of complete rows, one row after the other where it is a probability of rows."""
    rows, size = table.codes.astype(int), table.schema.sizes[child]
    weights = np.ones(len(rows)) if table.weights is None else table.weights
    q = math.prod(table.schema.sizes[j] for j in parents)
    occur = [len(np.unique(rows[weights > 0, j])) for j in range(rows.shape[1])]
    start = {"bdeu": a / (q * size), "k2": 1.0}.get(name, 0.0)
    seen: dict[tuple[int, ...], list[float]] = {}
    out = 0.0
    for row, weight in zip(rows, weights, strict=True):
        here = seen.setdefault(tuple(row[parents]), [start] * size)
        for _ in range(int(weight)):
            if start:
                out += math.log(here[row[child]] / sum(here))
            here[row[child]] += 1
    if start:
        return out
    fit = sum(n * math.log(n / sum(ns)) for ns in seen.values() for n in ns if n)
    n_parameters = (occur[child] - 1) * math.prod(occur[j] for j in parents)
    return fit - n_parameters * (math.log(weights.sum()) / 2 if name == "bic" else 1)


def score_of(table: Table, dag: DAG, score: Score) -> float:
    scores, place = FamilyScores(table, score), table.schema.index
    return scores.total([sum(1 << place(u) for u in dag.parents(v)) for v in table.schema.names])


def every_graph(d: int) -> np.ndarray:
    """The parents of each variable, as sets, in every graph without a cycle, (graphs, d)."""
    pairs, out = list(itertools.combinations(range(d), 2)), []
    for ways in itertools.product(range(3), repeat=len(pairs)):  # no edge, or one of two
        parents = [0] * d
        for (a, b), way in zip(pairs, ways, strict=True):
            parents[b] |= (way == 1) << a
            parents[a] |= (way == 2) << b
        left = set(range(d))
        while left and (free := {v for v in left if not any(parents[v] >> u & 1 for u in left)}):
            left -= free
        if not left:
            out.append(parents)
    return np.array(out)


def scores_of(table: Table, name: str, graphs: np.ndarray) -> np.ndarray:
    scores, d = FamilyScores(table, Score(name)), graphs.shape[1]
    families = [[scores.of(v, s) if not s >> v & 1 else np.nan for s in range(2**d)] for v in range(d)]
    return np.array(families)[np.arange(d), graphs].sum(axis=1)


@pytest.mark.parametrize("name", SCORES)
@given(seeds, st.booleans())
@settings(max_examples=15)
def test_a_family_has_the_score_of_its_definition(name, seed, weighted):
    table = random_table(seed, 5, 30, weighted)
    if weighted and not table.weights.any():
        return
    scores = FamilyScores(table, Score(name, 2.5))
    for child, k in itertools.product(range(5), range(4)):
        parents = [j for j in range(5) if j != child][:k]
        expected = family_by_definition(table, name, child, parents, 2.5)
        assert scores.of(child, sum(1 << j for j in parents)) == pytest.approx(expected, abs=1e-9)


@given(seeds, st.booleans(), st.sampled_from([0.0, 0.2]))
@settings(max_examples=15)
def test_families_that_are_scored_together_have_the_scores_that_each_has_alone(seed, weighted, holes):
    table = random_table(seed, 6, 60, weighted, holes)
    groups = np.random.default_rng(seed).integers(0, 3, table.n_rows)
    for name in (*SCORES, "held-out"):
        settings = {"groups": groups if name == "held-out" else None, "max_bytes": 8 * 3**3}
        together = FamilyScores(table, Score(name, 2.5), **settings)
        for child, k in itertools.product(range(6), range(4)):
            parents = sum(1 << j for j in range(6) if j != child and j < k)
            others = [j for j in range(6) if j != child]
            if not together.fits(child, parents):
                continue
            alone = FamilyScores(table, Score(name, 2.5), **settings)
            expected = [alone.of(child, parents ^ 1 << j) - alone.of(child, parents) for j in others]
            np.testing.assert_allclose(together.toggled(child, parents, others), expected, atol=1e-9)


def test_families_with_tables_far_larger_than_the_rows_are_scored_together_with_others():
    rng = np.random.default_rng(0)
    rows = np.stack([rng.permutation(1500), rng.integers(0, 300, 1500), rng.integers(0, 2, 1500)], axis=1)
    table = Table(Schema.of_sizes([1500, 300, 2]), rows)
    together, alone = (FamilyScores(table, Score("aic")) for _ in range(2))
    expected = [alone.of(0, 1 << j) - alone.of(0, 0) for j in (1, 2)]
    assert together.toggled(0, 0, [1, 2]).tolist() == pytest.approx(expected)


def test_the_example_that_the_k2_score_was_published_with():
    # Cooper and Herskovits (1992), table 1: ten cases, and the probabilities of two structures
    cases = "100 111 001 111 000 011 111 000 111 000"
    table = Table(Schema.of_sizes([2, 2, 2]), np.array([list(map(int, case)) for case in cases.split()]))
    for text, published in (("x1 -> x2 -> x3", 2.23e-9), ("x2 <- x1 -> x3", 2.23e-10)):
        probability = math.exp(score_of(table, DAG.parse(text), Score("k2")))
        assert probability == pytest.approx(published, rel=2e-3)


@given(seeds)
@settings(max_examples=20)
def test_graphs_of_one_class_score_the_same(seed):
    rng = np.random.default_rng(seed)
    names = [f"x{j + 1}" for j in range(5)]
    dag = DAG([(a, b) for a, b in itertools.combinations(names, 2) if rng.random() < 0.4], names)
    table = random_table(seed, 5)
    for name in ("bic", "aic", "bdeu"):
        found = [score_of(table, other, Score(name)) for other in itertools.islice(dag.equivalent_dags(), 6)]
        np.testing.assert_allclose(found, found[0], rtol=1e-12)


def test_a_row_of_weight_two_is_two_rows():
    table = random_table(1, 4, weighted=True)
    repeated = np.repeat(table.codes, table.weights.astype(int), axis=0)
    for name in SCORES:
        weighted = hill_climb(table, score=name)
        plain = hill_climb(Table(table.schema, repeated), score=name)
        by_setting = hill_climb(Table(table.schema, table.codes), score=name, sample_weight=table.weights)
        assert weighted.dag_ == plain.dag_ == by_setting.dag_
        assert weighted.fit_info_["score_nats"] == pytest.approx(plain.fit_info_["score_nats"], abs=1e-9)


def has(graphs: np.ndarray, parent: int, child: int) -> np.ndarray:
    return graphs[:, child] >> parent & 1 == 1


RULES = (
    ({}, lambda g: np.ones(len(g), bool)),
    ({"max_parents": 1}, lambda g: (np.bitwise_count(g) <= 1).all(axis=1)),
    ({"forbidden": "x1 -> x2; x2 -> x1"}, lambda g: ~has(g, 0, 1) & ~has(g, 1, 0)),
    ({"required": [("x4", "x1")]}, lambda g: has(g, 3, 0)),
    ({"tiers": [["x3"], ["x1", "x2"]]}, lambda g: ~has(g, 0, 2) & ~has(g, 1, 2)),
)


@pytest.mark.parametrize("name", SCORES)
def test_no_graph_of_four_columns_scores_better_than_the_exact_one(name):
    graphs = every_graph(4)
    assert len(graphs) == 543
    for seed, (rules, keeps) in enumerate(itertools.chain(RULES, RULES)):
        table = random_table(seed, 4, 40, holes=0.1 * (seed % 3))
        best = scores_of(table, name, graphs[keeps(graphs)]).max()
        for search in (exact_search, hill_climb):
            model = search(table, score=name, missing="complete_families", **rules)
            found = np.array(
                [[sum(1 << int(u[1]) - 1 for u in model.dag_.parents(v)) for v in model.dag_.nodes]]
            )
            assert keeps(found).all()
            reached = model.fit_info_["score_nats"]
            assert scores_of(table, name, found)[0] == pytest.approx(reached, abs=1e-8)
            assert reached <= best + 1e-8
            if search is exact_search:
                assert reached >= best - 1e-8


def test_no_graph_of_five_columns_scores_better_than_the_exact_one():
    graphs = every_graph(5)
    assert len(graphs) == 29281
    for seed, name in itertools.product(range(3), SCORES):
        table = random_table(seed, 5, 80)
        best = scores_of(table, name, graphs).max()
        assert exact_search(table, score=name).fit_info_["score_nats"] == pytest.approx(best, abs=1e-8)


ALL_RULES = (
    *RULES,
    (
        {
            "required": "x1 -> x3",
            "forbidden": "x2 -> x5",
            "tiers": [["x1", "x2"], ["x3", "x5"]],
            "max_parents": 2,
        },
        lambda g: (
            has(g, 0, 2)
            & ~has(g, 1, 4)
            & ~(has(g, 2, 0) | has(g, 2, 1) | has(g, 4, 0) | has(g, 4, 1))
            & (np.bitwise_count(g) <= 2).all(axis=1)
        ),
    ),
)


def test_searches_under_rules_are_held_to_every_graph_of_five_columns():
    graphs = every_graph(5)
    for seed, (rules, keeps) in enumerate(ALL_RULES):
        table, allowed = random_table(seed, 5, 80), graphs[keeps(graphs)]
        for name in ("bic", "bdeu"):
            values = scores_of(table, name, allowed)
            reached = {}
            for tabu in (0, 3, 10):
                model = hill_climb(table, score=name, tabu=tabu, restarts=0, **rules)
                found = [sum(1 << int(u[1]) - 1 for u in model.dag_.parents(v)) for v in model.dag_.nodes]
                place = np.flatnonzero((allowed == found).all(axis=1))
                assert len(place) == 1  # a graph that keeps to the rules
                reached[tabu] = model.fit_info_["score_nats"]
                assert values[place[0]] == pytest.approx(reached[tabu], abs=1e-8)
            assert reached[0] <= reached[3] + 1e-8
            assert reached[0] <= reached[10] + 1e-8
            best = exact_search(table, score=name, **rules).fit_info_["score_nats"]
            assert best == pytest.approx(values.max(), abs=1e-8)


@given(seeds, st.sampled_from(SCORES))
@settings(max_examples=20)
def test_a_climb_ends_where_no_change_of_an_edge_gains(seed, name):
    table = random_table(seed, 5)
    dag, names = hill_climb(table, score=name, tabu=0, restarts=0).dag_, table.schema.names
    top = score_of(table, dag, Score(name))
    for a, b in itertools.permutations(names, 2):
        rest = [edge for edge in dag.edges if set(edge) != {a, b}]
        for edges in (rest, [*rest, (a, b)]):
            if nx.is_directed_acyclic_graph(nx.DiGraph(edges)):
                assert score_of(table, DAG(edges, names), Score(name)) <= top + 1e-6


def test_a_search_ends_where_changes_around_a_circle_gain_and_lose_the_same():
    table = random_table(36, 5, 100)  # one column has a single state
    found = hill_climb(table, score="k2", tabu=3, restarts=0)
    assert found.fit_info_["n_changes"] < 50


@given(seeds)
@settings(max_examples=20)
def test_more_search_is_never_worse_and_the_seed_decides(seed):
    table = random_table(seed, 6, 200)
    plain, tabu = (
        hill_climb(table, score="aic", tabu=k, restarts=0).fit_info_["score_nats"] for k in (0, 10)
    )
    again = [hill_climb(table, score="aic", restarts=3, random_state=5) for _ in range(2)]
    exact = exact_search(table, score="aic").fit_info_["score_nats"]
    assert plain <= tabu + 1e-9 <= again[0].fit_info_["score_nats"] + 2e-9 <= exact + 3e-9
    assert again[0].dag_ == again[1].dag_


class Steps:
    """How many steps each piece of work did, of how many."""

    def __init__(self) -> None:
        self.done: list[list[int]] = []

    def start(self, label, total):
        self.done.append([0, total])
        return len(self.done) - 1

    def advance(self, task, detail):
        self.done[task][0] += 1

    def stop(self, task):
        pass

    def note(self, text):
        pass


def test_a_search_ends_after_so_many_restarts_in_a_row_that_found_nothing_better():
    n_better = 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        rows = rng.integers(0, 3, (400, 10))
        for j in range(2, 10):  # of two earlier columns, four times of five: a climb alone rarely finds it
            a, b = rng.choice(j, 2, replace=False)
            told = rng.integers(0, 3, (3, 3))[rows[:, a], rows[:, b]]
            rows[:, j] = np.where(rng.random(400) < 0.8, told, rows[:, j])
        table, reached = Table(Schema.of_sizes([3] * 10), rows), []
        for restarts in (0, 1, 3, 8):
            with listening(steps := Steps()):
                found = hill_climb(table, tabu=0, restarts=restarts, random_state=seed)
            reached.append(found.fit_info_["score_nats"])
            if restarts:
                *early, last = steps.done
                assert last == [restarts, restarts]
                assert all(done < total == restarts for done, total in early)
                n_better += len(early)
            else:
                assert steps.done == []
        assert (np.diff(reached) >= -1e-9).all()  # one seed walks one way, some further than others
    assert n_better > 0


def test_restarts_keep_to_what_is_required_and_to_max_bytes():
    table = random_table(0, 7, 300)
    for seed in range(5):
        found = hill_climb(
            table, required="x7 -> x1; x6 -> x7", max_parents=2, max_bytes=8 * 12, tabu=0, random_state=seed
        )
        assert {("x7", "x1"), ("x6", "x7")} <= set(found.dag_.edges)
        assert max(len(found.dag_.parents(v)) for v in found.dag_.nodes) <= 2
        assert all(found.tables_[v].size <= 12 for v in found.dag_.nodes)


@given(seeds, st.booleans(), st.sampled_from([0.0, 0.2]))
@settings(max_examples=20)
def test_with_one_parent_at_most_it_is_the_best_forest(seed, weighted, holes):
    table = random_table(seed, 5, 80, weighted, holes)
    if weighted and not table.weights.any():
        return
    found = exact_search(table, max_parents=1, missing="complete_families")
    forest = chow_liu(table, penalty="bic", missing="complete_families")
    expected = score_of(table, forest.dag_, Score("bic"))
    assert found.fit_info_["score_nats"] == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("name", SCORES)
def test_a_family_with_holes_is_worth_what_its_parents_add_where_all_are_known(name):
    table = random_table(3, 4, 100, holes=0.2)
    scores = FamilyScores(table, Score(name))
    known = Table(table.schema, table.codes[(table.codes[:, :3] >= 0).all(axis=1)])
    alone = Table(table.schema.select(["x1"]), table.codes[table.codes[:, 0] >= 0][:, :1])
    known = known.select(["x1", "x2", "x3"])
    # the states that occur are those of all rows, and here all occur everywhere
    inside = FamilyScores(known, Score(name))
    assert inside.states == scores.states[:3]
    expected = FamilyScores(alone, Score(name)).of(0, 0) + inside.of(0, 0b110) - inside.of(0, 0)
    assert scores.of(0, 0b110) == pytest.approx(expected, abs=1e-9)


def test_the_network_is_fitted_and_says_how_it_was_learned():
    table = random_table(2, 4, 300)
    model = hill_climb(table, score="bdeu", equivalent_sample_size=3, pseudocount=2, prior="cell")
    same = BayesianNetwork(model.dag_, pseudocount=2, prior="cell", schema=table.schema).fit(table)
    assert (model.log_prob(table) == same.log_prob(table)).all()
    info = model.fit_info_
    assert info["score_nats"] == pytest.approx(score_of(table, model.dag_, Score("bdeu", 3)))
    assert (info["score"], info["graph"], info["n_edges"]) == ("bdeu", "learned", model.dag_.n_edges)


@pytest.mark.parametrize("search", [hill_climb, exact_search])
def test_tables_of_one_column_one_row_or_no_variety_have_no_edges(search):
    for rows in ([[0], [1], [1]], [[0, 1, 1]], [[0, 1], [0, 0], [0, 1]], [[0, 0], [0, 0]]):
        for name in SCORES:
            model = search(np.array(rows), score=name)
            assert model.dag_.edges == () or name in ("bdeu", "k2")
            assert np.isfinite(model.fit_info_["score_nats"])
    assert search({"a": [0, 1] * 20, "b": [1, 0] * 20}).dag_.n_edges == 1  # probabilities 0 and 1


def test_a_set_with_more_joint_states_than_numbers_can_hold_is_counted():
    rows = np.random.default_rng(0).integers(0, 200, (50, 12))
    table = Table(Schema.of_sizes([200] * 12), np.concatenate([rows, rows]))
    scores = FamilyScores(table, Score("aic"))
    # every row has configurations of its own and comes twice, so nothing is left to chance but the price
    assert scores.of(0, 2**12 - 2) == pytest.approx(
        -(scores.states[0] - 1) * math.prod(map(float, scores.states[1:]))
    )
    assert scores.counts.cells(2**12 - 1).tolist() == [2] * 50


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"score": "mdl"}, InputError, "score must be one of bic, aic, bdeu, k2"),
        ({"equivalent_sample_size": 0}, InputError, "equivalent_sample_size must be a finite number above 0"),
        ({"forbidden": "a -> z"}, UnknownNameError, "forbidden edge.*'z'"),
        ({"required": [("a", "b"), ("b", "a")]}, CycleError, "cycle"),
        ({"required": "a -> b", "tiers": [["b"], ["a"]]}, InputError, "a -> b is required, and forbidden"),
        ({"required": "a -> c <- b", "max_parents": 1}, InputError, "2 parents of 'c' are required"),
        ({"tiers": [["a"], ["b", "a"]]}, InputError, "'a' is listed twice"),
        ({"tiers": ["ab", "c"]}, InputError, "tiers are lists of columns"),
        ({"tiers": [["q"]]}, UnknownNameError, "'q'"),
        ({"max_parents": -1}, InputError, "max_parents must be an integer of at least 0"),
        ({"missing": "drop"}, InputError, "missing must be one of"),
        ({"required": "a -> b", "max_bytes": 16}, TooLargeError, "the table of 'b'"),
        ({"sample_weight": [1.0]}, ShapeError, "sample_weight"),
    ],
)
def test_what_cannot_be_is_refused(settings, kind, message):
    rows = {"a": [0, 1] * 8, "b": [0, 1] * 8, "c": [0, 0, 1, 1] * 4}
    for search in (hill_climb, exact_search):
        with pytest.raises(kind, match=message):
            search(rows, **settings)


def test_holes_that_nobody_spoke_of_are_refused():
    rows = {"a": [0, 1, None] * 8, "b": [0, 1, 1] * 8}
    with pytest.raises(ValuesError, match=r"row 2, column 0.*complete_families"):
        hill_climb(rows)
    assert hill_climb(rows, missing="complete_families").dag_.n_edges == 1


def test_an_exact_search_over_many_columns_is_refused_with_its_cost():
    rows = np.random.default_rng(0).integers(0, 2, (20, 25))
    with pytest.raises(TooLargeError, match=r"33,554,432 sets .* bytes.*enough for 20 columns"):
        exact_search(rows)


def test_a_family_above_max_bytes_is_left_out():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2, (2, 400))
    rows = {"a": a, "b": b, "c": a ^ b}
    assert hill_climb(rows, required="a -> c").dag_.n_edges >= 2
    narrow = hill_climb(
        rows, required="a -> c", max_bytes=48
    ).dag_  # six entries: a pair of them, not all three
    assert max(len(narrow.parents(v)) for v in narrow.nodes) == 1


@pytest.mark.realdata
def test_rows_of_a_known_network_give_its_graph_back():
    path = Path(os.environ["CHAINRULE_DATA"]) / "bif" / "alarm.bif.gz"
    truth = BayesianNetwork.read(path)
    rows = truth.sample(5000, rng=0)
    found = hill_climb(rows, restarts=30)
    assert found.fit_info_["score_nats"] > score_of(rows, truth.dag_, Score("bic")) - 100
    theirs, ours = ({frozenset(e) for e in dag.edges} for dag in (truth.dag_, found.dag_))
    assert len(theirs & ours) >= 40
    assert len(ours - theirs) <= 8
