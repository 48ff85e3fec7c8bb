"""What the benchmarks promise beside their numbers: they go on where they stopped, and compare like with like."""

import doctest

import numpy as np
import pytest

import chainrule as cr
from benchmarks import densities, inference, networks, showing
from benchmarks.densities import DENSITIES, result_of
from benchmarks.limited import keep_imported, limited
from benchmarks.other_tools import Fitted, Tool, UnableError
from benchmarks.peers import split, tool_run
from benchmarks.showing import Benchmark, Options
from chainrule.core.errors import UnknownNameError
from chainrule.datasets import Dataset
from chainrule.tables.table import Table


def small_set():
    rows = (np.random.default_rng(0).random((60, 3)) < [0.2, 0.5, 0.9]).astype(np.uint8)
    return Dataset("nltcs", train=rows[:40], valid=rows[40:50], test=rows[50:])


def test_the_examples_of_the_tables_hold():
    assert doctest.testmod(showing).failed == 0


def test_a_result_that_lies_there_is_not_made_again_unless_the_budget_is_another(tmp_path, monkeypatch):
    first = result_of(small_set(), "chowliu", 5.0, tmp_path)
    monkeypatch.setattr(densities, "FAMILIES", {})
    assert result_of(small_set(), "chowliu", 5.0, tmp_path) == first
    with pytest.raises(KeyError):
        result_of(small_set(), "chowliu", 6.0, tmp_path)


def test_lines_of_a_set_are_behind_its_best_single_model_with_their_paired_error(tmp_path, monkeypatch):
    monkeypatch.setattr(densities, "load", lambda name: small_set())
    options = Options(sets=("nltcs",), models=("independent", "chowliu"), budget=5.0, keep=tmp_path)
    lines = {line.model: line for line in DENSITIES.rows(options)}
    test = small_set().test
    model = cr.Independent(0.5).fit(small_set().train)
    assert lines["independent"].nats == pytest.approx(-model.log_prob(test).mean(), rel=1e-8)
    assert min(line.behind for line in lines.values()) == 0.0
    gap = lines["independent"].nats - lines["chowliu"].nats
    assert lines["independent"].behind - lines["chowliu"].behind == pytest.approx(gap, abs=1e-8)


def test_a_benchmark_prints_a_head_and_a_row_as_a_markdown_table(capsys):
    row = inference.Question("asia", "marginals", {}, None, "")
    shown = Benchmark("one", "a row", inference.INFERENCE.columns, lambda _: iter([row])).show(Options())
    lines = capsys.readouterr().out.strip().splitlines()
    assert shown[0]["network"] == "asia"
    assert {line.count("|") for line in lines[2:]} == {1 + len(inference.INFERENCE.columns)}


def test_a_name_that_is_not_there_is_an_error_that_lists_those_that_are():
    with pytest.raises(UnknownNameError, match="no set 'nltc'; did you mean 'nltcs'"):
        Options().chosen(("nltc",), ["nltcs", "dna"], "set")


@pytest.mark.parametrize("dag", [networks.windowed(30), networks.grid(4)])
def test_networks_of_our_own_are_distributions_that_inference_agrees_on(dag):
    network = networks.drawn_network(dag, (2, 3))
    rows = network.sample(50, rng=0)
    assert np.isfinite(network.log_prob(rows)).all()
    own = network.query("x1").probabilities
    np.testing.assert_allclose(network.posterior_marginals()["x1"].probabilities, own)


class Stub(Tool):
    name, package = "stub", "numpy"

    def __init__(self, raises=None):
        self.raises = raises

    def fit(self, codes, sizes, seed, seconds):
        if self.raises is not None:
            raise self.raises
        return StubModel()


class StubModel(Fitted):
    remark = "says half"

    def log_prob(self, codes):
        return np.where((codes < 0).any(axis=1), np.nan, np.log(0.5))


def test_a_tool_is_counted_on_the_rows_that_it_reads_and_its_errors_are_told():
    table = Table.read({"a": ["u", "v", None, "u", "v"] * 4, "b": [0, 1, 2, 0, 1] * 4})
    train, test = split(table)
    assert (train.n_rows, test.n_rows) == (16, 4)
    run = tool_run(Stub(), train, test, 1.0)
    assert np.isnan(run.log_p).sum() == test.missing.any(axis=1).sum()
    assert run.note == "says half"
    assert tool_run(Stub(UnableError("reads no tables")), train, test, 1.0).note == "reads no tables"
    assert tool_run(Stub(RuntimeError("boom\nmore")), train, test, 1.0).note == "RuntimeError: boom"
    absent = Stub()
    absent.package = "no-such-package"
    assert tool_run(absent, train, test, 1.0).note == "not installed: no-such-package"


def test_tools_that_disagree_about_an_answer_stop_the_run():
    network = cr.BayesianNetwork("x1 -> x2", pseudocount=1).fit([[0, 0], [1, 1]])
    ours = inference.Ours(network)
    answer = [ours.marginals({"x1": "0"})]
    assert inference.agreement(network, "marginals", {"chainrule": answer, "same": answer}) == []
    other = [{v: p[::-1] for v, p in answer[0].items()}]
    with pytest.raises(RuntimeError, match="other and chainrule disagree about marginals"):
        inference.agreement(network, "marginals", {"chainrule": answer, "other": other})


def _summing():
    return sum


def _endless(_):
    while True:
        pass


def _never_ending():
    return _endless


def test_a_call_in_a_process_of_its_own_is_cut_off_by_its_seconds():
    keep_imported([__name__])
    found, seconds = limited(_summing, [1, 2], 20.0)
    assert found == 3
    assert 0 <= seconds < 1
    with pytest.raises(UnableError, match="TypeError"):
        limited(_summing, 1, 20.0)
    with pytest.raises(UnableError, match="cut off after 1 s"):
        limited(_never_ending, None, 1.0)
