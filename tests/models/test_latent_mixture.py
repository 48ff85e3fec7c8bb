"""``LatentMixture`` against its definition: every component a tree, probabilities averaged, holes summed out."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import chisquare

import chainrule
from chainrule import LatentMixture, Schema, Table, chow_liu
from chainrule.core.errors import InputError, TooLargeError, ValuesError
from chainrule.graphs import DAG
from chainrule.models.families import Request, family
from chainrule.models.latent_mixture.completing import log_prob_completed
from chainrule.models.latent_mixture.components import Components
from chainrule.models.latent_mixture.forest_layout import ForestLayout, depth_first
from chainrule.models.latent_mixture.leaf_layout import LeafLayout
from chainrule.models.latent_mixture.messages import draw_holes, log_joint_with_holes, log_prob_summed
from chainrule.models.latent_mixture.network import LatentNetwork
from chainrule.models.latent_mixture.start import swapped
from chainrule.models.shared.decision_tables import DecisionTables
from chainrule.models.shared.factorization import Factorization
from tests.oracles import enumerate_states, joint_table, log_of_marginal

SIZES = (2, 3, 1, 4, 2, 3)
PARENTS = (-1, 0, 1, 1, 3, -1)  # a tree with a branch and a variable of one state, and a lonely root
FAST: dict[str, Any] = {"hidden": [8], "n_points": 32, "epochs": 4, "random_state": 3}


def _components(
    n: int = 5, sizes: tuple[int, ...] = SIZES, parents: tuple[int, ...] = PARENTS, spread: float = 2.0
) -> Components:
    """Components with log-odds and weights by chance."""
    rng = np.random.default_rng(0)
    parent = np.array(parents)
    layout = ForestLayout(sizes, parent, depth_first(parent))
    odds = (spread * rng.normal(size=(len(layout.with_odds), n))).astype(np.float32)
    weights = rng.dirichlet(np.ones(n))
    return Components(layout, odds, np.log(weights))


def _forest(components: Components) -> ForestLayout:
    assert isinstance(components.layout, ForestLayout)
    return components.layout


def _by_definition(components: Components, row: NDArray[Any]) -> NDArray[np.float64]:
    """``log w_n p(x | n)`` (N,) of one complete row, one factor at a time from the log-odds."""
    layout, out = _forest(components), components.log_weights.copy()
    begin = 0
    for i, size in enumerate(layout.sizes):
        above = layout.parent[i]
        n_contexts = 1 if above < 0 else layout.sizes[above]
        for n in range(len(out)):
            table = components.log_odds[begin : begin + n_contexts * (size - 1), n].reshape(
                n_contexts, size - 1
            )
            scores = [0.0, *table[0 if above < 0 else row[above]].astype(float)]
            out[n] += scores[row[i]] - logsumexp(scores)
        begin += n_contexts * (size - 1)
    return out


def _leaf_components(n: int = 4) -> Components:
    """x2 asks for x1, x4 for two variables on one branch, x6 for x4 twice; x3 has one state."""
    nodes = [
        (-1, 0, 0, -1), (0, 1, 1, 6), (-1, 0, 0, -1), (1, 2, 2, 8), (-1, 0, 0, -1), (3, 0, 0, 10),
        (-1, 0, 0, -1), (-1, 0, 0, -1), (4, 1, 1, 12), (-1, 0, 0, -1), (3, 2, 3, 14), (-1, 0, 0, -1),
        (-1, 0, 0, -1), (-1, 0, 0, -1), (-1, 0, 0, -1), (-1, 0, 0, -1),
    ]  # fmt: skip
    layout = LeafLayout(DecisionTables(SIZES, np.array(nodes, np.int32)), np.array([0, 1, 2, 4, 3, 5]))
    rng = np.random.default_rng(10)
    odds = (2 * rng.normal(size=(len(layout.with_odds), n))).astype(np.float32)
    return Components(layout, odds, np.log(rng.dirichlet(np.ones(n))))


def _by_walking(components: Components, row: NDArray[Any]) -> NDArray[np.float64]:
    """``log w_n p(x | n)`` (N,) of one complete row, down each tree from its root."""
    layout, out = components.layout, components.log_weights.copy()
    assert isinstance(layout, LeafLayout)
    nodes = layout.trees.nodes
    leaves = [t for t in range(len(nodes)) if nodes[t][0] < 0]
    begins = np.cumsum([0, *(SIZES[layout.trees.variable[t]] - 1 for t in leaves)])
    for i in range(len(SIZES)):
        t = i
        while nodes[t][0] >= 0:
            t = nodes[t][3] + int(nodes[t][1] <= row[nodes[t][0]] <= nodes[t][2])
        leaf = leaves.index(t)
        for n in range(len(out)):
            scores = [0.0, *components.log_odds[begins[leaf] : begins[leaf + 1], n].astype(float)]
            out[n] += scores[row[i]] - logsumexp(scores)
    return out


def _rows(n: int = 300, sizes: tuple[int, ...] = SIZES) -> NDArray[np.int64]:
    """Rows of two kinds, so that one tree does not explain them."""
    rng = np.random.default_rng(1)
    kind = rng.integers(0, 5, n)
    columns = [np.where(rng.random(n) < 0.7, kind, rng.integers(0, 5, n)) % k for k in sizes]
    return np.stack(columns, axis=1)


def _fitted(sizes: tuple[int, ...] = SIZES, **settings: Any) -> LatentMixture:
    return LatentMixture(**{"n_components": 40, "schema": Schema.of_sizes(sizes)} | FAST | settings).fit(
        _rows(sizes=sizes)
    )


def test_the_terms_of_a_row_add_up_to_its_entries() -> None:
    rows = enumerate_states(SIZES)
    for components, define in ((_components(), _by_definition), (_leaf_components(), _by_walking)):
        expected = np.array([define(components, row) for row in rows])
        found = components.log_joint(rows.astype(np.uint8))
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
        assert abs(logsumexp(found)) < 1e-12


def test_no_row_has_more_terms_than_two_for_each_variable_and_the_usual_row_has_one() -> None:
    for components in (_components(), _leaf_components()):
        layout = components.layout
        active = layout.active(enumerate_states(SIZES))
        assert active.shape[1] == 1 + 2 * len(SIZES)
        assert (active < layout.n_terms).sum(axis=1)[0] == 1  # row 0 is all zeros
        assert layout.signed_sums.shape == (layout.n_terms, layout.n_entries)


def test_sparse_rows_and_dense_rows_are_added_up_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    components, rows = _components(), enumerate_states(SIZES).astype(np.uint8)
    found = []
    for share in (0.0, 1.1):
        monkeypatch.setattr("chainrule.models.latent_mixture.components._SPARSE", share)
        found.append(components.log_joint(rows))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [1, 7, 8, 64, 67])
def test_the_loop_over_components_has_the_numbers_of_its_plain_twin(n: int) -> None:
    from chainrule.models.latent_mixture.components import sum_components

    joint = 30 * np.random.default_rng(2).normal(size=(9, n)) - 800
    expected = logsumexp(joint, axis=1)
    np.testing.assert_allclose(sum_components(joint.copy()), expected, rtol=1e-14)
    with chainrule.settings(plain=True):
        np.testing.assert_allclose(sum_components(joint.copy()), expected, rtol=1e-14)


@pytest.mark.parametrize("n", [1, 5, 300])
def test_the_mass_of_all_rows_is_one_for_any_number_of_components(n: int) -> None:
    """Code that is published for this model leaves log N out, which shows here at once."""
    components = _components(n)
    total = logsumexp(components.log_prob(enumerate_states(SIZES).astype(np.uint8)))
    assert abs(total) < 1e-12
    assert abs(joint_table(_fitted(n_components=n).log_prob, SIZES).sum() - 1) < 1e-12


def test_a_fitted_model_is_the_plain_average_of_its_components() -> None:
    model = _fitted()
    found = model.log_prob(enumerate_states(SIZES))
    usual = np.array([np.bincount(c, minlength=k).argmax() for c, k in zip(_rows().T, SIZES, strict=True)])
    parent = np.full(len(SIZES), -1)
    names = list(model.schema_.names)
    for a, b in model.dag_.edges:
        parent[names.index(b)] = names.index(a)
    layout = ForestLayout(SIZES, parent, depth_first(parent))
    same = Components(layout, model.log_odds_, np.full(40, -math.log(40)))
    inside = swapped(enumerate_states(SIZES), usual)
    expected = [logsumexp(_by_definition(same, row)) for row in inside]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_holes_are_summed_out_of_every_component() -> None:
    components = _components()
    states = enumerate_states(SIZES)
    joint = np.exp([_by_definition(components, row) for row in states])
    patterns = np.array(list(itertools.product(*(range(-1, k) for k in SIZES))))
    chosen = patterns[np.random.default_rng(3).permutation(len(patterns))[:400]]
    agrees = ((states[None] == chosen[:, None]) | (chosen[:, None] < 0)).all(axis=2)
    expected = np.log(agrees.astype(float) @ joint)
    np.testing.assert_allclose(
        log_joint_with_holes(components, _forest(components), chosen), expected, rtol=1e-11, atol=1e-11
    )


@pytest.mark.parametrize("n", [3, 8, 21])
def test_messages_by_loops_have_the_numbers_of_their_plain_twin(n: int) -> None:
    components = _components(n, spread=20.0)
    rows = np.where(np.random.default_rng(7).random((50, 6)) < 0.5, -1, _rows(50))
    found = log_joint_with_holes(components, _forest(components), rows)
    with chainrule.settings(plain=True):
        plain = log_joint_with_holes(components, _forest(components), rows)
    np.testing.assert_allclose(found, plain, rtol=1e-12, atol=1e-12)


@given(st.data())
@settings(max_examples=25)
def test_marginals_of_any_forest_are_sums_over_the_joint(data: st.DataObject) -> None:
    d = data.draw(st.integers(1, 5))
    sizes = tuple(data.draw(st.lists(st.integers(1, 3), min_size=d, max_size=d)))
    # parents by a shuffled order, so that columns do not come parents first
    shuffled = data.draw(st.permutations(range(d)))
    parents = np.full(d, -1)
    for t in range(1, d):
        parents[shuffled[t]] = data.draw(st.sampled_from([-1, *shuffled[:t]]))
    components = _components(3, sizes, tuple(parents))
    table = np.exp(components.log_prob(enumerate_states(sizes).astype(np.uint8))).reshape(sizes)
    assert abs(table.sum() - 1) < 1e-12
    rows = np.array(list(itertools.product(*(range(-1, k) for k in sizes))))
    found = log_prob_summed(components, _forest(components), rows)
    np.testing.assert_allclose(found, [log_of_marginal(table, row) for row in rows], rtol=1e-10, atol=1e-10)


def test_a_long_chain_with_every_other_value_missing_agrees_with_matrix_products() -> None:
    d = 60
    components = _components(3, (3,) * d, tuple(range(-1, d - 1)))
    rng = np.random.default_rng(4)
    rows = np.where(np.arange(d) % 3 == 0, rng.integers(0, 3, (6, d)), -1)
    tables = np.exp(components.tables)
    for row, found in zip(rows, log_joint_with_holes(components, _forest(components), rows), strict=True):
        for n in range(3):
            alpha = np.ones(1)
            for i in range(d):
                t = tables[_forest(components).begins[i] : _forest(components).begins[i + 1], n].reshape(
                    -1, 3
                )
                alpha = alpha @ t
                if row[i] >= 0:
                    alpha = np.where(np.arange(3) == row[i], alpha, 0.0)
            assert found[n] == pytest.approx(components.log_weights[n] + math.log(alpha.sum()), rel=1e-11)


def test_a_row_scores_the_same_whatever_rows_stand_beside_it() -> None:
    model = _fitted()
    rows = np.where(np.random.default_rng(5).random((700, 6)) < 0.4, -1, _rows(700))
    together = model.log_prob(rows)
    alone = [model.log_prob(row[None])[0] for row in rows[:50]]
    np.testing.assert_allclose(together[:50], alone, rtol=1e-12, atol=1e-12)


def test_the_posterior_of_all_that_is_missing_is_drawn_component_by_component() -> None:
    """Draws with the component held fixed, against that component's own conditional."""
    components = _components(2)
    row, n = np.array([-1, 2, -1, -1, 1, -1]), 20_000
    states = enumerate_states(SIZES)
    states = states[((states == row) | (row < 0)).all(axis=1)]
    for c in range(2):
        uniforms = np.random.default_rng([6, c]).random((n, 6))
        drawn = draw_holes(
            components, _forest(components), np.repeat(row[None], n, axis=0), np.full(n, c), uniforms
        )
        p = np.exp([_by_definition(components, s)[c] for s in states])
        counts = [int((drawn == s).all(axis=1).sum()) for s in states]
        assert sum(counts) == n
        often = n * p / p.sum() >= 5
        expected = n * p / p.sum()
        observed = np.append(np.array(counts)[often], np.array(counts)[~often].sum())
        wanted = np.append(expected[often], expected[~often].sum())
        keep = wanted > 0
        assert chisquare(observed[keep], wanted[keep]).pvalue > 1e-4


def test_a_query_and_a_mode_agree_with_the_joint_table() -> None:
    model = _fitted()
    table = joint_table(model.log_prob, SIZES)
    found = model.query(["x4", "x1"], {"x2": 1, "x6": 2}).probabilities
    expected = table[:, 1, :, :, :, 2].sum(axis=(1, 3)).T
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-10)
    filled = model.impute([[-1, 1, -1, -1, -1, 2]], how="mode")[0]
    assert table[tuple(filled)] == pytest.approx(table[:, 1, :, :, :, 2].max(), rel=1e-12)


def test_a_mode_with_too_many_completions_is_refused_with_a_way_out() -> None:
    model = LatentMixture(4, **FAST | {"epochs": 0}).fit(np.random.default_rng(0).integers(0, 2, (30, 20)))
    with pytest.raises(TooLargeError, match="how='draw'"):
        model.impute(np.full((1, 20), -1), how="mode")
    assert model.impute(np.full((1, 20), -1), rng=0).shape == (1, 20)


def test_conditionals_telescope_along_the_order_of_the_tree() -> None:
    model = _fitted()
    rows = enumerate_states(SIZES)
    table = joint_table(model.log_prob, SIZES)
    before = np.zeros(len(rows))
    found = model.conditionals(rows)
    partial = np.full_like(rows, -1)
    for i in model.ordering_:
        partial[:, i] = rows[:, i]
        now = np.array([log_of_marginal(table, row) for row in partial])
        np.testing.assert_allclose(found[:, i], now - before, rtol=1e-8, atol=1e-10)
        before = now


def test_the_tree_is_that_of_chow_liu_and_the_start_is_its_tables() -> None:
    X = _rows()
    model = LatentMixture(16, **FAST | {"epochs": 0}).fit(X)
    tree = chow_liu(X)
    assert {frozenset(e) for e in model.dag_.edges} == {frozenset(e) for e in tree.dag_.edges}
    assert nx.is_forest(nx.Graph(list(model.dag_.edges)))
    position = {v: t for t, v in enumerate(model.schema_.names[i] for i in model.ordering_)}
    assert all(position[a] < position[b] for a, b in model.dag_.edges)


@pytest.mark.parametrize("sizes", [(2, 2, 2, 2), SIZES])
def test_the_network_gives_the_likelihood_of_the_mixture_of_its_points(sizes: tuple[int, ...]) -> None:
    parent = np.array(PARENTS[: len(sizes)])
    layout = ForestLayout(sizes, parent, depth_first(parent))
    network = LatentNetwork(
        layout,
        np.random.default_rng(0).normal(size=len(layout.with_odds)),
        latent=3,
        hidden=[8, 8],
        n_points=16,
        n_looked=16,
        seed=7,
        generator=torch.Generator().manual_seed(0),
    )
    rows = enumerate_states(sizes)
    with torch.no_grad():
        found = network(torch.from_numpy(rows)).double().numpy()
        log_odds = network.log_odds(network.points(16)).numpy()
    components = Components(layout, log_odds, np.full(16, -math.log(16)))
    np.testing.assert_allclose(found, components.log_prob(rows.astype(np.uint8)), rtol=2e-5, atol=2e-5)


def test_each_step_has_points_of_its_own_and_a_look_has_always_the_same() -> None:
    parent = np.array([-1, 0])
    layout = ForestLayout((2, 2), parent, np.array([0, 1]))
    network = LatentNetwork(
        layout, np.zeros(3), latent=2, hidden=[4], n_points=8, n_looked=16, seed=1,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    rows = torch.tensor([[0, 1], [1, 1]])
    first, second = network(rows).detach(), network(rows).detach()
    assert not torch.equal(first, second)
    assert int(network.steps) == 2
    with torch.no_grad():
        assert torch.equal(network(rows), network(rows))
    assert int(network.steps) == 2
    assert network.points(16).shape == network.points(16, step=1).shape == (16, 2)
    assert torch.equal(network.points(16)[:8], network.points(8))


def test_validation_rows_keep_the_best_epoch_and_without_them_the_last_is_kept() -> None:
    X = _rows()
    model = LatentMixture(40, **FAST | {"epochs": 6, "learning_rate": 0.3}).fit(X[:60], valid=X[60:])
    info = model.fit_info_
    assert info["best_epoch"] == 1 + int(np.argmin(info["valid_nll_nats"]))
    assert LatentMixture(40, **FAST).fit(X).fit_info_["best_epoch"] == 4


def test_a_family_that_is_given_seconds_takes_no_more_epochs_than_there_are_by_default() -> None:
    table = Table.read(_rows())
    model = family("latent").fit(Request(table, valid=table, seed=1, seconds=60.0))
    assert isinstance(model, LatentMixture)
    assert 3 <= model.fit_info_["epochs"] <= model.set_params(epochs=None).usual_epochs(300) == 84


def test_it_finds_what_no_tree_can_say() -> None:
    """Two kinds of rows, in each of which all columns are independent: a tree sees only pairs."""
    rng = np.random.default_rng(8)
    kind = rng.random((4000, 1)) < 0.5
    X = (rng.random((4000, 12)) < np.where(kind, 0.8, 0.2)).astype(int)
    train, test = X[:3000], X[3000:]
    model = LatentMixture(256, hidden=[16], n_points=64, epochs=20, random_state=0).fit(train)
    p = np.where(test == 1, 0.8, 0.2).prod(1) / 2 + np.where(test == 1, 0.2, 0.8).prod(1) / 2
    assert chow_liu(train).score(test) < np.log(p).mean() - 0.3
    assert model.score(test) > np.log(p).mean() - 0.05


def test_weights_of_one_change_nothing() -> None:
    X = _rows()
    one = LatentMixture(20, **FAST).fit(X, sample_weight=np.ones(len(X)))
    np.testing.assert_allclose(one.log_prob(X), LatentMixture(20, **FAST).fit(X).log_prob(X), rtol=1e-6)


@pytest.mark.parametrize("structure", ["tree", "net"])
def test_a_weight_counts_like_so_many_rows_in_the_contexts_and_where_training_starts(structure: str) -> None:
    X, weights = _rows(), np.arange(300) % 4
    settings: dict[str, Any] = FAST | {"epochs": 0, "structure": structure, "penalty": 0.5}
    schema = Schema.of_sizes(SIZES)
    weighted = LatentMixture(20, schema=schema, **settings).fit(X, sample_weight=weights)
    repeated = LatentMixture(20, schema=schema, **settings).fit(np.repeat(X, weights, axis=0))
    assert weighted.dag_.edges == repeated.dag_.edges
    assert len(weighted.dag_.edges)
    np.testing.assert_allclose(weighted.log_prob(X), repeated.log_prob(X), rtol=1e-6)


@pytest.mark.parametrize("rows", [[[1, 0, 1]], [[0], [1], [1]], [[0], [0]], [[2, 0], [2, 1], [1, 1]]])
def test_few_rows_one_column_and_constant_columns_can_be_learned(rows: list[list[int]]) -> None:
    model = LatentMixture(9, **FAST).fit(rows)
    sizes = model.schema_.sizes
    assert abs(joint_table(model.log_prob, sizes).sum() - 1) < 1e-12
    assert model.sample(3, rng=0).shape == (3, len(sizes))
    np.testing.assert_allclose(model.log_prob(np.full((1, len(sizes)), -1)), 0, atol=1e-12)


def test_a_table_in_which_nothing_varies_is_certain(tmp_path: Path) -> None:
    model = LatentMixture(3, **FAST, schema=Schema.of_sizes([1, 1])).fit([[0, 0]])
    assert model.log_prob([[0, 0], [0, -1]]) == pytest.approx([0, 0], abs=1e-12)
    model.save(tmp_path / "model")
    assert (chainrule.load_model(tmp_path / "model").sample(2, rng=0) == 0).all()


def test_missing_values_in_rows_to_learn_from_are_refused() -> None:
    with pytest.raises(ValuesError, match=r"row 0, column 1"):
        LatentMixture(**FAST).fit([[0, -1], [1, 0]])
    with pytest.raises(ValuesError, match="validation"):
        LatentMixture(**FAST).fit([[0, 1], [1, 0]], valid=[[0, -1]])


@pytest.mark.parametrize(
    ("setting", "value"),
    [("n_components", 0), ("latent", 0), ("hidden", []), ("n_points", 0.5), ("epochs", -1), ("batch_size", 0),
     ("learning_rate", 0.0), ("weight_decay", -1.0), ("pseudocount", 0.0), ("max_bytes", 0)],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(setting: str, value: Any) -> None:
    with pytest.raises(InputError, match=setting):
        LatentMixture(**FAST | {setting: value}).fit([[0, 1], [1, 0]])


def test_tables_that_would_not_fit_are_refused_before_training() -> None:
    with pytest.raises(TooLargeError, match="n_components"):
        LatentMixture(10**7, **FAST).fit(_rows())


@pytest.mark.parametrize("structure", ["tree", "net"])
def test_a_model_with_all_defaults_but_speed_comes_back_with_its_settings(
    structure: str, tmp_path: Path
) -> None:
    model = LatentMixture(16, structure=structure, penalty=0.2, epochs=1, random_state=0).fit(_rows())
    model.save(tmp_path / "model")
    back = chainrule.load_model(tmp_path / "model")
    assert back.get_params() == model.get_params()
    assert (back.log_prob(_rows()) == model.log_prob(_rows())).all()
    assert back.dag_ == model.dag_
    assert back.marginalises_ == model.marginalises_ == {"tree": "any", "net": "suffix"}[structure]


def test_a_net_finds_what_two_parents_do_together() -> None:
    rng = np.random.default_rng(9)
    X = rng.integers(0, 2, (4000, 5))
    X[:, 4] = (X[:, 1] & X[:, 3]) ^ (rng.random(4000) < 0.05)
    train, test = X[:3000], X[3000:]
    p_last = np.where(test[:, 4] == (test[:, 1] & test[:, 3]), 0.95, 0.05)
    model = LatentMixture(64, structure="net", hidden=[8], n_points=32, epochs=5, random_state=0).fit(train)
    assert {("x2", "x5"), ("x4", "x5")} <= {tuple(sorted(e)) for e in model.dag_.edges}
    assert abs(joint_table(model.log_prob, (2,) * 5).sum() - 1) < 1e-12
    assert model.score(test) > (4 * np.log(0.5) + np.log(p_last)).mean() - 0.01
    assert model.marginalises_ == "suffix"
    assert model.set_params(structure="tree").fit(train).marginalises_ == "any"


def _leaf_chain(d: int) -> tuple[Components, LeafLayout, Factorization]:
    """Binary variables that each ask for the one before."""
    roots = [(-1, 0, 0, -1), *((i - 1, 1, 1, d + 2 * (i - 1)) for i in range(1, d))]
    nodes = np.array(roots + [(-1, 0, 0, -1)] * (2 * d - 2), np.int32)
    layout = LeafLayout(DecisionTables((2,) * d, nodes), np.arange(d))
    odds = np.random.default_rng(0).normal(size=(len(layout.with_odds), 3)).astype(np.float32)
    names = [f"x{i}" for i in range(d)]
    graph = Factorization.of_dag(DAG(list(itertools.pairwise(names)), names), names)
    return Components(layout, odds, np.full(3, -math.log(3))), layout, graph


def test_what_comes_after_everything_known_costs_a_net_nothing_and_what_comes_before_is_enumerated() -> None:
    components, layout, graph = _leaf_chain(30)
    row = np.full((1, 30), -1)
    row[0, :2] = 1, 0
    expected = logsumexp(
        components.log_weights + components.tables[layout.entries(row * (row > 0))[0, :2]].sum(0)
    )
    assert log_prob_completed(components, layout, row, graph)[0] == pytest.approx(expected, rel=1e-12)
    row = np.full((1, 30), -1)
    row[0, 4] = 1
    total = sum(
        math.exp(log_prob_completed(components, layout, np.array([[*first, 1, *[-1] * 25]]), graph)[0])
        for first in itertools.product((0, 1), repeat=4)
    )
    assert log_prob_completed(components, layout, row, graph)[0] == pytest.approx(math.log(total), rel=1e-12)
    row[0, 29] = 1
    with pytest.raises(TooLargeError, match="structure='tree'"):
        log_prob_completed(components, layout, row, graph)


def test_a_structure_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="structure"):
        LatentMixture(structure="forest", **FAST).fit([[0, 1], [1, 0]])
