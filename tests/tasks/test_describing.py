"""``describe``: every number of the record is that of a brute-force sum, or within its own error of it."""

import json
from itertools import product

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from chainrule.core.errors import ChainruleError, DataError, InputError
from chainrule.core.records import dump_json
from chainrule.models import BayesianNetwork, ChainClassifier, Ensemble, Independent, chow_liu
from chainrule.models.auto import Auto
from chainrule.tables.table import Table
from chainrule.tasks import describe
from chainrule.tasks.describing.calibration import calibration_of
from chainrule.tasks.describing.record import Description

SIZES = (2, 3, 2)


def _rows(n=300, seed=0):
    """Three columns in a chain, and texts for states."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 2, n)
    b = np.where(rng.random(n) < 0.7, a, rng.integers(0, 3, n))
    c = (b > 0) ^ (rng.random(n) < 0.2)
    return {"a": np.array(["no", "yes"])[a], "b": np.array(["u", "v", "w"])[b], "c": c}


def _network(rows=None):
    return BayesianNetwork("a -> b -> c", pseudocount=1).fit(_rows() if rows is None else rows)


def _joint(model):
    """All states and their probabilities, written from the definition."""
    schema = model.schema_
    every = np.array(list(product(*map(range, schema.sizes))))
    return every, np.exp(model.log_prob(Table(schema, every)))


def _information(joint):
    """Mutual information of a table of probabilities, by its definition."""
    p = joint / joint.sum()
    total = 0.0
    for i, j in product(*map(range, p.shape)):
        if p[i, j] > 0:
            total += p[i, j] * np.log(p[i, j] / (p[i].sum() * p[:, j].sum()))
    return total


def _pair_table(codes, weights, i, j, sizes):
    table = np.zeros((sizes[i], sizes[j]))
    np.add.at(table, (codes[:, i], codes[:, j]), weights)
    return table


def test_marginals_and_mutual_information_of_a_small_model_are_those_of_its_joint():
    model = _network()
    found = describe(model)
    every, p = _joint(model)
    assert found.n_draws is None
    assert found.dependence.n_draws is None
    for j, m in enumerate(found.marginals):
        assert m.model == pytest.approx([p[every[:, j] == k].sum() for k in range(SIZES[j])])
    place = model.schema_.index
    for pair in found.dependence.strongest:
        joint = _pair_table(every, p, place(pair.a), place(pair.b), SIZES)
        assert pair.nats == pytest.approx(_information(joint))
        assert pair.error is None
    assert [q.nats for q in found.dependence.strongest] == sorted(
        (q.nats for q in found.dependence.strongest), reverse=True
    )
    matrix = np.array(found.dependence.matrix)
    assert (matrix == matrix.T).all()
    assert matrix.max() == found.dependence.strongest[0].nats


def test_a_model_that_sums_out_any_holes_is_asked_for_pairs_of_a_table_too_large_to_enumerate():
    rng = np.random.default_rng(1)
    z = rng.integers(0, 3, 500)
    rows = {f"x{j}": (z + (rng.random(500) < 0.3) * rng.integers(0, 3, 500)) % 3 for j in range(12)}
    model = chow_liu(rows)
    found = describe(model)
    assert found.n_draws is None
    assert found.dependence.n_draws is None
    for pair in found.dependence.strongest[::7]:
        joint = model.query([pair.a, pair.b]).probabilities
        assert pair.nats == pytest.approx(_information(joint))
    assert found.marginals[4].model == pytest.approx(model.query("x4").probabilities)


def test_what_must_be_drawn_is_within_its_errors_of_the_exact_numbers():
    rng = np.random.default_rng(2)
    z = rng.integers(0, 2, (400, 1))
    rows = (z + (rng.random((400, 15)) < 0.2)) % 2
    model = chow_liu(rows)
    exact = describe(model)
    assert exact.n_draws is None
    model.marginalises_ = "suffix"  # as if it could sum out no holes
    drawn = describe(model, draws=20_000)
    assert drawn.n_draws == drawn.dependence.n_draws == 20_000
    for m, estimate in zip(exact.marginals, drawn.marginals, strict=True):
        apart = np.abs(np.array(estimate.model) - np.array(m.model))
        assert (apart < 5 * np.array(estimate.error) + 1e-12).all()
    known = {(q.a, q.b): q.nats for q in exact.dependence.strongest}
    near = [q for q in drawn.dependence.strongest if (q.a, q.b) in known]
    assert len(near) > 15
    assert all(abs(q.nats - known[q.a, q.b]) < 5 * q.error for q in near)


def test_mutual_information_of_independent_rows_is_not_biased_upwards():
    rows = np.random.default_rng(3).integers(0, 4, (200, 12))
    pairs = describe(Independent(1).fit(rows), rows).dependence
    assert pairs.strongest[0].nats < 1e-12
    data = [abs(p.data_nats) for p in pairs.furthest]
    plain = 9 / 400  # (K - 1)² / 2n
    assert np.mean(data) < 2 * plain


def test_numbers_of_rows_are_those_of_the_model():
    rows, model = _rows(200, 4), _network()
    found = describe(model, rows).rows
    nats = -model.log_prob(rows)
    assert (found.n_rows, found.n_used, found.n_scored) == (200, 200, 200)
    assert found.mean_nll_nats == pytest.approx(nats.mean())
    assert found.standard_error == pytest.approx(nats.std(ddof=1) / np.sqrt(200))
    assert sum(c.mean_nats for c in found.costs) == pytest.approx(nats.mean())
    assert [c.mean_nats for c in found.costs] == pytest.approx((-model.conditionals(rows)).mean(axis=0))
    for odd in found.odd:
        assert odd.nats == pytest.approx(nats[odd.row - 1])
        assert odd.state == str(rows[odd.column][odd.row - 1])


def test_calibration_is_that_of_bins_counted_by_hand():
    rows, model = _rows(150, 5), _network()
    found = describe(model, rows).calibration
    table = Table.read(rows, schema=model.schema_)
    p = np.exp(model.state_log_probs(rows))
    pairs = []
    for i in range(150):
        at = 0
        for j, size in enumerate(SIZES):
            pairs += [(p[i, at + k], table.codes[i, j] == k) for k in range(size)]
            at += size
    error = 0.0
    for b in found.bins:
        inside = [(q, t) for q, t in pairs if b.low <= q < b.high or (b.high == 1 and q == 1)]
        assert b.n == len(inside)
        assert b.predicted == pytest.approx(np.mean([q for q, _ in inside]))
        assert b.observed == pytest.approx(np.mean([t for _, t in inside]))
        assert b.interval_low <= b.observed <= b.interval_high
        error += len(inside) * abs(b.observed - b.predicted)
    assert found.expected_calibration_error == pytest.approx(error / len(pairs))
    assert (found.n_predictions, found.n_rows, found.n_columns) == (150 * 7, 150, 3)


def test_wilsons_interval_is_that_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    rows = Table.read({"a": [0, 0, 0, 1, 0, 0, 1, 0, 0, 0]})
    one = calibration_of(Independent().fit(rows), rows, 0).bins[0]
    wilson = stats.binomtest(2, 10).proportion_ci(0.95, method="wilson")
    assert (one.interval_low, one.interval_high) == pytest.approx(tuple(wilson))


def test_rows_that_weigh_twice_count_as_two():
    rows = _rows(60, 6)
    weights = np.where(np.arange(60) % 2, 2.0, 1.0)
    model = _network()
    table = Table.read(rows, schema=model.schema_)
    weighted = describe(model, Table(table.schema, table.codes, weights))
    repeated = describe(model, table[np.repeat(np.arange(60), weights.astype(int))])
    assert weighted.rows.mean_nll_nats == pytest.approx(repeated.rows.mean_nll_nats)
    assert [m.data for m in weighted.marginals] == [pytest.approx(m.data) for m in repeated.marginals]
    errors = [d.calibration.expected_calibration_error for d in (weighted, repeated)]
    assert errors[0] == pytest.approx(errors[1])


def test_a_model_without_factors_is_calibrated_given_all_other_cells():
    rows = _rows(80, 7)
    there, back = (
        BayesianNetwork(g, pseudocount=1).fit(rows) for g in ("a -> b -> c", "c -> b; c -> a; b -> a")
    )
    model = Ensemble([there, back], weights=[0.5, 0.5]).fit(rows)  # of no order that fits both
    found = describe(model, rows).calibration
    assert found.given == "all other cells"
    joint = _joint(model)[1].reshape(SIZES)
    codes = Table.read(rows, schema=model.schema_).codes
    wanted = []
    for i in range(80):
        a, b, c = codes[i]
        wanted += [joint[:, b, c] / joint[:, b, c].sum(), joint[a, :, c] / joint[a, :, c].sum()]
        wanted.append(joint[a, b] / joint[a, b].sum())
    flat = np.concatenate(wanted)
    assert sum(b.predicted * b.n for b in found.bins) == pytest.approx(flat.sum())
    assert found.n_predictions == len(flat)


def test_impossible_rows_are_counted_and_not_in_the_mean():
    model = Independent().fit([[0, 0], [0, 1], [0, 0]])
    found = describe(
        Independent().fit(Table.read({"a": [0, 0, 0], "b": [0, 1, 0]}, schema={"a": 2})),
        {"a": [0, 1], "b": [0, 0]},
    )
    assert (found.rows.n_impossible, found.rows.n_scored) == (1, 2)
    assert found.rows.mean_nll_nats == pytest.approx(-np.log(2 / 3))
    assert found.rows.odd[0].row == 2
    assert found.rows.odd[0].nats == np.inf
    assert describe(model).rows is None


def test_rows_that_cannot_be_scored_are_counted_with_the_reason():
    rng = np.random.default_rng(8)
    rows = rng.integers(0, 2, (60, 20))
    model = ChainClassifier(DecisionTreeClassifier(max_depth=1), random_state=0).fit(rows)
    holes = rows.astype(float)
    holes[:5, :-1] = np.nan  # 2^19 completions
    holes[5:9, -1] = np.nan
    found = describe(model, holes, draws=200)
    assert (found.rows.n_rows, found.rows.n_scored, found.rows.n_with_holes) == (60, 55, 4)
    assert found.rows.unscored[0].n_rows == 5
    assert "524,288 completions" in found.rows.unscored[0].why
    assert found.calibration.n_rows == 51
    assert found.graph.is_complete


def test_no_row_with_a_score_leaves_no_mean():
    rows = np.random.default_rng(8).integers(0, 2, (60, 20))
    model = ChainClassifier(DecisionTreeClassifier(max_depth=1), random_state=0).fit(rows)
    rows = np.full((2, 20), np.nan)
    rows[:, -1] = 1
    found = describe(model, rows, draws=100)
    assert (found.rows.n_scored, found.rows.mean_nll_nats) == (0, None)
    assert found.calibration is None


def test_a_large_table_is_looked_at_in_part_by_the_seed():
    rows, model = _rows(500, 9), _network()
    found = describe(model, rows, most_rows=100, seed=3).rows
    assert (found.n_rows, found.n_used) == (500, 100)
    places = np.sort(np.random.default_rng(3).permutation(500)[:100])
    assert found.mean_nll_nats == pytest.approx(-model.log_prob(rows)[places].mean())
    assert {odd.row - 1 for odd in found.odd} <= set(places.tolist())


def test_auto_is_described_by_the_model_that_it_chose_with_its_leaderboard():
    auto = Auto(models=["independent", "chowliu"]).fit(_rows(300))
    found = describe(auto, _rows(50, 1))
    assert found.model.family == "chowliu"
    assert found.model.mean_nll_nats == auto.leaderboard_.best.mean_nll_nats
    assert found.model.fitted_rows == 270
    assert found.leaderboard["entries"][0]["name"] == "chowliu"
    assert found.graph.edges


@pytest.mark.parametrize(
    "model",
    [
        Independent().fit({"only": [1, 1, 1]}),  # one column, one state
        Independent().fit({"only": [0, 1, 1]}),
        Ensemble([Independent(1), chow_liu(_rows(40))]).fit(_rows(40), valid=_rows(30, 1)),
    ],
    ids=["a constant column", "one column", "an average"],
)
def test_small_and_odd_models_are_described_and_come_back_from_json(model):
    rows = model.sample(12, rng=0)
    for found in (describe(model), describe(model, rows)):
        assert Description.from_dict(json.loads(dump_json(found.to_dict()))) == found
        assert found.text()
    assert found.rows.n_scored == 12


def test_damaged_records_and_wrong_settings_are_refused():
    with pytest.raises(DataError, match="not a description"):
        Description.from_dict({"model": {"family": "x"}})
    with pytest.raises(InputError, match="draws"):
        describe(_network(), draws=0)
    with pytest.raises(ChainruleError, match="unseen"):
        describe(_network(), {"a": ["maybe"], "b": ["u"], "c": [True]})


def test_held_out_rows_are_those_that_auto_did_not_learn_from():
    rows = _rows(300)
    auto = Auto(models=["independent", "chowliu"]).fit(rows)
    found = describe(auto, rows, held_out=True).rows
    assert (found.n_rows, found.n_used, found.are_held_out) == (300, 30, True)
    assert found.mean_nll_nats == pytest.approx(auto.leaderboard_.best.mean_nll_nats)
    assert {odd.row - 1 for odd in found.odd} <= set(auto.fit_info_["held_out_rows"])
    with pytest.raises(InputError, match="300 rows and these are 200"):
        describe(auto, _rows(200), held_out=True)
    with pytest.raises(InputError, match="without rows"):
        describe(auto, held_out=True)
    with pytest.raises(InputError, match="knows of no rows"):
        describe(_network(), rows, held_out=True)
