"""Decision tables: against walks step by step, brute force over splits, scikit-learn's trees, and the plain twin."""

from __future__ import annotations

import itertools
from typing import Any
from unittest import mock

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import gammaln
from sklearn.tree import DecisionTreeClassifier

from chainrule.core.errors import InputError, TooLargeError
from chainrule.core.settings import settings
from chainrule.models.shared.decision_tables import DecisionTables, grow_tables, growing

SIZES = [(2, 2, 2, 2, 2), (3, 2, 4, 1, 5), (6, 3, 5), (2,)]
seeds = st.integers(0, 2**32 - 1)


def random_rows(seed: int, sizes: tuple[int, ...], n: int = 90) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    rows, before = np.zeros((n, len(sizes)), np.uint8), rng.integers(0, 12, n)
    for j, k in enumerate(sizes):
        before = np.where(rng.random(n) < 0.7, before, rng.integers(0, 12, n))
        rows[:, j] = before % k
    return rows


def leaf_by_steps(tables: DecisionTables, row: NDArray[Any], i: int) -> list[int]:
    """The nodes that a row passes in the tree of variable i."""
    passed = [i]
    while tables.nodes[passed[-1], 0] >= 0:
        asked, low, high, child = tables.nodes[passed[-1]].tolist()
        passed.append(child + (low <= row[asked] <= high))
    return passed


@pytest.mark.parametrize("plain", [False, True])
@examples(max_examples=12)
@given(seeds, st.sampled_from(SIZES), st.booleans())
def test_leaves_counts_and_terms_are_those_of_walks_step_by_step(plain, seed, sizes, weighted):
    rows = random_rows(seed, sizes)
    weights = np.random.default_rng(seed).random(len(rows)) if weighted else None
    tables = grow_tables(rows, sizes, penalty="none", max_splits=30, ordered=[True] * len(sizes))
    paths = [[leaf_by_steps(tables, row, i) for i in range(len(sizes))] for row in rows]
    counts = np.zeros((len(tables), max(sizes)))
    for r, row in enumerate(rows):
        for i, x in enumerate(row):
            counts[paths[r][i], x] += 1.0 if weights is None else weights[r]
    values = np.random.default_rng(seed).random(counts.shape)
    leaves = np.array([[path[-1] for path in of_row] for of_row in paths])
    with settings(plain=plain):
        assert (tables.leaves(rows) == leaves).all()
        assert (tables.leaves(rows.astype(np.int64)) == leaves).all()
        np.testing.assert_allclose(tables.counts(rows, weights), counts, rtol=1e-12)
        assert (tables.terms(values, rows) == values[leaves, rows]).all()
        np.testing.assert_allclose(tables.totals(values, rows), values[leaves, rows].sum(1), rtol=1e-12)
    assert (tables.variable[leaves] == np.arange(len(sizes))).all()


@examples(max_examples=40)
@given(
    seeds,
    st.sampled_from(SIZES),
    st.sampled_from(["bayes", "dirichlet", "ebic", "bic", "aic", "none", 2.5]),
    st.sampled_from(["none", "whole", "quarters", "many"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1.0, 5.0]),
    st.sampled_from([0, 500, 2**20]),  # counts of leaves are kept for none, a few, all
)
def test_loops_and_the_plain_twin_grow_the_same_trees(
    seed, sizes, penalty, weighted, free, ordered, least, kept
):
    rng, rows = np.random.default_rng(seed), random_rows(seed, sizes)
    weights = {
        "none": None,
        "whole": rng.integers(0, 3, len(rows)).astype(float),
        "quarters": rng.integers(1, 9, len(rows)) / 4,
        "many": rng.integers(0, 2, len(rows)) * 1e7 + 1,
    }[weighted]
    options: dict[str, Any] = {
        "weights": weights,
        "penalty": penalty,
        "place": None if free else rng.permutation(len(sizes)),
        "ordered": [ordered] * len(sizes),
        "least_rows": least,
        "max_splits": 40,
    }
    with mock.patch.object(growing, "_MOST_KEPT", kept):
        grown = grow_tables(rows, sizes, **options)
    with settings(plain=True):
        assert (grow_tables(rows, sizes, **options).nodes == grown.nodes).all()


@given(seeds, st.sampled_from(SIZES), st.booleans())
def test_the_graph_has_no_cycle_and_keeps_to_an_order_if_one_is_given(seed, sizes, free):
    place = np.random.default_rng(seed).permutation(len(sizes))
    tables = grow_tables(
        random_rows(seed, sizes), sizes, penalty="none", max_splits=60, place=None if free else place
    )
    assert nx.is_directed_acyclic_graph(nx.DiGraph([(j, i) for i, j in np.argwhere(tables.parents)]))
    assert free or all(place[j] < place[i] for i, j in np.argwhere(tables.parents))


def log_likelihood(x: NDArray[Any], size: int) -> float:
    counts = np.bincount(x, minlength=size)
    return float(sum(c * np.log(c / counts.sum()) for c in counts if c))


def dirichlet_score(x: NDArray[Any], size: int) -> float:
    """The log-probability of these rows, in their order, under a Dirichlet(1, ..., 1) prior."""
    counts = np.bincount(x, minlength=size)
    return float(gammaln(size) - gammaln(size + len(x)) + gammaln(counts + 1).sum())


@pytest.mark.parametrize("penalty", ["bayes", "dirichlet", "bic", "none"])
@examples(max_examples=25)
@given(seeds, st.sampled_from(SIZES[:3]))
def test_the_first_split_is_the_best_of_all_by_brute_force(penalty, seed, sizes):
    rows = random_rows(seed, sizes)
    score = dirichlet_score if penalty in ("bayes", "dirichlet") else log_likelihood
    n_splits = sum(k if k > 2 else 1 for k in sizes)
    gains = {}
    for i, j in itertools.permutations(range(len(sizes)), 2):
        occur = len(np.unique(rows[:, i]))
        price = 0.5 * np.log(len(rows)) * (occur - 1) if penalty == "bic" else 0.0
        price += 0.5 * np.log(n_splits) if penalty == "bayes" else 0.0
        for k in range(sizes[j]):
            yes, x = rows[:, j] == k, rows[:, i]
            if yes.any() and not yes.all():
                sides = score(x[yes], sizes[i]) + score(x[~yes], sizes[i])
                gains[i, j, k] = sides - score(x, sizes[i]) - price
    tables = grow_tables(rows, sizes, penalty=penalty, max_splits=1)
    best = max(gains.values())
    if best <= 1e-7:
        assert len(tables) == len(sizes)
        return
    (t,) = np.flatnonzero(~tables.is_leaf)
    j, low, high, _ = tables.nodes[t].tolist()
    assert low == high
    assert gains[t, j, low] == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("leaves", [2, 5, 9])
@given(seed=seeds)
def test_one_tree_fits_as_well_as_that_of_scikit_learn(leaves, seed):
    sizes = (2, 2, 2, 2, 2, 3)
    rows = random_rows(seed, sizes, 200)
    place = np.array([0, 0, 0, 0, 0, 1])  # only the last variable may ask
    tables = grow_tables(rows, sizes, penalty="none", place=place, max_splits=leaves - 1)
    other = DecisionTreeClassifier(criterion="entropy", max_leaf_nodes=leaves, random_state=0)
    other.fit(rows[:, :-1], rows[:, -1])
    fits = [
        sum(log_likelihood(rows[where == leaf, -1], 3) for leaf in np.unique(where))
        for where in (tables.leaves(rows)[:, -1], other.apply(rows[:, :-1]))
    ]
    # where two splits gain the same, the two may part ways; they seldom matter by more
    assert fits[0] >= fits[1] - 2.0


def test_whole_weights_are_rows_that_often():
    rows, times = random_rows(3, (3, 2, 4)), np.random.default_rng(3).integers(0, 4, 90)
    weighted = grow_tables(rows, (3, 2, 4), weights=times.astype(float))
    assert (grow_tables(np.repeat(rows, times, axis=0), (3, 2, 4)).nodes == weighted.nodes).all()


def test_states_with_an_order_may_be_split_in_two_ranges():
    x = np.repeat(np.arange(8), 40)
    rows = np.stack([x, (x >= 4).astype(int)], axis=1).astype(np.uint8)
    place = np.array([0, 1])
    tables = grow_tables(rows, (8, 2), place=place, ordered=[True, True], penalty="bic")
    assert tables.nodes[1].tolist() == [0, 4, 7, 2]
    assert len(tables) == 4


def test_draws_are_what_the_uniforms_say_and_known_cells_stay():
    sizes = (3, 2, 4, 1, 5)
    rows = random_rows(8, sizes)
    tables = grow_tables(rows, sizes)
    order = np.array(list(nx.topological_sort(_graph(tables))))
    below = tables.counts(rows).cumsum(axis=1) + np.arange(1, 6)
    below /= below[:, -1:]
    uniforms = np.random.default_rng(0).random((500, 5))
    known = np.where(np.random.default_rng(1).random((500, 5)) < 0.3, random_rows(9, sizes, 500), -1).astype(
        np.int32
    )
    drawn, plain = known.copy(), known.copy()
    tables.draw(below, order, uniforms, drawn)
    with settings(plain=True):
        tables.draw(below, order, uniforms, plain)
    assert (drawn == plain).all()
    assert (drawn[known >= 0] == known[known >= 0]).all()
    for row, was, u in zip(drawn[:50], known, uniforms, strict=False):
        for i in np.flatnonzero(was < 0):
            steps = below[leaf_by_steps(tables, row, i)[-1]]
            assert row[i] == 0 or steps[row[i] - 1] <= u[i]
            assert row[i] == sizes[i] - 1 or u[i] < steps[row[i]]


def _graph(tables: DecisionTables) -> nx.DiGraph:
    graph = nx.DiGraph([(j, i) for i, j in np.argwhere(tables.parents)])
    graph.add_nodes_from(range(tables.n_variables))
    return graph


@pytest.mark.parametrize("plain", [False, True])
def test_trees_whose_time_is_over_are_those_of_the_splits_that_gain_most(monkeypatch, plain):
    sizes = SIZES[1]
    rows = random_rows(4, sizes, 200)
    whole = grow_tables(rows, sizes, penalty="none")
    monkeypatch.setattr(growing, "_UNITS", 1)
    counts = []
    for seconds in (0, 5, 12, 30):
        clock = itertools.count()
        monkeypatch.setattr(growing, "_now", lambda: float(next(clock)))  # noqa: B023  # within this turn
        with settings(plain=plain):
            cut = grow_tables(rows, sizes, penalty="none", max_seconds=seconds)
        made = int((~cut.is_leaf).sum())
        first = grow_tables(rows, sizes, penalty="none", max_splits=made)
        assert (cut.nodes[~cut.is_leaf, :3] == first.nodes[~cut.is_leaf, :3]).all()
        assert np.isclose(cut.counts(rows)[cut.is_leaf].sum(), rows.size)
        counts.append(made)
    assert counts[0] == 0 < counts[2] < counts[3] < (~whole.is_leaf).sum()


def test_what_makes_no_sense_or_does_not_fit_is_refused(monkeypatch):
    rows = random_rows(0, (2, 2))
    for penalty in ("mdl", -1, None, np.nan):
        with pytest.raises(InputError, match="penalty"):
            grow_tables(rows, (2, 2), penalty=penalty)
    monkeypatch.setattr("chainrule.core.checks.memory_bytes", lambda: 1000)
    with pytest.raises(TooLargeError, match="growing 2 trees over 90 rows"):
        grow_tables(rows, (2, 2))


def test_growing_says_how_far_it_is(monkeypatch):
    from chainrule.core.progress import listening

    class Listener:
        said: list[str] = []  # noqa: RUF012

        def start(self, label: str, total: int) -> int:
            self.said.append(label)
            return 0

        def advance(self, task: int, detail: str) -> None:
            self.said.append(detail)

        def stop(self, task: int) -> None: ...

        def note(self, text: str) -> None: ...

    monkeypatch.setattr(growing, "_UNITS", 5)
    with listening(Listener()):
        tables = grow_tables(random_rows(0, SIZES[0]), SIZES[0], penalty="none")
    assert Listener.said[0] == "growing decision tables"
    assert any("splits" in text for text in Listener.said)
    assert len(tables) > 20  # and work in parts is the same work
    assert (tables.nodes == grow_tables(random_rows(0, SIZES[0]), SIZES[0], penalty="none").nodes).all()
