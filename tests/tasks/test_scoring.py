"""Scores: a row's nats are the sum of its cells', the quantile is a share of draws, blame falls on the odd cell."""

import json

import numpy as np
import pyarrow.parquet as parquet
import pytest

from chainrule import cli
from chainrule.core.errors import ChainruleError, InputError, TooLargeError
from chainrule.models import NADE, Auto, BayesianNetwork, Ensemble, Independent, chow_liu
from chainrule.tables import Schema, Table
from chainrule.tasks import quantiles, score
from chainrule.tasks.cells import cell_nats
from tests.oracles import enumerate_states

SIZES = (2, 3, 2, 2)


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(3)
    z = rng.integers(0, 2, 400)
    columns = [(z + (rng.random(400) < 0.2)) % 2 if k == 2 else rng.integers(0, k, 400) for k in SIZES]
    return chow_liu(np.stack(columns, axis=1), schema=Schema.of_sizes(SIZES))


def _log_of_marginal(model, row):
    """log p of what is known, by adding up the joint."""
    states = enumerate_states(SIZES)
    p = np.exp(model.log_prob(states))
    agrees = np.all((np.array(row) < 0) | (states == row), axis=1)
    return np.log(p[agrees].sum())


def test_a_cell_of_a_row_whose_steps_are_refused_costs_what_it_costs_given_all_others(model, monkeypatch):
    row = [1, -1, 0, 1]
    known = {j: _log_of_marginal(model, [-1 if i == j else k for i, k in enumerate(row)]) for j in (0, 2, 3)}
    wanted = [np.nan if j == 1 else known[j] - _log_of_marginal(model, row) for j in range(4)]
    whole = model.log_prob

    def few_holes(rows):
        if rows.missing.sum(axis=1).max() > 1:
            raise TooLargeError("a dense graph")
        return whole(rows)

    monkeypatch.setattr(model, "log_prob", few_holes)
    np.testing.assert_allclose(cell_nats(model, Table(model.schema_, [row]))[0], wanted)


def test_nats_are_of_what_is_known(model):
    rows = np.array([[0, 1, 1, 0], [1, -1, 0, -1], [-1, -1, -1, -1]])
    found = score(model, rows)
    np.testing.assert_allclose(found.nats, [-_log_of_marginal(model, r) for r in rows], atol=1e-9)
    assert found.mean_nll_nats == pytest.approx(found.nats.mean())
    assert found.standard_error == pytest.approx(found.nats.std(ddof=1) / np.sqrt(3))


def test_cells_of_complete_rows_are_the_factors(model):
    rows = enumerate_states(SIZES)
    np.testing.assert_array_equal(
        cell_nats(model, Table.read(rows, schema=model.schema_)), -model.conditionals(rows)
    )


def test_cells_of_rows_with_holes_follow_the_chain_rule_and_sum_to_the_row(model):
    rng = np.random.default_rng(0)
    rows = np.where(rng.random((40, 4)) < 0.4, -1, enumerate_states(SIZES)[rng.integers(0, 24, 40)])
    cells = cell_nats(model, Table.read(rows, schema=model.schema_))
    assert (np.isnan(cells) == (rows < 0)).all()
    expected = [-_log_of_marginal(model, r) for r in rows]
    np.testing.assert_allclose(np.nansum(cells, axis=1), expected, atol=1e-9)
    order = [model.schema_.index(v) for v in model.factorization_.topological_order()]
    for row, costs in zip(rows[:10], cells[:10], strict=True):
        known = np.full(4, -1)
        for j in order:
            if row[j] < 0:
                continue
            before = _log_of_marginal(model, known)
            known[j] = row[j]
            assert costs[j] == pytest.approx(before - _log_of_marginal(model, known), abs=1e-9)


def test_the_quantile_is_the_share_of_draws_that_are_at_most_as_probable(model):
    states = enumerate_states(SIZES)
    rows = states[[0, 5, 11, 23]]
    found = score(model, rows, draws=40_000).quantile
    lp = model.log_prob(states)
    exact = [np.exp(lp)[lp <= model.log_prob(r[None])[0] + 1e-9].sum() for r in rows]
    # four standard errors of a share of 40,000 draws
    np.testing.assert_allclose(found, exact, atol=4 * 0.5 / np.sqrt(40_000) + 1 / 40_000)


def test_a_quantile_of_few_states_is_exact_and_says_so(model):
    states = enumerate_states(SIZES)
    rows = np.where(np.random.default_rng(1).random((60, 4)) < 0.4, -1, states[np.arange(60) % 24])
    found = score(model, rows, draws=24)
    assert (found.quantile_draws == 0).all()
    assert "how unusual a row is: exact" in found.text()
    p = np.exp(model.log_prob(states))
    for row, q in zip(rows, found.quantile, strict=True):
        lp = np.array([_log_of_marginal(model, np.where(row < 0, -1, s)) for s in states])
        assert q == pytest.approx(p[lp <= _log_of_marginal(model, row) + 1e-9].sum(), abs=1e-9)


def test_every_row_with_holes_has_a_quantile_however_many_patterns_there_are(monkeypatch):
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, (250, 1))
    X = ((z + (rng.random((250, 16)) < 0.2)) % 2).astype(int)
    holed = np.where(rng.random(X.shape) < 0.4, -1, X)
    n_patterns = len(np.unique(holed < 0, axis=0))
    assert n_patterns > 240
    chain = NADE(hidden=4, epochs=2, random_state=0, ordering=list(range(15, -1, -1))).fit(X)
    few = holed.copy()
    few[:, :4] = -1  # nothing known depends on these, so they cost a chain nothing
    few[:, 8:] = X[:, 8:]
    for model, rows in ((chow_liu(X), holed), (chain, few)):
        monkeypatch.setattr(quantiles, "_WORK", 60_000)
        found = score(model, rows)
        assert np.isfinite(found.quantile).all()
        by = found.quantile_draws
        monkeypatch.setattr(quantiles, "_WORK", 60_000_000)
        many = score(model, rows, seed=1)
        assert set(many.quantile_draws.tolist()) <= {0, 1000}
        # a row is as unusual by few draws as by many: by about a standard error of a share
        q, n = many.quantile, np.maximum(by, 1)
        error = np.sqrt(np.maximum(q * (1 - q), 1e-2) / n) + 1 / n
        assert (np.abs(found.quantile - q)[by > 0] < 5 * error[by > 0]).mean() > 0.99


def test_draws_that_a_model_refuses_leave_their_rows_without_a_quantile_and_no_others(monkeypatch):
    X = np.random.default_rng(0).integers(0, 2, (50, 16))

    class Refusing(Independent):
        """Sums out the last column of ones, and of nothing else."""

        def _log_prob(self, codes):
            if ((codes[:, 1] < 0) & (codes[:, 0] == 0)).any():
                raise TooLargeError("too many")
            return super()._log_prob(codes)

    rows = X.copy()
    rows[:5, 1], rows[:5, 0], rows[5:9, 2] = -1, 1, -1
    found = score(Refusing(1.0).fit(X), rows)
    assert np.isnan(found.quantile).tolist() == [True] * 5 + [False] * 45
    assert "5 rows have no quantile: the model refuses" in found.text()
    assert found.to_arrow()[".quantile.draws"].null_count == 5


def test_rows_with_holes_are_compared_with_draws_that_have_the_same_holes(model):
    row = np.array([[-1, 2, -1, 0]])
    states = enumerate_states(SIZES)
    lp = np.array([_log_of_marginal(model, [-1, s[1], -1, s[3]]) for s in states])
    exact = np.exp(model.log_prob(states))[lp <= _log_of_marginal(model, row[0]) + 1e-9].sum()
    found = score(model, row).quantile[0]
    assert found == pytest.approx(exact, abs=4 * 0.5 / np.sqrt(1000) + 1e-3)


def test_blame_falls_on_the_cell_that_is_odd():
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, 2000)
    rows = {f"c{j}": (z + (rng.random(2000) < 0.02)) % 2 for j in range(6)}
    rows["noise"] = rng.integers(0, 8, 2000)  # each of its states costs 2 nats, always
    model = chow_liu(rows)
    leaf = next(v for v in model.schema_.names if v != "noise" and not model.dag_.children(v))
    odd = {name: [1] for name in rows} | {"noise": [3]} | {leaf: [0]}
    found = score(model, odd, cells=True)
    assert found.columns[found.blame[0]] == leaf
    usual = score(model, {name: [1] for name in rows} | {"noise": [3]}, cells=True)
    assert usual.quantile[0] > 0.05 > found.quantile[0]


def test_an_impossible_row_is_said_and_is_valid_json(tmp_path):
    states = {"a": ["x", "y"], "b": ["u", "v"]}
    model = BayesianNetwork.from_tables("a -> b", states, {"a": [1, 0], "b": [[0.5, 0.5]] * 2})
    found = score(model, {"a": ["x", "y"], "b": ["u", "u"]}, cells=True)
    assert found.to_dict()["mean_nll_nats"] == "inf"
    assert found.to_dict()["impossible_rows"] == 1
    assert found.columns[found.blame[1]] == "a"
    assert "1 rows are impossible" in found.text()
    json.dumps(found.to_dict(), allow_nan=False)


def test_weights_weigh_the_mean(model, tmp_path):
    rows = enumerate_states(SIZES)[:6]
    frame = {f"x{j + 1}": rows[:, j] for j in range(4)} | {"w": [1.0, 0, 2, 1, 0, 3]}
    found = score(model, frame, weights="w")
    repeated = score(model, np.repeat(rows, [1, 0, 2, 1, 0, 3], axis=0))
    assert found.mean_nll_nats == pytest.approx(repeated.mean_nll_nats)


def test_each_row_of_auto_is_scored_by_the_model_that_answers_it():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (200, 4))
    auto = Auto(models=["independent", "chowliu"]).fit(X)
    inner = auto.model_
    np.testing.assert_array_equal(score(auto, X).nats, score(inner, X).nats)
    np.testing.assert_array_equal(score(auto, X, cells=True).cells, score(inner, X, cells=True).cells)


def test_scores_stand_beside_all_columns_of_the_file(model, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('note;x4;x1;x2;x3\nfirst;0;1;2;0\n"a;b";1;;0;1\n')
    table = Table.read(enumerate_states(SIZES))
    frame = {f"x{j + 1}": table.codes[:, j] for j in range(4)}
    fitted = chow_liu(frame)
    fitted.save(tmp_path / "m")
    found = score(tmp_path / "m", path, out=tmp_path / "scored.parquet")
    back = parquet.read_table(tmp_path / "scored.parquet").to_pydict()
    assert back["note"] == ["first", "a;b"]
    assert back["x1"] == ["1", ""]
    assert list(back)[:5] == ["note", "x4", "x1", "x2", "x3"]
    assert back[".nats"] == found.nats.tolist()
    assert back[".nats.x1"][1] is None


def test_json_of_the_command_is_what_is_asked_for(model, tmp_path, capsys):
    model.save(tmp_path / "m")
    rows = tmp_path / "rows.data"
    np.savetxt(rows, enumerate_states(SIZES), fmt="%d", delimiter=",")
    assert cli.main(["score", str(tmp_path / "m"), str(rows), "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["rows"] == 24
    lp = model.log_prob(enumerate_states(SIZES))
    assert plain["mean_nll_nats"] == pytest.approx(-lp.mean())
    assert plain["standard_error"] == pytest.approx(lp.std(ddof=1) / np.sqrt(24))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rows.csv", "-o", "nowhere/a.csv"], "there is no folder"),
        (["rows.csv", "-o", "scored.xlsx"], "the format of 'scored.xlsx' is told by its end"),
        (["none.csv"], "there is no file none.csv"),
        (["unseen.csv"], "--unseen missing"),
        (["fewer.csv"], "lacks 1 of 4 columns"),
    ],
)
def test_mistakes_are_told_in_one_line_with_what_to_add(
    model, tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    model.save("m")
    (tmp_path / "rows.csv").write_text("x1,x2,x3,x4\n0,0,0,0\n")
    (tmp_path / "unseen.csv").write_text("x1,x2,x3,x4\n0,7,0,0\n")
    (tmp_path / "fewer.csv").write_text("x1,x2,x3\n0,0,0\n")
    assert cli.main(["score", "m", *arguments]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert cli.main(["score", "m", "unseen.csv", "--unseen", "missing"]) == 0


def test_something_that_is_no_model_is_refused(tmp_path):
    with pytest.raises(ChainruleError, match="expected a fitted model"):
        score(3, [[0]])


def test_cells_of_an_average_without_an_order_are_its_members_weighted_by_whose_row_it_is():
    rows = np.array([[0, 0, 1], [1, 2, 0], [0, 1, 1], [1, 2, 1], [0, 0, 0]] * 8)
    schema = Schema.of({"a": 2, "b": 3, "c": 2})
    graphs = ("a -> b; b -> c", "a; b; c -> b; b -> a")  # arrays go by the place of a node
    members = [BayesianNetwork(g, pseudocount=k + 1.0, schema=schema).fit(rows) for k, g in enumerate(graphs)]
    network = NADE(hidden=3, epochs=1, random_state=0, schema=schema).fit(rows)
    model = Ensemble([*members, network], weights=[1, 2, 3]).fit(rows)
    assert model.marginalises_ == "none"
    p = np.array([w * np.exp(m.log_prob(rows)) for m, w in zip(model.models_, model.weights_, strict=True)])
    costs = np.array([-m.conditionals(rows) for m in model.models_])
    expected = np.einsum("kn,knd->nd", p / p.sum(0), costs)
    found = cell_nats(model, Table(schema, rows))
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    # -log p = E[-log p_k] - (entropy and weights of whose row it is) <= the sum of the cells + log of the least weight
    assert (found.sum(1) >= -model.log_prob(rows) - np.log(6)).all()


def test_cells_of_other_models_without_an_order_cost_what_they_say_given_all_others():
    rows = [[0, 0, 1], [1, 2, 0], [0, 1, 1], [1, 2, 1], [0, 0, 0]] * 8
    schema = Schema.of({"a": 2, "b": 3, "c": 2})

    class Hidden(BayesianNetwork):
        """A network that keeps its order to itself."""

        marginalises_ = "none"

        def _conditionals(self, codes):
            raise InputError("no order")

    model = Hidden("a -> b; b -> c", pseudocount=1.0, schema=schema).fit(rows)
    p = np.exp(model.log_prob(enumerate_states(schema.sizes))).reshape(schema.sizes)
    for row, costs in zip(rows[:5], cell_nats(model, Table(schema, np.array(rows[:5]))), strict=True):
        for j in range(3):
            others = tuple(slice(None) if i == j else v for i, v in enumerate(row))
            assert costs[j] == pytest.approx(-np.log(p[tuple(row)] / p[others].sum()), rel=1e-9)


def test_auto_leaves_all_rows_with_holes_to_the_stand_in_of_an_average_without_an_order():
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2, (60, 4))
    auto = Auto(models=["chowliu"]).fit(rows)
    forest = auto.model_
    networks = [
        NADE(hidden=3, epochs=1, ordering=o, random_state=0).fit(rows) for o in ("natural", [3, 2, 1, 0])
    ]
    auto.model_, auto.stand_in_ = Ensemble(networks, weights=[1, 1]).fit(rows), forest
    auto.fit_info_ |= {"chosen": "average", "stand_in": "chowliu"}
    asked = np.array([[0, -1, 1, 1], [1, 1, 0, 1], [-1, -1, -1, -1]])
    np.testing.assert_array_equal(auto.log_prob(asked)[[0, 2]], forest.log_prob(asked[[0, 2]]))
    assert auto.log_prob(asked)[1] == auto.model_.log_prob(asked[1:2])[0]
    assert [len(places) for _, places in auto.answers(asked)] == [1, 2]
    assert np.isfinite(score(auto, asked).nats).all()
