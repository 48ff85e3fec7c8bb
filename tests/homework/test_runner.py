"""The runner keeps what is done, goes on from there, and mixes nothing."""

import json

import numpy as np
import pytest

from chainrule.core.errors import InputError
from chainrule.core.records import StudyRecord, Text
from chainrule.homework import parse_problems, reproduce, runner
from chainrule.homework.cyclic_graphs import study as cyclic_graphs
from chainrule.homework.masks import study as masks


def _fake(problem, calls):
    def study(context):
        calls.append(problem)
        draw = float(np.random.default_rng([context.seed, int(problem)]).random())
        return StudyRecord(problem, "T", "Q", [Text("t")], {"draw": draw})

    return study


@pytest.fixture
def calls(monkeypatch):
    seen = []
    monkeypatch.setattr(masks, "study", _fake("6", seen))
    monkeypatch.setattr(cyclic_graphs, "study", _fake("4", seen))
    return seen


def test_problems_are_run_once_and_kept_in_order(calls, tmp_path):
    reproduce(tmp_path, problems=["6"])
    results = reproduce(tmp_path, problems=["4", "6"])
    assert calls == ["6", "4"]
    assert list(results["problems"]) == ["4", "6"]
    assert json.loads((tmp_path / "results.json").read_text()) == results


def test_an_interrupted_run_keeps_what_is_done_and_goes_on(calls, tmp_path, monkeypatch):
    def interrupted(context):
        raise KeyboardInterrupt

    with monkeypatch.context() as m:
        m.setattr(masks, "study", interrupted)
        with pytest.raises(KeyboardInterrupt):
            reproduce(tmp_path, problems=["4", "6"])
    kept = json.loads((tmp_path / "results.json").read_text())
    assert list(kept["problems"]) == ["4"]
    assert kept["unfinished"] == ["6"]
    results = reproduce(tmp_path, problems=["4", "6"])
    assert calls == ["4", "6"]
    assert results["unfinished"] == []


@pytest.mark.parametrize("change", [{"seed": 1}, {"preset": "full"}, {"data": "digits"}])
def test_another_setting_in_the_same_folder_is_refused(calls, tmp_path, change):
    reproduce(tmp_path, problems=["6"])
    with pytest.raises(InputError, match="another run"):
        reproduce(tmp_path, problems=["6"], **change)
    assert calls == ["6"]


def test_fresh_removes_earlier_results_and_nothing_else(calls, tmp_path):
    reproduce(tmp_path, problems=["6"])
    (tmp_path / "mine.txt").write_text("keep")
    (tmp_path / "figures").mkdir()
    reproduce(tmp_path, problems=["4"], seed=3, fresh=True)
    assert (tmp_path / "mine.txt").exists()
    assert not (tmp_path / "figures").exists()
    assert list(json.loads((tmp_path / "results.json").read_text())["problems"]) == ["4"]


def test_every_record_says_where_its_numbers_come_from(calls, tmp_path):
    record = reproduce(tmp_path, problems=["6"])["problems"]["6"]
    assert {"settings", "started", "seconds", "machine", "versions"} <= set(record["provenance"])


def test_problem_lists_are_parsed_or_refused():
    assert parse_problems("5") == ["5"]
    assert parse_problems("2-4,1") == ["1", "2", "3", "4"]
    assert parse_problems(None) == list(runner.PROBLEMS)
    for bad in ("", "0", "8", "3-1", "a", "1.5", "1-"):
        with pytest.raises(InputError, match="problems are numbers"):
            parse_problems(bad)
