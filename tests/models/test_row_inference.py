"""Rows that each lack other cells: the loops against joint tables, their plain twin, and where they must give way."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import chisquare

from chainrule.core.errors import InputError
from chainrule.core.settings import settings
from chainrule.core.time_limit import OutOfTimeError, time_limit
from chainrule.models import BayesianNetwork, TreeNetwork, chow_liu
from chainrule.models.bayesian_network.inference.network import DiscreteNetwork
from chainrule.models.bayesian_network.row_inference import answers
from chainrule.models.bayesian_network.row_inference.answers import RowInference
from chainrule.tables.table import Table
from tests.models.networks_by_hand import joint_of, random_network


@pytest.fixture
def no_way_out(monkeypatch):
    """The network itself is not asked."""

    def ask(*arguments):
        raise AssertionError("the loops left rows to the network")

    for name in ("log_prob", "maximum", "draw"):
        monkeypatch.setattr(DiscreteNetwork, name, ask)


def network_of(model: BayesianNetwork) -> DiscreteNetwork:
    names = model.variables_
    parents = [[names.index(u) for u in model.dag_.parents(v)] for v in names]
    order = [names.index(v) for v in model.dag_.topological_order()]
    return DiscreteNetwork(parents, [model.tables_[v] for v in names], order)


def with_holes(rng, sizes, n: int, share: float = 0.5) -> np.ndarray:
    rows = np.stack([rng.integers(0, k, n) for k in sizes], axis=1).astype(np.int32)
    return np.where(rng.random(rows.shape) < share, -1, rows)


def completions(joint: np.ndarray, row: np.ndarray) -> np.ndarray:
    """The joint table, zero where it contradicts ``row``."""
    index = tuple(slice(None) if k < 0 else slice(k, k + 1) for k in row)
    out = np.zeros_like(joint)
    out[index] = joint[index]
    return out


@pytest.mark.parametrize("seed", range(12))
def test_sums_and_maxima_are_those_of_the_joint_table(seed, no_way_out):
    rng = np.random.default_rng(seed)
    model = random_network(rng, 7, zeros=0.3 * (seed % 2))
    joint, rows = joint_of(model), with_holes(rng, network_of(model).sizes, 60)
    inference = RowInference(network_of(model))
    rows = rows[(rows < 0).any(axis=1)]
    left = [completions(joint, row) for row in rows]
    with np.errstate(divide="ignore"):
        masses, tops = np.log([x.sum() for x in left]), np.log([x.max() for x in left])
    np.testing.assert_allclose(inference.log_prob(rows), masses, rtol=1e-9, atol=1e-12)
    states, log_p = inference.maximum(rows)
    np.testing.assert_allclose(log_p, tops, rtol=1e-9, atol=1e-12)
    for row, found, top in zip(rows, states, tops, strict=True):
        if top > -np.inf:
            assert (found[row >= 0] == row[row >= 0]).all()
            assert np.log(joint[tuple(found)]) == pytest.approx(top)


@pytest.mark.parametrize("seed", range(12))
def test_the_plain_twin_draws_the_same_states(seed, no_way_out):
    rng = np.random.default_rng(seed)
    network = network_of(random_network(rng, 9, zeros=0.3 * (seed % 2)))
    rows = with_holes(rng, network.sizes, 200)
    drawn, bad = RowInference(network).draw(rows, np.random.default_rng(seed))
    with settings(plain=True):
        plain, bad_plain = RowInference(network).draw(rows, np.random.default_rng(seed))
    np.testing.assert_array_equal(bad, bad_plain)
    np.testing.assert_array_equal(drawn[~bad], plain[~bad])
    assert (drawn[~bad] >= 0).all()
    assert (drawn[~bad] == rows[~bad])[rows[~bad] >= 0].all()


@pytest.mark.parametrize("kind", ["network", "tree", "decision trees"])
def test_rows_whose_holes_were_drawn_are_distributed_as_complete_rows(kind):
    truth, n = random_network(np.random.default_rng(8), 6), 20_000
    rows = truth.sample(4000, rng=0)
    model = {
        "network": lambda: truth,
        "tree": lambda: chow_liu(rows, penalty="none"),
        "decision trees": lambda: TreeNetwork(penalty="none").fit(rows),
    }[kind]()
    schema = model.schema_
    every = np.array(list(itertools.product(*map(range, schema.sizes))))
    p = np.exp(model.log_prob(Table(schema, every)))
    assert p.sum() == pytest.approx(1.0)
    rng = np.random.default_rng(1)
    complete = every[rng.choice(len(every), n, p=p / p.sum())]
    filled = model.impute(
        Table(schema, np.where(rng.random(complete.shape) < 0.4, -1, complete)), rng=1
    ).codes
    counts = np.bincount(np.ravel_multi_index(tuple(filled.T), schema.sizes), minlength=len(p))
    assert not counts[p == 0].any()
    often = n * p >= 5
    seen, cells = counts[often], n * p[often]
    if n * p[~often].sum() >= 5:
        seen, cells = np.append(seen, n - seen.sum()), np.append(cells, n - cells.sum())
    assert chisquare(seen, cells * seen.sum() / cells.sum()).pvalue > 1e-4


def test_posteriors_of_single_rows_among_others_are_exact():
    model = random_network(np.random.default_rng(3), 6)
    inference, joint, n = RowInference(network_of(model)), joint_of(model), 4000
    asked = with_holes(np.random.default_rng(0), joint.shape, 12, 0.6)
    drawn, _ = inference.draw(np.repeat(asked, n, axis=0), np.random.default_rng(0))
    for row, found in zip(asked, np.split(drawn, len(asked)), strict=True):
        p = completions(joint, row).ravel()
        counts = np.bincount(np.ravel_multi_index(tuple(found.T), joint.shape), minlength=len(p))
        often = n * p / p.sum() >= 5
        assert not counts[p == 0].any()
        if often.sum() > 1:
            cells = p[often] * counts[often].sum() / p[often].sum()
            assert chisquare(counts[often], cells).pvalue > 1e-4


def test_a_class_of_many_features_neither_underflows_nor_is_left_to_the_network(no_way_out):
    d, rng = 600, np.random.default_rng(0)
    first = np.array([[0.2, 0.8], [0.9, 0.1]])  # p(class | root)
    tables = rng.dirichlet([0.3, 0.3], (d, 2)) + 1e-9
    tables /= tables.sum(-1, keepdims=True)
    network = DiscreteNetwork([(), (0,), *[(1,)] * d], [np.array([0.3, 0.7]), first, *tables], range(d + 2))
    rows = np.where(rng.random((5, d + 2)) < 0.3, -1, rng.integers(0, 2, (5, d + 2))).astype(np.int32)
    rows[:, :2] = -1
    log_joint = np.log([0.3, 0.7])[:, None] + np.log(first)
    expected = []
    for row in rows:
        known = np.flatnonzero(row[2:] >= 0)
        expected.append(logsumexp(log_joint + np.log(tables[known, :, row[2:][known]]).sum(axis=0)))
    np.testing.assert_allclose(RowInference(network).log_prob(rows), expected, rtol=1e-10)


def test_branches_that_contradict_each_other_beyond_float64_are_left_to_the_network(monkeypatch):
    tiny = 1e-160  # of three agreeing children on one side, and three on the other: 1e-480 on each
    tables = [np.array([[0.5, 0.5], [0.5, 0.5]])]
    child = np.array([[[1 - tiny, tiny], [1 - tiny, tiny]], [[tiny, 1 - tiny], [tiny, 1 - tiny]]])
    network = DiscreteNetwork(
        [(7,), *[(0, 7)] * 6, ()], [*tables, *[child] * 6, np.array([0.5, 0.5])], [7, 0, 1, 2, 3, 4, 5, 6]
    )
    rows = np.array([[-1, 0, 0, 0, 1, 1, 1, -1], [-1, 1, 1, 0, 0, 0, 1, -1], [-1, 0, 0, 0, 0, 0, 1, -1]])
    expected = [logsumexp([3 * np.log(tiny)] * 2) - np.log(2)] * 2
    expected.append(logsumexp([np.log(tiny), 5 * np.log(tiny)]) - np.log(2))
    np.testing.assert_allclose(RowInference(network).log_prob(rows), expected, rtol=1e-12)


def test_rows_that_need_large_tables_are_answered_by_the_network_and_others_by_the_loops(monkeypatch):
    rng, d = np.random.default_rng(0), 17
    bias = rng.dirichlet([1, 1], d)
    child = rng.dirichlet([1, 1], (2,) * d)
    network = DiscreteNetwork([*[()] * d, tuple(range(d))], [*bias, child], range(d + 1))
    rows = np.full((3, d + 1), -1, np.int32)
    rows[0, d], rows[1, d] = 0, 1  # the child alone
    rows[2] = [0, 0, *[-1] * (d - 2), 1]
    p, half = child, bias[0][0] * bias[1][0] * child[0, 0]
    for v in range(d):
        p = np.tensordot(bias[v], p, axes=(0, 0))
    for v in range(2, d):
        half = np.tensordot(bias[v], half, axes=(0, 0))
    inference = RowInference(network)
    asked = []
    monkeypatch.setattr(inference, "network", _Counting(network, asked))
    np.testing.assert_allclose(np.exp(inference.log_prob(rows)), [p[0], p[1], half[1]], rtol=1e-10)
    assert asked == [2]
    drawn, bad = inference.draw(rows, rng)
    assert asked == [2, 2]
    assert not bad.any()
    assert (drawn >= 0).all()


class _Counting:
    """A network that keeps how many rows it was asked about."""

    def __init__(self, network: DiscreteNetwork, asked: list[int]) -> None:
        self.whole, self.asked = network, asked

    def __getattr__(self, name):
        found = getattr(self.whole, name)
        if name not in ("log_prob", "draw"):
            return found

        def ask(rows, *others):
            self.asked.append(len(rows))
            return found(rows, *others)

        return ask


def test_a_row_that_cannot_be_is_minus_infinity_and_cannot_be_filled():
    tables = {"a": [1.0, 0.0], "b": [[1.0, 0.0], [0.5, 0.5]]}
    model = BayesianNetwork.from_tables("a -> b", {"a": 2, "b": 2}, tables)
    rows = [[0, None], [None, 1], [None, 0]]
    assert np.isneginf(model.log_prob(rows)).tolist() == [False, True, False]
    for how in ("draw", "mode"):
        with pytest.raises(InputError, match="b=1"):
            model.impute(rows, how=how)


def test_the_work_ends_with_its_time_and_many_rows_are_cut_into_calls(monkeypatch):
    model = random_network(np.random.default_rng(3), 6)
    rows = with_holes(np.random.default_rng(0), joint_of(model).shape, 100)
    inference = RowInference(network_of(model))
    whole = inference.draw(rows, np.random.default_rng(0))[0], inference.log_prob(rows)
    monkeypatch.setattr(answers, "_TOGETHER", 7)
    np.testing.assert_array_equal(inference.draw(rows, np.random.default_rng(0))[0], whole[0])
    np.testing.assert_array_equal(inference.log_prob(rows), whole[1])
    with pytest.raises(OutOfTimeError), time_limit(-1):
        inference.draw(rows, np.random.default_rng(0))
