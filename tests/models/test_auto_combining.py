"""What ``Auto`` makes of its trials: distributions, judged by rows that their weights were not learned on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp

from chainrule.core.errors import TooLargeError
from chainrule.models import Auto, BayesianNetwork, Independent, Stack, load_model
from chainrule.models.auto import combining
from chainrule.models.auto.combining import averaged, stacked
from chainrule.models.auto.leaderboard import Trial
from chainrule.models.auto.search import search
from chainrule.models.families import FAMILIES, Family
from chainrule.tables import Schema, Table
from tests.oracles import enumerate_states

SIZES = (2, 3, 2)
SCHEMA = Schema.of_sizes(SIZES)


def _table(n, seed, regime=None):
    """Rows of two kinds, half and half: mostly (0, 0, 0), and mostly (1, 2, 1)."""
    rng = np.random.default_rng(seed)
    second = (rng.random(n) < 0.5 if regime is None else np.full(n, regime))[:, None]
    usual = np.where(second, (1, 2, 1), (0, 0, 0))
    return Table(
        SCHEMA, np.where(rng.random((n, 3)) < 0.3, rng.integers(0, SIZES, (n, 3)), usual).astype(np.uint8)
    )


TRAIN, VALID, TEST = _table(300, 0), _table(120, 1), _table(200, 2)
EVERY = enumerate_states(SIZES).astype(np.uint8)


def _trial(name, model, judges=VALID, valid=None):
    weighing = None if valid is None else model.log_prob(valid)
    return Trial(name, model, model.log_prob(judges), 0.1, weighing)


def _models():
    """One for each kind of rows."""
    return [Independent(1.0, schema=SCHEMA).fit(_table(300, 3 + k, bool(k))) for k in range(2)]


def test_the_average_is_of_probabilities_and_sums_to_one():
    trials = [_trial(str(k), m) for k, m in enumerate(_models())]
    found = averaged(trials, VALID, VALID, 0)
    assert found is not None
    model = found.model
    every = [t.model.log_prob(EVERY) for t in trials]
    np.testing.assert_allclose(model.log_prob(EVERY), logsumexp(every, axis=0, b=model.weights_[:, None]))
    assert np.exp(model.log_prob(EVERY)).sum() == pytest.approx(1, abs=1e-12)


def test_a_stack_sums_to_one():
    found = stacked([_trial(str(k), m) for k, m in enumerate(_models())], VALID, VALID, 0)
    assert found is not None
    assert np.exp(found.model.log_prob(EVERY)).sum() == pytest.approx(1, abs=1e-12)


def test_no_row_is_judged_by_weights_that_were_learned_from_it(monkeypatch):
    trials = [_trial(str(k), m) for k, m in enumerate(_models())]
    learned_from, em = [], combining.em_weights
    monkeypatch.setattr(combining, "em_weights", lambda p, w=None: learned_from.append(p.copy()) or em(p, w))
    found = averaged(trials, VALID, VALID, 5)
    assert found is not None
    log_p = np.stack([t.log_prob for t in trials], axis=1)
    halves = [p for p in learned_from if len(p) < len(log_p)]
    assert [len(p) for p in halves] == [60, 60]
    judged = np.full(len(log_p), np.nan)
    for learn, judge in combining._halves(np.arange(len(log_p)), 5):
        assert not set(learn) & set(judge)
        judged[judge] = logsumexp(log_p[judge] + np.log(em(log_p[learn]).weights), axis=1)
    np.testing.assert_allclose(found.log_prob, judged)


def test_noise_that_validation_rows_would_reward_is_not_rewarded():
    # forty guesses, each fitted to ten random rows: by the weights of all rows at once they look better than they are
    rng, flattered, honest = np.random.default_rng(0), [], []
    models = [
        Independent(0.5, schema=SCHEMA).fit(rng.integers(0, SIZES, (10, 3)).astype(np.uint8))
        for _ in range(40)
    ]
    for seed in range(40):
        noise = Table(SCHEMA, np.random.default_rng(seed).integers(0, SIZES, (40, 3)).astype(np.uint8))
        found = averaged([_trial(str(k), m, noise) for k, m in enumerate(models)], noise, noise, seed)
        assert found is not None
        flattered.append(found.model.log_prob(noise).mean())
        honest.append(found.log_prob.mean())
    truth = -np.log(np.prod(SIZES))  # of uniform rows no model knows more
    error = np.std(honest) / np.sqrt(len(honest))
    assert np.mean(flattered) > truth + error
    assert np.mean(honest) < truth + error


def test_where_other_rows_judge_the_weights_come_from_validation_rows_alone():
    models = _models()
    results = []
    for judges in (TEST, TEST[np.arange(50)]):
        trials = [_trial(str(k), m, judges, VALID) for k, m in enumerate(models)]
        results.append((averaged(trials, VALID, judges, 0), stacked(trials, VALID, judges, 0)))
        for found in results[-1]:
            assert found is not None
            np.testing.assert_allclose(found.log_prob, found.model.log_prob(judges))
    np.testing.assert_array_equal(results[0][0].model.weights_, results[1][0].model.weights_)
    np.testing.assert_array_equal(results[0][1].model.powers_, results[1][1].model.powers_)


def test_what_would_be_one_model_is_no_average():
    good, bad = _models()[0], Independent(1e9, schema=SCHEMA).fit(TRAIN)
    assert averaged([_trial("good", good)], VALID, VALID, 0) is None
    few = VALID[np.arange(10)]
    assert averaged([_trial("good", good, few), _trial("same", good, few)], few, few, 0) is None
    sure = Table(SCHEMA, np.repeat(EVERY[:1], 40, axis=0))
    certain = Independent(1e-9, schema=SCHEMA).fit(sure)
    assert averaged([_trial("certain", certain, sure), _trial("bad", bad, sure)], sure, sure, 0) is None


def test_a_stack_that_is_too_large_is_left_out_with_its_reason(chains, monkeypatch):
    def too_large(*args, **kwargs):
        raise TooLargeError("a stack of 2 models would need 9 TB")

    monkeypatch.setattr(Stack, "_fit", too_large)
    families = [FAMILIES[name] for name in ("independent", "one", "two")]
    found = search(families, TRAIN, VALID, combine=True)
    assert dict(found.skipped)["stack"] == "a stack of 2 models would need 9 TB"
    assert "average" in {t.name for t in found.trials}


@pytest.fixture
def chains(monkeypatch):
    """Two chains that are fitted in no time, in place of all families but ``independent``."""
    seen = []

    def chain(request):
        order = range(3) if request.order is None else request.order
        names = [request.table.schema.names[i] for i in order]
        seen.append((names, request.seconds))
        edges = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
        text = "; ".join(f"{a} -> {b}" for a, b in edges)
        return BayesianNetwork(text, pseudocount=0.5, schema=request.table.schema).fit(request.table)

    for name in list(FAMILIES):
        if name != "independent":
            monkeypatch.delitem(FAMILIES, name)
    for name in ("one", "two"):
        monkeypatch.setitem(FAMILIES, name, Family(name, "", chain, "suffix", takes_time=True, is_chain=True))
    return seen


def test_chains_are_fitted_in_four_orders_stacked_by_order_and_averaged(chains, tmp_path):
    auto = Auto(schema=SCHEMA).fit(TRAIN, valid=VALID)
    names = {e.name for e in auto.leaderboard_.entries}
    assert {"independent", "one", "two", "stack", "one 4", "two 4", "stack 4"} <= names
    assert [order for order, _ in chains[:2]] == [["x1", "x2", "x3"]] * 2
    assert all(chains[k][0] == chains[k + 1][0] for k in range(0, 8, 2))  # those of one order can be stacked
    assert np.exp(auto.log_prob(EVERY)).sum() == pytest.approx(1, abs=1e-12)
    auto.save(tmp_path / "m")
    np.testing.assert_array_equal(load_model(tmp_path / "m").log_prob(EVERY), auto.log_prob(EVERY))


def test_named_families_are_compared_as_they_are(chains):
    auto = Auto(models=["independent", "one", "two"], schema=SCHEMA).fit(TRAIN, valid=VALID)
    assert {e.name for e in auto.leaderboard_.entries} == {"independent", "one", "two"}


def test_without_time_small_models_are_tried_and_nothing_else(chains):
    auto = Auto(schema=SCHEMA, budget=1e-3).fit(TRAIN, valid=VALID)
    board = auto.leaderboard_
    assert {e.name for e in board.entries} == {"independent"}
    assert {name for name, _ in board.skipped} == {"one", "two"}


def test_ctrl_c_while_combining_keeps_what_was_tried(chains, monkeypatch):
    def stopped(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.models.auto.search.averaged", stopped)
    families = [FAMILIES[name] for name in ("independent", "one", "two")]
    found = search(families, TRAIN, VALID, combine=True)
    assert found.stopped
    assert {"independent", "one", "two 4"} <= {t.name for t in found.trials}
