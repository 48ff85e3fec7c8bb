"""``audit``: what is asked, what comes back, what is refused; faults are planted in tests/evaluate/audit."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import chainrule
from chainrule import OtherModel, cli
from chainrule.core.errors import DataError, InputError, OutputError
from chainrule.core.records import dump_json
from chainrule.evaluate.audit.record import Finding, decided
from chainrule.models import BayesianNetwork, ExponentialFamily, Independent
from chainrule.report import rebuild_page, write_page
from chainrule.tasks.auditing.record import Audit


def _frame(n=300, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 2, n)
    b = np.where(rng.random(n) < 0.7, a, rng.integers(0, 3, n))
    return pd.DataFrame(
        {"a": np.array(["no", "yes"])[a], "b": np.array(["u", "v", "w"])[b], "c": (b > 0) ^ (a > 0)}
    )


def _model(frame=None):
    return BayesianNetwork("a -> b -> c; a -> c", pseudocount=1).fit(_frame() if frame is None else frame)


def _coin(p=0.75, **more):
    return OtherModel(lambda rows: np.log([1 - p, p])[rows[:, 0]], 1, **more)


def _plain(found):
    """The record without what differs from run to run."""
    return replace(found, seconds=0.0, findings=[replace(f, seconds=0.0) for f in found.findings]).to_dict()


def test_rows_come_as_a_frame_with_its_columns_in_any_order_and_with_holes():
    model, rows = _model(), _frame(80, 1)[["c", "b", "a"]].astype(object)
    rows.loc[3, "b"] = None
    found = chainrule.audit(model, rows, train=_frame(), draws=2000)
    assert found.passed
    assert found.n_rows == 80
    assert found["rows possible"].figure == "0 of 80 rows are impossible"
    assert found["duplicates"].verdict == "cannot tell"  # twelve different rows, all of which come again


def test_the_same_seed_gives_the_same_record_and_another_one_other_draws():
    model, rows = _model(), _frame(60, 1)
    one, two, three = (chainrule.audit(model, rows, draws=1000, seed=s) for s in (3, 3, 4))
    assert _plain(one) == _plain(two)
    assert one["sampler"].figure != three["sampler"].figure


def test_a_record_goes_to_json_and_back_and_to_a_page_that_can_be_built_again(tmp_path):
    found = chainrule.audit(_model(), _frame(60, 1), draws=1000, out=tmp_path / "a.json")
    plain = json.loads((tmp_path / "a.json").read_text())
    assert Audit.from_dict(plain) == found
    assert plain["passed"] is True
    page = write_page(found, tmp_path / "p.html")
    words = re.sub(r"<[^>]*>", " ", page.read_text())
    for f in found.findings:
        assert f.law in words
    again = rebuild_page(tmp_path / "a.json", tmp_path / "again.html")
    assert again.read_bytes() == page.read_bytes()
    with pytest.raises(DataError, match="not an audit"):
        Audit.from_dict(plain | {"findings": 3})


def test_the_text_has_every_law_and_says_why_one_could_not_be_told():
    found = chainrule.audit(_coin())
    text = found.text()
    assert all(f.law in text for f in found.findings)
    assert "cannot tell: sampler: it has no sampler" in text
    assert found.count("pass") + found.count("cannot tell") == len(found.findings)
    assert dump_json(found.to_dict())


def test_what_nobody_can_tell_is_no_pass_and_the_statistical_laws_share_one_rate():
    found = [Finding(str(i), "", "", "pass", p_value=p) for i, p in enumerate([4e-4, 1e-4, 0.5])]
    found.append(Finding("x", "", "", "cannot tell"))
    assert [f.verdict for f in decided(found, 1e-3)] == ["fail", "fail", "pass", "cannot tell"]
    assert [f.verdict for f in decided(found, 3.5e-4)] == ["pass", "fail", "pass", "cannot tell"]


def test_a_right_sampler_fails_about_as_often_as_is_said():
    fails = 0
    for seed in range(100):
        coin = _coin(sample=lambda n, rng: (rng.random((n, 1)) < 0.75).astype(int))
        fails += not chainrule.audit(coin, draws=200, seed=seed, false_alarm_rate=0.1).passed
    assert fails <= 22  # of 10 expected at most: 4 standard errors


def test_the_truth_may_be_a_model_whose_columns_have_another_order():
    truth = _model()
    rows, weak = truth.sample(200, rng=1), Independent(pseudocount=1).fit(_frame())
    found = chainrule.audit(weak, rows[["c", "a", "b"]], truth=truth, draws=500)
    assert found["truth"].verdict == "pass"
    assert found["truth"].value < 0


def test_a_large_model_is_told_by_its_factors_and_by_blocks():
    rows = np.random.default_rng(0).integers(0, 2, (300, 40))
    rows[:, 1:] = np.where(np.random.default_rng(1).random((300, 39)) < 0.8, rows[:, :1], rows[:, 1:])
    found = chainrule.audit(chainrule.chow_liu(rows), rows[:100], draws=2000)
    assert found.passed
    assert found.n_states == "about 10^12"
    for law in (
        "factors sum to one",
        "joint over marginal",
        "sampler (blocks)",
        "sampler (factors)",
        "code length",
    ):
        assert found[law].verdict == "pass", law
    assert "estimate" in found["mass (estimate)"].how


def test_an_estimate_far_above_one_fails_without_an_approximation():
    model = OtherModel(lambda rows: np.full(len(rows), -20 * np.log(2) / 2), 40)
    found = chainrule.audit(model)
    assert found["mass (estimate)"].verdict == "fail"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"draws": 10}, "draws must be an integer of at least 100"),
        ({"false_alarm_rate": 1.0}, "between 0 and 1"),
        ({"false_alarm_rate": 0}, "above 0"),
        ({"seed": -1}, "seed"),
        ({"most_states": 0}, "most_states"),
        ({"entropy_nats": float("nan")}, "entropy_nats"),
        ({"truth": Independent().fit([[0, 1]])}, "truth"),
        ({"X": pd.DataFrame({"a": ["no"]})}, "b"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        chainrule.audit(_model(), **change)


def test_what_is_no_model_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"chainrule\.OtherModel"):
        chainrule.audit(ExponentialFamily("poisson").fit([1, 2, 3]))
    with pytest.raises(InputError, match="expected a fitted model"):
        chainrule.audit(3)  # type: ignore[arg-type]
    with pytest.raises(NotFittedError):
        chainrule.audit(Independent())
    with pytest.raises(OutputError, match="no folder"):
        chainrule.audit(_model(), out=tmp_path / "nowhere" / "a.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes": []}, "sizes is empty"),
        ({"log_prob": 3}, "log_prob must be a function"),
        ({"sample": 3}, "sample must be a function"),
        ({"precision": "half"}, "precision must be"),
        ({"names": ["a", "b"]}, "names must name each of 1"),
        ({"logits": abs, "sizes": [3]}, "logits are of binary"),
        ({"factors": [0, 1]}, "order"),
        ({"factors": "a -> b"}, "no variable"),
    ],
)
def test_a_model_of_others_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        chainrule.audit(OtherModel(**{"log_prob": len, "sizes": 1, **change}))


def test_the_command_prints_the_table_and_exits_with_1_where_a_law_is_broken(tmp_path, capsys):
    rows, model = tmp_path / "rows.csv", tmp_path / "m.model"
    frame = _frame()
    frame.to_csv(rows, index=False)
    _model(frame).save(model)
    page = tmp_path / "p.html"
    command = ["audit", str(model), str(rows), "--draws", "1000"]
    assert cli.main([*command, "--page", str(page), "-o", str(tmp_path / "a.json")]) == 0
    out = capsys.readouterr().out
    assert "0 failed" in out
    assert f"page: {page}" in out
    assert json.loads((tmp_path / "a.json").read_text())["command"].startswith("chainrule audit")
    bare = Independent().fit(
        frame[frame["b"] != "w"].assign(b=lambda f: pd.Categorical(f["b"], ["u", "v", "w"]))
    )
    bare.save(model)
    assert cli.main([*command, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["failed"] == ["rows possible"]
    assert cli.main(["report", str(page.with_suffix(".json")), "-o", str(tmp_path / "again.html")]) == 0
