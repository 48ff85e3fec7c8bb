"""do(): the truncated factorisation, of tables, forests and trees; every question works on what it gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.stats import chisquare

from chainrule.core.errors import InputError, TooLargeError, UnknownNameError
from chainrule.core.progress import listening
from chainrule.graphs import DAG
from chainrule.models import (
    MADE,
    BayesianNetwork,
    ChowLiu,
    Independent,
    Intervened,
    TreeNetwork,
    load_model,
)
from chainrule.tables import Schema
from chainrule.tasks import query
from tests.models.networks_by_hand import joint_of, random_network

seeds = st.integers(0, 2**32 - 1)


class Notes(list):
    """A listener that keeps what it is told."""

    def note(self, text):
        self.append(text)


@pytest.fixture
def sprinkler():
    """The network of Russell and Norvig: cloudy, sprinkler, rain, wet grass."""
    return BayesianNetwork.from_tables(
        "C -> {S R} -> W",
        dict.fromkeys("CSRW", 2),
        {
            "C": [0.5, 0.5],
            "S": [[0.5, 0.5], [0.9, 0.1]],
            "R": [[0.8, 0.2], [0.2, 0.8]],
            "W": [[[1, 0], [0.1, 0.9]], [[0.1, 0.9], [0.01, 0.99]]],
        },
    )


def truncated(model: BayesianNetwork, done: dict[str, int]) -> np.ndarray:
    """The joint under do(): the product of the entries of all tables but those of what is set, at its state."""
    names = model.variables_
    joint = np.zeros([len(model.states_[v]) for v in names])
    for index in np.ndindex(joint.shape):
        x = dict(zip(names, index, strict=True))
        if all(x[v] == state for v, state in done.items()):
            factors = (
                model.tables_[v][tuple(x[u] for u in (*model.dag_.parents(v), v))]
                for v in names
                if v not in done
            )
            joint[index] = np.prod([*factors, 1.0])
    return joint


def test_the_sprinkler_wets_the_grass_more_often_when_turned_on_than_when_seen_on(sprinkler):
    done = sprinkler.do({"S": 1})
    assert done.query("W").probability(W=1) == pytest.approx(0.945, abs=1e-12)
    assert sprinkler.query("W", {"S": 1}).probability(W=1) == pytest.approx(0.927, abs=1e-12)
    assert done.dag_ == DAG.parse("C -> R -> W <- S")
    assert done.query("R").probability(R=1) == pytest.approx(0.5, abs=1e-12)


@examples(max_examples=40)
@given(seeds, st.integers(1, 5))
def test_do_is_the_truncated_factorisation(seed, d):
    rng = np.random.default_rng(seed)
    model = random_network(rng, d, zeros=0.2)
    some = rng.choice(model.variables_, rng.integers(0, d + 1), replace=False).tolist()
    done = {v: int(rng.integers(len(model.states_[v]))) for v in some}
    cut = model.do({v: model.states_[v][code] for v, code in done.items()})
    expected = truncated(model, done)
    assert expected.sum() == pytest.approx(1.0, abs=1e-9)
    np.testing.assert_allclose(joint_of(cut), expected, atol=1e-12)
    rows = np.stack(np.unravel_index(np.arange(expected.size), expected.shape), axis=1)
    np.testing.assert_allclose(np.exp(cut.log_prob(rows)), expected.ravel(), atol=1e-12)
    one_by_one = model
    for v, code in done.items():
        one_by_one = one_by_one.do({v: model.states_[v][code]})
    np.testing.assert_array_equal(joint_of(one_by_one), joint_of(cut))


def test_draws_most_probable_states_and_posteriors_are_those_of_the_cut_network(sprinkler, tmp_path):
    done = sprinkler.do({"S": 1, "R": 0})
    joint = truncated(sprinkler, {"S": 1, "R": 0})
    codes = done.sample(4000, rng=0).codes.astype(np.intp)
    counts = np.bincount(np.ravel_multi_index(codes.T, joint.shape), minlength=joint.size)
    assert not counts[joint.ravel() == 0].any()
    some = joint.ravel() > 0
    assert chisquare(counts[some], 4000 * joint.ravel()[some]).pvalue > 1e-3
    best = done.mpe({"W": 0})
    assert best.log_prob == pytest.approx(np.log(joint[..., 0].max()))
    marginals = done.posterior_marginals({"C": 1})
    assert marginals["W"].probability(W=1) == pytest.approx(0.9)
    assert marginals["S"].probability(S=1) == pytest.approx(1.0)
    done.save(tmp_path / "done")
    again = load_model(tmp_path / "done")
    assert again.fit_info_["do"] == {"S": "1", "R": "0"}
    np.testing.assert_array_equal(joint_of(again), joint_of(done))


def test_latent_nodes_and_columns_stay_as_they_are():
    rows = {"b": ["no", "yes", "yes"], "a": ["u", "v", "u"]}
    done = BayesianNetwork("a -> b", pseudocount=1).fit(rows).do({"b": "yes"})
    assert isinstance(done.sample(2, rng=0), dict)
    assert list(done.sample(2, rng=0)) == ["b", "a"]
    hidden = DAG([("U", "X"), ("U", "Y"), ("X", "Y")], latent=["U"])
    tables = {"U": [0.5, 0.5], "X": [[0.9, 0.1], [0.1, 0.9]], "Y": np.full((2, 2, 2), 0.5)}
    assert BayesianNetwork.from_tables(hidden, dict.fromkeys("UXY", 2), tables).do({"X": 1}).dag_.latent == (
        "U",
    )


def test_variables_on_their_own_stay_when_another_is_set():
    rows = np.random.default_rng(0).integers(0, 3, (50, 3))
    model = Independent(0.5).fit(rows)
    done = model.do({"x2": 2})
    assert done.log_prob([[0, 2, 1]]) == pytest.approx(model.log_prob([[0, np.nan, 1]]))
    assert done.log_prob([[0, 1, 1]]).tolist() == [-np.inf]
    assert done.fit_info_["do"] == {"x2": "2"}


def test_what_cannot_be_set_is_refused(sprinkler):
    with pytest.raises(UnknownNameError, match="no variable 'snow'"):
        sprinkler.do({"snow": 1})
    with pytest.raises(InputError, match="'S'"):
        sprinkler.do({"S": 7})


@examples(max_examples=10)
@given(seeds)
def test_trees_and_forests_agree_with_their_networks_of_tables(seed):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, [2, 3, 2, 1], (60, 4))
    rows[:, 1] = np.where(rng.random(60) < 0.7, rows[:, 0], rows[:, 1])
    rows[:, 2] = np.where(rng.random(60) < 0.7, rows[:, 1] > 0, rows[:, 2])
    done = {f"x{i + 1}": int(rng.integers(rows[:, i].max() + 1)) for i in rng.choice(4, 2, replace=False)}
    trees = TreeNetwork(penalty="none", pruning=-1.0, max_splits=8).fit(rows)
    forest = ChowLiu(penalty="none").fit(rows)
    states = np.stack(np.meshgrid(*(range(k) for k in trees.schema_.sizes), indexing="ij"), -1).reshape(-1, 4)
    for model, network in ((trees, trees.to_bayesian_network()), (forest, forest.bayesian_network_)):
        cut = model.do(done)
        assert type(cut) is type(model)
        np.testing.assert_allclose(cut.log_prob(states), network.do(done).log_prob(states), atol=1e-9)
        assert not {child for _, child in cut.factorization_.edges} & done.keys()
        known = {name: code for name, code in zip(("x1", "x2"), (0, 1), strict=True) if name not in done}
        expected = network.do(done).query(["x3"] if "x3" not in done else ["x4"], known).probabilities
        found = cut.query(["x3"] if "x3" not in done else ["x4"], known).probabilities
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_learned_graph_tells_so_and_a_stated_one_does_not(sprinkler, tmp_path):
    rows = sprinkler.sample(300, rng=0)
    for model in (ChowLiu().fit(rows), TreeNetwork().fit(rows)):
        with listening(heard := Notes()):
            done = model.do({"S": 1})
        assert len(heard) == 1
        assert "not what causes what" in heard[0]
        done.save(tmp_path / "done")
        again = load_model(tmp_path / "done")
        np.testing.assert_array_equal(again.log_prob(rows), done.log_prob(rows))
    with listening(heard := Notes()):
        sprinkler.do({"S": 1})
    assert not heard


GRAPHS = (
    "x1 -> x2 -> x3 -> x4",
    "x1 -> x3 <- x2; x3 -> x4; x1 -> x4",
    "x4 -> {x1 x2} -> x3",
    "x1; x2; x3; x4",
)
SIZES = (2, 3, 2, 3)
STATES = np.stack(np.unravel_index(np.arange(np.prod(SIZES)), SIZES), axis=1)


def _made(graph: str, seed: int = 0) -> MADE:
    rows = np.random.default_rng(seed).integers(0, SIZES, (80, 4))
    rows[:, 2] = np.where(np.arange(80) % 3 > 0, rows[:, 0], rows[:, 2])
    return MADE(6, dag=graph, epochs=4, random_state=seed, schema=Schema.of_sizes(SIZES)).fit(rows)


def _truncated_by_division(model: MADE, done: dict[str, int]) -> np.ndarray:
    """The joint under do() from the joint alone: Π over all others of p(x_i, parents) / p(parents)."""
    joint = np.exp(model.log_prob(STATES)).reshape(SIZES)
    out, names = np.ones(SIZES), model.schema_.names
    for i, v in enumerate(names):
        if v in done:
            out = out * (np.arange(SIZES[i]) == done[v]).reshape([-1 if j == i else 1 for j in range(4)])
            continue
        family = {i, *(names.index(u) for u in model.factorization_.parents(v))}
        both = joint.sum(axis=tuple(set(range(4)) - family), keepdims=True)
        out = out * both / both.sum(axis=i, keepdims=True)
    return out


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_network_along_a_graph_is_cut_as_its_joint_says(graph, tmp_path):
    model = _made(graph)
    for done in ({}, {"x3": 1}, {"x2": 2, "x4": 0}, dict.fromkeys(("x1", "x2", "x3", "x4"), 1)):
        cut, expected = model.do(done), _truncated_by_division(model, done)
        assert expected.sum() == pytest.approx(1.0, abs=1e-9)
        np.testing.assert_allclose(np.exp(cut.log_prob(STATES)), expected.ravel(), atol=1e-9)
        holes = np.where([True, False, True, False], np.nan, STATES)  # x1 and x3 are summed out
        marginal = expected.sum(axis=(0, 2))[STATES[:, 1], STATES[:, 3]]
        np.testing.assert_allclose(np.exp(cut.log_prob(holes)), marginal, atol=1e-9)
        parents = {v: () if v in done else model.factorization_.parents(v) for v in model.schema_.names}
        assert {v: cut.factorization_.parents(v) for v in parents} == parents
        one_by_one = model
        for v, code in done.items():
            one_by_one = one_by_one.do({v: code})
        np.testing.assert_allclose(one_by_one.log_prob(STATES), model.do(done).log_prob(STATES))
        cut.save(tmp_path / "cut")
        np.testing.assert_array_equal(load_model(tmp_path / "cut").log_prob(STATES), cut.log_prob(STATES))


def test_a_network_under_do_answers_draws_and_fills_as_its_joint_says():
    model, done = _made(GRAPHS[1]), {"x3": 1}
    cut, joint = model.do(done), _truncated_by_division(model, done)
    found = cut.query(["x1", "x4"], {"x2": 2}).probabilities
    np.testing.assert_allclose(found, joint[:, 2].sum(axis=1) / joint[:, 2].sum(), atol=1e-9)
    assert query(model, "P(x1=1 | do(x3=1))").probability == pytest.approx(joint[1].sum(), abs=1e-9)
    drawn = cut.sample(4000, given={"x4": 0}, rng=0).astype(np.intp)
    given_x4 = (joint[..., 0] / joint[..., 0].sum()).ravel()
    counts = np.bincount(np.ravel_multi_index(drawn[:, :3].T, SIZES[:3]), minlength=given_x4.size)
    assert not counts[given_x4 == 0].any()
    some = given_x4 > 0
    assert chisquare(counts[some], 4000 * given_x4[some]).pvalue > 1e-3
    best = cut.impute(np.full((1, 4), np.nan), how="mode")[0].astype(int)
    assert joint[tuple(best)] == pytest.approx(joint.max())
    with pytest.raises(InputError, match="x3=0"):
        cut.sample(1, given={"x3": 0})


def test_an_order_is_no_graph_that_somebody_stands_for():
    rows = np.random.default_rng(0).integers(0, 2, (40, 3))
    for model in (MADE(4, epochs=1), MADE(4, epochs=1, orders=2)):
        with pytest.raises(InputError, match=r"an order, or a graph found in rows.*MADE\(dag='a -> b'\)"):
            model.fit(rows).do({"x1": 1})
    with pytest.raises(InputError, match="this TreeNetwork was given none"):
        Intervened(TreeNetwork(), {"x1": 1}).fit(rows)
    stated = MADE(4, epochs=1, dag=DAG.fully_connected(["x2", "x1", "x3"])).fit(rows)
    assert stated.do({"x1": 1}).factorization_ == stated.factorization_.intervened("x1")


def test_what_costs_too_much_under_do_is_refused():
    rows = np.random.default_rng(0).integers(0, 2, (40, 18))
    names = [f"x{i + 1}" for i in range(18)]
    model = MADE(4, epochs=1, dag=DAG([(v, "x18") for v in names[:-1]], names)).fit(rows)
    with pytest.raises(TooLargeError, match="131,072 completions"):
        model.query("x18")
    with pytest.raises(TooLargeError, match="65,536 completions"):
        model.do({"x1": 1}).query("x18")
    assert model.do({"x18": 1}).query("x1").probabilities.sum() == pytest.approx(1.0)
