"""Trees from rows with holes: expected pairs against the joint table, a climb that never falls, and where it ends."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import InputError
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork, ChowLiu, chow_liu
from chainrule.models.bayesian_network.tree_expectation import Forest, expected_pairs
from chainrule.tables import Schema, Table

seeds = st.integers(0, 2**32 - 1)


def random_forest(rng, d):
    parent = tuple(int(rng.integers(-1, v)) if v else -1 for v in range(d))
    sizes = rng.integers(1, 4, d).tolist()
    tables = []
    for v, u in enumerate(parent):
        table = rng.random((sizes[v],) if u < 0 else (sizes[u], sizes[v])) + 0.05
        tables.append(table / table.sum(axis=-1, keepdims=True))
    return Forest(tuple(range(d)), parent, tuple(tables))


def joint_of(forest):
    d = len(forest.parent)
    operands = [x for v, u in enumerate(forest.parent) for x in (forest.tables[v], [v] if u < 0 else [u, v])]
    return np.einsum(*operands, list(range(d)))


def rows_with_holes(seed, n, d=5, share=0.3):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 3, (n, d))
    for j in range(1, d):
        rows[:, j] = np.where(rng.random(n) < 0.75, rows[:, (j - 1) // 2], rows[:, j])
    return np.where(rng.random((n, d)) < share, -1, rows)


@given(seeds, st.integers(1, 5))
@settings(max_examples=12)
def test_expected_pairs_are_those_of_the_joint_table(seed, d):
    rng = np.random.default_rng(seed)
    forest = random_forest(rng, d)
    joint, starts = joint_of(forest), np.cumsum([0, *forest.sizes])
    codes = np.where(rng.random((12, d)) < 0.5, -1, rng.integers(0, forest.sizes, (12, d)))
    weights = rng.random(12)
    expected, log_likelihood = np.zeros((starts[-1], starts[-1])), 0.0
    for row, weight in zip(codes, weights, strict=True):
        here = tuple(slice(None) if k < 0 else slice(k, k + 1) for k in row)
        posterior = np.zeros_like(joint)
        posterior[here] = joint[here]
        log_likelihood += weight * np.log(posterior.sum())
        posterior /= posterior.sum()
        for i, j in itertools.product(range(d), repeat=2):
            pair = np.einsum(posterior, list(range(d)), [i, j] if i != j else [i])
            block = np.ix_(np.arange(*starts[i : i + 2]), np.arange(*starts[j : j + 2]))
            expected[block] += weight * (pair if i != j else np.diag(pair))
    found, total = expected_pairs(forest, codes, weights)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert total == pytest.approx(log_likelihood, abs=1e-12)


@pytest.mark.parametrize("penalty", ["ebic", 0.5])
@pytest.mark.parametrize("pseudocount", [0.0, 4.0])
def test_the_climb_never_falls_and_ends_where_em_on_its_graph_ends(penalty, pseudocount):
    rows = rows_with_holes(1, 120)
    weights = np.random.default_rng(2).integers(0, 3, 120)
    model = chow_liu(rows, missing="em", penalty=penalty, pseudocount=pseudocount, sample_weight=weights)
    way = np.array(model.fit_info_["penalised_log_posterior_nats"])
    assert model.fit_info_["converged"]
    assert len(way) > 3
    assert (np.diff(way) >= -1e-9 * abs(way[0])).all()
    known = model.log_prob(rows)
    assert model.fit_info_["log_likelihood_nats"][-1] == pytest.approx(float(known @ weights), rel=1e-10)
    again = BayesianNetwork(
        model.dag_, missing="em", pseudocount=pseudocount, prior="bdeu", n_starts=1, random_state=0
    ).fit(rows, sample_weight=weights)
    # a climb ends when a step gains little, which is not quite at the top
    assert float(known @ weights) == pytest.approx(float(again.log_prob(rows) @ weights), abs=0.05)
    some = chow_liu(rows, missing="complete_families", penalty=penalty, sample_weight=weights)
    if pseudocount == 0:
        assert float(known @ weights) >= float(some.log_prob(rows) @ weights) - 1e-6


def test_it_is_the_best_tree_of_all_where_few_cells_are_missing():
    rows = rows_with_holes(5, 200, d=4, share=0.1)
    found = chow_liu(rows, missing="em", penalty="none", pseudocount=0.0)
    reached = float(found.log_prob(rows).sum())
    names = found.variables_
    for parents in itertools.product(range(4), repeat=3):  # of x2, x3, x4; x1 is the root
        edges = [(names[u], names[v]) for v, u in enumerate(parents, 1) if u != v]
        try:
            dag = DAG(edges, names)
        except InputError:
            continue
        if len(edges) == 3:
            other = BayesianNetwork(dag, missing="em", n_starts=1, random_state=0).fit(rows)
            assert float(other.log_prob(rows).sum()) <= reached + 0.01


def test_rows_without_holes_give_the_forest_bit_for_bit_and_rows_that_know_nothing_tell_nothing():
    rows = rows_with_holes(3, 200, share=0.0)
    plain, climbed = chow_liu(rows), chow_liu(rows, missing="em")
    assert plain.dag_ == climbed.dag_
    assert all((plain.tables_[v] == climbed.tables_[v]).all() for v in plain.tables_)
    holed = rows_with_holes(3, 200, share=0.2)
    empty = np.concatenate([holed, np.full((50, 5), -1)])
    once, more = ChowLiu(missing="em").fit(holed), ChowLiu(missing="em").fit(empty)
    np.testing.assert_array_equal(once.log_prob(holed), more.log_prob(holed))


def test_a_prior_that_depends_on_the_direction_is_refused():
    table = Table(Schema.of_sizes([2, 2]), [[0, -1], [1, 1]])
    with pytest.raises(InputError, match="prior='bdeu'"):
        chow_liu(table, missing="em", prior="cell")
    assert chow_liu(table, missing="em", prior="cell", pseudocount=0).fit_info_["n_rows"] == 2
