"""``compare``: models learn from the same rows, and the rows that judge are seen by none."""

import json

import numpy as np
import pytest
from scipy import stats

from chainrule import cli
from chainrule.core.errors import ChainruleError, DataError
from chainrule.models import chow_liu
from chainrule.models.families import FAMILIES, Family
from chainrule.models.independent import Independent
from chainrule.tasks import Comparison, compare


def _rows(n=400, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.integers(0, 2, n)
    return {name: (z + (rng.random(n) < 0.2)) % 2 for name in "abcd"}


def _at(rows, places):
    return {k: v[places] for k, v in rows.items()}


def test_the_leaderboard_is_that_of_models_fitted_by_hand():
    rows = _rows()
    found = compare(rows, models=["independent", "chowliu"], seed=2)
    test = np.sort(np.random.default_rng(2).permutation(400)[:80])
    rest = np.setdiff1d(np.arange(400), test)
    valid = np.sort(np.random.default_rng(2).permutation(320)[:32])
    train = np.setdiff1d(np.arange(320), valid)
    learned, judges = _at(rows, rest[train]), _at(rows, test)
    a = chow_liu(learned).log_prob(judges)
    b = Independent(0.5).fit(learned).log_prob(judges)
    best, second = found.leaderboard.entries
    assert (best.name, second.name) == ("chowliu", "independent")
    assert best.mean_nll_nats == pytest.approx(-a.mean())
    assert second.behind_nats == pytest.approx((a - b).mean())
    assert second.behind_standard_error == pytest.approx(stats.sem(a - b))
    assert (found.n_train, found.n_valid, found.n_test) == (288, 32, 80)


def test_no_model_sees_the_rows_that_judge(monkeypatch):
    seen = []

    def watching(request):
        seen.append((request.table.n_rows, request.valid.n_rows))
        return Independent(0.5).fit(request.table)

    monkeypatch.setitem(FAMILIES, "watching", Family("watching", "", watching))
    found = compare(_rows(), test=_rows(100, 1), models=["watching", "chowliu"])
    assert seen == [(360, 40)]
    assert found.leaderboard.n_rows == 100


def test_rows_with_holes_judge_only_models_that_sum_them_out(monkeypatch):
    rows = {k: v.tolist() for k, v in _rows().items()}
    for i in range(0, 400, 3):
        rows["a"][i] = None

    def few(request):
        return chow_liu(request.table, missing="complete_families")

    monkeypatch.setitem(FAMILIES, "few", Family("few", "", few, "suffix"))
    everything = compare(rows, models=["independent", "chowliu"])
    some = compare(rows, models=["independent", "few"])
    assert everything.leaderboard.n_rows == 80
    assert some.leaderboard.n_rows < 80


def test_the_command_prints_a_table_or_json(tmp_path, capsys):
    path, rows = tmp_path / "rows.csv", _rows()
    path.write_text(
        "a,b,c,d\n" + "".join(",".join(map(str, r)) + "\n" for r in zip(*rows.values(), strict=True))
    )
    arguments = ["compare", str(path), "--models", "independent,chowliu"]
    assert cli.main(arguments) == 0
    out = capsys.readouterr().out
    assert "behind the best" in out
    assert "288 rows to learn from" in out
    assert cli.main([*arguments, "--json"]) == 0
    assert [e["name"] for e in json.loads(capsys.readouterr().out)["entries"]] == ["chowliu", "independent"]


def test_a_comparison_comes_back_from_json():
    found = compare(_rows(60), models=["independent", "chowliu"], budget="30s")
    plain = json.loads(json.dumps(found.to_dict()))
    again = Comparison.from_dict(plain)
    assert again.to_dict() == found.to_dict()
    assert (again.n_columns, again.budget_seconds, again.leaderboard) == (4, 30.0, found.leaderboard)
    with pytest.raises(DataError, match="not a comparison"):
        Comparison.from_dict({"entries": []})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"models": ["chow"]}, "did you mean 'chowliu'"),
        ({"held_out": 0}, "share of rows"),
        ({"budget": "long"}, "10m"),
        ({"test": {"a": [0]}}, "lacks 3 of 4 columns"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ChainruleError, match=message):
        compare(_rows(50), **({"models": ["independent"]} | settings))
