"""``learn``: the evidence for an edge is what scipy, scikit-learn and the tables say; the file is the network."""

import json

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from chainrule import cli
from chainrule.core.errors import ChainruleError, InputError
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork, TreeNetwork, chow_liu, exact_search, hill_climb
from chainrule.models.bayesian_network.structure.edge_rules import EdgeRules
from chainrule.tables import Table
from chainrule.tasks import learn
from chainrule.tasks.edge_strengths import edge_strengths


def _rows(n=500, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 3, n)
    b = (a + (rng.random(n) < 0.2)) % 3
    c = (b + (rng.random(n) < 0.3)) % 2
    return {"a": a, "b": b, "c": c, "d": rng.integers(0, 2, n)}


def test_the_evidence_is_of_rows_learned_from_and_of_others():
    rows = _rows()
    found = learn(rows, held_out=0.2, seed=3)
    places = np.sort(np.random.default_rng(3).permutation(500)[:100])
    kept = np.setdiff1d(np.arange(500), places)
    train, other = ({k: v[i] for k, v in rows.items()} for i in (kept, places))
    reference = chow_liu(train)
    assert {(e.parent, e.child) for e in found.edges} == set(reference.dag_.edges)
    assert found.to_dict()["isolated"] == ["d"]
    for edge in found.edges:
        information = mutual_info_score(train[edge.parent], train[edge.child])
        assert edge.mutual_information_nats == pytest.approx(information)
        freedom = (len(set(train[edge.parent])) - 1) * (len(set(train[edge.child])) - 1)
        price = 0.5 * np.log(400) * freedom + 2 * np.log(4)
        assert edge.gain_nats == pytest.approx(400 * information - price)
        table = reference.cpt(edge.child).probabilities
        marginal = reference.query(edge.child).probabilities
        x, y = other[edge.parent], other[edge.child]
        gains = np.log(table[x, y]) - np.log(marginal[y])
        assert edge.held_out_gain_nats == pytest.approx(gains.mean())
        assert edge.held_out_standard_error == pytest.approx(gains.std(ddof=1) / 10)
        assert edge.holds


def test_the_network_has_the_tables_of_all_rows_and_its_file_gives_it_back(tmp_path):
    rows = _rows()
    found = learn(rows, out=tmp_path / "net.bif")
    reference = BayesianNetwork(found.network.dag_, pseudocount=4.0, prior="bdeu").fit(rows)
    assert (found.network.log_prob(rows) == reference.log_prob(rows)).all()
    back = BayesianNetwork.read(tmp_path / "net.bif")
    np.testing.assert_allclose(back.log_prob(rows), found.network.log_prob(rows), rtol=1e-12)


def test_a_graph_can_be_written_without_its_tables(tmp_path):
    found = learn(_rows(), out=tmp_path / "net.dot")
    assert set(DAG.read(tmp_path / "net.dot").edges) == set(found.network.dag_.edges)


def test_an_edge_that_rows_do_not_bear_out_is_marked_so():
    rng = np.random.default_rng(1)
    weak = {"a": rng.integers(0, 2, 300), "b": rng.integers(0, 2, 300)}
    weak["b"] = np.where(rng.random(300) < 0.25, weak["a"], weak["b"])
    found = learn(weak, held_out=0.05)
    assert [e.holds for e in found.edges] in ([], [False], [True])
    assert "not what causes what" in found.text()


def test_holes_are_counted_where_both_are_known():
    rows = {k: v.astype(float) for k, v in _rows().items()}
    rng = np.random.default_rng(0)
    for v in rows.values():
        v[rng.random(500) < 0.1] = np.nan
    found = learn({k: [None if np.isnan(x) else int(x) for x in v] for k, v in rows.items()})
    assert all(e.held_out_rows < 50 for e in found.edges)
    assert {frozenset((e.parent, e.child)) for e in found.edges} == {frozenset("ab"), frozenset("bc")}


def test_the_command_prints_its_evidence_as_json(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    rows = _rows()
    path.write_text(
        "a,b,c,d\n" + "".join(",".join(map(str, r)) + "\n" for r in zip(*rows.values(), strict=True))
    )
    assert cli.main(["learn", str(path), "-o", str(tmp_path / "n.bif"), "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["rows"] == 500
    assert {"parent", "child", "held_out_gain_nats", "holds"} <= set(plain["edges"][0])


@pytest.mark.parametrize("name", ["net.pdf", "nowhere/net.bif"])
def test_a_place_or_format_that_will_not_do_is_refused_first(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ChainruleError, match=r"written to \.bif|no folder"):
        learn(_rows(50), out=name)


def _collider(n=600, seed=0):
    """c depends on a and b together, d on nothing; a copy of c is x."""
    rng = np.random.default_rng(seed)
    a, b, d = rng.integers(0, 2, n), rng.integers(0, 3, n), rng.integers(0, 2, n)
    c = (a + (b > 1) + (rng.random(n) < 0.15)) % 2
    return {"a": a, "b": b, "c": c, "d": d, "x": (c + (rng.random(n) < 0.1)) % 2}


@pytest.mark.parametrize("method", ["hill-climb", "exact"])
def test_an_edge_is_judged_among_the_other_parents(method):
    rows = _collider()
    found = learn(rows, method=method, score="bdeu", equivalent_sample_size=2, held_out=0.25, seed=1)
    places = np.sort(np.random.default_rng(1).permutation(600)[:150])
    kept = np.setdiff1d(np.arange(600), places)
    train, other = ({k: v[i] for k, v in rows.items()} for i in (kept, places))
    search = {"hill-climb": hill_climb, "exact": exact_search}[method]
    model = search(train, score="bdeu", equivalent_sample_size=2)
    assert found.network.factorization_ == model.dag_
    assert any(len(model.dag_.parents(v)) == 2 for v in model.dag_.nodes)
    for edge in found.edges:
        dag = DAG([e for e in model.dag_.edges if e != (edge.parent, edge.child)], model.dag_.nodes)
        less = BayesianNetwork(dag, pseudocount=4, prior="bdeu").fit(train)
        gains = model.log_prob(other) - less.log_prob(other)
        assert edge.held_out_gain_nats == pytest.approx(gains.mean())
        assert edge.held_out_standard_error == pytest.approx(gains.std(ddof=1) / np.sqrt(150))
        kept_out = search(train, score="bdeu", equivalent_sample_size=2, required=dag, max_parents=4,
                          forbidden=[(a, b) for a in rows for b in rows if (a, b) not in dag.edges])  # fmt: skip
        gain = model.fit_info_["score_nats"] - kept_out.fit_info_["score_nats"]
        assert edge.gain_nats == pytest.approx(gain, abs=1e-8)
        exact, without = (BayesianNetwork(g).fit(train).log_prob(train).mean() for g in (model.dag_, dag))
        assert edge.mutual_information_nats == pytest.approx(exact - without)


def test_edges_of_trees_are_judged_and_written_as_tables(tmp_path):
    rows = _collider()
    found = learn(rows, method="trees", out=tmp_path / "net.bif", held_out=0.25)
    assert isinstance(found.network, TreeNetwork)
    assert (found.method, found.score) == ("trees", "bayes")
    by_name = {frozenset((e.parent, e.child)): e for e in found.edges}
    assert by_name[frozenset("cx")].holds
    total = sum(e.gain_nats for e in found.edges) / 450
    assert total == pytest.approx(sum(e.train_nats for e in found.network.edge_gains_.edges))
    back = BayesianNetwork.read(tmp_path / "net.bif")
    np.testing.assert_allclose(back.log_prob(rows), found.network.log_prob(rows), rtol=1e-9)


def test_trees_whose_tables_are_too_large_for_a_file_are_refused_with_what_can_be_written(tmp_path):
    rng = np.random.default_rng(0)
    causes = rng.integers(0, 30, (6, 4000))
    effect = (causes > 20).sum(axis=0)
    rows = {f"c{j}": column for j, column in enumerate(causes)} | {"effect": effect}
    with pytest.raises(ChainruleError, match=r"entries, at most 4,194,304.*\.dot.*hill-climb"):
        learn(rows, method="trees", out=tmp_path / "net.bif")
    assert not (tmp_path / "net.bif").exists()
    learn(rows, method="trees", out=tmp_path / "net.dot")
    assert DAG.read(tmp_path / "net.dot").n_edges >= 6


@pytest.mark.parametrize("method", ["hill-climb", "exact", "trees"])
def test_every_method_learns_from_holes_and_weights(method):
    rng = np.random.default_rng(2)
    rows = {k: [None if rng.random() < 0.1 else int(x) for x in v] for k, v in _collider(1500).items()}
    rows["n"] = [1 + i % 3 for i in range(1500)]
    found = learn(rows, method=method, weights="n", bootstrap=2)
    assert "n" not in found.network.schema_
    assert frozenset("cx") in {frozenset((e.parent, e.child)) for e in found.edges if e.holds}
    assert all(0 < e.held_out_rows < 150 for e in found.edges)


def test_resamples_are_rows_drawn_with_replacement_and_count_undirected_edges_by_halves():
    table = Table.read(_collider(200))
    rules = EdgeRules.of(table.schema.names)
    found = edge_strengths(table, lambda t: hill_climb(t).dag_, rules, 8, np.random.default_rng(3))
    rng, arcs = np.random.default_rng(3), np.zeros((5, 5))
    for _ in range(8):
        drawn = table[rng.integers(200, size=200)]
        cpdag = hill_climb(drawn).dag_.cpdag()
        for edges, share, ways in ((cpdag.directed, 1.0, 1), (cpdag.undirected, 0.5, 2)):
            for a, b in edges:
                i, j = table.schema.index(a), table.schema.index(b)
                arcs[i, j] += share
                arcs[j, i] += share * (ways - 1)
    np.testing.assert_allclose(found.arcs, arcs / 8)
    assert found.of("c", "x")[0] == 1.0
    assert {frozenset(pair[:2]) for pair in found.others(DAG.empty(table.schema.names))} >= {frozenset("cx")}


def test_what_is_known_ahead_decides_directions_that_rows_leave_open():
    found = learn(_rows(), method="hill-climb", tiers=[["c"], ["a", "b"]], bootstrap=5)
    by_name = {frozenset((e.parent, e.child)): e for e in found.edges}
    assert (by_name[frozenset("bc")].parent, by_name[frozenset("bc")].direction) == ("c", 1.0)
    assert by_name[frozenset("bc")].strength == 1.0


def test_the_command_takes_methods_scores_and_rules(tmp_path, capsys):
    path = tmp_path / "rows.csv"
    rows = _collider()
    path.write_text(
        "a,b,c,d,x\n" + "".join(",".join(map(str, r)) + "\n" for r in zip(*rows.values(), strict=True))
    )
    options = ["--method", "exact", "--score", "k2", "--forbid", "a -> b; b -> a", "--forbid", "x->d"]
    options += ["--require", "d -> c", "--tiers", "d; c, x", "--max-parents", "2", "--bootstrap", "3"]
    assert cli.main(["learn", str(path), *options, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    same = learn(
        rows,
        method="exact",
        score="k2",
        forbidden=[("a", "b"), ("b", "a"), ("x", "d")],
        required="d -> c",
        tiers=[["d"], ["c", "x"]],
        max_parents=2,
        bootstrap=3,
    )
    assert plain["edges"] == same.to_dict()["edges"]
    assert ("d", "c") in {(e["parent"], e["child"]) for e in plain["edges"]}
    assert cli.main(["learn", str(path), *options]) == 0
    assert "of 3 resamples" in capsys.readouterr().out


def test_held_out_nats_judge_edges_by_the_folds_that_the_search_had():
    rows = _rows(300)
    found = learn(rows, method="exact", score="held-out", seed=2, max_parents=1)
    places = np.sort(np.random.default_rng(2).permutation(300)[:30])
    train = {name: np.delete(column, places) for name, column in rows.items()}
    settings = {"score": "held-out", "random_state": 2}
    best = exact_search(train, max_parents=1, **settings)
    none = exact_search(train, max_parents=0, **settings)
    assert {(e.parent, e.child) for e in found.edges} == set(best.dag_.edges)
    # of a forest, the gains of edges add up
    gained = best.fit_info_["score_nats"] - none.fit_info_["score_nats"]
    assert sum(e.gain_nats for e in found.edges) == pytest.approx(gained)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "magic"}, "method must be one of forest, hill-climb, exact, trees"),
        ({"method": "exact", "score": "ebic"}, "the score of exact must be one of bic, aic, bdeu, k2"),
        ({"forbidden": "a -> b"}, "are for the methods hill-climb and exact; got the method forest"),
        ({"method": "trees", "max_parents": 2}, "got the method trees"),
        ({"bootstrap": -1}, "bootstrap must be an integer"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, message):
    with pytest.raises(ChainruleError, match=message):
        learn(_rows(50), **settings)


def test_learning_by_tests_is_named_where_it_is_asked_of_a_score():
    with pytest.raises(InputError, match=r"chainrule.tasks.learn_by_tests\(rows\), or chainrule.pc"):
        learn({"a": [0, 1] * 9, "b": [0, 1] * 9}, method="pc")
