"""``Auto`` keeps the best of what it tries, beside it one that answers what the best refuses, and says so."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import BaseEstimator

from chainrule.core.errors import ChainruleError, InputError, TooLargeError, UnknownNameError
from chainrule.core.progress import listening, track
from chainrule.core.time_limit import OutOfTimeError
from chainrule.models import NADE, Auto, Independent, Stack, chow_liu, families, load_model
from chainrule.models.auto import Leaderboard
from chainrule.models.auto.leaderboard import Trial, weighted_mean
from chainrule.models.auto.search import search
from chainrule.models.families import FAMILIES, Family, filled, known_families
from chainrule.models.shared.holding_out import hold_out
from chainrule.tables import Table

D = 18


class _Sized:
    """A model that has nothing but a number of parameters."""

    def __init__(self, n):
        self.n_parameters_ = {"in_use": n}


class _Listener:
    """Keeps the lines that a user would see."""

    def __init__(self):
        self.lines = []

    def start(self, label, total):
        return 0

    def advance(self, task, detail):
        pass

    def stop(self, task):
        pass

    def note(self, text):
        self.lines.append(text)


def _rows(n=400, d=D, seed=0):
    """Copies of a coin, with noise, so that a forest beats independence."""
    rng = np.random.default_rng(seed)
    z = rng.integers(0, 2, (n, 1))
    return ((np.repeat(z, d, axis=1) + (rng.random((n, d)) < 0.2)) % 2).astype(int)


@pytest.fixture
def tiny(monkeypatch):
    """A small network as a family of its own, judged by whatever it is told to be worth."""

    def fit(request):
        table = filled(request.table, request.seed)
        return NADE(hidden=16, epochs=12, random_state=request.seed).fit(table)

    monkeypatch.setitem(FAMILIES, "tiny", Family("tiny", "a small network", fit, "suffix"))


def test_the_best_on_validation_rows_is_kept_with_paired_errors():
    X = _rows()
    auto = Auto(models=["independent", "chowliu"]).fit(X[:300], valid=X[300:])
    board = auto.leaderboard_
    assert [e.name for e in board.entries] == ["chowliu", "independent"]
    forest = chow_liu(X[:300], missing="complete_families")
    np.testing.assert_allclose(auto.log_prob(X), forest.log_prob(X))
    other = FAMILIES["independent"]
    independent = other.fit(_request(Table.read(X[:300])))
    gain = forest.log_prob(X[300:]) - independent.log_prob(X[300:])
    entry = board.entries[1]
    assert entry.behind_nats == pytest.approx(gain.mean())
    assert entry.behind_standard_error == pytest.approx(stats.sem(gain))
    assert entry.mean_nll_nats == pytest.approx(-independent.log_prob(X[300:]).mean())
    assert (board.n_rows, auto.fit_info_["held_out_rows"]) == (100, None)


def _request(table, **settings):
    from chainrule.models.families import Request

    return Request(table, **settings)


def test_without_validation_rows_the_stated_share_is_held_out_and_named():
    X = _rows(200)
    auto = Auto(models=["chowliu"], held_out=0.2, random_state=3).fit(X)
    places = auto.fit_info_["held_out_rows"]
    assert places == sorted(np.random.default_rng(3).permutation(200)[:40].tolist())
    kept = np.setdiff1d(np.arange(200), places)
    assert (auto.log_prob(X) == chow_liu(X[kept], missing="complete_families").log_prob(X)).all()


def test_simple_takes_the_smallest_within_one_error():
    rng = np.random.default_rng(1)
    best, swing = rng.normal(-5, 1, 200), np.tile([0.5, -0.5], 100)  # an error of 0.035 for each difference
    near, far = best - 0.02 + swing, best - 0.05 + swing
    trials = [
        Trial("far", _Sized(1), far, 0),
        Trial("near", _Sized(2), near, 0),
        Trial("best", _Sized(9), best, 0),
    ]
    board = Leaderboard.of(trials)
    assert (board.best.name, board.smallest_within_an_error().name) == ("best", "near")
    assert Auto(models=["independent", "chowliu"], simple=True).fit(_rows()).chosen_ == "chowliu"


def test_what_the_best_refuses_is_answered_exactly_by_the_stand_in(tiny):
    X = _rows()
    auto = Auto(models=["chowliu", "tiny"]).fit(X[:300], valid=X[300:])
    if auto.chosen_ != "tiny":  # make it so: which is better is not the point here
        network = FAMILIES["tiny"].fit(_request(Table.read(X[:300])))
        auto.model_, auto.stand_in_ = network, auto.model_
        auto.fit_info_ |= {"chosen": "tiny", "stand_in": "chowliu"}
    network, forest = auto.model_, auto.stand_in_
    rows = X[:6].astype(float)
    rows[1:3, :-1] = np.nan  # 2^17 completions before what is known
    rows[4, 0] = np.nan
    with pytest.raises(TooLargeError):
        network.log_prob(rows[1:2])
    heard = _Listener()
    with listening(heard):
        found = auto.log_prob(rows)
    assert heard.lines == ["2 of 6 rows lack more than tiny sums out: chowliu answered them"]
    np.testing.assert_array_equal(found[[1, 2]], forest.log_prob(rows[1:3]))
    np.testing.assert_allclose(found[[0, 3, 4, 5]], network.log_prob(rows[[0, 3, 4, 5]]), rtol=1e-12)
    answers = {type(m).__name__: places.tolist() for m, places in auto.answers(rows)}
    assert answers == {"NADE": [0, 3, 4, 5], "BayesianNetwork": [1, 2]}
    filled_rows = auto.impute(rows, rng=0)
    assert (filled_rows[~np.isnan(rows)] == rows[~np.isnan(rows)]).all()
    assert not np.isnan(filled_rows.astype(float)).any()
    last = f"x{D}"
    asked = auto.query("x1", {last: 1})
    np.testing.assert_array_equal(asked.probabilities, forest.query("x1", {last: 1}).probabilities)
    assert auto.query("x1", {}).probabilities.shape == (2,)
    draws = auto.sample(50, given={last: 1}, rng=0)
    assert (draws[:, -1] == 1).all()


def test_both_models_come_back_from_one_file(tiny, tmp_path):
    X = _rows()
    auto = Auto(models=["chowliu", "tiny"]).fit(X)
    if auto.stand_in_ is None:
        auto.stand_in_, auto.model_ = auto.model_, FAMILIES["tiny"].fit(_request(Table.read(X)))
    auto.save(tmp_path / "m")
    back = load_model(tmp_path / "m")
    assert (back.log_prob(X) == auto.log_prob(X)).all()
    assert (back.stand_in_.log_prob(X) == auto.stand_in_.log_prob(X)).all()
    assert back.leaderboard_ == auto.leaderboard_


def test_holes_are_learned_from_and_leave_known_cells_alone():
    X = _rows().astype(float)
    X[np.random.default_rng(2).random(X.shape) < 0.1] = np.nan
    table = Table.read(X)
    whole = filled(table, 0)
    assert whole.is_complete
    assert (whole.codes[~table.missing] == table.codes[~table.missing]).all()
    auto = Auto(models=["independent", "chowliu"]).fit(X)
    assert np.isfinite(auto.log_prob(X)).all()


def test_what_cannot_be_fitted_is_left_out_with_its_reason(monkeypatch):
    def late(request):
        raise OutOfTimeError("3 epochs take 9 s, and 1 s are left")

    def broken(request):
        raise InputError("no such table")

    monkeypatch.setitem(FAMILIES, "late", Family("late", "", late, takes_time=True))
    monkeypatch.setitem(FAMILIES, "broken", Family("broken", "", broken))
    auto = Auto(models=["independent", "late", "broken"]).fit(_rows(100, 4))
    assert dict(auto.leaderboard_.skipped) == {
        "late": "3 epochs take 9 s, and 1 s are left",
        "broken": "no such table",
    }
    assert "late is left out: 3 epochs" in auto.leaderboard_.text()
    with pytest.raises(InputError, match="no such table"):
        Auto(models=["broken"]).fit(_rows(100, 4))


def test_what_is_compiled_within_an_epoch_costs_no_budget(monkeypatch):
    compiled = iter(
        [0.0, 300.0, 300.0, 300.0]
    )  # loops are compiled for five minutes while the first epoch runs
    clock = iter([0.0, 301.0, 302.0, 303.0])
    monkeypatch.setattr(families, "seconds_compiling", lambda: next(compiled))
    monkeypatch.setattr(families.time, "monotonic", lambda: next(clock))

    class Slow(BaseEstimator):
        epochs = 30

        def set_params(self, epochs):
            self.epochs = epochs
            return self

        def fit(self, table, valid=None):
            self.fit_info_ = {"seconds": 301.0}
            return self

    request = _request(Table.read(_rows(20, 3)), seconds=100.0)
    assert families._in_time(Slow(), 30, request).epochs == 30  # an epoch takes a second


def test_a_network_is_not_begun_where_no_time_is_left():
    auto = Auto(models=["independent", "nade"], budget=0.01).fit(_rows(100, 4))
    assert dict(auto.leaderboard_.skipped) == {"nade": "no time is left"}


def _for_long(X, seconds=60.0):
    """Something that takes long, in steps that say how far it is."""
    for _ in track(range(1000), "taking long"):
        time.sleep(seconds / 1000)
    return np.zeros(len(X))


@pytest.mark.parametrize("where", ["fit", "log_prob", "combine"])
def test_what_takes_longer_than_there_is_time_is_stopped_wherever_it_is(monkeypatch, where):
    class Slow(Independent):
        """Slow to learn, or to answer."""

        def _fit(self, table, valid, y):
            super()._fit(table, valid, y)
            if where == "fit":
                _for_long(table)

        def _log_prob(self, codes):
            return _for_long(codes) if where == "log_prob" else super()._log_prob(codes)

    def slow(request):
        return Slow(1.0).fit(request.table)

    for name in ("slow", "slower"):
        made = Family(name, "", slow, takes_time=where == "fit", is_chain=True)
        monkeypatch.setitem(FAMILIES, name, made)
    if where == "combine":
        monkeypatch.setattr(Stack, "_fit", lambda self, table, valid, y: _for_long(table))
    table = Table.read(_rows(300, 4))
    split = hold_out(table, 0.2, 0)
    began = time.monotonic()
    asked = [FAMILIES[name] for name in ("independent", "slow", "slower")]
    found = search(asked, split.train, split.held_out, budget=0.5, combine=True)
    assert time.monotonic() - began < 0.5 * 1.2 + 1
    reasons = dict(found.skipped)
    assert found.trials[0].name == "independent"
    late = {"fit": ["slow"], "log_prob": ["slow"], "combine": ["stack"]}[where]
    assert all("longer than" in reasons[name] or "no time" in reasons[name] for name in late)


def test_the_first_small_model_has_as_long_as_it_takes():
    auto = Auto(budget=1e-9).fit(_rows(300, 4))
    assert auto.chosen_ == "independent"
    assert set(dict(auto.leaderboard_.skipped)) >= {"chowliu", "trees", "latent", "boosted", "nade"}


def test_holes_that_are_filled_first_are_part_of_the_time(monkeypatch):
    X = _rows(100, 4).astype(float)
    X[0, 0] = np.nan
    clock, seen = iter(np.arange(0.0, 1000.0, 10.0)), []
    monkeypatch.setattr(families, "working_seconds", lambda: next(clock))
    learn = families._on_complete_rows("something")(lambda r: seen.append(r.seconds) or chow_liu(r.table))
    learn(_request(Table.read(X), seconds=100.0))
    assert seen == [90.0]


def test_ctrl_c_keeps_what_is_done(monkeypatch):
    def stopped(request):
        raise KeyboardInterrupt

    monkeypatch.setitem(FAMILIES, "stopped", Family("stopped", "", stopped))
    auto = Auto(models=["independent", "chowliu", "stopped"]).fit(_rows())
    assert auto.fit_info_["stopped"]
    assert auto.chosen_ == "chowliu"
    assert dict(auto.leaderboard_.skipped) == {"stopped": "the search was stopped"}
    with pytest.raises(KeyboardInterrupt):
        Auto(models=["stopped", "independent"]).fit(_rows())


def test_few_complete_validation_rows_judge_no_network():
    X = _rows(200).astype(float)
    X[:, 0][np.arange(200) % 20 > 0] = np.nan
    auto = Auto(models=["chowliu", "made"]).fit(X)
    assert "validation" not in dict(auto.leaderboard_.skipped)["made"]
    assert "held-out rows are complete" in dict(auto.leaderboard_.skipped)["made"]


def test_a_stated_graph_is_one_of_the_families_and_needs_all_columns():
    frame = pd.DataFrame(_rows(200, 3), columns=["a", "b", "c"])
    auto = Auto(models=["independent", "bayesnet"], dag="c -> a; c -> b").fit(frame)
    assert auto.chosen_ == "bayesnet"
    assert auto.factorization_.edges == (("c", "a"), ("c", "b"))
    assert list(auto.schema_.names) == ["a", "b", "c"]
    partial = Auto(models=["independent", "bayesnet"], dag="c -> a").fit(frame)
    assert "does not have all columns" in dict(partial.leaderboard_.skipped)["bayesnet"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"models": ["nadee"]}, "did you mean 'nade'"),
        ({"models": []}, "list of models is empty"),
        ({"budget": 0}, "budget"),
        ({"held_out": 1.0}, "below 1"),
        ({"random_state": -1}, "random_state"),
        ({"models": ["bayesnet"]}, "needs its graph"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ChainruleError, match=message):
        Auto(**({"models": ["independent"]} | settings)).fit(_rows(50, 3))


def test_families_need_a_graph_only_where_there_is_one():
    assert "bayesnet" not in {f.name for f in known_families(None)}
    assert "bayesnet" in {f.name for f in known_families(None, "a -> b")}
    with pytest.raises(UnknownNameError):
        known_families(["forest"])


def test_a_weighted_mean_and_its_error_are_those_of_repeated_rows_and_of_scipy():
    rng = np.random.default_rng(0)
    v = rng.normal(size=50)
    mean, error = weighted_mean(v, np.ones(50))
    assert (mean, error) == (pytest.approx(v.mean()), pytest.approx(stats.sem(v)))
    w = rng.integers(0, 4, 50).astype(float)
    assert weighted_mean(v, w)[0] == pytest.approx(np.repeat(v, w.astype(int)).mean())
    assert weighted_mean(v, 7 * w) == pytest.approx(weighted_mean(v, w))


def test_an_impossible_row_leaves_a_model_infinitely_behind_and_survives_json():
    trials = [
        Trial("sure", _Sized(3), np.array([-1.0, -np.inf]), 0.0),
        Trial("mild", _Sized(3), np.array([-2.0, -2.0]), 0.0),
    ]
    board = Leaderboard.of(trials)
    assert [e.name for e in board.entries] == ["mild", "sure"]
    assert board.entries[1].behind_nats == np.inf
    assert board.entries[1].behind_standard_error is None
    assert Leaderboard.from_dict(board.to_dict()) == board


def test_rows_are_held_out_by_seed_and_none_is_lost():
    table = Table.read(_rows(57, 3))
    split = hold_out(table, 0.25, 5)
    assert (split.train.n_rows, split.held_out.n_rows) == (43, 14)
    assert (table.codes[split.places] == split.held_out.codes).all()
    assert (hold_out(table, 0.25, 5).places == split.places).all()
    with pytest.raises(InputError, match="too few"):
        hold_out(table[:9], 0.1, 0)
