"""``learn``: the evidence for an edge is what scipy, scikit-learn and the tables say; the file is the network."""

import json

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from chainrule import cli
from chainrule.core.errors import ChainruleError
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork, chow_liu
from chainrule.tasks import learn


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
    back = BayesianNetwork.from_bif(tmp_path / "net.bif")
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


@pytest.mark.parametrize("name", ["net.xml", "nowhere/net.bif"])
def test_a_place_or_format_that_will_not_do_is_refused_first(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ChainruleError, match=r"written to \.bif|no folder"):
        learn(_rows(50), out=name)
