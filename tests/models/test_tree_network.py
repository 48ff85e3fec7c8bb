"""Networks of decision trees: averages over all prunings, exact answers by trees that evidence reduces, edges."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.special import gammaln
from scipy.stats import chisquare

from chainrule.core.errors import InputError, TooLargeError, ValuesError
from chainrule.core.settings import settings
from chainrule.datasets import load
from chainrule.models import BayesianNetwork, Independent, TreeNetwork, chow_liu
from chainrule.models.shared.decision_tables import grow_tables
from chainrule.models.tree_network import inference
from chainrule.models.tree_network.averaging import averaged, ending, shrunk
from chainrule.tables.schema import Schema
from tests.models.test_decision_tables import leaf_by_steps, random_rows
from tests.oracles import enumerate_states, joint_table, log_of_marginal

SIZES = (3, 2, 4, 1, 2, 2)
SCHEMA = Schema.of_sizes(SIZES)
seeds = st.integers(0, 2**32 - 1)


def fit(seed: int = 0, n: int = 150, **changes: Any) -> TreeNetwork:
    """A small network with trees of several levels."""
    options = {"penalty": "none", "pruning": -1.0, "max_splits": 25, "schema": SCHEMA} | changes
    return TreeNetwork(**options).fit(random_rows(seed, SIZES, n))


@pytest.fixture(params=["full tables", "reduced trees"])
def way(request, monkeypatch):
    """Both ways of inference in turn."""
    if request.param == "reduced trees":
        monkeypatch.setattr(inference, "_FULL_ENTRIES", 0)
    return request.param


def holes(seed: int, n: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.where(rng.random((n, len(SIZES))) < 0.5, random_rows(seed, SIZES, n).astype(int), -1)


@pytest.mark.parametrize("seed", range(4))
def test_rows_with_holes_have_the_probability_of_all_their_completions(way, seed):
    model, rows = fit(seed), holes(seed, 60)
    table = joint_table(model.log_prob, SIZES)
    expected = [log_of_marginal(table, row) for row in rows]
    np.testing.assert_allclose(model.log_prob(rows), expected, rtol=1e-10, atol=1e-12)
    assert (model._inference._full is None) == (way == "reduced trees")


@pytest.mark.parametrize("seed", range(3))
def test_posteriors_and_most_probable_completions_are_those_of_the_joint_table(way, seed):
    model = fit(seed)
    table, names = joint_table(model.log_prob, SIZES), model.schema_.names
    for row in holes(seed + 10, 12):
        index = tuple(slice(None) if k < 0 else slice(k, k + 1) for k in row)
        left = table[index]
        filled = model.impute(row[None], how="mode")[0]
        assert table[tuple(filled)] == pytest.approx(left.max(), rel=1e-9)
        unknown = np.flatnonzero(row < 0)[:3]
        if len(unknown):
            others = tuple(i for i in range(len(SIZES)) if i not in unknown)
            known = {names[i]: k for i, k in enumerate(row.tolist()) if k >= 0}
            found = model.query([names[i] for i in unknown], known).probabilities
            np.testing.assert_allclose(found, left.sum(axis=others) / left.sum(), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("seed", range(3))
def test_draws_follow_the_posterior_of_what_is_missing(way, seed):
    model, row = fit(seed), holes(seed + 3, 1)[0]
    row[0] = row[5] = -1
    row[1] = 1
    table = joint_table(model.log_prob, SIZES)
    index = tuple(slice(None) if k < 0 else slice(k, k + 1) for k in row)
    p = np.zeros_like(table)
    p[index] = table[index]
    p = p.ravel() / p.sum()
    draws = model.sample(6000, given=np.where(row < 0, np.nan, row), rng=seed)
    counts = np.bincount(np.ravel_multi_index(tuple(draws.T.astype(int)), SIZES), minlength=len(p))
    assert not counts[p == 0].any()
    often = 6000 * p >= 5
    rest = 6000 * p[~often].sum()
    cells, seen = 6000 * p[often], counts[often]
    if rest >= 1:
        cells, seen = np.append(cells, rest), np.append(seen, counts[~often].sum())
    assert chisquare(seen, cells * seen.sum() / cells.sum()).pvalue > 1e-4


def test_what_do_makes_impossible_is_refused(way):
    model = fit().do({"x2": 1})
    rows = [[None, 0, 1, 0, 1, 0], [None, 0, None, 0, 1, 1]]
    for ask in (
        lambda: model.query("x1", {"x2": 0}),
        lambda: model.sample(2, given={"x2": 0}, rng=0),
        lambda: model.impute(rows, rng=0),
        lambda: model.impute(rows, how="mode"),
    ):
        with pytest.raises(InputError, match="x2=0"):
            ask()
    assert np.isneginf(model.log_prob(rows)).all()


def test_the_mass_of_a_larger_network_is_one_and_all_paths_agree(monkeypatch):
    rows = random_rows(5, (2,) * 12, 400)
    model = TreeNetwork(schema=Schema.of_sizes((2,) * 12)).fit(rows)
    states = np.array(list(itertools.product([0, 1], repeat=12)))
    assert np.exp(model.log_prob(states)).sum() == pytest.approx(1.0, abs=1e-11)
    part = np.where(np.random.default_rng(0).random((40, 12)) < 0.5, rows[:40].astype(int), -1)
    by_tables = model.log_prob(part)
    monkeypatch.setattr(inference, "_FULL_ENTRIES", 0)
    model = TreeNetwork(schema=Schema.of_sizes((2,) * 12)).fit(rows)
    np.testing.assert_allclose(model.log_prob(part), by_tables, rtol=1e-10)


def test_the_plain_path_gives_the_same_model_and_the_same_draws():
    model = fit()
    with settings(plain=True):
        plain = fit()
        np.testing.assert_allclose(
            plain.log_prob(random_rows(1, SIZES)), model.log_prob(random_rows(1, SIZES)), rtol=1e-12
        )
        assert (plain.sample(200, rng=0) == model.sample(200, rng=0)).all()
    assert plain.factorization_ == model.factorization_


def _prunings(tables, t):
    """Every way to prune the tree below node t: the nodes at which it then ends, and those that stay split."""
    if tables.is_leaf[t]:
        yield {t}, set()
        return
    yield {t}, set()
    first = int(tables.nodes[t, 3])
    for (a, kept), (b, also) in itertools.product(_prunings(tables, first), _prunings(tables, first + 1)):
        yield a | b, kept | also | {t}


@pytest.mark.parametrize("pruning", [-1.0, 0.0, 3.0])
@examples(max_examples=8)
@given(seeds)
def test_a_leaf_predicts_the_average_over_all_prunings_of_its_tree(pruning, seed):
    sizes = (3, 2, 2)
    rows = random_rows(seed, sizes)
    tables = grow_tables(rows, sizes, penalty="none", max_splits=7)
    counts = tables.counts(rows)
    estimates, ends = shrunk(tables, counts, 2.0, 0.5), ending(tables, counts, pruning)
    found = averaged(tables, estimates, ends)
    for i, size in enumerate(sizes):
        weights, predictions = [], []
        for leaves, inner in _prunings(tables, i):
            score = 0.0
            for t in leaves:
                c = counts[t, :size]
                score += gammaln(size) - gammaln(size + c.sum()) + gammaln(c + 1).sum()
                score += 0.0 if tables.is_leaf[t] else pruning - np.logaddexp(0, pruning)
            weights.append(score - len(inner) * np.logaddexp(0, pruning))
            predictions.append(leaves)
        posterior = np.exp(np.array(weights) - np.logaddexp.reduce(weights))
        for row in rows[:10]:
            path = leaf_by_steps(tables, row, i)
            expected = sum(
                w * estimates[next(t for t in path if t in leaves)]
                for w, leaves in zip(posterior, predictions, strict=True)
            )
            np.testing.assert_allclose(found[path[-1]], expected, rtol=1e-9)


@pytest.mark.parametrize("with_valid", [False, True])
def test_what_edges_gain_adds_up_to_what_the_network_gains_over_independent_variables(with_valid):
    rows, held_out = random_rows(1, SIZES, 200), random_rows(2, SIZES, 100)
    model = TreeNetwork(schema=SCHEMA).fit(rows, valid=held_out if with_valid else None)
    alone = Independent(pseudocount=0.5, schema=SCHEMA).fit(rows)
    edges = model.edge_gains_.edges
    assert sum(e.train_nats for e in edges) == pytest.approx(model.score(rows) - alone.score(rows))
    if with_valid:
        gained = sum(e.valid_nats or 0.0 for e in edges)
        assert gained == pytest.approx(model.score(held_out) - alone.score(held_out))
        assert model.fit_info_["valid_nll_nats"] == pytest.approx(-model.score(held_out))
    else:
        assert all(e.valid_nats is None for e in edges)
    assert model.fit_info_["train_nll_nats"] == pytest.approx(-model.score(rows))
    assert {(e.parent, e.child) for e in edges} == set(model.factorization_.edges)
    assert [e.train_nats for e in edges] == sorted((e.train_nats for e in edges), reverse=True)
    assert len(model.edge_gains_.text(most=2).splitlines()) == 4
    assert model.edge_gains_.to_dict()["edges"][0]["parent"] == edges[0].parent


def test_independent_columns_get_no_edge():
    rng = np.random.default_rng(0)
    model = TreeNetwork(penalty="ebic").fit(rng.integers(0, 2, (2000, 15)))
    assert model.factorization_.edges == ()
    assert "independent" in model.edge_gains_.text()


def test_validation_rows_choose_what_fits_them_best():
    rows, held_out = random_rows(1, SIZES, 300), random_rows(2, SIZES, 300)
    model = TreeNetwork(schema=SCHEMA).fit(rows, valid=held_out)
    for shrinkage, pruning in ((0.5, -2.0), (4.0, 2.0), (32.0, 14.0)):
        other = TreeNetwork(shrinkage=shrinkage, pruning=pruning, schema=SCHEMA).fit(rows)
        assert model.score(held_out) >= other.score(held_out) - 1e-12


def test_full_tables_are_the_same_distribution():
    model = fit()
    network = model.to_bayesian_network()
    assert network.dag_ == model.factorization_
    states = np.array(list(itertools.product(*map(range, SIZES))))
    np.testing.assert_allclose(network.log_prob(states), model.log_prob(states), rtol=1e-12)
    assert network.sample(3, rng=0).dtype == model.sample(3, rng=0).dtype  # rows leave as they would have
    with pytest.raises(TooLargeError, match="keep the TreeNetwork"):
        model.set_params(max_bytes=8).to_bayesian_network()


def test_an_answer_that_is_too_large_is_refused_with_a_way_out():
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2, (400, 30))
    model = TreeNetwork(penalty="none", max_splits=3000, max_bytes=2**12).fit(rows)
    row = np.full(30, -1)
    row[model.ordering_[-1]] = 1
    for ask in (lambda: model.log_prob(row[None]), lambda: model.sample(2, given=row, rng=0)):
        with pytest.raises(TooLargeError, match="chow_liu"):
            ask()
    model.set_params(max_bytes=2**34)
    assert model.factorization_.n_edges > 200


def test_evidence_that_answers_all_questions_makes_a_large_network_small():
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2, (400, 30))
    model = TreeNetwork(penalty="none", max_splits=3000, max_bytes=2**12).fit(rows)
    assert model._inference._full is None
    last, row = model.ordering_[-1], rows[:1].copy()
    row[0, last] = -1  # nothing depends on it
    assert model.log_prob(row)[0] == pytest.approx(
        np.logaddexp.reduce([model.log_prob(np.where(row < 0, k, row))[0] for k in (0, 1)])
    )


@pytest.mark.parametrize("ordering", ["natural", "random", ["x6", "x5", "x4", "x3", "x2", "x1"]])
def test_an_ordering_is_kept_to(ordering):
    model = TreeNetwork(ordering=ordering, penalty="none", max_splits=40, random_state=3, schema=SCHEMA)
    model.fit(random_rows(0, SIZES))
    if ordering == "natural":
        assert all(int(a[1:]) < int(b[1:]) for a, b in model.factorization_.edges)
    elif ordering != "random":
        assert all(int(a[1:]) > int(b[1:]) for a, b in model.factorization_.edges)
    assert model.factorization_.n_edges > 5


def test_no_row_of_known_states_is_impossible():
    rows = np.zeros((50, 3), int)
    schema = Schema.of_sizes((2, 3, 4))
    model = TreeNetwork(schema=schema).fit(rows)
    states = np.array(list(itertools.product(range(2), range(3), range(4))))
    assert np.isfinite(model.log_prob(states)).all()


def test_settings_that_make_no_sense_are_refused():
    rows = random_rows(0, SIZES)
    for setting in (
        {"penalty": "mdl"},
        {"pseudocount": 0},
        {"shrinkage": 0.0},
        {"pruning": np.nan},
        {"least_rows": -1},
        {"max_splits": 1.5},
        {"ordering": ["x1"]},
    ):
        with pytest.raises(InputError, match=next(iter(setting))):
            TreeNetwork(**setting).fit(rows)
    with pytest.raises(ValuesError, match="validation needs complete rows"):
        TreeNetwork().fit(rows, valid=np.where(rows == 0, -1, rows.astype(int)))


def test_without_time_to_grow_a_network_is_its_columns_alone_and_its_rows_sum_to_one():
    rows = random_rows(4, SIZES, 400)
    cut = TreeNetwork(max_seconds=0, schema=Schema.of_sizes(SIZES)).fit(rows)
    assert cut.factorization_.edges == ()
    assert np.exp(cut.log_prob(enumerate_states(SIZES))).sum() == pytest.approx(1, abs=1e-12)


def test_turns_are_the_probabilities_of_states_along_the_order():
    model, rows = fit(), random_rows(4, SIZES, 40)
    begins = np.concatenate([[0], np.cumsum(SIZES)])
    expected, turns = model.state_log_probs(rows), model.states_in_turn(len(rows))
    seen: list[int] = []
    columns, log_p = next(turns)
    while True:
        for i, found in zip(columns, log_p, strict=True):
            np.testing.assert_allclose(found, expected[:, begins[i] : begins[i + 1]], rtol=1e-9, atol=1e-12)
            seen.append(int(i))
        try:
            columns, log_p = turns.send(rows[:, columns])
        except StopIteration:
            break
    assert sorted(seen) == list(range(len(SIZES)))


needs_data = pytest.mark.skipif(
    "CHAINRULE_DATA" not in os.environ, reason="CHAINRULE_DATA names no folder of data files"
)


@pytest.mark.realdata
@needs_data
def test_rows_of_a_known_network_are_learned_almost_as_well_as_they_can_be():
    truth = BayesianNetwork.read(Path(os.environ["CHAINRULE_DATA"]) / "bif" / "alarm.bif.gz")
    train, valid, test = (truth.sample(n, rng=i) for i, n in enumerate((5000, 1000, 2000)))
    learned = TreeNetwork().fit(train, valid=valid)
    # 37 variables of 2 to 4 states; the best tree is 1.4 nats a row worse than the truth
    assert truth.score(test) - 0.2 < learned.score(test) < truth.score(test)
    assert chow_liu(train).score(test) < learned.score(test) - 1.0


@pytest.mark.realdata
@needs_data
@pytest.mark.parametrize(
    ("name", "nats"),  # test negative log-likelihoods that papers give for networks that WinMine learned
    [("nltcs", 6.03), ("dna", 80.65), ("plants", 12.65)],
)
def test_networks_are_as_good_as_published_ones_of_the_kind(name, nats):
    data = load(name)
    model = TreeNetwork().fit(data.train, valid=data.valid)
    assert -model.score(data.test) < nats
