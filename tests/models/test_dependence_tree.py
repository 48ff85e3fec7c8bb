"""The best tree: against all trees, against networkx, and against published likelihoods."""

from __future__ import annotations

import itertools
import os

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

from chainrule.core.errors import InputError, TooLargeError, UnknownNameError, ValuesError
from chainrule.datasets import load
from chainrule.graphs import DAG
from chainrule.models import BayesianNetwork, chow_liu
from chainrule.models.bayesian_network.dependence_tree import (
    maximum_spanning_tree,
    mutual_information,
    pair_counts,
)
from chainrule.tables.categorical import CategoricalTable

seeds = st.integers(0, 2**32 - 1)


def random_rows(seed: int, d: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, rng.integers(1, 4, d), (30, d))
    for j in range(1, d):  # each column copies an earlier one now and then
        rows[:, j] = np.where(rng.random(30) < 0.5, rows[:, rng.integers(j)], rows[:, j])
    return rows


@given(seeds, st.integers(1, 6))
def test_pair_counts_are_counts_of_pairs(seed, d):
    rows = random_rows(seed, d)
    counts = pair_counts(CategoricalTable.from_codes(rows))
    for i, j in itertools.product(range(d), repeat=2):
        for a, b in itertools.product(range(counts.shape[1]), repeat=2):
            assert counts[i, a, j, b] == ((rows[:, i] == a) & (rows[:, j] == b)).sum()


@given(seeds, st.integers(1, 6))
def test_mutual_information_agrees_with_scikit_learn(seed, d):
    rows = random_rows(seed, d)
    found = mutual_information(pair_counts(CategoricalTable.from_codes(rows)))
    expected = [[mutual_info_score(a, b) for a in rows.T] for b in rows.T]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert (found == found.T).all()


@given(seeds, st.integers(1, 12))
def test_the_spanning_tree_is_as_heavy_as_that_of_networkx(seed, d):
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 4, (d, d)).astype(float)
    weights += weights.T
    edges = maximum_spanning_tree(weights, root=int(rng.integers(d)))
    assert nx.is_arborescence(nx.DiGraph(edges)) if d > 1 else edges == []
    graph = nx.Graph()
    graph.add_weighted_edges_from((i, j, weights[i, j]) for i, j in itertools.combinations(range(d), 2))
    best = nx.maximum_spanning_tree(graph).size(weight="weight")
    assert sum(weights[i, j] for i, j in edges) == best


@given(seeds, st.integers(3, 5))
def test_no_tree_is_more_likely_than_the_one_found(seed, d):
    rows = random_rows(seed, d)
    names = [f"x{i + 1}" for i in range(d)]
    states = 1 + int(rows.max())
    best = chow_liu(rows, states=states).score(rows)
    for sequence in itertools.product(range(d), repeat=d - 2):  # Prüfer: one sequence for each tree
        tree = nx.bfs_tree(nx.from_prufer_sequence(list(sequence)), 0)
        dag = DAG([(names[i], names[j]) for i, j in tree.edges], names)
        assert BayesianNetwork(dag, states=states).fit(rows).score(rows) <= best + 1e-12


@given(seeds)
def test_the_likelihood_is_mutual_information_less_entropies_whatever_the_root(seed):
    rows = random_rows(seed, 5)
    entropies = sum(mutual_info_score(column, column) for column in rows.T)
    for root in ("x1", "x4"):
        model = chow_liu(rows, root=root)
        assert model.dag_.parents(root) == ()
        assert all(len(model.dag_.parents(v)) <= 1 for v in model.dag_.nodes)
        assert model.score(rows) == pytest.approx(model.fit_info_["mutual_information_nats"] - entropies)


def test_a_named_table_a_file_and_an_array_give_the_same_tree(tmp_path):
    rows = random_rows(1, 5)
    expected = chow_liu(rows, pseudocount=0.5)
    table = {f"x{j + 1}": column for j, column in enumerate(rows.T)}
    path = tmp_path / "rows.csv"
    path.write_text("\n".join([",".join(table), *(",".join(map(str, row)) for row in rows)]))
    for same in (table, path, CategoricalTable.from_codes(rows)):
        model = chow_liu(same, pseudocount=0.5)
        assert model.dag_ == expected.dag_
        assert (model.log_prob(rows) == expected.log_prob(rows)).all()


def test_what_has_no_tree_is_refused():
    rows = random_rows(2, 3)
    with pytest.raises(UnknownNameError, match="no column 'x9'"):
        chow_liu(rows, root="x9")
    with pytest.raises(ValuesError, match="needs complete rows"):
        chow_liu({"a": ["x", None], "b": ["y", "z"]})
    with pytest.raises(TooLargeError, match="max_bytes"):
        chow_liu(rows, max_bytes=8)
    with pytest.raises(InputError, match="pseudocount"):
        chow_liu(rows, pseudocount=-1)


@pytest.mark.realdata
@pytest.mark.skipif("CHAINRULE_DATA" not in os.environ, reason="CHAINRULE_DATA names no folder of data files")
@pytest.mark.parametrize(
    ("name", "nats"),  # the test negative log-likelihoods that papers give for Chow-Liu trees on these sets
    [
        ("nltcs", 6.76),
        ("plants", 16.52),
        ("baudio", 44.37),
        ("accidents", 33.19),
        ("kosarek", 11.49),
        ("dna", 87.73),
    ],
)
def test_the_tree_reaches_the_published_likelihood(name, nats):
    data = load(name)
    model = chow_liu(data.train, pseudocount=1.0, states=2)
    # rounding of the published figure, and another smoothing of sparse tables
    assert -model.score(data.test) == pytest.approx(nats, abs=0.01)
