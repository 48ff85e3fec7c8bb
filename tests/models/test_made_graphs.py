"""MADE reads its graph: masks of any DAG are correct and complete, and the distribution keeps its independencies."""

import itertools
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from chainrule import load_model
from chainrule.core.errors import InputError
from chainrule.core.progress import listening
from chainrule.graphs import DAG
from chainrule.models.made.estimator import MADE
from chainrule.models.made.mask_report import check_masks, unreachable_parents
from chainrule.models.made.masks import (
    assign_degrees,
    build_masks,
    check_autoregressive,
    direct_mask,
    reachability,
)
from chainrule.models.made.network import MADENetwork
from chainrule.models.shared.factorization import Factorization
from tests.models.graphs import dags, factorization_of, networkx_of
from tests.oracles import is_conditionally_independent

seeds = st.integers(0, 2**31)
FORK = "x3 -> x1; x3 -> x2"


def _network(f, hidden, seed, direct, sizes=None):
    rng, g = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    degrees = assign_degrees(f, hidden, rng=rng, scheme="random")
    net = MADENetwork(f, degrees, sizes=sizes, direct=direct, generator=g).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=g, dtype=p.dtype))
    return net, rng


# Masks


@given(dags(), st.data())
def test_masks_of_any_degrees_let_nothing_forbidden_through(graph, data):
    f = factorization_of(*graph)
    layer = st.lists(st.integers(0, len(f) - 1), min_size=1, max_size=9)
    degrees = data.draw(st.lists(layer, max_size=3))
    masks = build_masks(f, degrees)
    report = check_masks(masks, f)
    assert report.is_correct
    check_autoregressive(masks, f)
    reached = np.eye(len(f), dtype=int)  # counted path by path, in exact integers
    for mask in masks:
        reached = mask.astype(int) @ reached
    assert not (reached > 0)[~f.parents].any()
    assert len(report.unreachable) == (f.parents & (reached == 0)).sum()
    assert report.n_parents == networkx_of(*graph).number_of_edges()


@given(dags(), st.lists(st.integers(12, 30), min_size=1, max_size=3))
def test_with_even_degrees_and_wide_layers_every_parent_is_reached(graph, hidden):
    f = factorization_of(*graph)
    degrees = assign_degrees(f, hidden)
    assert (reachability(build_masks(f, degrees)) == f.parents).all()
    assert unreachable_parents(f, degrees, direct=False).is_complete


@given(dags(), st.integers(0, 30))
def test_even_degrees_share_a_wide_layer_among_the_distinct_sets_of_parents(graph, extra):
    f = factorization_of(*graph)
    sets = {tuple(row) for row in f.parents.tolist()} - {(False,) * len(f)}
    (m,) = assign_degrees(f, [max(1, len(sets)) + extra])
    counts: dict[tuple, int] = {}
    for unit in m:
        seen = tuple(f.parents[f.order[unit]].tolist())
        counts[seen] = counts.get(seen, 0) + 1
    assert set(counts) == (sets or {(False,) * len(f)})
    assert max(counts.values()) - min(counts.values()) <= 1


@given(
    dags(), st.lists(st.integers(1, 9), min_size=2, max_size=3), st.sampled_from(["even", "random"]), seeds
)
def test_no_unit_is_blind_where_there_is_anything_to_see(graph, hidden, scheme, seed):
    f = factorization_of(*graph)
    masks = build_masks(f, assign_degrees(f, hidden, rng=seed, scheme=scheme))
    reached = np.eye(len(f), dtype=bool)
    for mask in masks[:-1]:
        reached = mask.astype(int) @ reached > 0
        assert reached.any(axis=1).all() == bool(f.parents.any())


@given(st.permutations(range(8)), st.sampled_from(["even", "random"]), seeds)
def test_the_complete_graph_and_its_order_give_the_same_masks(order, scheme, seed):
    names = tuple(f"v{i}" for i in range(8))
    whole = Factorization.of_dag(DAG.fully_connected([names[i] for i in order]), names)
    degrees = assign_degrees(whole, [9, 5], rng=seed, scheme=scheme)
    for a, b in zip(degrees, assign_degrees(8, [9, 5], rng=seed, scheme=scheme), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(build_masks(whole, degrees), build_masks(order, degrees), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(direct_mask(whole), direct_mask(order))


def test_without_edges_every_output_is_a_constant():
    f = Factorization.of_dag(DAG.empty(["a", "b", "c"]), ["a", "b", "c"])
    masks = build_masks(f, assign_degrees(f, [5, 4]))
    assert not reachability(masks).any()
    assert check_masks(masks, f).is_complete  # there is no parent to miss


@settings(max_examples=30)
@given(dags(8), st.lists(st.integers(1, 12), min_size=1, max_size=2), st.booleans(), seeds)
def test_by_its_jacobian_a_network_depends_on_its_parents_and_exactly_on_nothing_else(
    graph, hidden, direct, seed
):
    f = factorization_of(*graph)
    sizes = np.random.default_rng(seed).integers(1, 5, len(f))
    net, rng = _network(f, hidden, seed, direct, tuple(sizes.tolist()))
    w, owner = net.coding.width, net.coding.owner
    moved = torch.zeros(w, w, dtype=torch.bool)
    for x in torch.from_numpy(rng.normal(size=(30, w))):  # any numbers: a unit that is off in all is unlikely
        jacobian = torch.autograd.functional.jacobian(lambda h: net.logits_of_indicators(h[None])[0], x)
        moved |= jacobian != 0
    allowed = f.parents[np.ix_(owner, owner)]
    assert not moved.numpy()[~allowed].any()
    if direct:
        assert moved.numpy()[allowed].all()


def test_a_mask_that_is_correct_and_useless_is_noticed():
    report = check_masks(build_masks([0, 1, 2], [[1, 1, 1]]), [0, 1, 2])
    assert report.is_correct
    assert not report.is_complete
    assert report.unreachable == (("x3", "x2"),)
    assert "1 of 3 parents can never matter: x3 never sees x2" in report.text()
    assert check_masks(build_masks([0, 1, 2], [[1]]), [0, 1, 2], direct=direct_mask([0, 1, 2])).is_complete


def test_a_report_names_what_is_forbidden_and_is_plain_data():
    f = Factorization.of_dag("a -> b -> c", ["a", "b", "c"])
    report = check_masks([np.tri(3, k=-1, dtype=bool)], f)  # c sees a as well
    assert report.forbidden == (("c", "a"),)
    assert report.text().startswith("not correct: c depends on a")
    assert report.to_dict() == {
        "forbidden": [["c", "a"]],
        "unreachable": [],
        "n_parents": 2,
        "is_correct": False,
        "is_complete": True,
    }
    with pytest.raises(InputError, match="output c depends on input a, which is none of its parents"):
        check_autoregressive([np.tri(3, k=-1, dtype=bool)], f)
    with pytest.raises(InputError, match="3 inputs to 3 outputs, the graph has 2 variables"):
        check_masks([np.zeros((3, 3))], [0, 1])
    with pytest.raises(InputError, match="the graph has 3 variables"):
        check_masks([np.zeros((3, 3))], f, direct=np.zeros((2, 2)))


# The distribution


@settings(max_examples=25)
@given(dags(5), st.booleans(), seeds)
def test_each_conditional_given_all_before_is_that_given_the_parents(graph, direct, seed):
    f = factorization_of(*graph)
    sizes = tuple(np.random.default_rng(seed).integers(1, 4, len(f)).tolist())
    net, _ = _network(f, [7, 6], seed, direct, sizes)
    rows = torch.tensor(list(itertools.product(*map(range, sizes))), dtype=torch.uint8)
    with torch.no_grad():
        table = net.log_prob(rows).exp().numpy().reshape(sizes)
    assert table.sum() == pytest.approx(1, abs=1e-9)
    for t, i in enumerate(f.order):
        parents = np.flatnonzero(f.parents[i]).tolist()
        others = [j for j in f.order[:t] if j not in parents]
        if others:
            assert is_conditionally_independent(table, [i], others, parents)


class _Heard:
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


@contextmanager
def _heard():
    listener = _Heard()
    with listening(listener):
        yield listener.lines


ROWS = np.random.default_rng(0).integers(0, [2, 3, 4], (60, 3))
FAST = {"epochs": 2, "random_state": 0}


def test_a_fit_says_how_many_parents_can_never_matter():
    with _heard() as lines:
        model = MADE(1, direct=False, **FAST).fit(ROWS)
    assert model.fit_info_["unreachable_parents"] == 1  # the unit sees x1 and x2, so only x3 sees anything
    assert any("1 of 3 parents can never matter: x2 never sees x1; use" in line for line in lines)
    with _heard() as lines:
        assert MADE(1, direct=True, **FAST).fit(ROWS).fit_info_["unreachable_parents"] == 0
        assert MADE(9, direct=False, **FAST).fit(ROWS).fit_info_["unreachable_parents"] == 0
    assert not any("never matter" in line for line in lines)


@pytest.mark.parametrize("dag", [FORK, DAG.parse(FORK), DAG.parse("x2 <- x3 -> x1")], ids=str)
def test_a_graph_may_be_a_text_or_a_dag_with_its_nodes_in_any_order(dag, tmp_path):
    model = MADE(6, dag=dag, **FAST).fit(ROWS)
    assert model.factorization_.is_d_separated("x1", "x2", given="x3")
    assert model.ordering_[0] == 2
    loaded = load_model(_saved(model, tmp_path))
    np.testing.assert_array_equal(loaded.log_prob(ROWS), model.log_prob(ROWS))
    np.testing.assert_array_equal(loaded.sample(9, rng=1), model.sample(9, rng=1))
    assert loaded.factorization_ == model.factorization_
    assert loaded.get_params()["dag"] == model.get_params()["dag"]
    again = clone(loaded).fit(ROWS)
    np.testing.assert_array_equal(again.log_prob(ROWS), model.log_prob(ROWS))


def _saved(model, folder):
    model.save(folder / "model.safetensors")
    return folder / "model.safetensors"


def test_the_complete_graph_and_its_order_are_the_same_model():
    order = ["x2", "x3", "x1"]
    by_order = MADE([6, 5], ordering=order, **FAST).fit(ROWS)
    by_graph = MADE([6, 5], dag=DAG.fully_connected(order), **FAST).fit(ROWS)
    np.testing.assert_array_equal(by_graph.log_prob(ROWS), by_order.log_prob(ROWS))
    np.testing.assert_array_equal(by_graph.sample(20, rng=3), by_order.sample(20, rng=3))
    assert by_graph.n_parameters_ == by_order.n_parameters_


def test_parameters_in_use_are_what_the_masks_of_all_states_keep():
    model = MADE(4, dag=FORK, direct=True, **FAST).fit(ROWS)
    # x3 (3 indicators) feeds 4 units, which feed x1 (1) and x2 (2); straight from x3 to x1 and x2; 4 + 6 biases
    assert model.n_parameters_ == {"allocated": 6 * 4 + 4 * 6 + 36 + 10, "in_use": 3 * 4 + 4 * 3 + 3 * 3 + 10}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dag": FORK, "ordering": "random"}, "dag and ordering both say"),
        ({"dag": FORK, "ordering": [2, 0, 1]}, "leave one of them out"),
        ({"dag": "x1 -> x2"}, "'x3' is a variable and no node"),
        ({"dag": "x1 -> x2 -> x3 -> x9"}, "'x9' is a node of the dag and no variable"),
        ({"dag": 7}, "dag must be a DAG or its text"),
        ({"dag": "x1 -> x2 -> x1; x3"}, "directed cycle"),
        ({"hidden": []}, "hidden must be"),
        ({"hidden": 2.5}, "hidden must be"),
        ({"hidden": True}, "hidden must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        MADE(**FAST | settings).fit(ROWS)


def test_hidden_may_be_an_array():
    np.testing.assert_array_equal(
        MADE(np.array([5]), **FAST).fit(ROWS).log_prob(ROWS), MADE([5], **FAST).fit(ROWS).log_prob(ROWS)
    )
