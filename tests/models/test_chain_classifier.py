"""Chains of scikit-learn classifiers: what each says, mixed with frequencies; what is saved and what is refused."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import chisquare
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from chainrule.core.contract import packed
from chainrule.core.errors import DataError, InputError, ValuesError
from chainrule.core.sealed import write_sealed
from chainrule.models import ChainClassifier, load_model
from chainrule.models.chain_classifier.factors import Factor, best_smoothing, classified
from chainrule.tables.schema import Schema
from tests.models.test_decision_tables import random_rows
from tests.oracles import enumerate_states, joint_table, log_of_marginal

SIZES = (3, 2, 4, 1, 2)
SCHEMA = Schema.of_sizes(SIZES)
ESTIMATORS = {
    "logistic": LogisticRegression(C=2.0),
    "tree": DecisionTreeClassifier(),
    "forest": RandomForestClassifier(n_estimators=3),
    "neighbours": KNeighborsClassifier(3),
    "bernoulli": BernoulliNB(),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
}
every_estimator = pytest.mark.parametrize("name", ESTIMATORS)


def fit(name: str, **changes: Any) -> ChainClassifier:
    options = {"ordering": [4, 2, 0, 1, 3], "random_state": 0, "schema": SCHEMA} | changes
    return ChainClassifier(ESTIMATORS[name], **options).fit(random_rows(0, SIZES, 120))


@every_estimator
def test_the_mass_is_one_whatever_the_classifier_is_and_no_state_is_impossible(name):
    table = joint_table(fit(name).log_prob, SIZES)
    assert table.sum() == pytest.approx(1.0, abs=1e-12)
    assert (table > 0).all()


@every_estimator
def test_conditionals_are_the_classifier_s_probabilities_mixed_with_frequencies(name):
    rows, order, s = random_rows(0, SIZES, 120), [4, 2, 0, 1, 3], 0.2
    model = fit(name, smoothing=s)
    seed = model.fit_info_["seed"]
    states = enumerate_states(SIZES)
    for t, i in enumerate(order):
        before = order[:t]
        counts = np.bincount(rows[:, i], minlength=SIZES[i]) + 0.5
        expected = np.repeat((counts / counts.sum())[None], len(states), axis=0)
        if before and SIZES[i] > 1:

            def indicators(x, before=before):
                parts = [x[:, [j]] == np.arange(1, SIZES[j]) for j in before]
                return np.concatenate(parts, axis=1).astype(float)

            own = clone(ESTIMATORS[name])
            seeds = [k for k, v in own.get_params().items() if k.endswith("random_state") and v is None]
            own.set_params(**dict.fromkeys(seeds, seed)).fit(indicators(rows), rows[:, i])
            found = np.zeros_like(expected)
            found[:, own.classes_] = own.predict_proba(indicators(states))
            expected = (1 - s) * found + s * expected
        log_p = np.log(expected[np.arange(len(states)), states[:, i]])
        np.testing.assert_allclose(model.conditionals(states)[:, i], log_p, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["tree", "bernoulli"])
def test_draws_and_rows_with_holes_follow_the_joint_table(name):
    model = fit(name)
    table = joint_table(model.log_prob, SIZES)
    rng = np.random.default_rng(1)
    rows = np.where(rng.random((30, 5)) < 0.5, random_rows(1, SIZES, 30).astype(int), -1)
    np.testing.assert_allclose(model.log_prob(rows), [log_of_marginal(table, r) for r in rows], atol=1e-10)
    for given in (None, {"x1": 1}, {"x5": 0, "x2": 1}):
        p = table.copy()
        for variable, k in (given or {}).items():
            axis = int(variable[1:]) - 1
            p = p * (np.arange(SIZES[axis]) == k).reshape([-1 if a == axis else 1 for a in range(5)])
        p = p.ravel() / p.sum()
        draws = model.sample(5000, given=given, rng=2)
        counts = np.bincount(np.ravel_multi_index(tuple(draws.T.astype(int)), SIZES), minlength=len(p))
        assert not counts[p == 0].any()
        often = 5000 * p >= 5
        cells = np.append(5000 * p[often], 5000 * p[~often].sum() + 1e-9)
        seen = np.append(counts[often], counts[~often].sum())
        assert chisquare(seen, cells * seen.sum() / cells.sum()).pvalue > 1e-4


def test_pure_leaves_states_that_no_row_had_and_constant_columns_leave_nothing_impossible():
    rows = np.repeat([[0, 0, 0], [1, 1, 0]], 20, axis=0)
    model = ChainClassifier(DecisionTreeClassifier(), random_state=0, schema=Schema.of_sizes((2, 3, 2)))
    states = enumerate_states((2, 3, 2))
    for how in ({}, {"valid": rows[:3]}):
        log_p = model.fit(rows, **how).log_prob(states)
        assert np.isfinite(log_p).all()
        assert np.exp(log_p).sum() == pytest.approx(1.0)
        assert model.fit_info_["smoothing"][0] == model.fit_info_["smoothing"][2] == 1.0
        assert 0 < model.fit_info_["smoothing"][1] < 0.3


class _Says:
    """A classifier of two states that says the same of every row."""

    classes_ = np.array([0, 1])

    def __init__(self, p: float) -> None:
        self.p = p

    def predict_proba(self, X: Any) -> Any:
        return np.repeat([[1 - self.p, self.p]], len(X), axis=0)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_smoothing_is_what_held_out_rows_want(p):
    x = (np.random.default_rng(0).random(400) < 0.4).astype(int)
    marginal = np.array([0.7, 0.3])

    def loss(s: float) -> float:
        mixed = (1 - s) * np.array([1 - p, p])[x] + s * marginal[x]
        return float(-np.log(mixed).sum() - 0.5 * np.log(s) - 0.5 * np.log(1 - s))

    found = best_smoothing(Factor(_Says(p), marginal, 0.5), np.zeros((400, 1)), x, None)
    best = minimize_scalar(loss, bounds=(1e-9, 1 - 1e-9), method="bounded", options={"xatol": 1e-10})
    assert loss(found) <= best.fun + 1e-2  # where EM is slow there is little left to gain
    assert 0 < found <= 1


def test_what_is_no_probability_is_refused():
    for p in (np.nan, 1.5, -0.5):
        with pytest.raises(InputError, match="no probabilities"):
            classified(_Says(p), np.zeros((3, 1)), 2)


def test_whole_weights_count_like_so_many_rows():
    rows, times = random_rows(0, SIZES, 120), np.random.default_rng(0).integers(0, 3, 120)
    options: dict[str, Any] = {"smoothing": 0.1, "random_state": 0, "schema": SCHEMA}
    states = enumerate_states(SIZES)
    for estimator in (BernoulliNB(), DecisionTreeClassifier(max_depth=3)):
        weighted = ChainClassifier(estimator, **options).fit(rows, sample_weight=times)
        repeated = ChainClassifier(estimator, **options).fit(np.repeat(rows, times, axis=0))
        np.testing.assert_allclose(weighted.log_prob(states), repeated.log_prob(states), rtol=1e-9)
    with pytest.raises(InputError, match="KNeighborsClassifier takes no sample_weight"):
        ChainClassifier(KNeighborsClassifier()).fit(rows, sample_weight=times + 1)


@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(C=0.5), BernoulliNB(alpha=0.3), MultinomialNB(), ComplementNB(), GaussianNB()],
)
def test_estimators_that_are_arrays_are_saved_bit_for_bit(estimator, tmp_path: Path):
    model = ChainClassifier(estimator, random_state=0, schema=SCHEMA).fit(random_rows(0, SIZES, 120))
    model.save(tmp_path / "model")
    back = load_model(tmp_path / "model")
    states = enumerate_states(SIZES)
    assert (back.log_prob(states) == model.log_prob(states)).all()
    assert (back.sample(50, rng=1) == model.sample(50, rng=1)).all()
    assert back.get_params()["estimator"].get_params() == estimator.get_params()
    back.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()
    assert np.isfinite(back.fit(random_rows(1, SIZES, 120)).score(states))  # and can be fitted again


@pytest.mark.parametrize("name", ["tree", "forest", "neighbours", "pipeline"])
def test_estimators_that_only_a_pickle_could_hold_are_not_saved(name, tmp_path: Path):
    with pytest.raises(InputError, match=r"cannot be saved.*LogisticRegression.*BoostedChain"):
        fit(name).save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_class_of_the_users_that_is_called_like_a_saved_one_is_not_saved(tmp_path: Path):
    Mine = type("BernoulliNB", (BernoulliNB,), {})
    with pytest.raises(InputError, match="cannot be saved"):
        ChainClassifier(Mine(), schema=SCHEMA).fit(random_rows(0, SIZES)).save(tmp_path / "model")


def test_a_file_that_names_another_class_is_refused(tmp_path: Path):
    path = tmp_path / "model"
    arrays, plain = packed(ChainClassifier(BernoulliNB(), schema=SCHEMA).fit(random_rows(0, SIZES)))
    text = json.dumps(plain, default=np.ndarray.tolist)
    assert text.count('"class": "BernoulliNB"') == 1
    write_sealed(
        path, "model", 2, arrays, json.loads(text.replace('"class": "BernoulliNB"', '"class": "os.system"'))
    )
    with pytest.raises(DataError, match="never saved"):
        load_model(path)


def test_estimators_and_settings_that_cannot_serve_are_refused_with_a_way_out():
    rows = random_rows(0, SIZES)
    for estimator in (LinearSVC(), LogisticRegression, "logistic", 3):
        with pytest.raises(InputError, match="predict_proba"):
            ChainClassifier(estimator).fit(rows)
    ChainClassifier(CalibratedClassifierCV(BernoulliNB(), cv=2), smoothing=0.5).fit(rows[:, :2])
    with pytest.raises(InputError, match=r"BernoulliNB cannot learn column 'x2'.*alpha"):
        ChainClassifier(BernoulliNB(alpha=-1.0)).fit(rows)
    for setting in (
        {"smoothing": 0.0},
        {"smoothing": 1.5},
        {"validation_share": 0},
        {"validation_share": 1.0},
    ):
        with pytest.raises(InputError, match=next(iter(setting))):
            ChainClassifier(**setting).fit(rows)
    with pytest.raises(ValuesError, match="validation needs complete rows"):
        ChainClassifier().fit(rows, valid=np.where(rows == 0, -1, rows.astype(int)))


def test_a_seed_makes_estimators_that_draw_fit_alike():
    rows = random_rows(0, SIZES, 120)
    one, two = (
        ChainClassifier(RandomForestClassifier(n_estimators=3), random_state=4).fit(rows).log_prob(rows)
        for _ in range(2)
    )
    assert (one == two).all()


def test_parameters_of_the_estimator_are_set_as_scikit_learn_does():
    model = ChainClassifier(LogisticRegression()).set_params(estimator__C=3.0)
    assert model.estimator.C == 3.0
    assert clone(model).get_params()["estimator__C"] == 3.0
    assert all(a is not b for a, b in itertools.pairwise([clone(model).estimator, model.estimator]))


def test_turns_are_the_probabilities_of_states_along_the_order():
    model, rows = fit("bernoulli"), random_rows(4, SIZES, 40)
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
